// Makes a pack: goes once through the rows that are wanted, writes each where it belongs, proves it, and seals the whole. Knows no SQL and no disk.

import {
  type SealedEntry,
  type SealedRecount,
  type SigningKey,
  encodeRow,
  fingerprint,
  isSigned,
  printHead,
  toPem,
} from "../../ledger/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { type Archive, type Draft, type PackedFile, createArchive } from "./archive.ts";
import { type About, type PackBooks, type Selection, pickRows } from "./books.ts";
import { FILES, FORMAT, type Manifest, type ManifestChain, type Seal, nameKeyFile } from "./layout.ts";
import { LINE_FILES, PRINTER, type Printer, createPrinter } from "./print.ts";
import { type ProofSource, createProver } from "./prove.ts";
import { type PriceUse, printTotals } from "./summary.ts";

export interface PackInit {
  books: PackBooks;
  /** The same books, as those read them who verify. */
  chains: ProofSource["chains"];
  selection: Selection;
  key: SigningKey;
  /** Version of the program. */
  writer: string;
  write: (bytes: Uint8Array) => Promise<void>;
  openSpool: Parameters<typeof createArchive>[0]["openSpool"];
  /** What the units of a price cost, in words; null where the price that is known today is another one. */
  printRates: (price: PriceUse) => string | null;
  /** Names of users and keys by their ids, as a CSV; null leaves them out. */
  printIdentities: ((ids: { users: ReadonlySet<string>; keys: ReadonlySet<string> }) => Promise<string>) | null;
  onProgress?: (rows: number) => void;
}

export interface Packed {
  manifest: Manifest;
  fingerprint: string;
}

const DRAFTS = ["heads", "proof", "recounts", "rows", ...LINE_FILES] as const;

interface Making {
  archive: Archive;
  drafts: Record<(typeof DRAFTS)[number], Draft>;
  printer: Printer;
  users: Set<string>;
  keys: Set<string>;
  done: number;
}

/** Throws a GatewayError where the books cannot prove what they say. */
export async function writePack(init: PackInit): Promise<Packed> {
  const archive = createArchive(init);
  try {
    return await makePack(init, archive);
  } finally {
    await archive.abandon();
  }
}

async function makePack(init: PackInit, archive: Archive): Promise<Packed> {
  const { books, selection, key } = init;
  const drafts = Object.fromEntries(DRAFTS.map((name) => [name, archive.open(FILES[name])])) as Making["drafts"];
  const making: Making = {
    archive,
    drafts,
    printer: createPrinter(selection.providers, (file, text) => drafts[file].write(text)),
    done: 0,
    users: new Set(),
    keys: new Set(),
  };
  await making.printer.begin();
  const chains: ManifestChain[] = [];
  const all = await books.chains();
  for (const chain of all.toSorted((left, right) => (left.chain < right.chain ? -1 : 1))) {
    const written = await writeChain(init, making, chain);
    if (written !== null) chains.push(written);
  }
  const { summary, recounts } = making.printer;
  const { unpriced } = summary.total();
  const notes = await listNotes(books, selection);
  if (unpriced > 0) notes.push(`Calls without a known price: ${unpriced}. What they cost is in no sum.`);
  const about = {
    providers: [...selection.providers].toSorted(),
    model: selection.model,
    from: selection.from.toISOString(),
    to: selection.to.toISOString(),
    notes,
  };
  const rates = summary.prices().map((price) => init.printRates(price));
  const files = await addFiles(init, making, { about, chains, rates });
  const manifest: Manifest = {
    format: FORMAT,
    writer: init.writer,
    ...about,
    chains,
    totals: printTotals(summary.total(), recounts()),
    files,
    printer: PRINTER,
    rates,
    public_key: key.publicKey,
  };
  await sealPack(init, archive, manifest);
  return { manifest, fingerprint: key.id };
}

/** What of that time is not in it: by what is attested alone, for it is evidence. */
async function listNotes(books: PackBooks, selection: Selection): Promise<string[]> {
  const unchained = await books.countUnchained(selection);
  const notes: string[] = [];
  if (unchained > 0)
    notes.push(`${unchained} calls of this time are older than the chain and cannot be proved: they are left out.`);
  for (const { head, keptFrom } of await books.removals()) {
    const until = keptFrom ?? head.signedAt;
    if (until <= selection.from || !isSigned(head, null)) continue;
    notes.push(
      `Rows up to ${head.seq} of the chain ${head.chain} were removed by age, which was signed at ${head.signedAt.toISOString()}: ` +
        `calls of this time from before ${until.toISOString()}${keptFrom === null ? "" : ", when the first that is left arrived,"} may no longer be on the books, and are then not in this pack.`,
    );
  }
  return notes;
}

interface ChainInfo {
  chain: string;
  publicKey: string;
  continues: string | null;
}

/** Null where the chain holds nothing that is wanted. */
async function writeChain(init: PackInit, making: Making, info: ChainInfo): Promise<ManifestChain | null> {
  const { drafts } = making;
  const counts = { rows: 0, recounts: 0, foreign: 0 };
  const prover = createProver(init, info.chain, {
    segment: (segment) => drafts.proof.write(`${canonicalize({ segment })}\n`),
    head: (head) => drafts.heads.write(`${canonicalize(printHead(head, info.continues))}\n`),
    shown: (seq, hash) => drafts.proof.write(`${canonicalize({ hash, seq })}\n`),
    async foreign(seq, digest) {
      counts.foreign++;
      await drafts.proof.write(`${canonicalize({ digest, seq })}\n`);
    },
  });
  for await (const about of pickRows(init.books, info.chain, init.selection)) {
    await prover.add(about.row);
    if ("entryId" in about.row) {
      counts.recounts++;
      await writeRecount(making, about.row, about.call);
    } else {
      counts.rows++;
      await writeEntry(making, about.row, about.call);
    }
    making.done++;
    if (making.done % 500 === 0) init.onProgress?.(making.done);
  }
  if (counts.rows + counts.recounts === 0) return null;
  // Up to the head there may be more rows of others.
  const end = await prover.end();
  return { chain: info.chain, public_key: info.publicKey, ...counts, end };
}

async function writeEntry(
  { drafts, printer, users, keys }: Making,
  row: SealedEntry,
  call: About["call"],
): Promise<void> {
  users.add(row.userId);
  keys.add(row.apiKeyId);
  await drafts.rows.write(`${encodeRow(row)}\n`);
  await printer.addEntry(row, call);
}

async function writeRecount({ drafts, printer }: Making, row: SealedRecount, call: About["call"]): Promise<void> {
  await drafts.recounts.write(`${encodeRow(row)}\n`);
  await printer.addRecount(row, call);
}

interface FileInit {
  about: Pick<Manifest, "from" | "model" | "notes" | "providers" | "to">;
  chains: readonly ManifestChain[];
  rates: readonly (string | null)[];
}

async function addFiles(init: PackInit, making: Making, { about, chains, rates }: FileInit): Promise<PackedFile[]> {
  const { archive, drafts, printer, users, keys } = making;
  const files: PackedFile[] = [];
  const addText = async (name: string, pieces: Iterable<string>): Promise<void> => {
    const draft = archive.open(name);
    for (const piece of pieces) await draft.write(piece);
    files.push(await archive.add(draft));
  };
  const hasIdentities = init.printIdentities !== null;
  const printed = printer.end({ about, fingerprint: init.key.id, rates, hasIdentities });
  for (const [name, pieces] of printed) await addText(name, pieces);
  if (init.printIdentities !== null) await addText(FILES.identities, [await init.printIdentities({ users, keys })]);
  for (const name of ["rowsCsv", "recountsCsv", "rows", "recounts", "usage", "proof", "heads"] as const) {
    files.push(await archive.add(drafts[name]));
  }
  const publicKeys = new Set([init.key.publicKey, ...chains.map((chain) => chain.public_key)]);
  for (const publicKey of [...publicKeys].toSorted()) {
    await addText(nameKeyFile(fingerprint(publicKey)), [toPem(publicKey)]);
  }
  return files;
}

async function sealPack({ key }: PackInit, archive: Archive, manifest: Manifest): Promise<void> {
  const text = `${canonicalize(manifest)}\n`;
  const manifestDraft = archive.open(FILES.manifest);
  await manifestDraft.write(text);
  await archive.add(manifestDraft);
  const signature = archive.open(FILES.manifestSignature);
  await signature.write(`${key.signText(text)}\n`);
  await archive.add(signature);
  await archive.close(FILES.seal, (digest) => {
    const seal: Seal = { format: FORMAT, archive: digest, public_key: key.publicKey };
    return `${canonicalize({ ...seal, signature: key.signText(canonicalize(seal)) })}\n`;
  });
}

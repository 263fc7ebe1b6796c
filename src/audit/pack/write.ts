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
import { type Flagged, printPage } from "./page.ts";
import { type ProofSource, createProver } from "./prove.ts";
import { sumInput } from "./part.ts";
import { printReadme } from "./readme.ts";
import { type PriceUse, type Summary, createSummary, printTotals } from "./summary.ts";
import * as table from "./table.ts";

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

/** Flagged rows on the page; all of them are in the table. */
const MAX_FLAGGED = 500;

interface Making {
  archive: Archive;
  drafts: Record<"heads" | "proof" | "recounts" | "recountsCsv" | "rows" | "rowsCsv" | "usage", Draft>;
  summary: Summary;
  flagged: Flagged[];
  moreFlagged: number;
  recounts: number;
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
  const names = ["heads", "proof", "recounts", "recountsCsv", "rows", "rowsCsv", "usage"] as const;
  const drafts = Object.fromEntries(names.map((name) => [name, archive.open(FILES[name])])) as Making["drafts"];
  const making: Making = {
    archive,
    drafts,
    summary: createSummary(init.selection.providers),
    flagged: [],
    moreFlagged: 0,
    recounts: 0,
    done: 0,
    users: new Set(),
    keys: new Set(),
  };
  await drafts.rowsCsv.write(table.ROW_HEAD);
  await drafts.recountsCsv.write(table.RECOUNT_HEAD);
  const chains: ManifestChain[] = [];
  const all = await books.chains();
  for (const chain of all.toSorted((left, right) => (left.chain < right.chain ? -1 : 1))) {
    const written = await writeChain(init, making, chain);
    if (written !== null) chains.push(written);
  }
  const { unpriced } = making.summary.total();
  const notes = await listNotes(books, selection);
  if (unpriced > 0) notes.push(`Calls without a known price: ${unpriced}. What they cost is in no sum.`);
  const about = {
    providers: [...selection.providers].toSorted(),
    model: selection.model,
    from: selection.from.toISOString(),
    to: selection.to.toISOString(),
    notes,
  };
  const files = await addFiles(init, making, { about, chains });
  const manifest: Manifest = {
    format: FORMAT,
    writer: init.writer,
    ...about,
    chains,
    totals: printTotals(making.summary.total(), making.recounts),
    files,
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
  { drafts, summary, users, keys }: Making,
  row: SealedEntry,
  call: About["call"],
): Promise<void> {
  summary.addEntry(row, call);
  users.add(row.userId);
  keys.add(row.apiKeyId);
  await drafts.rows.write(`${encodeRow(row)}\n`);
  await drafts.rowsCsv.write(table.printRow(row));
  for (const [index, attempt] of row.attempts.entries()) {
    if (attempt.usageRaw === undefined) continue;
    const { provider, model, upstreamRequestId, usageRaw } = attempt;
    const place = { chain: row.chain, seq: row.seq, id: row.id, attempt: index + 1 };
    const frame = { ...place, provider, model, upstream_request_id: upstreamRequestId, usage: usageRaw };
    await drafts.usage.write(`${canonicalize(frame)}\n`);
  }
}

async function writeRecount(making: Making, row: SealedRecount, call: About["call"]): Promise<void> {
  making.recounts++;
  making.summary.addRecount(row, call);
  await making.drafts.recounts.write(`${encodeRow(row)}\n`);
  await making.drafts.recountsCsv.write(table.printRecount(row, call));
  if (row.verdict !== "over" && row.verdict !== "under") return;
  if (making.flagged.length >= MAX_FLAGGED) {
    making.moreFlagged++;
    return;
  }
  making.flagged.push({
    at: call.createdAt,
    requestId: call.requestId,
    upstreamIds: table.listUpstreamIds(call),
    model: call.modelServed ?? call.modelAsked,
    verdict: row.verdict,
    booked: `${sumInput(call) ?? "–"} / ${call.outputTokens ?? "–"}`,
    counted: `${row.inputTokens ?? "–"} / ${row.outputTokens ?? "–"}`,
  });
}

interface FileInit {
  about: Pick<Manifest, "from" | "model" | "notes" | "providers" | "to">;
  chains: readonly ManifestChain[];
}

async function addFiles(init: PackInit, making: Making, { about, chains }: FileInit): Promise<PackedFile[]> {
  const { archive, drafts, summary, flagged, moreFlagged, users, keys } = making;
  const files: PackedFile[] = [];
  const addText = async (name: string, pieces: Iterable<string>): Promise<void> => {
    const draft = archive.open(name);
    for (const piece of pieces) await draft.write(piece);
    files.push(await archive.add(draft));
  };
  const prices = summary.prices().map((price) => ({ ...price, rates: init.printRates(price) }));
  const page = printPage({ about, fingerprint: init.key.id, summary, prices, flagged, moreFlagged });
  await addText(FILES.readme, [printReadme(init.key.id, init.printIdentities !== null)]);
  await addText(FILES.summaryHtml, [page]);
  await addText(FILES.summaryCsv, table.printSummaryTable(summary.groups(), summary.total()));
  await addText(FILES.prices, table.printPriceTable(prices));
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

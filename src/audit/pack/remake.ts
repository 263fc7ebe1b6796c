// Prints the summary, the tables and the usage frames of a pack anew, from the rows that it proves, and holds them against those that are in it.
// Keeps no more of them than a digest. Knows no zip.

import { type Hash, createHash } from "node:crypto";
import type { Json, JsonObject } from "../../ir/index.ts";
import { BLANK_ENTRY, type SealedEntry, type SealedRecount, fingerprint } from "../../ledger/index.ts";
import { type Selection, isSelected } from "./books.ts";
import type { Problem } from "./check-chain.ts";
import { FILES, type Manifest } from "./layout.ts";
import type { LineReader } from "./lines.ts";
import { LINE_FILES, PRINTER, createPrinter } from "./print.ts";

/** Rows by their ids. Of a large pack they do not fit in memory. */
export interface RowScratch {
  get(id: string): string | undefined;
  set(id: string, line: string): unknown;
}

/** A row at its place in the chain. */
export interface ShownRow {
  value: JsonObject;
  hash: string;
  isEntry: boolean;
}

export interface Remake {
  /** In the order of the chains. */
  add(shown: ShownRow): Promise<void>;
  /** What in the pack is not what its rows say; and, in sentences, what could not be held against them. */
  end(): Promise<{ problems: Problem[]; unproved: string[] }>;
}

/** The files that follow from the rows. */
const MADE = [
  FILES.readme,
  FILES.summaryHtml,
  FILES.summaryCsv,
  FILES.prices,
  FILES.rowsCsv,
  FILES.recountsCsv,
  FILES.usage,
] as const;

/** Files that say of a correction or a recount what its call was. */
const OF_CALLS: readonly string[] = [FILES.summaryHtml, FILES.summaryCsv, FILES.recountsCsv];

/** Null where the pack was made by other printers than these. `scratch` has all rows by now. */
export function createRemake(manifest: Manifest, scratch: RowScratch): Remake | null {
  if (manifest.printer !== PRINTER) return null;
  const digests = new Map<string, Hash>(LINE_FILES.map((file) => [FILES[file], createHash("sha256")]));
  const providers = new Set(manifest.providers);
  const printer = createPrinter(providers, (file, text) => void digests.get(FILES[file])?.update(text));
  const begun = printer.begin();
  const selection = { providers, model: manifest.model, from: new Date(manifest.from), to: new Date(manifest.to) };
  const problems: Problem[] = [];
  let lost = 0;

  const print = async ({ value, hash, isEntry }: ShownRow, call: SealedEntry | null): Promise<void> => {
    if (!isEntry) {
      const row = { ...value, createdAt: readTime(value), hash } as unknown as SealedRecount;
      return printer.addRecount(row, call ?? BLANK_CALL);
    }
    const row = { ...readEntry(value), hash };
    const own = row.kind === "correction" ? call : row;
    if (own !== null && !isWanted(own, selection)) problems.push(nameStray(row));
    return printer.addEntry(row, own ?? BLANK_CALL);
  };

  const printEnd = (): void => {
    const hasIdentities = manifest.files.some(({ name }) => name === FILES.identities);
    const told = { about: manifest, fingerprint: fingerprint(manifest.public_key), hasIdentities };
    for (const [name, pieces] of printer.end({ ...told, rates: manifest.rates ?? [] })) {
      const digest = createHash("sha256");
      for (const piece of pieces) digest.update(piece);
      digests.set(name, digest);
    }
  };

  const attempt = async (work: () => Promise<void> | void): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push({ file: FILES.rows, problem: `What the pack holds cannot be printed for people: ${reason}.` });
    }
  };
  return {
    async add(shown) {
      await begun;
      // Outside of what may fail by the pack's fault.
      const named = shown.value[shown.isEntry ? "corrects" : "entryId"];
      const line = typeof named === "string" ? scratch.get(named) : undefined;
      if (line === undefined && (!shown.isEntry || shown.value["kind"] === "correction")) lost++;
      if (problems.length > 0) return;
      await attempt(() => print(shown, line === undefined ? null : readEntry(JSON.parse(line))));
    },
    async end() {
      if (problems.length === 0) await attempt(printEnd);
      if (problems.length > 0) return { problems, unproved: [] };
      const listed = new Map(manifest.files.map(({ name, sha256 }) => [name, sha256]));
      for (const file of MADE) {
        if (lost > 0 && OF_CALLS.includes(file)) continue;
        if (digests.get(file)?.digest("hex") === listed.get(file)) continue;
        problems.push({
          file,
          problem: `${file} is not what follows from the rows of this pack: it says something else.`,
        });
      }
      return { problems, unproved: [...listLost(lost), ...listWords(manifest)] };
    },
  };
}

/** Puts each row under its id: what is told of a call may stand before it, in the chain of another gateway. */
export async function keepRows(rows: LineReader, scratch: RowScratch): Promise<void> {
  for (let line = await rows.next(); line !== null; line = await rows.next()) {
    const { id } = JSON.parse(line) as { id?: Json };
    if (typeof id === "string") scratch.set(id, line);
  }
}

/** Of a pack that was made by other printers. */
export const OTHER_PRINTER =
  `This pack was made by another version of the program, which may print otherwise: ${MADE.join(", ")} ` +
  "were not compared with the rows, and are their writer's word.";

function listLost(lost: number): string[] {
  if (lost === 0) return [];
  const told = `The calls of ${lost} corrections or recounts are not in this pack: ${OF_CALLS.join(", ")}`;
  return [`${told} were not compared with the rows, and are their writer's word.`];
}

/** What stands in the files, and in no row. */
function listWords({ rates = [], notes, files }: Manifest): string[] {
  const words = [
    rates.some((rate) => rate !== null) ? `the rates in ${FILES.prices}` : "",
    files.some(({ name }) => name === FILES.identities) ? `the names in ${FILES.identities}` : "",
    notes.length > 0 ? "the notes" : "",
  ].filter((word) => word !== "");
  return words.length === 0 ? [] : [`No row says, and it is their writer's word: ${words.join(", ")}.`];
}

const BLANK_CALL = { ...BLANK_ENTRY, createdAt: new Date(0), requestId: "", apiKeyId: "" } as unknown as SealedEntry;

function readEntry(value: JsonObject): SealedEntry {
  return { ...BLANK_ENTRY, ...value, createdAt: readTime(value) } as unknown as SealedEntry;
}

function readTime(value: JsonObject): Date {
  return new Date(Number(value["createdAt"]));
}

function isWanted(call: SealedEntry, selection: Selection): boolean {
  return call.createdAt >= selection.from && call.createdAt < selection.to && isSelected(call, selection);
}

function nameStray({ id }: SealedEntry): Problem {
  return { file: FILES.rows, problem: `The row ${id} is of another time, model or provider than the manifest says.` };
}

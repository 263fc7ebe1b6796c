// A CSV of users as rows: `email, role, display_name`, with a header or without, as it comes from the disk. Knows no database and judges no value.

import type { ImportRow } from "../../../identity/index.ts";
import { type CsvRow, createCsvReader } from "../../../lib/csv-reader.ts";
import { CliError, EXIT } from "../../error.ts";

/** The order of a file without a header. */
const ORDER = ["email", "role", "display_name"] as const;
type Column = (typeof ORDER)[number];

const SYNONYMS: Readonly<Record<string, Column>> = {
  e_mail: "email",
  e_mail_address: "email",
  email_address: "email",
  name: "display_name",
};

interface Told {
  /** Columns of the header that mean nothing here. */
  ignored?: (names: readonly string[]) => void;
  /** Bytes that were read so far. */
  progress?: (bytes: number) => void;
}

/** Throws a CliError for a file that cannot be read, or is not UTF-8 at all; what is wrong with a row stands in the row. */
export async function* readUsers(path: string, told: Told = {}): AsyncGenerator<ImportRow> {
  let columns: readonly (Column | null)[] | null = null;
  let count = 0;
  for await (const { line, cells, flaw } of readRows(path, told)) {
    if (columns === null) {
      refuseOtherMarks(cells, path);
      const header = readHeader(cells);
      columns = header ?? ORDER;
      if (header !== null) {
        const names = cells.filter((name, index) => header[index] === null && name !== "");
        told.ignored?.(names);
        continue;
      }
    }
    yield toRow(columns, { row: ++count, line, cells, flaw });
  }
}

async function* readRows(path: string, { progress }: Told): AsyncGenerator<CsvRow> {
  const reader = createCsvReader();
  const decoder = new TextDecoder();
  let bytes = 0;
  try {
    for await (const piece of Bun.file(path).stream()) {
      if (bytes === 0) refuseWide(piece, path);
      bytes += piece.byteLength;
      yield* reader.push(decoder.decode(piece, { stream: true }));
      progress?.(bytes);
    }
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error) || !("syscall" in error)) throw error;
    throw unreadable(path, error);
  }
  yield* reader.push(decoder.decode());
  yield* reader.end();
}

export function unreadable(path: string, error: unknown): CliError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(`${path} cannot be read: ${reason}`, { exitCode: EXIT.notFound });
}

function refuseWide([first, second]: Uint8Array, path: string): void {
  const mark = `${first},${second}`;
  if (mark !== "255,254" && mark !== "254,255") return;
  throw new CliError(`${path} is UTF-16.`, { exitCode: EXIT.usage, hint: "Save it as CSV in UTF-8." });
}

/** The first row is a header where one of its cells says email; an address has an @. A column's own name comes before other words for it. */
function readHeader(row: readonly string[]): (Column | null)[] | null {
  const words = row.map((cell) => cell.toLowerCase().replaceAll(/[\s-]+/gu, "_"));
  const names = words.map((word) => {
    const synonym = SYNONYMS[word];
    if (synonym !== undefined) return words.includes(synonym) ? null : synonym;
    return ORDER.find((column) => column === word) ?? null;
  });
  // Of two that say the same, the first: the other is named as one that is not used.
  return names.includes("email") ? names.map((name, at) => (names.indexOf(name) === at ? name : null)) : null;
}

/** Spreadsheets write semicolons where a comma stands in numbers. */
function refuseOtherMarks([first = "", ...others]: readonly string[], path: string): void {
  const [mark] = /[;\t]/u.exec(first) ?? [];
  if (mark === undefined || others.length > 0 || !/e-?mail|@/iu.test(first)) return;
  throw new CliError(`${path} has ${mark === ";" ? "semicolons" : "tabs"} between its cells.`, {
    exitCode: EXIT.usage,
    hint: "Save it as CSV with commas.",
  });
}

function toRow(columns: readonly (Column | null)[], { row, line, cells, flaw }: CsvRow & { row: number }): ImportRow {
  const cell = (column: Column): string | undefined => {
    const value = cells[columns.indexOf(column)] ?? "";
    return value === "" ? undefined : unguard(value);
  };
  // Where there are too many, a name with a comma in it is the likeliest: whoever mends it finds it whole.
  const surplus = columns.at(-1) === "display_name" ? cells.slice(columns.length).filter((each) => each !== "") : [];
  const name = [cell("display_name") ?? "", ...surplus].join(", ");
  const wanted = { email: cell("email") ?? "", role: cell("role"), displayName: name === "" ? undefined : name };
  const wrong = flaw ?? findFlaw(columns, cells) ?? findFormula([wanted.email, wanted.displayName ?? ""]);
  return { row, line, wanted, ...(wrong === null ? {} : { flaw: wrong }) };
}

function findFlaw(columns: readonly (Column | null)[], cells: readonly string[]): string | null {
  if (cells.some((cell) => cell.includes("\u{FFFD}"))) return "It holds characters that are not UTF-8.";
  if (!cells.slice(columns.length).some((cell) => cell !== "")) return null;
  return `It has ${cells.length} cells, and there are ${columns.length} columns: a cell with a comma in it stands in quotes.`;
}

/** Such a file is opened in spreadsheets, on its way here and later: nothing that one would run comes in by it. */
function findFormula(values: readonly string[]): string | null {
  if (!values.some((value) => /^\s*[=+\-@]/u.test(value))) return null;
  return "Nothing in it may begin with =, +, - or @: a spreadsheet takes it for a formula.";
}

/** Whoever wrote the list may have made text of what a spreadsheet would run, as we do ourselves. */
function unguard(value: string): string {
  return /^'[=+\-@\t\r]/u.test(value) ? value.slice(1) : value;
}

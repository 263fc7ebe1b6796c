// Rows of a SQLite file printed as they are compared (transfer/digest.ts): by the database itself, as far as it prints as we do. Knows no rule of
// what moves.

import type { Database, Statement } from "bun:sqlite";
import { makePrinter, orderColumns, printReal } from "../transfer/digest.ts";
import type { ColumnPlan, TablePlan } from "../transfer/plan.ts";
import { printJsonCell, toCell } from "../transfer/row.ts";

/** Rows that are read at once. */
const STEP = 1_000;
/** What the other engine does not hold (lib/text.ts) is printed as this: such rows are read with care. */
const UNSAFE = /\\u(?:0000|[dD][89a-fA-F])/u;

export async function* printRows(
  db: Database,
  table: TablePlan,
  add: (printed: string) => void,
): AsyncGenerator<number> {
  const step = Math.min(table.pageRows, STEP);
  const quick = prepareQuickly(db, table);
  const careful = prepareCarefully(db, table);
  try {
    for (let after = Number.MIN_SAFE_INTEGER; ;) {
      const page = readPage([quick, careful], after, step);
      for (const text of page.texts) add(text);
      if (page.texts.length > 0) yield page.texts.length;
      if (page.texts.length < step) return;
      after = page.last;
    }
  } finally {
    quick.statement.finalize();
    careful.statement.finalize();
  }
}

type Values = readonly unknown[];

interface Way {
  statement: Statement<unknown, number[]>;
  print(values: Values): string;
}

interface Page {
  texts: string[];
  /** Place of the last one in the file. */
  last: number;
}

function readPage([quick, careful]: [Way, Way], after: number, step: number): Page {
  try {
    const page = readBy(quick, after, step);
    if (!page.texts.some((text) => UNSAFE.test(text))) return page;
  } catch {
    // A blob in the place of a text, or the like: nothing that the program writes.
  }
  return readBy(careful, after, step);
}

function readBy({ statement, print }: Way, after: number, step: number): Page {
  const rows = statement.values(after, step) as Values[];
  return { texts: rows.map(print), last: Number(rows.at(-1)?.[0] ?? 0) };
}

function prepareQuickly(db: Database, table: TablePlan): Way {
  const { plain, reals, jsons } = orderColumns(table);
  const print = makeJsonPrinter();
  const fixed = 2 + reals.length;
  const list = `json_array(${plain.map(({ name }) => `"${name}"`).join(", ")})`;
  return {
    statement: prepare(db, table, [list, ...[...reals, ...jsons].map(({ name }) => `"${name}"`)]),
    print(values) {
      let text = (values[1] as string).slice(0, -1);
      for (let at = 2; at < fixed; at++) text += `,${printNumber(values[at])}`;
      for (let at = fixed; at < values.length; at++) text += `,${print(values[at])}`;
      return `${text}]`;
    },
  };
}

function printNumber(value: unknown): string {
  return typeof value === "number" ? printReal(value) : JSON.stringify(toCell("real", value));
}

/** Most are short, and the same again and again. */
const [LONG_CHARS, MOST_REMEMBERED] = [200, 10_000];

function makeJsonPrinter(): (value: unknown) => string {
  const known = new Map<unknown, string>();
  return (value) => {
    if (value === null) return "null";
    const found = known.get(value);
    if (found !== undefined) return found;
    const printed = printJsonCell(toCell("json", value));
    if (printed.length < LONG_CHARS && known.size < MOST_REMEMBERED) known.set(value, printed);
    return printed;
  };
}

/** Each value by itself, as whoever moves it reads it. */
function prepareCarefully(db: Database, table: TablePlan): Way {
  const print = makePrinter(table);
  return {
    statement: prepare(db, table, table.columns.map(pickColumn)),
    print: (values) => print(table.columns.map(({ kind }, at) => toCell(kind, values[at + 1]))),
  };
}

function prepare(db: Database, { name }: TablePlan, select: readonly string[]): Way["statement"] {
  return db.prepare(`select rowid, ${select.join(", ")} from ${name} where rowid > ? order by rowid limit ?`);
}

/** Numbers beyond what JavaScript holds come as their digits. */
export function pickColumn({ name, kind }: ColumnPlan): string {
  if (kind !== "int") return `"${name}"`;
  const most = Number.MAX_SAFE_INTEGER;
  return `iif("${name}" not between -${most} and ${most} and typeof("${name}") = 'integer', cast("${name}" as text), "${name}")`;
}

/** In two halves, for a sum of 64 bits may be too much for the database. */
export function addUp(db: Database, { name }: TablePlan, columns: readonly string[]): Record<string, bigint> {
  const sums = columns.flatMap((column) =>
    [`sum("${column}" >> 32)`, `sum("${column}" & 4294967295)`].map((half) => `cast(coalesce(${half}, 0) as text)`),
  );
  const statement = db.prepare(`select ${sums.join(", ")} from ${name}`);
  try {
    const [halves = []] = statement.values() as string[][];
    return Object.fromEntries(
      columns.map((column, at) => [column, BigInt(halves[at * 2] ?? 0) * 2n ** 32n + BigInt(halves[at * 2 + 1] ?? 0)]),
    );
  } finally {
    statement.finalize();
  }
}

// A page of the books, the newest or the oldest rows first. Where few rows fit, they are not looked for among all others: sheets say where they are.

import { and, asc, desc, eq, gt, gte, inArray, lt, lte, min, type SQL, sql } from "drizzle-orm";
import type { LedgerFilter, SealedEntry } from "../ledger/index.ts";
import { areSound, listTails, readMarks } from "./chain-mark.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { codeOf } from "./error.ts";
import { matchFilter, within } from "./report/match.ts";
import type { Range } from "./report/plan.ts";
import { beyond, matchTails } from "./report/tail.ts";
import { type Order, type RowRef, walkRows } from "./sheet/find.ts";

/** The row that a page begins behind. */
export interface Past {
  at: Date;
  id: string;
}

export interface PageQuery {
  filter: LedgerFilter;
  past: Past | null;
  order: Order;
  most: number;
}

/** So many rows are looked at before anything else is tried: for most filters a page is among them. */
const PROBED_ROWS = 1_000;

export async function readPage(engine: Engine, db: Db, query: PageQuery): Promise<SealedEntry[]> {
  const { filter, most, order } = query;
  const span = findSpan(query);
  // Where all rows fit, the next ones are the page.
  if (matchFilter(engine, engine.schema.ledgerEntries, filter).length === 0) return select(engine, db, query, [span]);
  const probedMs = await findProbed(engine, db, { span, order, rows: Math.max(PROBED_ROWS, most) });
  if (probedMs === null) return select(engine, db, query, [span]);
  const [near, far] = cutSpan(span, probedMs, order);
  const found = await select(engine, db, query, [near]);
  if (found.length >= most) return found;
  if (!areSound(await readMarks(engine, db)) || !(await engine.sheets.areValid(db)))
    return select(engine, db, query, [span]);
  const range = order === "newest" ? { ...far, fromMs: Math.max(far.fromMs, await findOldest(engine, db)) } : far;
  const rest = await readRest(engine, db, { ...query, range, lack: most - found.length }).catch(passDatabase);
  // Somebody changed a sheet: the rows are there still.
  if (rest === null) return select(engine, db, query, [span]);
  return sort([...found, ...rest], order).slice(0, most);
}

/** Null for what was not the database's fault. */
function passDatabase(error: unknown): null {
  if (codeOf(error) !== "" && !codeOf(error).startsWith("ERR_")) throw error;
  return null;
}

/** Of the filter, and from where the page begins. */
function findSpan({ filter: { from, to }, past, order }: PageQuery): Range {
  const span = { fromMs: from?.getTime() ?? -Infinity, toMs: to?.getTime() ?? Infinity };
  if (past === null) return span;
  const atMs = past.at.getTime();
  return order === "newest"
    ? { ...span, toMs: Math.min(span.toMs, atMs + 1) }
    : { ...span, fromMs: Math.max(span.fromMs, atMs) };
}

/** What comes first, with all rows of that moment, and the rest. */
function cutSpan({ fromMs, toMs }: Range, probedMs: number, order: Order): [near: Range, far: Range] {
  const cutMs = order === "newest" ? probedMs : probedMs + 1;
  const [older, younger] = [
    { fromMs, toMs: cutMs },
    { fromMs: cutMs, toMs },
  ];
  return order === "newest" ? [younger, older] : [older, younger];
}

interface Probe {
  span: Range;
  order: Order;
  rows: number;
}

/** The moment up to which there are more than so many rows to look at; null where there are no more at all. */
async function findProbed({ schema }: Engine, db: Db, { span, order, rows }: Probe): Promise<number | null> {
  const { ledgerEntries: table } = schema;
  const [found] = await db
    .select({ at: table.createdAt })
    .from(table)
    .where(and(...within(table.createdAt, span)))
    .orderBy(order === "newest" ? desc(table.createdAt) : asc(table.createdAt))
    .limit(1)
    .offset(rows);
  return found?.at.getTime() ?? null;
}

/** Of times before, sums may be left, and no rows. */
async function findOldest({ schema }: Engine, db: Db): Promise<number> {
  const { ledgerEntries: table } = schema;
  const [found] = await db.select({ at: min(table.createdAt) }).from(table);
  return found?.at?.getTime() ?? -Infinity;
}

async function select(
  engine: Engine,
  db: Db,
  query: PageQuery,
  [range, ...more]: [Range, ...SQL[]],
): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  return db
    .select()
    .from(table)
    .where(and(...within(table.createdAt, range), ...listConditions(engine, query), ...more))
    .orderBy(...inOrder(engine, query.order))
    .limit(query.most);
}

function inOrder({ schema }: Engine, order: Order): SQL[] {
  const { createdAt, id } = schema.ledgerEntries;
  return order === "newest" ? [desc(createdAt), desc(id)] : [asc(createdAt), asc(id)];
}

/** The first condition is what the index is read by. */
function behind({ schema }: Engine, { at, id }: Past, order: Order): SQL[] {
  const { ledgerEntries: table } = schema;
  return order === "newest"
    ? [lte(table.createdAt, at), sql`(${lt(table.createdAt, at)} or ${lt(table.id, id)})`]
    : [gte(table.createdAt, at), sql`(${gt(table.createdAt, at)} or ${gt(table.id, id)})`];
}

interface RestQuery extends PageQuery {
  range: Range;
  lack: number;
}

/** The first of that time, and perhaps some more. */
async function readRest(engine: Engine, db: Db, query: RestQuery): Promise<SealedEntry[]> {
  const { filter, order, range, lack } = query;
  const found = await readTails(engine, db, query);
  let count = 0;
  for await (const { rows, ranges } of walkRows(engine, db, { filter, range, order })) {
    const some = await readFirst(engine, db, query, { rows, lack: lack - count });
    for (const each of ranges) some.push(...(await readSummed(engine, db, query, each)));
    found.push(...some);
    count += some.length;
    if (count >= lack) break;
  }
  return found;
}

/** As many as are lacking, where there are so many; of those, all that come before the last. */
async function readFirst(
  engine: Engine,
  db: Db,
  query: PageQuery,
  { rows, lack }: { rows: readonly RowRef[]; lack: number },
): Promise<SealedEntry[]> {
  const sign = query.order === "newest" ? -1 : 1;
  const sorted = rows.toSorted((left, right) => sign * (left.atMs - right.atMs));
  const found: SealedEntry[] = [];
  for (let at = 0; at < sorted.length && found.length < lack;) {
    let end = Math.min(sorted.length, at + lack - found.length);
    while (end < sorted.length && sorted[end]?.atMs === sorted[end - 1]?.atMs) end++;
    found.push(...(await readRefs(engine, db, query, sorted.slice(at, end))));
    at = end;
  }
  return found;
}

/** Rows that are in no sheet yet. */
async function readTails(engine: Engine, db: Db, query: RestQuery): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  const tails = await listTails(engine, db, await readMarks(engine, db));
  const found: SealedEntry[] = [];
  for (const tail of tails) {
    const where = [...within(table.createdAt, query.range), ...beyond(table, tail), ...listConditions(engine, query)];
    found.push(...(await selectOfChain(engine, db, { where, order: query.order, most: query.most })));
  }
  return found;
}

/** Rows of a time of which there are sums, and no sheet. */
async function readSummed(engine: Engine, db: Db, query: RestQuery, range: Range): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  const tails = await listTails(engine, db, await readMarks(engine, db));
  return select(engine, db, query, [range, sql`not ${matchTails(table, tails)}`]);
}

/** Names of one question. */
const MOST_NAMED = 500;

async function readRefs(engine: Engine, db: Db, query: PageQuery, rows: readonly RowRef[]): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  const found: SealedEntry[] = [];
  for (const [chain, own] of Map.groupBy(rows, (row) => row.chain))
    for (let at = 0; at < own.length; at += MOST_NAMED) {
      const seqs = own.slice(at, at + MOST_NAMED).map(({ seq }) => seq);
      const where = [eq(table.chain, chain), inArray(table.seq, seqs), ...listConditions(engine, query)];
      const named = await selectOfChain(engine, db, { where, order: query.order, most: seqs.length });
      found.push(...named);
    }
  return found;
}

function listConditions(engine: Engine, { filter, order, past }: PageQuery): SQL[] {
  return [
    ...(past === null ? [] : behind(engine, past, order)),
    ...matchFilter(engine, engine.schema.ledgerEntries, filter),
  ];
}

/** Rows of a chain that are few, found by it: without statistics SQLite would rather look through all of a time. */
async function selectOfChain(
  engine: Engine,
  db: Db,
  { where, order, most }: { where: readonly SQL[]; order: Order; most: number },
): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  const source = engine.name === "sqlite" ? sql`${table} indexed by ledger_entries_chain` : sql`${table}`;
  const rows = await db
    .select({ id: sql<string>`${table.id}` })
    .from(source)
    .where(and(...where))
    .orderBy(...inOrder(engine, order))
    .limit(most);
  const found: SealedEntry[] = [];
  for (const some of chunk(rows.map(({ id }) => id)))
    found.push(...(await db.select().from(table).where(inArray(table.id, some))));
  return found;
}

function sort(entries: readonly SealedEntry[], order: Order): SealedEntry[] {
  const sign = order === "newest" ? -1 : 1;
  return entries.toSorted((left, right) => {
    const ms = left.createdAt.getTime() - right.createdAt.getTime();
    return sign * (ms === 0 ? (left.id < right.id ? -1 : 1) : ms);
  });
}

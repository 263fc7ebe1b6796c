// A page of the books, newest first. Where few rows fit, they are not looked for among all others: sheets say where they are.

import { and, desc, eq, inArray, lt, lte, or, type SQL, sql } from "drizzle-orm";
import type { LedgerFilter, SealedEntry } from "../ledger/index.ts";
import { listTails, readMarks } from "./chain-mark.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { matchFilter, within } from "./report/match.ts";
import type { Range } from "./report/plan.ts";
import { beyond } from "./report/tail.ts";
import { type RowRef, walkRows } from "./sheet/find.ts";

/** The row that a page begins behind. */
export interface Before {
  at: Date;
  id: string;
}

export interface PageQuery {
  filter: LedgerFilter;
  before: Before | null;
  most: number;
}

/** So many rows are looked at before anything else is tried: for most filters a page is among them. */
const PROBED_ROWS = 1_000;

export async function readPage(engine: Engine, db: Db, query: PageQuery): Promise<SealedEntry[]> {
  const { filter, before } = query;
  const span = { fromMs: filter.from?.getTime() ?? -Infinity, toMs: filter.to?.getTime() ?? Infinity };
  const end = before === null ? span.toMs : Math.min(span.toMs, before.at.getTime() + 1);
  if (isByIndex(filter)) return select(engine, db, query, [span]);
  const probedMs = await findProbed(engine, db, { filter, range: { ...span, toMs: end } });
  if (probedMs === null) return select(engine, db, query, [span]);
  const found = await select(engine, db, query, [{ fromMs: Math.max(span.fromMs, probedMs), toMs: span.toMs }]);
  if (found.length >= query.most) return found;
  const range = { fromMs: span.fromMs, toMs: probedMs };
  if (!(await engine.sheets.areValid(db))) return select(engine, db, query, [span]);
  return sort([...found, ...(await readRest(engine, db, { ...query, range, lack: query.most - found.length }))]).slice(
    0,
    query.most,
  );
}

/** Those of one user or key lie side by side, and so do all of them. */
function isByIndex(filter: LedgerFilter): boolean {
  const asked = Object.entries(filter).filter(
    ([name, value]) =>
      name !== "from" && name !== "to" && value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return asked.length === 0 || (asked.length === 1 && (asked[0]?.[0] === "userId" || asked[0]?.[0] === "apiKeyId"));
}

/** From where on there are no more than that many rows to look at; null where there are no more at all. */
async function findProbed(
  { schema }: Engine,
  db: Db,
  { filter: { userId, apiKeyId }, range }: { filter: LedgerFilter; range: Range },
): Promise<number | null> {
  const { ledgerEntries: table } = schema;
  const ofOwner =
    apiKeyId !== undefined ? eq(table.apiKeyId, apiKeyId) : userId !== undefined ? eq(table.userId, userId) : undefined;
  const [found] = await db
    .select({ at: table.createdAt })
    .from(table)
    .where(and(...within(table.createdAt, range), ofOwner))
    .orderBy(desc(table.createdAt))
    .limit(1)
    .offset(PROBED_ROWS);
  return found?.at.getTime() ?? null;
}

async function select(
  engine: Engine,
  db: Db,
  { filter, before, most }: PageQuery,
  [range, ...more]: [Range, ...SQL[]],
): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  return db
    .select()
    .from(table)
    .where(
      and(
        ...within(table.createdAt, range),
        ...matchFilter(engine, table, filter),
        ...(before === null ? [] : older(engine, before)),
        ...more,
      ),
    )
    .orderBy(desc(table.createdAt), desc(table.id))
    .limit(most);
}

/** The first condition is what the index is read by. */
function older({ schema }: Pick<Engine, "schema">, { at, id }: Before): SQL[] {
  const { ledgerEntries: table } = schema;
  return [lte(table.createdAt, at), sql`(${lt(table.createdAt, at)} or ${lt(table.id, id)})`];
}

interface RestQuery extends PageQuery {
  range: Range;
  lack: number;
}

/** The newest of that time, and perhaps some more. */
async function readRest(engine: Engine, db: Db, query: RestQuery): Promise<SealedEntry[]> {
  const { filter, range, lack } = query;
  const found = await readTails(engine, db, query);
  let count = 0;
  for await (const { rows, ranges } of walkRows(engine, db, { filter, range })) {
    const some = await readNewest(engine, db, query, { rows, lack: lack - count });
    for (const each of ranges) some.push(...(await readSummed(engine, db, query, each)));
    found.push(...some);
    count += some.length;
    if (count >= lack) break;
  }
  return found;
}

/** As many as are lacking, where there are so many; of those, all that are younger than the last. */
async function readNewest(
  engine: Engine,
  db: Db,
  query: PageQuery,
  { rows, lack }: { rows: readonly RowRef[]; lack: number },
): Promise<SealedEntry[]> {
  const sorted = rows.toSorted((left, right) => right.atMs - left.atMs);
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
    found.push(...(await selectOfChain(engine, db, { where, most: query.most })));
  }
  return found;
}

/** Rows of a time of which there are sums, and no sheet. */
async function readSummed(engine: Engine, db: Db, query: RestQuery, range: Range): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = engine.schema;
  const tails = await listTails(engine, db, await readMarks(engine, db));
  const isOfTail = or(...tails.map((tail) => and(...beyond(table, tail))));
  return select(engine, db, query, [range, sql`not (coalesce(${isOfTail}, false))`]);
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
      const named = await selectOfChain(engine, db, { where, most: seqs.length });
      found.push(...named);
    }
  return found;
}

function listConditions(engine: Engine, { before, filter }: PageQuery): SQL[] {
  return [
    ...(before === null ? [] : older(engine, before)),
    ...matchFilter(engine, engine.schema.ledgerEntries, filter),
  ];
}

/** Rows of a chain that are few, found by it: without statistics SQLite would rather look through all of a user, or of a time. */
async function selectOfChain(
  { name, schema }: Engine,
  db: Db,
  { where, most }: { where: readonly SQL[]; most: number },
): Promise<SealedEntry[]> {
  const { ledgerEntries: table } = schema;
  const source = name === "sqlite" ? sql`${table} indexed by ledger_entries_chain` : sql`${table}`;
  const rows = await db
    .select({ id: sql<string>`${table.id}` })
    .from(source)
    .where(and(...where))
    .orderBy(desc(table.createdAt), desc(table.id))
    .limit(most);
  const found: SealedEntry[] = [];
  for (const some of chunk(rows.map(({ id }) => id)))
    found.push(...(await db.select().from(table).where(inArray(table.id, some))));
  return found;
}

function sort(entries: readonly SealedEntry[]): SealedEntry[] {
  return entries.toSorted((left, right) => {
    const ms = right.createdAt.getTime() - left.createdAt.getTime();
    return ms === 0 ? (left.id < right.id ? 1 : -1) : ms;
  });
}

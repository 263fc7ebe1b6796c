// What the ledger says that a window has come to, as budgets count it: for all users and keys at once, and by chain, so that each gateway knows its own
// part. Kept sums answer as far as they can; they know no chain, so all chains but the longest are read along their rows, and what these do not account
// for is the longest one's. Reads a piece at a time, for a file is read on the thread that serves. Knows no limit.

import { and, asc, eq, gt, inArray, isNotNull, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { Positions, ReportQuery, SumQuery, SumReading } from "../ledger/index.ts";
import { cleanText } from "../lib/text.ts";
import { addRows, createGroups, type Groups, type Names } from "./budget-group.ts";
import { countTokens, type Figures } from "./budget-part.ts";
import { listRemains } from "./budget-remains.ts";
import { areThere, type Ends, listEnds, type Mark, readMarks } from "./chain-mark.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { within } from "./report/match.ts";
import type { Piece } from "./report/piece.ts";
import { areRowsAll, readKept } from "./report/report.ts";

/** Some milliseconds' worth. */
const ROWS_A_READ = 5_000;
const SUMS_A_TURN = 1_000;
/** So many rows of short chains are read along the chains; of more, the window's. */
const MOST_ALONG = 20_000;
/** As rows are grouped that have none. */
const NO_CHAIN = "";
/** More rows than that since the last time are rather read from the sums that they are in by now. */
const MOST_FORWARD = 20_000;
/** Ids are made by the same clock a moment earlier or later. */
const SLACK_MS = 60_000;
/** A correction bears an id of the time of its call; providers tell no later than that what it came to. */
const LATE_MS = 3_600_000;

/** All that came since; or all that there is, where nothing was read so far or it is not there any more: the database was put back to an older state. */
export function readSums(engine: Engine, query: SumQuery, since: Positions | null): Promise<SumReading> {
  return engine.snapshot(async (db) => {
    const reader: Reader = { engine, db, query, groups: createGroups() };
    const ends = await listEnds(engine, db);
    const positions = new Map(ends.map(({ chain, last, id }) => [chain, { seq: last, id }]));
    const isWhole = since === null || !(await isThere(reader, ends, since)) || (await isFar(reader, ends, since));
    const rest = isWhole ? await readWhole(reader, ends) : null;
    if (!isWhole) for (const end of ends) await readChain(reader, { ...end, from: since.get(end.chain)?.seq ?? 0 });
    const remains = isWhole ? await listRemains(engine, db, query.window) : [];
    return { groups: reader.groups.list(), positions, isWhole, rest, remains };
  });
}

export async function findRows(
  engine: Engine,
  ids: readonly string[],
  { chain, seq }: { chain: string; seq: number },
): Promise<Set<string>> {
  const { ledgerEntries: table } = engine.schema;
  const found = new Set<string>();
  for (const some of chunk(ids)) {
    const where = and(inArray(table.id, some), eq(table.chain, chain), lte(table.seq, seq));
    for (const { id } of await engine.read((db) => db.select({ id: table.id }).from(table).where(where))) found.add(id);
  }
  return found;
}

interface Reader {
  engine: Engine;
  db: Db;
  query: SumQuery;
  /** What was found. */
  groups: Groups;
}

async function isThere({ engine, db }: Reader, ends: readonly Ends[], since: Positions): Promise<boolean> {
  const now = new Map(ends.map((end) => [end.chain, end]));
  const grown: { chain: string; seq: number; id: string }[] = [];
  for (const [chain, { seq, id }] of since) {
    const end = now.get(chain);
    if (end === undefined || end.last < seq || (end.last === seq && end.id !== id)) return false;
    if (end.last > seq) grown.push({ chain, seq, id });
  }
  return areThere(engine, db, grown);
}

/** Whether sums have come to know so much since that all is read faster from them. */
async function isFar({ engine, db, query }: Reader, ends: readonly Ends[], since: Positions): Promise<boolean> {
  const grown = ends.map(({ chain, last }) => ({ chain, last, from: since.get(chain)?.seq ?? 0 }));
  // Of what is to be told apart, all rows would have to be read once more.
  if (query.isRestApart || toReport(query) === null) return false;
  if (grown.reduce((sum, { last, from }) => sum + last - from, 0) <= MOST_FORWARD) return false;
  const summed = new Map((await readMarks(engine, db)).map(({ chain, seq }) => [chain, seq]));
  const known = grown.map(({ chain, last, from }) => Math.max(0, Math.min(last, summed.get(chain) ?? 0) - from));
  return known.reduce((sum, count) => sum + count, 0) > MOST_FORWARD;
}

/** The answer is the chain that has what rows of all chains came to that are gone; null where it is in none. */
async function readWhole(reader: Reader, ends: readonly Ends[]): Promise<string | null> {
  const { engine, db, query } = reader;
  const asked = toReport(query);
  if (asked === null) {
    await readAlong(reader, []);
    return null;
  }
  const pieces: Piece[] = [];
  const take = (some: readonly Piece[]): void => {
    for (const piece of some) pieces.push(piece);
  };
  const { plan, marks } = await readKept(engine, db, { query: asked, take, pause: breathe, isTimed: false });
  if (areRowsAll(plan)) {
    await readAlong(reader, []);
    return null;
  }
  const { ledgerEntries: table } = engine.schema;
  const apart = plan.rows.map((range) => not(within(table.createdAt, range)));
  for (const range of plan.rows) await read(reader, within(table.createdAt, range));
  // Those of before there were chains, which are in no sum.
  await readUnchained(reader, apart);
  const summed = new Map(marks.map(({ chain, seq }) => [chain, seq]));
  for (const end of ends) await readChain(reader, { ...end, from: summed.get(end.chain) ?? 0 }, apart);
  const longest = query.isRestApart ? NO_CHAIN : findLongest(ends, marks);
  if (longest === null) return null;
  const others = ends
    .filter(({ chain }) => chain !== longest)
    .map((end) => ({ ...end, last: Math.min(end.last, summed.get(end.chain) ?? 0) }));
  for (const { names, ...figures } of (await readOthers(reader, others, apart)).each()) {
    reader.groups.add(names, figures);
    // What is theirs is not the longest one's.
    reader.groups.add([longest, ...names.slice(1)], negate(figures));
  }
  for (const [index, piece] of pieces.entries()) {
    reader.groups.add(nameOf(piece, query, longest), toFigures(piece));
    if (index % SUMS_A_TURN === 0) await breathe();
  }
  return longest;
}

/** What reports can tell as budgets do; null where they cannot: the model that was asked for at a provider is in no sum. */
function toReport({ window: { startMs, endMs }, scope, models, owners }: SumQuery): ReportQuery | null {
  const { provider, tag } = scope;
  if (models || [provider, tag].some((name) => name !== null && cleanText(name) !== name)) return null;
  return {
    filter: {
      direction: "consume",
      from: new Date(startMs),
      ...(Number.isFinite(endMs) ? { to: new Date(endMs) } : {}),
      ...(provider === null ? {} : { provider }),
      ...(tag === null ? {} : { tags: [tag] }),
    },
    by: [...(owners.user ? (["user"] as const) : []), ...(owners.key ? (["key"] as const) : [])],
    edges: [],
  };
}

function findLongest(ends: readonly Ends[], marks: readonly Mark[]): string | null {
  const lengths = new Map(ends.map(({ chain, first, last }) => [chain, last - first + 1]));
  const all = marks.map(({ chain, seq }) => ({ chain, seq, length: lengths.get(chain) ?? 0 }));
  const [longest] = all.toSorted((left, right) => right.length - left.length || right.seq - left.seq);
  return longest?.chain ?? null;
}

/** Rows that are in the sums, of all chains but the longest. */
async function readOthers(reader: Reader, others: readonly Ends[], apart: readonly SQL[]): Promise<Groups> {
  const own = { ...reader, groups: createGroups() };
  const there = others.filter(({ first, last }) => last >= first);
  const count = there.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (count <= MOST_ALONG) {
    for (const end of there) await readChain(own, { ...end, from: end.first - 1 }, apart);
    return own.groups;
  }
  const { chain: column, seq } = reader.engine.schema.ledgerEntries;
  // SQLite would rather look for them by their chains, once more for each piece of the window.
  const name = isServed(reader.engine) ? sql`${column}` : sql`+${column}`;
  const ofThem = sql.join(
    there.map(({ chain, last }) => sql`(${name} = ${chain} and ${seq} <= ${last})`),
    sql` or `,
  );
  await readAlong(own, [sql`(${ofThem})`, ...apart]);
  return own.groups;
}

/** Rows of a chain behind `from`. */
async function readChain(
  reader: Reader,
  { chain, from, last }: Pick<Ends, "chain" | "last"> & { from: number },
  where: readonly SQL[] = [],
): Promise<void> {
  const { ledgerEntries: table } = reader.engine.schema;
  const step = isServed(reader.engine) ? last - from : ROWS_A_READ;
  for (let at = from; at < last; at += step)
    await read(reader, [
      eq(table.chain, chain),
      gt(table.seq, at),
      lte(table.seq, Math.min(at + step, last)),
      ...where,
    ]);
}

/** Rows of no chain, of which a migration may have brought very many. */
async function readUnchained(reader: Reader, where: readonly SQL[]): Promise<void> {
  const { chain, seq } = reader.engine.schema.ledgerEntries;
  if (isServed(reader.engine)) return read(reader, [isNull(chain), ...where]);
  for (let from: number | null = 0; from !== null;) {
    const to: number | null = await findPiece(reader, from);
    const upTo = to === null ? [] : [sql`rowid <= ${to}`];
    await read(reader, [isNull(chain), isNull(seq), sql`rowid > ${from}`, ...upTo, ...where]);
    from = to;
  }
  // None, unless somebody damaged them.
  await read(reader, [isNull(chain), isNotNull(seq), ...where]);
}

/** Where, on SQLite, a piece of them ends that begins behind that place; null where it is the last. */
async function findPiece({ engine, db }: Reader, from: number): Promise<number | null> {
  const { ledgerEntries: table } = engine.schema;
  const [end] = await db
    .select({ place: sql<number>`rowid` })
    .from(table)
    .where(and(isNull(table.chain), isNull(table.seq), sql`rowid > ${from}`))
    .orderBy(sql`rowid`)
    .limit(1)
    .offset(ROWS_A_READ - 1);
  return end?.place ?? null;
}

/** All rows of the window, in their order. */
async function readAlong(reader: Reader, where: readonly SQL[]): Promise<void> {
  const { engine, db, query } = reader;
  if (isServed(engine)) return read(reader, where);
  const { id, corrects } = engine.schema.ledgerEntries;
  const { startMs } = query.window;
  let after: string | null = firstId(startMs - SLACK_MS);
  const ofEarlier = [gt(corrects, firstId(startMs - LATE_MS)), lte(corrects, firstId(startMs + SLACK_MS))];
  await read(reader, [...ofEarlier, sql`+${id} <= ${after}`, ...where]);
  while (after !== null) {
    const [end] = await db
      .select({ id })
      .from(engine.schema.ledgerEntries)
      .where(gt(id, after))
      .orderBy(asc(id))
      .limit(1)
      .offset(ROWS_A_READ - 1);
    await read(reader, [gt(id, after), ...(end === undefined ? [] : [lte(id, end.id)]), ...where]);
    after = end?.id ?? null;
  }
}

/** A server reads all in one piece, and nobody waits for it here. */
function isServed({ name }: Engine): boolean {
  return name === "postgres";
}

async function read({ engine, db, query, groups }: Reader, where: readonly SQL[]): Promise<void> {
  await addRows(engine, db, { query, where, groups });
  await breathe();
}

/** Whoever serves on this thread has a turn between two reads. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function not(conditions: readonly SQL[]): SQL {
  return sql`not (${and(...conditions)})`;
}

function negate({ costNanos, tokens, unpriced }: Figures): Figures {
  return { costNanos: -costNanos, tokens: -tokens, unpriced: -unpriced };
}

/** All that its scope asks for was asked for already. */
function nameOf({ keys }: Piece, { scope, owners }: SumQuery, chain: string): Names {
  const user = owners.user ? keys[0] : null;
  const key = owners.key ? keys.at(-1) : null;
  return [chain, user, key, scope.provider, null, null, scope.tag === null ? null : JSON.stringify([scope.tag])];
}

function toFigures({ sums }: Piece): Figures {
  return { costNanos: sums.costNanos, tokens: countTokens(sums), unpriced: sums.unpricedRequests };
}

/** The smallest id that could have been made at that time: ids are UUIDv7. */
function firstId(atMs: number): string {
  const hex = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, "0").slice(-12);
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

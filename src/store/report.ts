// Reports on the books in a database, whichever engine it is: kept sums as far as they reach, and rows for the rest, in one snapshot,
// so that both together count each row exactly once. Knows neither prices nor who may read.

import { and, eq, gt, inArray, isNull, notInArray, type SQL, sql } from "drizzle-orm";
import type { Dimension, Direction, LedgerFilter, Report, ReportGroup, ReportQuery, Sums } from "../ledger/index.ts";
import { type Classes, countClasses, NO_CLASSES, NO_SPREAD, readClasses, type Spread } from "../lib/spread.ts";
import { cleanText } from "../lib/text.ts";
import { listTails, type Mark, readMarks, type Tail } from "./chain-mark.ts";
import type { Db, Engine } from "./engine.ts";
import { type Move, readMoves } from "./move.ts";
import { type Described, matchFilter, nameDimension, toMs, within } from "./report-match.ts";
import { type Part, type Plan, planReport, type Range } from "./report-plan.ts";
import { classify, number, sum, sumRows } from "./row-sum.ts";
import type { Schema } from "./schema.ts";
import { addTo, pickSums, SUM_FIELDS } from "./sums.ts";

type Rows = Schema["ledgerEntries"];
type Rollups = Schema["ledgerRollups"];

/** Answers at most one group for each stretch, key and direction. */
export function readReport(engine: Engine, query: ReportQuery): Promise<Report> {
  const plan = planReport(query);
  return engine.snapshot(async (db) => {
    const marks = await readMarks(engine, db);
    const collection = createCollection(query);
    for (const part of plan.parts) collection.add(await readRollups(engine, db, { query, plan, part }));
    const stretches: Stretch[] = plan.rows.map((range) => ({ range, tail: null }));
    if (plan.whole !== null && plan.parts.length > 0) {
      const range = plan.whole;
      stretches.push(...(await listTails(engine, db, marks)).map((tail) => ({ range, tail })));
    }
    for (const stretch of stretches) await readRows(engine, db, { query, plan, ...stretch }, collection.add);
    return { groups: collection.groups(), removedBefore: findRemoval(marks, plan.rows) };
  });
}

/** Only where rows that may be gone would have been asked. */
function findRemoval(marks: readonly Mark[], rows: readonly Range[]): Date | null {
  const removals = marks.flatMap(({ removedBefore }) => (removedBefore === null ? [] : [removedBefore.getTime()]));
  const latest = Math.max(...removals);
  const isMissed = rows.some(({ fromMs }) => fromMs < latest);
  return isMissed ? new Date(latest) : null;
}

interface Question {
  query: ReportQuery;
  plan: Plan;
}

interface Stretch {
  range: Range;
  /** Its rows alone, but for those that are read as rows anyway. */
  tail: Tail | null;
}

interface Piece {
  /** Beginning of the piece of time; 0 where time does not matter. */
  piece: number;
  direction: Direction;
  keys: (string | number | null)[];
  sums: Sums;
  spread: Spread;
}

async function readRollups(engine: Engine, db: Db, { query, plan, part }: Question & { part: Part }): Promise<Piece[]> {
  const table = engine.schema.ledgerRollups;
  const piece = plan.pieceMs === null ? null : toMs(engine, table.startedAt);
  const { level, range, except, only } = part;
  const where = [
    eq(table.level, level.name),
    ...within(table.startedAt, range),
    ...(except.length === 0 ? [] : [notInArray(table.startedAt, except.map(toDate))]),
    ...(only === null ? [] : [inArray(table.startedAt, only.map(toDate))]),
  ];
  const join = (column: Rollups["latencies"]): SQL<string | null> =>
    engine.name === "sqlite" ? sql`group_concat(${column})` : sql`string_agg(${column}, ',')`;
  const from = hintRollups(engine, query.filter);
  const sums = { ...sumRollups(table), latencies: join(table.latencies), ttfts: join(table.ttfts) };
  const rows = await select(engine, db, { from, table, piece, where, sums, query });
  return rows.map(({ values, ...group }) => ({ ...group, sums: pickSums(values), spread: readSpread(values) }));
}

function readSpread({ latencies, ttfts }: Record<string, unknown>): Spread {
  const read = (text: unknown): Classes => (typeof text === "string" ? readClasses(text) : NO_CLASSES);
  return { latency: read(latencies), ttft: read(ttfts) };
}

function sumRollups(table: Rollups): Record<keyof Sums, SQL<number>> {
  return Object.fromEntries(SUM_FIELDS.map((field) => [field, sum(table[field])])) as Record<keyof Sums, SQL<number>>;
}

/** Without statistics SQLite would rather read all sums of the time than those of one owner. */
function hintRollups({ name, schema }: Engine, { userId, apiKeyId }: LedgerFilter): SQL {
  const table = sql`${schema.ledgerRollups}`;
  if (name !== "sqlite" || (userId === undefined && apiKeyId === undefined)) return table;
  return sql`${table} indexed by ${sql.raw(userId === undefined ? "ledger_rollups_key" : "ledger_rollups_user")}`;
}

async function readRows(
  engine: Engine,
  db: Db,
  { query, plan, range, tail }: Question & Stretch,
  add: (pieces: readonly Piece[]) => void,
): Promise<void> {
  const table = engine.schema.ledgerEntries;
  const at = toMs(engine, table.createdAt);
  const piece = plan.pieceMs === null ? null : sql`${at} - ${at} % ${sql.raw(String(plan.pieceMs))}`;
  const without = (each: Range): SQL => sql`not (${and(...within(table.createdAt, each))})`;
  const where = [
    ...within(table.createdAt, range),
    ...(tail === null ? [] : [...beyond(table, tail), ...plan.rows.map(without)]),
  ];
  // Without statistics SQLite would rather read all rows of the time than the few at the chain's end.
  const from =
    engine.name === "sqlite" && tail !== null ? sql`${table} indexed by ledger_entries_chain` : sql`${table}`;
  const selection = { from, table, piece, query };
  const sums = await select(engine, db, { ...selection, where, sums: sumRows(engine, table) });
  add(sums.map(({ values, ...group }) => ({ ...group, sums: pickSums(values), spread: NO_SPREAD })));
  // Where there are no rows, nothing took any time.
  if (sums.length > 0) {
    const classes = { latency: classify(engine, table.latencyMs), ttft: classify(engine, table.ttftMs) };
    const counts = await select(engine, db, {
      ...selection,
      where: [...where, sql`${table.kind} = 'call'`],
      more: classes,
      sums: { calls: number(sql`count(*)`) },
    });
    add(counts.map(({ values, ...group }) => ({ ...group, sums: pickSums({}), spread: toSpread(values) })));
  }
  if (!isOfProviders(query)) return;
  const { provider: _, model: __, ...filter } = query.filter;
  const along = tail === null || tail.chain === null ? "time" : "chain";
  const conditions = [...where, ...matchFilter(engine, table, filter)];
  await readMoves(engine, db, { where: conditions, along, isTail: tail !== null }, (moves) =>
    add(moves.flatMap((move) => toPieces(move, query, plan.pieceMs))),
  );
}

function toSpread({ latency, ttft, calls }: Record<string, unknown>): Spread {
  const one = (place: unknown): Classes => (place === null ? NO_CLASSES : new Map([[Number(place), Number(calls)]]));
  return { latency: one(latency), ttft: one(ttft) };
}

/** Only such sums can tell who of several was paid. */
function isOfProviders({ by, filter }: ReportQuery): boolean {
  return by.includes("provider") || by.includes("model") || filter.provider !== undefined || filter.model !== undefined;
}

function toPieces(move: Move, { by, filter }: ReportQuery, pieceMs: number | null): Piece[] {
  const { provider, model } = filter;
  if (provider !== undefined && move.provider !== cleanText(provider)) return [];
  if (model !== undefined && ![move.modelAsked, move.modelServed].includes(cleanText(model))) return [];
  const atMs = move.createdAt.getTime();
  const named: Record<Dimension, string | number | null> = {
    direction: move.direction,
    endpoint: move.endpoint,
    key: move.apiKeyId,
    model: move.modelServed || move.modelAsked,
    provider: move.provider,
    status: move.status,
    tag: move.tags === null ? null : JSON.stringify(move.tags),
    user: move.userId,
  };
  const piece: Piece = {
    piece: pieceMs === null ? 0 : atMs - (atMs % pieceMs),
    direction: move.direction,
    keys: by.map((dimension) => named[dimension]),
    sums: move.sums,
    spread: NO_SPREAD,
  };
  return by.includes("tag") ? spreadTags(piece, by.indexOf("tag")) : [piece];
}

function beyond(table: Rows, { chain, seq }: Tail): SQL[] {
  return chain === null ? [isNull(table.chain)] : [eq(table.chain, chain), gt(table.seq, seq)];
}

interface Selection {
  from: SQL;
  table: Described;
  piece: SQL | null;
  where: SQL[];
  /** What rows are grouped by besides. */
  more?: Record<string, SQL>;
  sums: Record<string, SQL>;
  query: ReportQuery;
}

type Group = Omit<Piece, "spread" | "sums"> & { values: Record<string, number> };

async function select(engine: Engine, db: Db, selection: Selection): Promise<Group[]> {
  const { from, table, piece, where, more = {}, sums, query } = selection;
  const { by, filter } = query;
  const keys = by.map((dimension, index) => [`key${index}`, nameDimension(table, dimension)] as const);
  const head = {
    piece: number(piece ?? sql`0`),
    direction: sql<Direction>`${table.direction}`,
    ...Object.fromEntries(keys),
    ...more,
  };
  const rows = await db
    .select({ ...head, ...sums })
    .from(from)
    .where(and(...where, ...matchFilter(engine, table, filter)))
    .groupBy(...Object.keys(head).map((_, index) => sql.raw(String(index + 1))));
  const groups = rows.map((row) => {
    const values: Record<string, string | number | null> = row;
    return {
      piece: row.piece,
      direction: row.direction,
      keys: keys.map(([name]) => values[name] ?? null),
      // Whoever asked for them knows which of them are numbers.
      values: row as unknown as Group["values"],
    };
  });
  const place = by.indexOf("tag");
  return place === -1 ? groups : groups.flatMap((group) => spreadTags(group, place));
}

/** One piece for each tag, and one for rows without any: so late, the database groups far fewer rows than it would with a row for each tag. */
function spreadTags<Keyed extends Pick<Piece, "keys">>(piece: Keyed, place: number): Keyed[] {
  const text = piece.keys[place];
  const tags: string[] = typeof text === "string" ? JSON.parse(text) : [];
  return (tags.length === 0 ? [null] : tags).map((tag) => ({ ...piece, keys: piece.keys.with(place, tag) }));
}

/** Puts pieces into the stretches that they lie in, and adds up what belongs together. */
function createCollection({ filter, edges }: ReportQuery) {
  const groups = new Map<string, ReportGroup & { spread: Record<keyof Spread, Map<number, number>> }>();
  const fromMs = filter.from?.getTime() ?? 0;
  return {
    add(pieces: readonly Piece[]): void {
      for (const { piece, direction, keys, sums, spread } of pieces) {
        const stretch = edges.length === 0 ? 0 : findStretch(edges, Math.max(piece, fromMs));
        const name = JSON.stringify([stretch, direction, keys]);
        let found = groups.get(name);
        if (found === undefined) {
          const own = { latency: new Map<number, number>(), ttft: new Map<number, number>() };
          groups.set(name, (found = { stretch, direction, keys, sums: pickSums({}), spread: own }));
        }
        addTo(found.sums, sums);
        countClasses(found.spread.latency, spread.latency);
        countClasses(found.spread.ttft, spread.ttft);
      }
    },
    groups: (): ReportGroup[] => [...groups.values()],
  };
}

/** The last edge that is not after the moment. */
function findStretch(edges: readonly number[], atMs: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((edges[middle] ?? 0) <= atMs) low = middle;
    else high = middle;
  }
  return low;
}

function toDate(ms: number): Date {
  return new Date(ms);
}

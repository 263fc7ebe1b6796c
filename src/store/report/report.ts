// Reports on the books in a database, whichever engine it is: kept sums as far as they reach, and rows for the rest, in one snapshot,
// so that both together count each row exactly once. Knows neither prices nor who may read.

import { and, eq, inArray, notInArray, type SQL, sql } from "drizzle-orm";
import type { Dimension, Direction, Report, ReportQuery, Sums } from "../../ledger/index.ts";
import { type Classes, NO_CLASSES, NO_SPREAD, readClasses, type Spread } from "../../lib/spread.ts";
import { cleanText } from "../../lib/text.ts";
import { areSound, chooseRemoval, listTails, type Mark, readMarks, type Tail } from "../chain-mark.ts";
import type { Db, Engine } from "../engine.ts";
import { type Move, readMoves } from "../move.ts";
import { type Described, matchFilter, nameDimension, toMs, within } from "./match.ts";
import { createCollection, type Piece, spreadTags } from "./piece.ts";
import { type Part, type Plan, planReport, type Range } from "./plan.ts";
import { type Manner, readSheets } from "./sheet.ts";
import { beyond } from "./tail.ts";
import { classify, number, sum, sumRows } from "../row-sum.ts";
import type { Schema } from "../schema.ts";
import { isHourly, readHours } from "../sheet/hour.ts";
import { openSheet } from "../sheet/sheet.ts";
import { createTally } from "../sheet/tally.ts";
import { pickSums, SUM_FIELDS } from "../sums.ts";

type Rollups = Schema["ledgerRollups"];

/** Answers at most one group for each stretch, key and direction. */
export function readReport(engine: Engine, query: ReportQuery): Promise<Report> {
  return engine.snapshot(async (db) => {
    const collection = createCollection(query);
    const { plan, marks } = await readKept(engine, db, { query, take: collection.add });
    const { whole: range, rows } = plan;
    const stretches: Stretch[] = rows.map((each) => ({ range: each, tail: null }));
    if (range !== null && !areRowsAll(plan)) {
      stretches.push(...(await listTails(engine, db, marks)).map((tail) => ({ range, tail })));
    }
    for (const stretch of stretches) await readRows(engine, db, { query, plan, ...stretch }, collection.add);
    const latest = chooseRemoval(marks, undefined);
    return {
      groups: collection.groups(),
      removedBefore: isMissed(latest, rows) ? latest : null,
      rowsRemovedBefore: chooseRemoval(marks, query.filter.from),
    };
  });
}

interface KeptQuestion extends Partial<Manner> {
  query: ReportQuery;
  take: (pieces: readonly Piece[]) => void;
}

/** What sums that are kept answer of a report. What is left of its plan are the rows that answer for the rest, besides those of the tails. */
export async function readKept(
  engine: Engine,
  db: Db,
  { query, take, pause = () => Promise.resolve(), isTimed = true }: KeptQuestion,
): Promise<{ plan: Plan; marks: Mark[] }> {
  const plan = planReport(query);
  const marks = await readMarks(engine, db);
  if (!areSound(marks)) return { plan: { ...plan, parts: [], rows: plan.whole === null ? [] : [plan.whole] }, marks };
  const { pieces, parts, rows } = await readSheets(engine, db, { query, plan, pause, isTimed });
  take(pieces);
  for (const part of parts) {
    take(await readRollups(engine, db, { query, plan, part }));
    if (isHourly(part.level)) take(await readPackedHours(engine, db, { query, part, pause, isTimed }));
  }
  return { plan: { ...plan, parts, rows }, marks };
}

/** Where sums answer for anything, rows that are not in them yet are missing. */
export function areRowsAll({ whole, rows }: Plan): boolean {
  return rows[0]?.fromMs === whole?.fromMs && rows[0]?.toMs === whole?.toMs;
}

/** Only where rows that may be gone would have been asked. */
function isMissed(removedBefore: Date | null, rows: readonly Range[]): boolean {
  return removedBefore !== null && rows.some(({ fromMs }) => fromMs < removedBefore.getTime());
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
  const join = (column: Rollups["latencies"]) => joinTexts(engine, sql`${column}`);
  const from = sql`${table}`;
  const sums = { ...sumRollups(table), latencies: join(table.latencies), ttfts: join(table.ttfts) };
  const head = listHead(table, piece, query);
  const rows = await select(db, {
    from,
    head,
    where: [...where, ...matchFilter(engine, table, query.filter)],
    sums,
    query,
  });
  return rows.map(({ values, ...group }) => ({ ...group, sums: pickSums(values), spread: readSpread(values) }));
}

async function readPackedHours(
  engine: Engine,
  db: Db,
  { query, part, pause, isTimed }: Manner & { query: ReportQuery; part: Part },
): Promise<Piece[]> {
  const tally = createTally(query, isTimed);
  for await (const { startMs, body } of readHours(engine, db, part)) {
    tally.add(openSheet(body), startMs);
    await pause();
  }
  return tally.pieces();
}

function readSpread({ latencies, ttfts }: Record<string, unknown>): Spread {
  const read = (text: unknown): Classes => (typeof text === "string" ? readClasses(text) : NO_CLASSES);
  return { latency: read(latencies), ttft: read(ttfts) };
}

function sumRollups(table: Rollups): Record<keyof Sums, SQL<number>> {
  return Object.fromEntries(SUM_FIELDS.map((field) => [field, sum(table[field])])) as Record<keyof Sums, SQL<number>>;
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
  const rows = await selectRows(engine, db, { from, where, piece, query });
  add(rows.map(({ values, ...group }) => ({ ...group, sums: pickSums(values), spread: readSpread(values) })));
  if (!isOfProviders(query)) return;
  const { provider: _, model: __, ...filter } = query.filter;
  const along = tail === null || tail.chain === null ? "time" : "chain";
  const conditions = [...where, ...matchFilter(engine, table, filter)];
  await readMoves(engine, db, { where: conditions, along, isTail: tail !== null }, (moves) =>
    add(moves.flatMap((move) => toPieces(move, query, plan.pieceMs))),
  );
}

/** By the classes of time first: so rows are gone through once, and what they took comes as one text a group. */
function selectRows(
  engine: Engine,
  db: Db,
  { from, where, piece, query }: Pick<Selection, "from" | "query" | "where"> & { piece: SQL | null },
): Promise<Group[]> {
  const table = engine.schema.ledgerEntries;
  const head = {
    ...listHead(table, piece, query),
    latency: classify(engine, table.latencyMs),
    ttft: classify(engine, table.ttftMs),
  };
  const columns = Object.entries({ ...head, ...sumRows(engine, table) });
  const list = columns.map(([name, value]) => sql`${value} as ${sql.identifier(name)}`);
  const conditions = and(...where, ...matchFilter(engine, table, query.filter)) ?? sql`1 = 1`;
  const places = Object.keys(head).map((_, index) => sql.raw(String(index + 1)));
  const counted = sql`(select ${sql.join(list, sql`, `)} from ${from} where ${conditions} group by ${sql.join(places, sql`, `)}) as counted`;
  const own = (name: string): SQL => sql`${sql.identifier(name)}`;
  const { latency: _, ttft: __, ...outer } = Object.fromEntries(Object.keys(head).map((name) => [name, own(name)]));
  const count = (name: string): SQL =>
    joinTexts(engine, sql`case when ${own("requests")} > 0 then ${own(name)} || ':' || ${own("requests")} end`);
  const sums = {
    ...Object.fromEntries(SUM_FIELDS.map((field) => [field, sum(own(field))])),
    latencies: count("latency"),
    ttfts: count("ttft"),
  };
  return select(db, { from: counted, head: { ...outer, piece: number(own("piece")) }, where: [], sums, query });
}

function joinTexts({ name }: Pick<Engine, "name">, text: SQL): SQL<string | null> {
  return name === "sqlite" ? sql`group_concat(${text})` : sql`string_agg(${text}, ',')`;
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

interface Selection {
  from: SQL;
  /** What is grouped by. */
  head: Record<string, SQL>;
  where: SQL[];
  sums: Record<string, SQL>;
  query: ReportQuery;
}

type Group = Omit<Piece, "spread" | "sums"> & { values: Record<string, number> };

function listHead(table: Described, piece: SQL | null, { by }: ReportQuery): Record<string, SQL> {
  const keys = by.map((dimension, index) => [`key${index}`, nameDimension(table, dimension)] as const);
  return { piece: number(piece ?? sql`0`), direction: sql`${table.direction}`, ...Object.fromEntries(keys) };
}

async function select(db: Db, { from, head, where, sums, query: { by } }: Selection): Promise<Group[]> {
  const rows = await db
    .select({ ...head, ...sums })
    .from(from)
    .where(and(...where))
    .groupBy(...Object.keys(head).map((_, index) => sql.raw(String(index + 1))));
  const groups = rows.map((row): Group => {
    // Whoever asked for them knows which of them are numbers.
    const values = row as Record<string, number>;
    const keys = by.map((_, index) => values[`key${index}`] ?? null);
    return { piece: values["piece"] ?? 0, direction: row["direction"] as Direction, keys, values };
  });
  const place = by.indexOf("tag");
  return place === -1 ? groups : groups.flatMap((group) => spreadTags(group, place));
}

function toDate(ms: number): Date {
  return new Date(ms);
}

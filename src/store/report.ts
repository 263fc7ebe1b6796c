// Reports on the books in a database, whichever engine it is: kept sums as far as they reach, and rows for the rest, in one snapshot,
// so that both together count each row exactly once. Knows neither prices nor who may read.

import { and, eq, gt, gte, inArray, isNotNull, isNull, lt, min, notInArray, or, type SQL, sql } from "drizzle-orm";
import type {
  Dimension,
  Direction,
  LedgerFilter,
  Report,
  ReportGroup,
  ReportQuery,
  Reuse,
  Sums,
} from "../ledger/index.ts";
import { cleanText } from "../lib/text.ts";
import type { Db, Engine } from "./engine.ts";
import { type Part, type Plan, planReport, type Range } from "./report-plan.ts";
import type { Schema } from "./schema.ts";
import { addTo, pickSums, SUM_FIELDS } from "./sums.ts";

type Rows = Schema["ledgerEntries"];
type Rollups = Schema["ledgerRollups"];

/** What rows and their sums have in common. */
export type Described = Pick<
  Rows | Rollups,
  "apiKeyId" | "direction" | "endpoint" | "modelAsked" | "modelServed" | "provider" | "status" | "tags" | "userId"
>;

/** Answers at most one group for each stretch, key and direction. */
export function readReport(engine: Engine, query: ReportQuery): Promise<Report> {
  const plan = planReport(query);
  return engine.snapshot(async (db) => {
    const marks = await readMarks(engine, db);
    const collection = createCollection(query);
    for (const part of plan.parts) collection.add(await readRollups(engine, db, { query, plan, part }));
    for (const range of plan.rows) collection.add(await readRows(engine, db, { query, plan, range, tail: null }));
    if (plan.whole !== null && plan.parts.length > 0) {
      const range = plan.whole;
      for (const tail of await listTails(engine, db, marks))
        collection.add(await readRows(engine, db, { query, plan, range, tail }));
    }
    return { groups: collection.groups(), removedBefore: findRemoval(marks, plan.rows) };
  });
}

interface Mark {
  chain: string;
  seq: number;
  removedBefore: Date | null;
}

/** How far each chain has been summed up. */
export function readMarks({ schema }: Pick<Engine, "schema">, db: Db): Promise<Mark[]> {
  return db.select().from(schema.ledgerMarks);
}

/** Chains that have rows, without reading them all: each is found from the one before. */
export async function listChains({ schema }: Engine, db: Db): Promise<string[]> {
  const { chain } = schema.ledgerEntries;
  const chains: string[] = [];
  for (;;) {
    const last = chains.at(-1);
    const [found] = await db
      .select({ next: min(chain) })
      .from(schema.ledgerEntries)
      .where(last === undefined ? isNotNull(chain) : gt(chain, last));
    if (found?.next === null || found?.next === undefined) return chains;
    chains.push(found.next);
  }
}

/** Rows of a chain beyond what has been summed up; null: those that have no chain, and are never summed up. */
interface Tail {
  chain: string | null;
  seq: number;
}

async function listTails(engine: Engine, db: Db, marks: readonly Mark[]): Promise<Tail[]> {
  const chains = await listChains(engine, db);
  const seqs = new Map(marks.map(({ chain, seq }) => [chain, seq]));
  return [{ chain: null, seq: 0 }, ...chains.map((chain) => ({ chain, seq: seqs.get(chain) ?? 0 }))];
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

interface Piece {
  /** Beginning of the piece of time; 0 where time does not matter. */
  piece: number;
  direction: Direction;
  keys: (string | number | null)[];
  sums: Sums;
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
  return select(engine, db, {
    from: hintRollups(engine, query.filter),
    table,
    piece,
    where,
    sums: sumRollups(table),
    query,
  });
}

/** Without statistics SQLite would rather read all sums of the time than those of one owner. */
function hintRollups({ name, schema }: Engine, { userId, apiKeyId }: LedgerFilter): SQL {
  const table = sql`${schema.ledgerRollups}`;
  if (name !== "sqlite" || (userId === undefined && apiKeyId === undefined)) return table;
  return sql`${table} indexed by ${sql.raw(userId === undefined ? "ledger_rollups_key" : "ledger_rollups_user")}`;
}

/** With a tail, its rows alone, but for those that are read as rows anyway. */
async function readRows(
  engine: Engine,
  db: Db,
  { query, plan, range, tail }: Question & { range: Range; tail: Tail | null },
): Promise<Piece[]> {
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
  return select(engine, db, { from, table, piece, where, sums: sumRows(engine, table), query });
}

function beyond(table: Rows, { chain, seq }: Tail): SQL[] {
  return chain === null ? [isNull(table.chain)] : [eq(table.chain, chain), gt(table.seq, seq)];
}

interface Selection {
  from: SQL;
  table: Described;
  piece: SQL | null;
  where: SQL[];
  sums: Record<keyof Sums, SQL<number>>;
  query: ReportQuery;
}

async function select(engine: Engine, db: Db, { from, table, piece, where, sums, query }: Selection): Promise<Piece[]> {
  const { by, filter } = query;
  const keys = by.map((dimension, index) => [`key${index}`, nameDimension(table, dimension)] as const);
  const head = {
    piece: number(piece ?? sql`0`),
    direction: sql<Direction>`${table.direction}`,
    ...Object.fromEntries(keys),
  };
  const rows = await db
    .select({ ...head, ...sums })
    .from(from)
    .where(and(...where, ...matchFilter(engine, table, filter)))
    .groupBy(...Object.keys(head).map((_, index) => sql.raw(String(index + 1))));
  const pieces = rows.map((row) => {
    const values: Record<string, string | number | null> = row;
    return {
      piece: row.piece,
      direction: row.direction,
      keys: keys.map(([name]) => values[name] ?? null),
      sums: pickSums(row),
    };
  });
  const place = by.indexOf("tag");
  return place === -1 ? pieces : pieces.flatMap((piece) => spreadTags(piece, place));
}

/** One piece for each tag, and one for rows without any: so late, the database groups far fewer rows than it would with a row for each tag. */
function spreadTags(piece: Piece, place: number): Piece[] {
  const text = piece.keys[place];
  const tags: string[] = typeof text === "string" ? JSON.parse(text) : [];
  return (tags.length === 0 ? [null] : tags).map((tag) => ({ ...piece, keys: piece.keys.with(place, tag) }));
}

function nameDimension(table: Described, dimension: Dimension): SQL {
  switch (dimension) {
    case "direction":
      return sql`${table.direction}`;
    case "endpoint":
      return sql`${table.endpoint}`;
    case "key":
      return sql`${table.apiKeyId}`;
    case "model":
      return sql`coalesce(nullif(${table.modelServed}, ''), ${table.modelAsked})`;
    case "provider":
      return sql`${table.provider}`;
    case "status":
      return number(sql`${table.status}`);
    case "tag":
      // All of a row's, as JSON.
      return sql`cast(${table.tags} as text)`;
    case "user":
      return sql`${table.userId}`;
    default:
      return dimension satisfies never;
  }
}

/** Conditions on what rows and sums have in common. */
export function matchFilter(engine: Pick<Engine, "name">, table: Described, filter: LedgerFilter): SQL[] {
  const { model, status, tags = [] } = filter;
  const asked = model === undefined ? undefined : cleanText(model);
  return [
    asked === undefined ? undefined : or(eq(table.modelAsked, asked), eq(table.modelServed, asked)),
    equal(table.provider, filter.provider),
    equal(table.apiKeyId, filter.apiKeyId),
    equal(table.userId, filter.userId),
    equal(table.endpoint, filter.endpoint),
    equal(table.direction, filter.direction),
    status === undefined ? undefined : matchStatus(table, status),
    ...tags.map((tag) => matchTag(engine, table, cleanText(tag))),
  ].filter((condition) => condition !== undefined);
}

function equal(
  column: Described["apiKeyId" | "direction" | "endpoint" | "provider" | "userId"],
  value: string | undefined,
): SQL | undefined {
  return value === undefined ? undefined : eq(column, cleanText(value));
}

/** One digit is a class: 4 stands for 400 to 499. */
function matchStatus({ status: column }: Described, status: number): SQL | undefined {
  if (status >= 10) return eq(column, status);
  return and(gte(column, status * 100), lt(column, (status + 1) * 100));
}

function matchTag({ name }: Pick<Engine, "name">, { tags }: Described, tag: string): SQL {
  if (name === "sqlite") return sql`exists (select 1 from json_each(${tags}) as own where own.value = ${tag})`;
  return sql`${tags} @> ${JSON.stringify([tag])}::jsonb`;
}

export function within(column: Rows["createdAt"] | Rollups["startedAt"], { fromMs, toMs }: Range): SQL[] {
  return [
    ...(Number.isFinite(fromMs) ? [gte(column, new Date(fromMs))] : []),
    ...(Number.isFinite(toMs) ? [lt(column, new Date(toMs))] : []),
  ];
}

/** A moment as whole milliseconds of the epoch. */
export function toMs({ name }: Pick<Engine, "name">, column: Rows["createdAt"] | Rollups["startedAt"]): SQL {
  return name === "sqlite" ? sql`${column}` : sql`floor(extract(epoch from ${column}) * 1000)::bigint`;
}

function sumRollups(table: Rollups): Record<keyof Sums, SQL<number>> {
  return Object.fromEntries(SUM_FIELDS.map((field) => [field, sum(table[field])])) as Record<keyof Sums, SQL<number>>;
}

/** Unknown counts left out. Corrections are rows whose figures are differences, so they are summed up like any other. */
export function sumRows(engine: Pick<Engine, "name">, table: Rows): Record<keyof Sums, SQL<number>> {
  const isCall = sql`${table.kind} = 'call'`;
  const isReused = sql`${isCall} and ${table.provider} = ${sql.raw(`'${REUSE}'`)}`;
  const isUnpriced = sql`${isCall} and ${table.costNanos} is null and ${table.usageSource} <> 'none'`;
  return {
    entries: number(sql`count(*)`),
    requests: count(isCall),
    errors: count(sql`${isCall} and (${table.errorKind} is not null or ${table.status} >= 400)`),
    freshInputTokens: sum(table.freshInputTokens),
    cacheReadTokens: sum(table.cacheReadTokens),
    cacheWriteTokens: sum(table.cacheWriteTokens),
    longCacheWriteTokens: sum(table.longCacheWriteTokens),
    outputTokens: sum(table.outputTokens),
    reasoningTokens: sum(table.reasoningTokens),
    costNanos: sum(table.costNanos),
    unpricedRequests: number(
      sql`count(case when ${isUnpriced} then 1 end) - count(case when ${table.pricesUnknown} then 1 end)`,
    ),
    latencyUs: sum(sql`case when ${isCall} then ${toMicros(table.latencyMs)} end`),
    ttftUs: sum(sql`case when ${isCall} then ${toMicros(table.ttftMs)} end`),
    ttftRequests: count(sql`${isCall} and ${table.ttftMs} is not null`),
    reusedRequests: count(isReused),
    savedTokens: sumUnit(engine, table, "saved_tokens"),
    savedCostNanos: sumUnit(engine, table, "saved_cost_nanos"),
  };
}

/** What the ledger names as the provider of answers that were given again. */
const REUSE = "cache" satisfies Reuse;

/** Of rows that have it: no other one's JSON is looked into. */
function sumUnit({ name }: Pick<Engine, "name">, { provider, units }: Rows, unit: string): SQL<number> {
  const value =
    name === "sqlite"
      ? sql`json_extract(${units}, ${sql.raw(`'$.${unit}'`)})`
      : sql`(${units} ->> ${sql.raw(`'${unit}'`)})::numeric`;
  return sum(sql`case when ${provider} = ${sql.raw(`'${REUSE}'`)} then ${value} end`);
}

/** Whole ones, for sums of whole numbers come out the same in any order. */
function toMicros(column: Rows["latencyMs" | "ttftMs"]): SQL {
  return sql`cast(round(${column} * 1000) as bigint)`;
}

function sum(value: SQL | Rows["costNanos"] | Rollups["costNanos" | "savedTokens"]): SQL<number> {
  return number(sql`coalesce(sum(${value}), 0)`);
}

function count(condition: SQL): SQL<number> {
  return number(sql`count(case when ${condition} then 1 end)`);
}

/** PostgreSQL answers sums as text. */
function number(value: SQL): SQL<number> {
  return sql<number>`${value}`.mapWith(Number);
}

/** Puts pieces into the stretches that they lie in, and adds up what belongs together. */
function createCollection({ filter, edges }: ReportQuery) {
  const groups = new Map<string, ReportGroup>();
  const fromMs = filter.from?.getTime() ?? 0;
  return {
    add(pieces: readonly Piece[]): void {
      for (const { piece, direction, keys, sums } of pieces) {
        const stretch = edges.length === 0 ? 0 : findStretch(edges, Math.max(piece, fromMs));
        const name = JSON.stringify([stretch, direction, keys]);
        const found = groups.get(name);
        if (found === undefined) groups.set(name, { stretch, direction, keys, sums: { ...sums } });
        else addTo(found.sums, sums);
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

// Which sheets of a stretch of time are missing and can be made now. Knows no format.

import { and, asc, eq, gt, gte, lt, max, min } from "drizzle-orm";
import { readMarks } from "../chain-mark.ts";
import { type Db, type Engine, LOOSE_PART } from "../engine.ts";
import type { Level, Range } from "../report/plan.ts";
import { listLoose } from "./hour.ts";
import { DAY_MS, HOUR_MS, LINES, QUARTER, QUARTER_MS, ROWS, SHELF } from "./level.ts";

/**
 * A sheet to be made: of sums that are kept, of finer sheets, of its own parts; or those of a quarter, of rows; or those of a day, of its quarters.
 * Or an hour whose kept parts are to be fewer.
 */
export type Place = { startMs: number } & (
  | { kind: "finer" | "kept" | "parts"; level: string }
  | { kind: "hours"; level?: undefined }
  | { kind: "line"; level?: undefined }
  | { kind: "rows"; level?: undefined }
);

/** Parts of a quarter that still goes on are put together when they are so many. */
export const MANY_PARTS = 64;

interface Look {
  areValid: boolean;
  range: Range;
  /** What ends later is not complete. */
  endMs: number;
}

/** The youngest of a kind first. */
export async function listMissing(engine: Engine, db: Db, { areValid, range, endMs }: Look): Promise<Place[]> {
  const hours = await listTimes(engine, db, "total.hour", range);
  const find = async (level: string): Promise<Map<number, Found>> =>
    areValid ? listThere(engine, db, { level, ...range }) : new Map<number, Found>();
  const places: Place[] = [];
  for (const levels of [SHELF.all, SHELF.owner]) places.push(...(await listShelf({ levels, hours, endMs, find })));
  const quarters = await listTimes(engine, db, "total.quarter", range);
  const [sums, rows] = [await find(QUARTER.name), await find(ROWS)];
  const provedMs = await findProved(engine, db);
  const isThere = (startMs: number): boolean => sums.has(startMs) && rows.has(startMs);
  for (const startMs of quarters.toReversed()) {
    const isOver = startMs + QUARTER_MS <= endMs;
    if (isOver && startMs >= provedMs && !isThere(startMs)) places.push({ kind: "rows", startMs });
  }
  for (const [level, own] of [
    [QUARTER.name, sums],
    [ROWS, rows],
  ] as const)
    for (const [startMs, { parts, loose }] of own)
      if (loose > 0 && parts > 1 && (startMs + QUARTER_MS <= endMs || loose >= MANY_PARTS))
        places.push({ kind: "parts", level, startMs });
  const lines = await Promise.all(LINES.map(({ name }) => find(name)));
  for (const [dayMs, own] of [...Map.groupBy(quarters, (ms) => ms - (ms % DAY_MS))].toReversed()) {
    const isOver = dayMs + DAY_MS <= endMs;
    const areAll = own.every((startMs) => isDone(sums.get(startMs)));
    if (isOver && areAll && lines.some((there) => !there.has(dayMs))) places.push({ kind: "line", startMs: dayMs });
  }
  for (const { startMs, loose } of await listLoose(engine, db, range))
    if (startMs + HOUR_MS <= endMs || loose >= MANY_PARTS) places.push({ kind: "hours", startMs });
  return places;
}

/** One part is as good as it gets. */
function isDone(found: Found | undefined): boolean {
  return found !== undefined && (found.loose === 0 || found.parts === 1);
}

interface Shelf {
  levels: readonly Level[];
  hours: readonly number[];
  endMs: number;
  find: (level: string) => Promise<Map<number, Found>>;
}

/** Those of a level that are made of the next finer one once all of that are there. */
async function listShelf({ levels, hours, endMs, find }: Shelf): Promise<Place[]> {
  const places: Place[] = [];
  let finer: { starts: readonly number[]; there: ReadonlyMap<number, Found> } | null = null;
  for (const { name: level, grainMs } of levels.toReversed()) {
    const floor = (ms: number): number => ms - (ms % grainMs);
    const there = await find(level);
    const starts = [...new Set(hours.map(floor))];
    const lacking = new Set(finer?.starts.filter((startMs) => finer?.there.has(startMs) === false).map(floor));
    for (const startMs of starts.toReversed()) {
      if (there.has(startMs) || startMs + grainMs > endMs || lacking.has(startMs)) continue;
      places.push({ kind: finer === null ? "kept" : "finer", level, startMs });
    }
    finer = { starts, there };
  }
  return places;
}

interface Found {
  parts: number;
  loose: number;
}

async function listThere({ sheets }: Engine, db: Db, place: Range & { level: string }): Promise<Map<number, Found>> {
  const there = new Map<number, Found>();
  for (const { startMs, part } of await sheets.list(db, place)) {
    const found = there.get(startMs) ?? { parts: 0, loose: 0 };
    there.set(startMs, { parts: found.parts + 1, loose: found.loose + (part >= LOOSE_PART ? 1 : 0) });
  }
  return there;
}

/** When sums of a level begin, in order: of the one that knows nothing, which has few. */
export async function listTimes(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  level: "total.hour" | "total.quarter",
  { fromMs, toMs }: Range,
): Promise<number[]> {
  const { ledgerRollups: sums } = schema;
  const rows = await db
    .selectDistinct({ at: sums.startedAt })
    .from(sums)
    .where(
      and(
        eq(sums.level, level),
        Number.isFinite(fromMs) ? gte(sums.startedAt, new Date(fromMs)) : undefined,
        Number.isFinite(toMs) ? lt(sums.startedAt, new Date(toMs)) : undefined,
      ),
    )
    .orderBy(asc(sums.startedAt));
  return rows.map(({ at }) => at.getTime());
}

/** The youngest time before that one of which there are sums. */
export async function findBefore({ schema }: Engine, db: Db, beforeMs: number): Promise<number | null> {
  const { ledgerRollups: sums } = schema;
  const before = Number.isFinite(beforeMs) ? lt(sums.startedAt, new Date(beforeMs)) : undefined;
  const [found] = await db
    .select({ at: max(sums.startedAt) })
    .from(sums)
    .where(and(eq(sums.level, "total.quarter"), before));
  return found?.at?.getTime() ?? null;
}

/** The first quarter of an hour of which there are sums, of those that do not end before that time. */
export async function findFrom({ schema }: Engine, db: Db, fromMs: number): Promise<number | null> {
  const { ledgerRollups: sums } = schema;
  const from = Number.isFinite(fromMs) ? gt(sums.startedAt, new Date(fromMs - QUARTER_MS)) : undefined;
  const [found] = await db
    .select({ at: min(sums.startedAt) })
    .from(sums)
    .where(and(eq(sums.level, "total.quarter"), from));
  return found?.at?.getTime() ?? null;
}

/** Rows from before may have been removed. */
async function findProved(engine: Engine, db: Db): Promise<number> {
  const removals = (await readMarks(engine, db)).map(({ removedBefore }) => removedBefore?.getTime() ?? -Infinity);
  return Math.max(Number.NEGATIVE_INFINITY, ...removals);
}

// Which sums answer a report: those kept by the day, the hour and the quarter as far as they reach, rows for the rest. Pure; knows no SQL.

import type { Dimension, ReportQuery } from "../../ledger/report.ts";

const QUARTER_MS = 900_000;
const HOUR_MS = 4 * QUARTER_MS;
const DAY_MS = 24 * HOUR_MS;

/** What of a row a sum still knows, besides its direction: everything; all but user, key and tags; user and key; one tag; all but user and key; nothing. */
export type Cube = "all" | "brief" | "owner" | "tag" | "tagged" | "total";

export interface Level {
  name: string;
  cube: Cube;
  grainMs: number;
}

/**
 * Coarse before fine. Days and hours are those of UTC, which a zone's hours and many a zone's days are made of. Of the larger cubes there
 * are hours alone: what is longer, or shorter, is in sheets.
 */
export const LEVELS: readonly Level[] = [
  { name: "total.day", cube: "total", grainMs: DAY_MS },
  { name: "total.hour", cube: "total", grainMs: HOUR_MS },
  { name: "total.quarter", cube: "total", grainMs: QUARTER_MS },
  { name: "tag.day", cube: "tag", grainMs: DAY_MS },
  { name: "tag.hour", cube: "tag", grainMs: HOUR_MS },
  { name: "tag.quarter", cube: "tag", grainMs: QUARTER_MS },
  { name: "brief.day", cube: "brief", grainMs: DAY_MS },
  { name: "brief.hour", cube: "brief", grainMs: HOUR_MS },
  { name: "brief.quarter", cube: "brief", grainMs: QUARTER_MS },
  { name: "owner.hour", cube: "owner", grainMs: HOUR_MS },
  { name: "all.hour", cube: "all", grainMs: HOUR_MS },
];

/** Exclusive at its end; infinite where there is none. */
export interface Range {
  fromMs: number;
  toMs: number;
}

/** Sums of a level that answer: those of a range, but for some that others answer for; or only some of it. */
export interface Part {
  level: Level;
  range: Range;
  /** Beginnings of sums in the range. */
  except: readonly number[];
  only: readonly number[] | null;
}

export interface Plan extends Rest {
  /** All that is asked for; null where that is nothing. */
  whole: Range | null;
  cube: Cube;
  /** No sum may lie on both sides of one of these, which lie in `whole`. */
  inner: readonly number[];
  /** Rows are grouped by pieces of this length, none of which lies in two stretches; null where time does not matter. */
  pieceMs: number | null;
}

/** What of the database answers for some time. */
export interface Rest {
  parts: readonly Part[];
  /** Where rows answer, in order and apart. */
  rows: readonly Range[];
}

/** Rows of more ranges than this are read in one piece, without sums: it takes odd zones and long times to come to that. */
export const MAX_ROW_RANGES = 100;
/** Sums are named one by one up to this many. */
const MAX_NAMED = 500;

export function planReport({ filter, by, edges }: ReportQuery): Plan {
  const fromMs = Math.max(filter.from?.getTime() ?? -Infinity, edges[0] ?? -Infinity);
  const toMs = Math.min(filter.to?.getTime() ?? Infinity, edges.at(-1) ?? Infinity);
  const cube = chooseCube(needs(filter, by), filter.tags?.length ?? 0);
  if (fromMs >= toMs) return { whole: null, cube, inner: [], parts: [], rows: [], pieceMs: null };
  const whole = { fromMs, toMs };
  const inner = edges.filter((edge) => edge > fromMs && edge < toMs);
  const pieceMs = edges.length === 0 ? null : findDivisor(inner.reduce(findDivisor, 0), QUARTER_MS);
  const { parts, rows } = planRest({ cube, inner }, [whole]);
  const isOdd = rows.length > MAX_ROW_RANGES;
  return { whole, cube, inner, pieceMs, ...(isOdd ? { parts: [], rows: [whole] } : { parts, rows }) };
}

/** @param ranges in order and apart */
export function planRest({ cube, inner }: Pick<Plan, "cube" | "inner">, ranges: readonly Range[]): Rest {
  const levels = LEVELS.filter((level) => level.cube === cube);
  // Each stretch by itself, for no sum may lie in two.
  const pieces = ranges
    .flatMap((range) => cutAt(range, inner))
    .flatMap(({ fromMs, toMs }) => cover(fromMs, toMs, levels));
  const byLevel = Map.groupBy(pieces, ({ level }) => level);
  const parts = levels.flatMap((level) => nameParts(level, join(byLevel.get(level) ?? [])));
  return { parts, rows: join(byLevel.get(null) ?? []) };
}

/** @param edges in order */
function cutAt({ fromMs, toMs }: Range, edges: readonly number[]): Range[] {
  const own = edges.filter((edge) => edge > fromMs && edge < toMs);
  const bounds = [fromMs, ...own, toMs];
  return bounds.slice(0, -1).map((start, index) => ({ fromMs: start, toMs: bounds[index + 1] ?? toMs }));
}

interface Piece extends Range {
  /** Null: rows answer. */
  level: Level | null;
}

/** From `fromMs` to `toMs`, gapless and in order. */
function cover(fromMs: number, toMs: number, levels: readonly Level[]): Piece[] {
  if (fromMs >= toMs) return [];
  const [level, ...finer] = levels;
  if (level === undefined) return [{ level: null, fromMs, toMs }];
  const start = Math.ceil(fromMs / level.grainMs) * level.grainMs;
  const end = Math.floor(toMs / level.grainMs) * level.grainMs;
  if (start >= end) return cover(fromMs, toMs, finer);
  return [...cover(fromMs, start, finer), { level, fromMs: start, toMs: end }, ...cover(end, toMs, finer)];
}

/** What lies side by side becomes one. */
export function join(pieces: readonly Range[]): Range[] {
  const ranges: Range[] = [];
  for (const { fromMs, toMs } of pieces) {
    const last = ranges.at(-1);
    if (last?.toMs === fromMs) last.toMs = toMs;
    else ranges.push({ fromMs, toMs });
  }
  return ranges;
}

/** As one question where the gaps, or the ranges, are few enough to be named. */
function nameParts(level: Level, ranges: readonly Range[]): Part[] {
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (first === undefined || last === undefined) return [];
  const range = { fromMs: first.fromMs, toMs: last.toMs };
  const gaps = ranges.slice(1).map(({ fromMs }, index) => ({ fromMs: ranges[index]?.toMs ?? fromMs, toMs: fromMs }));
  if (countSums(level, gaps) <= MAX_NAMED)
    return [{ level, range, except: gaps.flatMap((gap) => listSums(level, gap)), only: null }];
  if (countSums(level, ranges) <= MAX_NAMED)
    return [{ level, range, except: [], only: ranges.flatMap((each) => listSums(level, each)) }];
  return ranges.map((each) => ({ level, range: each, except: [], only: null }));
}

function countSums({ grainMs }: Level, ranges: readonly Range[]): number {
  return ranges.reduce((count, { fromMs, toMs }) => count + (toMs - fromMs) / grainMs, 0);
}

function listSums({ grainMs }: Level, { fromMs, toMs }: Range): number[] {
  return Array.from({ length: (toMs - fromMs) / grainMs }, (_, index) => fromMs + index * grainMs);
}

interface Needs {
  filter: ReadonlySet<Dimension>;
  by: ReadonlySet<Dimension>;
}

function needs(filter: ReportQuery["filter"], by: readonly Dimension[]): Needs {
  const asked = [
    filter.apiKeyId !== undefined && ("key" as const),
    filter.direction !== undefined && ("direction" as const),
    filter.endpoint !== undefined && ("endpoint" as const),
    filter.model !== undefined && ("model" as const),
    filter.provider !== undefined && ("provider" as const),
    filter.status !== undefined && ("status" as const),
    (filter.tags?.length ?? 0) > 0 && ("tag" as const),
    filter.userId !== undefined && ("user" as const),
  ];
  return { filter: new Set(asked.filter((dimension) => dimension !== false)), by: new Set(by) };
}

/** The smallest that is kept and knows all that is asked for. */
function chooseCube({ filter, by }: Needs, tags: number): Cube {
  const all = filter.union(by);
  if (all.isSubsetOf(new Set<Dimension>(["direction"]))) return "total";
  if (["key", "tag", "user"].every((dimension) => !all.has(dimension as Dimension))) return "brief";
  if (all.isSubsetOf(new Set<Dimension>(["direction", "key", "user"]))) return "owner";
  // A row of this cube knows one of its tags only.
  const isOneTag = all.isSubsetOf(new Set<Dimension>(["direction", "tag"])) && !(filter.has("tag") && by.has("tag"));
  return isOneTag && tags <= 1 ? "tag" : "all";
}

/** The greatest common divisor; 0 has all. */
export function findDivisor(left: number, right: number): number {
  return right === 0 ? left : findDivisor(right, left % right);
}

// Sums of hours that are kept packed, in parts: a part for each quarter of an hour of a piece of a chain, which are made into few once they are
// many. Knows no report.

import { and, asc, count, eq, gte, inArray, lt, sql } from "drizzle-orm";
import type { Advance, Db, Engine, HourJoin, HourPart } from "../engine.ts";
import type { Level, Part, Range } from "../report/plan.ts";
import { HOUR_MS, QUARTER } from "./level.ts";
import { mergeSums, packParts } from "./merge.ts";
import { type CountedPiece, ROWS_A_PART } from "./piece.ts";

/** Levels whose sums are in such parts. What a part knows is the same for all of them. */
export function isHourly({ cube, grainMs }: Level): boolean {
  return (cube === "all" || cube === "owner") && grainMs === HOUR_MS;
}

/** The sums of sheets once more, which may be lost: these may not. */
export function toHours(
  pieces: readonly CountedPiece[],
  { chain, toSeq }: Pick<Advance, "chain" | "toSeq">,
): HourPart[] {
  const own = pieces.filter(({ level }) => level === QUARTER.name);
  return own.map(({ startMs, count: sums, body }, index) => ({
    id: `${(startMs / QUARTER.grainMs).toString(36)}.${chain}.${toSeq}.${index}`,
    startedAt: new Date(startMs - (startMs % HOUR_MS)),
    sums,
    body: print(body),
  }));
}

/** As many as are held in memory together. */
const AT_ONCE = 16;

/** All parts of those hours. */
export async function* readHours(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  { range, except = [], only = null }: Partial<Pick<Part, "except" | "only">> & { range: Range },
): AsyncGenerator<{ startMs: number; body: Uint8Array }, void> {
  const { ledgerHours: hours } = schema;
  const there = await db
    .select({ id: hours.id, at: hours.startedAt })
    .from(hours)
    .where(within(hours, range))
    .orderBy(asc(hours.startedAt), asc(hours.id));
  const [without, named] = [new Set(except), only === null ? null : new Set(only)];
  const wanted = there.filter(({ at }) => !without.has(at.getTime()) && (named?.has(at.getTime()) ?? true));
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    const ids = wanted.slice(at, at + AT_ONCE).map(({ id }) => id);
    const parts = await db.select({ at: hours.startedAt, body: hours.body }).from(hours).where(inArray(hours.id, ids));
    for (const part of parts) yield { startMs: part.at.getTime(), body: read(part.body) };
  }
}

/** How many parts each hour has that could be joined; none of those that have one. */
export async function listLoose(
  { schema }: Engine,
  db: Db,
  range: Range,
): Promise<{ startMs: number; loose: number }[]> {
  const { ledgerHours: hours } = schema;
  const loose = await db
    .select({ at: hours.startedAt, parts: count() })
    .from(hours)
    .where(and(within(hours, range), lt(hours.sums, ROWS_A_PART)))
    .groupBy(hours.startedAt)
    .having(sql`count(*) > 1`);
  return loose.map(({ at, parts }) => ({ startMs: at.getTime(), loose: parts }));
}

/** Some of an hour's parts, as few as possible: what is alike in them is one sum then. Full ones stay as they are. */
export async function joinHour({ schema }: Engine, db: Db, startMs: number): Promise<HourJoin> {
  const { ledgerHours: hours } = schema;
  const startedAt = new Date(startMs);
  const loose = await db
    .select({ id: hours.id, sums: hours.sums })
    .from(hours)
    .where(and(eq(hours.startedAt, startedAt), lt(hours.sums, ROWS_A_PART)))
    .orderBy(asc(hours.sums), asc(hours.id))
    .limit(MOST_JOINED);
  const ids: string[] = [];
  let waiting = 0;
  for (const { id, sums } of loose) {
    if (waiting >= ROWS_A_PART) break;
    ids.push(id);
    waiting += sums;
  }
  const found = await db.select({ body: hours.body }).from(hours).where(inArray(hours.id, ids));
  const rows = await mergeSums(readAll(found, startMs), { cube: "all", grainMs: HOUR_MS });
  // There are no more than there were, so there is a name for each.
  const parts = packParts(rows, startMs).map(({ body }, index) => ({
    id: ids[index] ?? "",
    startedAt,
    sums: Math.min(ROWS_A_PART, rows.length - index * ROWS_A_PART),
    body: print(body),
  }));
  return { ids, parts };
}

const MOST_JOINED = 256;

async function* readAll(
  found: readonly Pick<HourPart, "body">[],
  startMs: number,
): AsyncGenerator<{ startMs: number; body: Uint8Array }, void> {
  for (const { body } of found) yield { startMs, body: read(body) };
}

function within(hours: Engine["schema"]["ledgerHours"], { fromMs, toMs }: Range) {
  return and(
    Number.isFinite(fromMs) ? gte(hours.startedAt, new Date(fromMs)) : undefined,
    Number.isFinite(toMs) ? lt(hours.startedAt, new Date(toMs)) : undefined,
  );
}

function print({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(buffer, byteOffset, length).toString("base64");
}

function read(body: string): Uint8Array {
  return Buffer.from(body, "base64");
}

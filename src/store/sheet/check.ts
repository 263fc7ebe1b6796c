// What sheets say, as sums in a database are, to be held against those. Knows no rule of chains.

import { and, eq, gte, lt } from "drizzle-orm";
import { printClasses } from "../../lib/spread.ts";
import type { Db, Engine, RollupRow, SheetPlace } from "../engine.ts";
import type { Level } from "../report/plan.ts";
import { describe, nameSum } from "../rollup/sum.ts";
import type { Description, RowPlace } from "../row-read.ts";
import { readHours } from "./hour.ts";
import { DAY_MS, QUARTER_MS, ROWS } from "./level.ts";
import { type Bodies, mergeSums } from "./merge.ts";
import { unpackPlaces } from "./place.ts";
import { packSheet, signBody, unpackSheet } from "./sheet.ts";

interface Look {
  level: Level;
  startMs: number;
  /** Exclusive. */
  endMs: number;
}

/** Days in which sheets of these levels begin, in order: there may be some of days of which there is nothing else. */
export async function listSheetDays(
  { sheets }: Pick<Engine, "sheets">,
  db: Db,
  levels: readonly string[],
): Promise<number[]> {
  const days = new Set<number>();
  for (const level of levels)
    for (const { startMs } of await sheets.list(db, { level, fromMs: -Infinity, toMs: Infinity }))
      days.add(Math.floor(startMs / DAY_MS) * DAY_MS);
  return [...days].sort((left, right) => left - right);
}

/** All sums of the level's sheets that begin in that time, and when these begin; `hidden` are those that some filters pass over. */
export async function readPacked(
  place: Pick<Engine, "sheets">,
  db: Db,
  { level, startMs: fromMs, endMs: toMs }: Look,
): Promise<{ rows: RollupRow[]; starts: ReadonlySet<number>; hidden: ReadonlySet<number> }> {
  const { starts, bodies, hidden } = await readSigned(place, db, { level: level.name, fromMs, toMs });
  return { starts, rows: await unpackAll(bodies, level), hidden };
}

interface Signed {
  starts: ReadonlySet<number>;
  bodies: Bodies;
  /** Known once all bodies were read. */
  hidden: ReadonlySet<number>;
}

async function readSigned({ sheets }: Pick<Engine, "sheets">, db: Db, place: SheetPlace): Promise<Signed> {
  const there = await sheets.listSigned(db, place);
  const signs = new Map(there.map(({ startMs, part, sign }) => [`${startMs} ${part}`, sign]));
  const hidden = new Set<number>();
  const read = async function* (): AsyncGenerator<{ startMs: number; body: Uint8Array }, void> {
    for await (const { startMs, part, body } of sheets.read(db, place.level, there)) {
      if (!signBody(body).equals(signs.get(`${startMs} ${part}`) ?? new Uint8Array())) hidden.add(startMs);
      yield { startMs, body };
    }
  };
  return { starts: new Set(there.map(({ startMs }) => startMs)), bodies: read(), hidden };
}

/** All sums of an hourly level, of whichever table: they are the same ones, in parts. */
export async function readHourly(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  { level, startMs: fromMs, endMs: toMs }: Look,
): Promise<RollupRow[]> {
  const { ledgerRollups: sums } = schema;
  const inTime = and(gte(sums.startedAt, new Date(fromMs)), lt(sums.startedAt, new Date(toMs)));
  const rows = await db
    .select()
    .from(sums)
    .where(and(eq(sums.level, level.name), inTime));
  const bodies = async function* () {
    if (rows.length > 0) yield { startMs: fromMs, body: packSheet(rows, fromMs).body };
    for await (const part of readHours({ schema }, db, { range: { fromMs, toMs } }))
      if (isReadable(part.body)) yield part;
  };
  return unpackAll(bodies(), level);
}

/** What is not lacks its sums, which is found. */
function isReadable(body: Uint8Array): boolean {
  try {
    unpackSheet(body, 0);
    return true;
  } catch {
    return false;
  }
}

async function unpackAll(bodies: Bodies, level: Level): Promise<RollupRow[]> {
  const rows = await mergeSums(bodies, level);
  return rows.map((row) => ({
    ...row,
    id: nameSum(level.name, row.startedAt.getTime(), describe(row)),
    level: level.name,
    latencies: print(row.latencies),
    ttfts: print(row.ttfts),
  }));
}

/** Quarters of that time whose sheets do not say where exactly those rows are, with how many they tell of and how many there are. */
export async function findMisplaced(
  place: Pick<Engine, "sheets">,
  db: Db,
  { fromMs, toMs, places }: { fromMs: number; toMs: number; places: readonly RowPlace[] },
): Promise<{ startMs: number; told: number; there: number }[]> {
  const known = new Map<string, Description>();
  const told = new Map<number, string[]>();
  const { bodies, hidden } = await readSigned(place, db, { level: ROWS, fromMs, toMs });
  for await (const { startMs, body } of bodies)
    told.set(startMs, [...(told.get(startMs) ?? []), ...unpackPlaces(body, startMs, known).map(printPlace)]);
  const there = Map.groupBy(places, ({ atMs }) => atMs - (atMs % QUARTER_MS));
  return [...told].flatMap(([startMs, own]) => {
    const right = (there.get(startMs) ?? []).map(printPlace).toSorted();
    const isSame = own.length === right.length && own.toSorted().every((place, index) => place === right[index]);
    return isSame && !hidden.has(startMs) ? [] : [{ startMs, told: own.length, there: right.length }];
  });
}

function printPlace({ chain, seq, atMs, group }: RowPlace): string {
  return `${chain} ${seq} ${atMs} ${describe(group)}`;
}

function print(classes: ReadonlyMap<number, number> | string): string {
  return typeof classes === "string" ? classes : printClasses(classes);
}

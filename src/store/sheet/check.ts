// What sheets say, as sums in a database are, to be held against those. Knows no rule of chains.

import { and, eq, gte, lt } from "drizzle-orm";
import { printClasses } from "../../lib/spread.ts";
import type { Db, Engine, RollupRow } from "../engine.ts";
import type { Level } from "../report/plan.ts";
import { describe, nameSum } from "../rollup/sum.ts";
import type { Description, RowPlace } from "../row-read.ts";
import { readHours } from "./hour.ts";
import { QUARTER_MS, ROWS } from "./level.ts";
import { readBodies } from "./make.ts";
import { type Bodies, mergeSums } from "./merge.ts";
import { unpackPlaces } from "./place.ts";
import { packSheet, unpackSheet } from "./sheet.ts";

interface Look {
  level: Level;
  startMs: number;
  /** Exclusive. */
  endMs: number;
}

/** All sums of the level's sheets that begin in that time, and when these begin. */
export async function readPacked(
  { sheets }: Pick<Engine, "sheets">,
  db: Db,
  { level, startMs: fromMs, endMs: toMs }: Look,
): Promise<{ rows: RollupRow[]; starts: ReadonlySet<number> }> {
  const there = await sheets.list(db, { level: level.name, fromMs, toMs });
  return {
    starts: new Set(there.map(({ startMs }) => startMs)),
    rows: await unpackAll(readBodies({ sheets }, db, level.name, { fromMs, toMs }), level),
  };
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
  { sheets }: Pick<Engine, "sheets">,
  db: Db,
  { fromMs, toMs, places }: { fromMs: number; toMs: number; places: readonly RowPlace[] },
): Promise<{ startMs: number; told: number; there: number }[]> {
  const known = new Map<string, Description>();
  const told = new Map<number, string[]>();
  for await (const { startMs, body } of readBodies({ sheets }, db, ROWS, { fromMs, toMs }))
    told.set(startMs, [...(told.get(startMs) ?? []), ...unpackPlaces(body, startMs, known).map(printPlace)]);
  const there = Map.groupBy(places, ({ atMs }) => atMs - (atMs % QUARTER_MS));
  return [...told].flatMap(([startMs, own]) => {
    const right = (there.get(startMs) ?? []).map(printPlace).toSorted();
    const isSame = own.length === right.length && own.toSorted().every((place, index) => place === right[index]);
    return isSame ? [] : [{ startMs, told: own.length, there: right.length }];
  });
}

function printPlace({ chain, seq, atMs, group }: RowPlace): string {
  return `${chain} ${seq} ${atMs} ${describe(group)}`;
}

function print(classes: ReadonlyMap<number, number> | string): string {
  return typeof classes === "string" ? classes : printClasses(classes);
}

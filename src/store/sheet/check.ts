// What sheets say, as sums in a database are, to be held against those. Knows no SQL.

import { printClasses } from "../../lib/spread.ts";
import type { Db, Engine, RollupRow } from "../engine.ts";
import type { Level } from "../report/plan.ts";
import { describe, nameSum } from "../rollup/sum.ts";
import type { Description, RowPlace } from "../row-read.ts";
import { QUARTER_MS, ROWS } from "./level.ts";
import { readBodies } from "./make.ts";
import { mergeSums } from "./merge.ts";
import { unpackPlaces } from "./place.ts";

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
  const rows = await mergeSums(readBodies({ sheets }, db, level.name, { fromMs, toMs }), level);
  return {
    starts: new Set(there.map(({ startMs }) => startMs)),
    rows: rows.map((row) => ({
      ...row,
      id: nameSum(level.name, row.startedAt.getTime(), describe(row)),
      level: level.name,
      latencies: print(row.latencies),
      ttfts: print(row.ttfts),
    })),
  };
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

// What sheets say, as sums in a database are, to be held against those. Knows no SQL.

import { printClasses } from "../lib/spread.ts";
import type { Db, Engine, RollupRow } from "./engine.ts";
import type { Level } from "./report-plan.ts";
import { describe, nameSum } from "./rollup-sum.ts";
import { readBodies } from "./sheet-make.ts";
import { mergeSums } from "./sheet-merge.ts";

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

function print(classes: ReadonlyMap<number, number> | string): string {
  return typeof classes === "string" ? classes : printClasses(classes);
}

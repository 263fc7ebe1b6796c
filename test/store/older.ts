// Books as an older release kept them: the sums of hours a row each. Knows no test.

import { Database } from "bun:sqlite";
import { getTableColumns } from "drizzle-orm";
import { printClasses } from "../../src/lib/spread.ts";
import type { HourPart, RollupRow } from "../../src/store/engine.ts";
import { describe, nameSum } from "../../src/store/rollup/sum.ts";
import { mergeSums } from "../../src/store/sheet/merge.ts";
import { ledgerRollups } from "../../src/store/sqlite/schema.ts";
import { runSql } from "../postgres.ts";
import type { Place } from "./sample.ts";

const HOUR_MS = 3_600_000;
const COLUMNS = Object.entries(getTableColumns(ledgerRollups));

/** Rows of a query, whichever engine it is. */
export async function query<Row>(
  { engine }: Pick<Place, "engine">,
  location: string,
  statement: string,
): Promise<Row[]> {
  if (engine === "postgres") return (await runSql(location, statement)) as unknown as Row[];
  const db = new Database(location);
  try {
    return db.query<Row, []>(statement).all();
  } finally {
    db.close();
  }
}

/** Moves all that is packed to where it was. */
export async function keepHoursApart(place: Place, location: string): Promise<void> {
  const found = await query<{ at: Date | number; body: HourPart["body"] }>(
    place,
    location,
    "select started_at as at, body from ledger_hours",
  );
  async function* read() {
    for (const { at, body } of found) yield { startMs: Number(at), body: Buffer.from(body, "base64") };
  }
  for (const cube of ["all", "owner"] as const)
    for (const row of await mergeSums(read(), { cube, grainMs: HOUR_MS })) {
      const level = `${cube}.hour`;
      const kept: RollupRow = {
        ...row,
        id: nameSum(level, row.startedAt.getTime(), describe(row)),
        level,
        latencies: printClasses(row.latencies as ReadonlyMap<number, number>),
        ttfts: printClasses(row.ttfts as ReadonlyMap<number, number>),
      };
      const values = COLUMNS.map(([field]) => print(place, kept[field as keyof RollupRow]));
      const names = COLUMNS.map(([, { name }]) => name);
      await place.run(location, `insert into ledger_rollups (${names.join(", ")}) values (${values.join(", ")})`);
    }
  await place.run(location, "delete from ledger_hours");
}

function print({ engine }: Place, value: RollupRow[keyof RollupRow]): string {
  if (value === null) return "null";
  if (typeof value === "number") return String(value);
  if (value instanceof Date) return engine === "sqlite" ? String(value.getTime()) : `'${value.toISOString()}'`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `'${text.replaceAll("'", "''")}'`;
}

// The rows that measurements are made on: that both engines take them, and that reports on them are what their plain sums are.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printFill } from "../../scripts/bench/fill.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { open } from "../store/sample.ts";

const ROWS = 3_000;
const END_MS = Date.UTC(2026, 1, 1);
const DAY_MS = 86_400_000;

const SUMS =
  "select count(*) as entries, sum(cost_nanos) as cost, sum(output_tokens) as output from ledger_entries where provider = 'provider-1'";

const fill = (engine: "postgres" | "sqlite"): string[] =>
  [0, ROWS / 2].map((from) =>
    printFill({
      engine,
      rows: ROWS / 2,
      from,
      chain: "bench",
      startMs: END_MS - 3 * DAY_MS,
      endMs: END_MS,
      total: ROWS,
    }),
  );

async function expectSums(location: string, plain: Record<string, unknown> | undefined): Promise<void> {
  const store = await open(location);
  while ((await store.ledger.rollUp(1_000)).rows > 0);
  const { groups } = await store.ledger.report({ filter: { to: new Date(END_MS) }, by: ["provider"], edges: [] });
  const found = groups.find(({ keys }) => keys[0] === "provider-1")?.sums;
  expect([found?.entries, found?.costNanos, found?.outputTokens]).toEqual(
    ["entries", "cost", "output"].map((name) => Number(plain?.[name])),
  );
  expect(groups.reduce((sum, { sums }) => sum + sums.entries, 0)).toBe(ROWS);
  await store.close();
}

describe("rows by the million", () => {
  test("on SQLite", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-fill-"));
    const location = join(folder, "ledger.db");
    await (await open(location)).close();
    const db = new Database(location);
    for (const statement of fill("sqlite")) db.run(statement);
    const plain = db.query<Record<string, unknown>, []>(SUMS).get() ?? undefined;
    db.close();
    await expectSums(location, plain);
    rmSync(folder, { recursive: true });
  });

  test.skipIf(!hasPostgres)("on PostgreSQL", async () => {
    const dsn = await createDatabase();
    await (await open(dsn)).close();
    for (const statement of fill("postgres")) await runSql(dsn, statement);
    await expectSums(dsn, (await runSql(dsn, SUMS))[0]);
  });
});

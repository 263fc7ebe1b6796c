// `ledger rebuild`: sums that somebody damaged are named by verify with this remedy, told by the doctor where they stop, and right afterwards.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { runRetention } from "../audit/verify/age.ts";
import { makeBench, makeCall, verifyBooks } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  const isPostgres = engine === "postgres";

  test.skipIf(isPostgres && !hasPostgres)(
    "what verify names is made anew, and the doctor names where nothing is summed up",
    async () => {
      const dsn = isPostgres ? await createDatabase() : undefined;
      const bench = makeBench(dsn);
      const { desk } = bench;
      await bench.write(async ({ ledger }) => {
        for (let number = 1; number <= 9; number++) await ledger.add(makeCall(number));
      });
      const rebuilt = await desk.read("ledger rebuild");
      expect(rebuilt).toEqual({ days: 1, kept_before: null, marks: [], unsure: [] });
      const doctor = async () => (await desk.run(["doctor", "--offline", "--json"])).out;
      expect(await doctor()).not.toContain("ledger_marks");
      const before = await desk.read("usage summary");
      const change = async (statement: string): Promise<void> => {
        if (dsn !== undefined) return void (await runSql(dsn, statement));
        const db = new Database(join(desk.folder, "ledger.db"));
        db.run(statement);
        db.close();
      };
      await change("insert into ledger_marks (chain, seq) values ('ghost', 3)");
      await change("update ledger_rollups set requests = 99");
      const { code, err } = await desk.run("ledger verify");
      expect({ code, hasRemedy: err.includes("tokligence ledger rebuild makes all sums anew") }).toEqual({
        code: 1,
        hasRemedy: true,
      });
      await change("update ledger_marks set seq = 4000 where chain <> 'ghost'");
      expect(await doctor()).toMatch(/ledger_marks.*leaves out those that are gone by age/su);
      expect(await desk.read("usage summary")).toEqual(before);
      const [own] = await bench.query<{ chain: string }>("select chain from ledger_chains");
      expect(await desk.read("ledger rebuild")).toMatchObject({ days: 1, marks: [own?.chain] });
      expect((await verifyBooks(bench)).findings).toEqual([]);
      expect(await desk.read("usage summary")).toEqual(before);
      expect(await doctor()).not.toContain("ledger_marks");
      expect((await desk.run("ledger rebuild")).err).toContain("The sums of 1 day are made anew from their rows.");
      desk.close();
    },
    60_000,
  );
});

test.skipIf(!hasPostgres).each(["sqlite", "postgres"] as const)(
  "on %s, what is told of rows that are gone by age stays as it was",
  async (engine) => {
    const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
    const DAY_MS = 86_400_000;
    const ages = [30, 29, 20, 9, 5, 2, 1];
    await bench.write(async ({ ledger }) => {
      for (const age of ages)
        await ledger.add(makeCall(age, { createdAt: new Date(bench.clock.wallMs() - age * DAY_MS) }));
    });
    expect(await runRetention(bench, { payloadHashesMs: 0, rowsMs: 15 * DAY_MS })).toMatchObject([{ rows: 3 }]);
    expect(await bench.desk.read("usage summary")).toMatchObject({ requests: 7 });
    // Of that time, some are in no sum yet.
    await bench.write(async ({ ledger }) => {
      for (const number of [8, 9])
        await ledger.add(makeCall(number, { createdAt: new Date(bench.clock.wallMs() - 10 * DAY_MS) }));
    });
    await bench.tamper("update ledger_marks set seq = 99");
    const told = await bench.desk.read<{ kept_before: string; marks: string[] }>("ledger rebuild");
    expect(told.marks).toHaveLength(1);
    expect(told.kept_before).toMatch(/T00:00:00.000Z$/u);
    expect(await bench.desk.read("usage summary")).toMatchObject({ requests: 9 });
    expect((await verifyBooks(bench)).findings).toEqual([]);
    bench.desk.close();
  },
  60_000,
);

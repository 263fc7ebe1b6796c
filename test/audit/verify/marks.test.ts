// What is kept beside the chains (how far they are summed up, what of them went by age, whose place they hold), changed behind the gateway's back:
// it is named, or it hides nothing. On both engines.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { runRetention } from "./age.ts";
import { PAYLOAD, type Bench, makeBench, makeCall, makeRecount, tryChanges, verifyBooks } from "./books.ts";

// Many commands, each of which opens its database anew.
setDefaultTimeout(30_000);

const DAY_MS = 86_400_000;

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  const runs = !isPostgres || hasPostgres;
  const open = async (): Promise<Bench> => makeBench(isPostgres ? await createDatabase() : undefined);
  const at = (ms: number): string => (isPostgres ? `'${new Date(ms).toISOString()}'::timestamptz` : String(ms));

  describe("where nothing went by age", () => {
    let bench: Bench;
    const find = (...changes: string[]) => tryChanges(bench, changes);

    beforeAll(async () => {
      if (!runs) return;
      bench = await open();
      await bench.write(async ({ ledger }) => {
        const died = { errorKind: "interrupted", latencyMs: 0, status: 500 } as const;
        const calls = [1, 2, 3, 4].map((number) => makeCall(number, { ...PAYLOAD, ...(number === 3 ? died : {}) }));
        for (const call of calls) await ledger.add(call);
        // Places behind the last call: to these no sum goes.
        await ledger.addRecounts(calls.map(({ id }) => makeRecount(id)));
      });
      await bench.desk.withStore(async ({ ledger }) => {
        while ((await ledger.rollUp(3)).rows > 0);
      });
    });
    afterAll(() => bench?.desk.close());

    test.skipIf(!runs)("that sums lack something hides nothing of what was done to them", async () => {
      expect(await find()).toEqual([]);
      // No call lies between these two, so nothing is ever added.
      const lacking = "update ledger_marks set seq = 6, detail_seq = 5";
      const one = "(select min(id) from ledger_rollups where level = 'total.hour')";
      expect(await find(lacking)).toEqual([]);
      expect(await find(lacking, `update ledger_rollups set cost_nanos = 0 where id = ${one}`)).toMatchObject([
        { kind: "sums_altered" },
      ]);
      // The next gateway would count attempts, or calls that nobody timed, again.
      for (const column of ["detail_seq", "untimed_seq"])
        expect(await find(`update ledger_marks set ${column} = 0`)).toMatchObject([{ kind: "sums_altered" }]);
    });

    test.skipIf(!runs)("that less or more is summed up is named", async () => {
      for (const change of ["update ledger_marks set seq = 2", "delete from ledger_marks"])
        expect(await find(change)).toMatchObject([{ kind: "sums_altered" }]);
      expect(await find("update ledger_marks set seq = 9, detail_seq = 9")).toMatchObject([
        { kind: "chain_altered", table: "ledger_marks", expected: "8", found: "9" },
      ]);
    });

    test.skipIf(!runs)("that a chain is summed up which is nowhere is named", async () => {
      expect(await find("insert into ledger_marks (chain, seq) values ('ghost', 3)")).toMatchObject([
        { kind: "chain_altered", table: "ledger_marks", id: "ghost" },
      ]);
    });

    test.skipIf(!runs)("that rows or hashes went by age is not believed without a signature", async () => {
      expect(await find(`update ledger_marks set removed_before = ${at(Date.UTC(2024, 0))}`)).toMatchObject([
        { kind: "chain_altered", table: "ledger_marks", expected: null, found: "2024-01-01T00:00:00.000Z" },
      ]);
      expect(await find(`update ledger_marks set removed_before = ${at(0)}`)).toMatchObject([
        { kind: "chain_altered", table: "ledger_marks", expected: null, found: "1970-01-01T00:00:00.000Z" },
      ]);
      expect(await find("update ledger_marks set hashes_seq = 2")).toMatchObject([
        { kind: "chain_altered", table: "ledger_marks", expected: "0", found: "2" },
      ]);
    });
  });

  test.skipIf(!runs)(
    "where rows went by age, none is hidden that did, nor what was done to the sums of others",
    async () => {
      const bench = await open();
      const day = (number: number) => new Date(bench.clock.wallMs() - number * DAY_MS);
      const write = (ages: readonly number[]) =>
        bench.write(async ({ ledger }) => {
          for (const age of ages) await ledger.add(makeCall(age, { createdAt: day(age), ...PAYLOAD }));
        });
      await write([3, 2, 1]);
      // Of the first chain nothing will be left.
      rmSync(join(bench.desk.folder, "ledger.key"));
      bench.clock.advance(27 * DAY_MS);
      await write([27, 26, 5, 3, 1]);
      const gone = await runRetention(bench, { payloadHashesMs: 20 * DAY_MS, rowsMs: 10 * DAY_MS });
      expect(gone).toEqual([{ captured: 0, hashes: 5, rows: 5 }]);
      const find = (...changes: string[]) => tryChanges(bench, changes);
      expect(await find()).toEqual([]);
      const [first, second] = (
        await bench.query<{ chain: string }>("select chain from ledger_chains order by started_at, chain")
      ).map(({ chain }) => `chain = '${chain}'`);
      const last = "(select max(id) from ledger_rollups where level = 'total.hour')";
      for (const of of [first, second])
        expect(await find(`update ledger_marks set removed_before = null where ${of}`)).toMatchObject([
          { kind: "chain_altered", table: "ledger_marks", found: null },
        ]);
      const late = `update ledger_marks set removed_before = ${at(Date.UTC(2090, 0))} where ${first}`;
      const forged = `update ledger_rollups set requests = 9 where id = ${last}`;
      expect((await find(late, forged)).map(({ kind }) => kind)).toEqual(["chain_altered", "sums_altered"]);
      expect((await find(`delete from ledger_marks where ${first}`, forged)).map(({ kind }) => kind)).toEqual([
        "chain_altered",
        "sums_altered",
      ]);
      // Rows that sums still tell of, and that the mark does not let go.
      const early = await find(`update ledger_marks set removed_before = ${at(day(60).getTime())}`);
      expect(new Set(early.map(({ kind }) => kind))).toEqual(new Set(["sums_altered"]));
      const [forgotten] = await find(`update ledger_marks set hashes_seq = 4 where ${second}`);
      expect(forgotten).toMatchObject({ kind: "chain_altered", table: "ledger_marks", expected: "2", found: "4" });
      bench.desk.close();
    },
  );

  test.skipIf(!runs)("whose place a chain holds hides nothing: neither rows, nor that some are missing", async () => {
    const bench = await open();
    const write = (numbers: readonly number[]) =>
      bench.write(async ({ ledger }) => {
        for (const number of numbers) await ledger.add(makeCall(number));
        bench.clock.advance(60_000);
      });
    const look = async () => {
      const { chains, findings, rows } = await verifyBooks(bench);
      const { requests } = await bench.desk.read<{ requests: number }>("usage summary");
      return { chains: chains.length, findings, rows, requests };
    };
    await write([1, 2, 3]);
    await bench.tamper("update ledger_chains set slot = 5");
    expect(await look()).toEqual({ chains: 1, findings: [], rows: 3, requests: 3 });
    // Whoever comes to a place that has no chain begins one; where a file is the ledger itself, that is so now.
    await write([4, 5]);
    const chains = isPostgres ? 1 : 2;
    expect(await look()).toEqual({ chains, findings: [], rows: 5, requests: 5 });
    await bench.tamper("update ledger_chains set slot = 0");
    await write([6]);
    expect(await look()).toEqual({ chains, findings: [], rows: 6, requests: 6 });
    // With the place of another chain, what was taken off the end of one is missed as it is without.
    const [own] = await bench.query<{ chain: string }>("select chain from ledger_chains order by started_at limit 1");
    const cut = [
      `delete from ledger_entries where seq = 3 and chain = '${own?.chain}'`,
      `delete from ledger_heads where seq = 3 and chain = '${own?.chain}'`,
      `update ledger_chains set seq = 2, hash = (select hash from ledger_entries where seq = 2 and chain = '${own?.chain}')
        where chain = '${own?.chain}'`,
    ];
    const kinds = async (...changes: string[]) =>
      (await tryChanges(bench, changes)).map(({ kind, seq }) => `${kind} ${seq}`);
    const plain = await kinds(...cut);
    expect(plain).not.toEqual([]);
    expect(await kinds(...cut, "update ledger_chains set slot = 7")).toEqual(plain);
    bench.desk.close();
  });
});

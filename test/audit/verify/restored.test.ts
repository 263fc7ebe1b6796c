// A PostgreSQL ledger and the home folder of a gateway, of which one was put back to an older state: it is said, and no row is lost.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, verifyBooks } from "./books.ts";

async function withBench(work: (bench: Bench) => Promise<void>, dsn: string): Promise<void> {
  const bench = makeBench(dsn);
  try {
    await work(bench);
  } finally {
    bench.desk.close();
  }
}

test.skipIf(!hasPostgres)(
  "a start says that an old copy of a PostgreSQL database was put in its place, and nothing while rows wait",
  async () => {
    const dsn = await createDatabase();
    await withBench(async (bench) => {
      const write = (number: number) =>
        bench.write(async ({ ledger }) => {
          await ledger.add(makeCall(number));
          bench.clock.advance(60_000);
        });
      const said = () =>
        bench.told.filter((words) => words.startsWith("The ledger's database ends before what was signed"));
      await write(1);
      for (const table of ["entries", "heads", "chains"])
        await bench.tamper(`create table copy_${table} as select * from ledger_${table}`);
      await bench.tamper("alter table ledger_entries rename to away");
      await write(2);
      await bench.tamper("alter table away rename to ledger_entries");
      await write(3);
      expect(said()).toEqual([]);
      for (const table of ["entries", "heads", "chains"]) {
        await bench.tamper(`delete from ledger_${table}`);
        await bench.tamper(`insert into ledger_${table} select * from copy_${table}`);
      }
      await write(4);
      expect(said()).toHaveLength(1);
      expect((await verifyBooks(bench)).findings.map(({ kind }) => kind)).toContain("removed");
      await write(5);
      expect(said()).toHaveLength(1);
      // One that knows nothing of the chain, likewise.
      for (const table of ["entries", "heads", "chains"]) await bench.tamper(`delete from ledger_${table}`);
      await write(6);
      expect(said()).toHaveLength(2);
    }, dsn);
  },
  30_000,
);

test.skipIf(!hasPostgres)(
  "a start with another key says nothing of the kind where all is there that the key before it signed",
  async () => {
    const dsn = await createDatabase();
    await withBench(async (bench) => {
      const write = (number: number) =>
        bench.write(async ({ ledger }) => {
          await ledger.add(makeCall(number));
          bench.clock.advance(60_000);
        });
      const said = () =>
        bench.told.filter((words) => words.startsWith("The ledger's database ends before what was signed"));
      await write(1);
      rmSync(join(bench.desk.folder, "ledger.key"));
      await write(2);
      expect(said()).toEqual([]);
      rmSync(join(bench.desk.folder, "ledger.key"));
      for (const table of ["entries", "heads", "chains"]) await bench.tamper(`delete from ledger_${table}`);
      await write(3);
      expect(said()).toHaveLength(1);
    }, dsn);
  },
  30_000,
);

describe.skipIf(!hasPostgres)("an old copy of the home folder, beside a PostgreSQL database that knows more", () => {
  const HOME = ["outbox.db", "ledger.heads.jsonl", "ledger.changes.jsonl"];
  const goBack = async (bench: Bench) => {
    const at = (name: string) => join(bench.desk.folder, name);
    const write = (number: number, before = () => Promise.resolve()) =>
      bench.write(async ({ ledger }) => {
        await before();
        await ledger.add(makeCall(number));
        bench.clock.advance(60_000);
      });
    await write(1);
    for (const name of HOME) copyFileSync(at(name), at(`${name}.old`));
    for (const number of [2, 3]) await write(number);
    for (const end of ["-wal", "-shm"]) rmSync(at(`outbox.db${end}`), { force: true });
    for (const name of HOME) copyFileSync(at(`${name}.old`), at(name));
    return write;
  };
  const listArrived = async (bench: Bench): Promise<string[]> =>
    (await bench.query<{ request_id: string }>("select request_id from ledger_entries order by request_id")).map(
      (row) => row.request_id,
    );

  test("goes on with a chain of its own, and no row takes another one's place", async () => {
    await withBench(
      async (bench) => {
        const write = await goBack(bench);
        await write(4);
        await write(5);
        expect(await listArrived(bench)).toEqual([1, 2, 3, 4, 5].map((number) => `request-${number}`));
        expect(
          (await bench.query<{ seq: number }>("select seq from ledger_chains order by started_at, slot")).map(
            ({ seq }) => Number(seq),
          ),
        ).toEqual([3, 2]);
        expect(bench.told.join()).toContain("A new chain begins");
        expect((await verifyBooks(bench)).findings).toEqual([]);
      },
      await createDatabase(),
    );
  }, 30_000);

  test("that learns of it too late keeps its rows, says that they are not taken, and puts them into the next chain", async () => {
    await withBench(
      async (bench) => {
        const write = await goBack(bench);
        await bench.tamper("alter table ledger_chains rename to away");
        await write(4, () => bench.tamper("alter table away rename to ledger_chains"));
        expect(await listArrived(bench)).toEqual([1, 2, 3].map((number) => `request-${number}`));
        expect(bench.told.join()).toContain("Another row has a row's place in its chain, and it is set aside");
        const outbox = new Database(join(bench.desk.folder, "outbox.db"));
        const kept = outbox.query<{ request_id: string }, []>("select request_id from ledger_entries").all();
        outbox.close();
        expect(kept.map((row) => row.request_id)).toEqual(["request-4"]);
        await write(5);
        await write(6);
        expect(await listArrived(bench)).toEqual([1, 2, 3, 4, 5, 6].map((number) => `request-${number}`));
        const last = await bench.query<{ request_id: string; seq: number }>(
          "select request_id, seq from ledger_entries where chain = (select chain from ledger_entries where request_id = 'request-6') order by seq",
        );
        expect(last.map(({ request_id, seq }) => `${seq}: ${request_id}`)).toEqual(
          [4, 5, 6].map((number, index) => `${index + 1}: request-${number}`),
        );
        const left = new Database(join(bench.desk.folder, "outbox.db"));
        expect(left.query("select id from ledger_refused where id like 'entry/%'").all()).toEqual([]);
        left.close();
      },
      await createDatabase(),
    );
  }, 30_000);

  test("whose last row found its place free puts those before it into the next chain, too", async () => {
    await withBench(
      async (bench) => {
        const write = await goBack(bench);
        await bench.tamper("alter table ledger_chains rename to away");
        await bench.write(async ({ ledger }) => {
          await bench.tamper("alter table away rename to ledger_chains");
          for (const number of [4, 5, 6]) await ledger.add(makeCall(number));
        });
        expect(await listArrived(bench)).toEqual([1, 2, 3, 6].map((number) => `request-${number}`));
        await write(7);
        await write(8);
        expect(await listArrived(bench)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((number) => `request-${number}`));
        const chains = await bench.query<{ rows: number }>(
          "select count(*) as rows from ledger_entries group by chain order by 1",
        );
        expect(chains.map(({ rows }) => Number(rows))).toEqual([4, 4]);
      },
      await createDatabase(),
    );
  }, 30_000);
});

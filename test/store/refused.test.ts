// A row that PostgreSQL takes for nothing in the world: it is set aside in the outbox, counted and told of, and those behind it arrive.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { makeBench, makeCall, verifyBooks } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { makeRig } from "../rig.ts";
import { makeEntry } from "../ledger/entry.ts";

test.skipIf(!hasPostgres)("a row that no column takes holds up no other, and stays where it can be seen", async () => {
  const dsn = await createDatabase();
  const rig = await makeRig({ config: (config) => ({ ...config, identityPath: dsn, ledgerPath: dsn }) });
  try {
    // 32 bits on PostgreSQL, 64 on SQLite.
    const bad = makeEntry({ requestId: "bad", status: 5_000_000_000 });
    const good = ["a", "b"].map((requestId) => makeEntry({ requestId }));
    await Promise.all([good[0], bad, good[1]].flatMap((row) => (row === undefined ? [] : [rig.ledger.add(row)])));
    await rig.ledger.add(makeEntry({ requestId: "c" }));
    expect((await rig.rows()).map(({ requestId }) => requestId).toSorted()).toEqual(["a", "b", "c"]);
    const arrived = await runSql(dsn, "select request_id from ledger_entries order by seq");
    expect(arrived.map((row) => row["request_id"])).toEqual(["a", "b", "c"]);
    const outbox = new Database(rig.config.outboxPath, { readonly: true });
    const left = outbox.query("select request_id from ledger_entries").all();
    const refused = outbox.query<{ id: string; reason: string }, []>("select id, reason from ledger_refused").all();
    outbox.close();
    expect(left).toEqual([{ request_id: "bad" }]);
    expect(refused).toMatchObject([{ id: `entry/${bad.id}` }]);
    expect(refused[0]?.reason).toContain("out of range");
    expect(rig.log.filter((line) => line.includes("refused"))).toHaveLength(1);
  } finally {
    await rig.close();
  }
});

test.skipIf(!hasPostgres)(
  "neither a signed head nor a chain's own row holds up any row, and both stay where they can be seen",
  async () => {
    const dsn = await createDatabase();
    const bench = makeBench(dsn);
    const outbox = () => new Database(join(bench.desk.folder, "outbox.db"));
    const write = (number: number) =>
      bench.write(async ({ ledger }) => {
        await ledger.add(makeCall(number));
        bench.clock.advance(60_000);
      });
    try {
      await write(1);
      await runSql(dsn, "alter table ledger_heads add constraint odd check (seq <> 2)");
      await write(2);
      const spoilt = outbox();
      spoilt.run("update ledger_chains set started_at = 'x'");
      spoilt.close();
      await write(3);
      await write(4);
      const arrived = await runSql(dsn, "select seq from ledger_entries order by seq");
      expect(arrived.map(({ seq }) => Number(seq))).toEqual([1, 2, 3, 4]);
      const signed = await runSql(dsn, "select seq from ledger_heads where seq > 0 order by seq");
      expect(signed.map(({ seq }) => Number(seq))).toEqual([1, 3, 4]);
      const [own] = await runSql(dsn, "select chain from ledger_chains");
      const chain = String(own?.["chain"]);
      const file = outbox();
      const refused = file.query<{ id: string }, []>("select id from ledger_refused order by id").all();
      expect(refused.map(({ id }) => id)).toEqual([`chain/${chain}`, `head/${chain}/2/interval`]);
      const left = file.query<{ id: string }, []>(
        "select id from ledger_heads union all select id from ledger_entries",
      );
      expect(left.all().map(({ id }) => id)).toEqual([`${chain}/2/interval`]);
      file.close();
      expect(bench.told.filter((words) => words.includes("ledger_refused"))).toHaveLength(2);
      expect(bench.told.filter((words) => words.includes("outbox"))).toEqual([]);
    } finally {
      bench.desk.close();
    }
  },
);

test.skipIf(!hasPostgres)(
  "a row that somebody damaged in the outbox goes on as it can be told, and holds up no other",
  async () => {
    const dsn = await createDatabase();
    const bench = makeBench(dsn);
    const write = (...numbers: number[]) =>
      bench.write(async ({ ledger }) => {
        for (const number of numbers) await ledger.add(makeCall(number));
      });
    try {
      await write(1);
      await runSql(dsn, "alter table ledger_entries rename to away");
      await write(2, 3, 4);
      const file = new Database(join(bench.desk.folder, "outbox.db"));
      file.run(`update ledger_entries set attempts = '{"' where seq = 2`);
      file.run("update ledger_entries set model_asked = x'ff00', tags = x'ff00' where seq = 3");
      file.close();
      await runSql(dsn, "alter table away rename to ledger_entries");
      await write(5);
      const arrived = await runSql(dsn, "select seq from ledger_entries order by seq");
      expect(arrived.map(({ seq }) => Number(seq))).toEqual([1, 2, 3, 4, 5]);
      const { findings } = await verifyBooks(bench);
      expect(findings.flatMap(({ kind, seq }) => (kind === "altered" ? [seq] : []))).toEqual([2, 3]);
    } finally {
      bench.desk.close();
    }
  },
);

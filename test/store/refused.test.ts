// A row that PostgreSQL takes for nothing in the world: it is set aside in the outbox, counted and told of, and those behind it arrive.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
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

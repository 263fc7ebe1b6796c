// Rows and chains with values that nothing of ours ever writes: they neither hide what was done nor keep the books from being read. On
// both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { getTableColumns } from "drizzle-orm";
import { ledgerEntries } from "../../../src/store/sqlite/schema.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, fillBooks, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

const ENGINES = ["sqlite", "postgres"] as const;

describe.each(ENGINES)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  let bench: Bench;

  const runs = !isPostgres || hasPostgres;
  beforeAll(async () => {
    if (!runs) return;
    bench = makeBench(isPostgres ? await createDatabase() : undefined);
    await fillBooks(bench);
  });
  afterAll(() => bench?.desk.close());

  const find = async (...changes: string[]) =>
    (await tryChanges(bench, changes))
      .map(({ kind, seq }) => ({ kind, seq }))
      .toSorted((a, b) => (a.kind < b.kind ? -1 : 1));

  test.skipIf(!runs).each(isPostgres ? ["-1", "9223372036854775807"] : ["'many'", "-1", "5.5", "9e18"])(
    "a chain that says it has come to %s is altered, and hides no row that was cut off",
    async (place) => {
      const state = `update ledger_chains set seq = ${place}`;
      expect(await find(state)).toEqual([{ kind: "chain_altered", seq: null }]);
      expect(await find(state, "delete from ledger_entries where seq > 17")).toEqual([
        { kind: "chain_altered", seq: null },
        { kind: "truncated", seq: 18 },
      ]);
    },
  );

  test.skipIf(!runs).each(isPostgres ? ["9223372036854775807", "-5"] : ["9223372036854775807", "'x'", "x'0c'"])(
    "a row at the place %s is missed at its own",
    async (place) => {
      expect(await find(`update ledger_entries set seq = ${place} where seq = 12`)).toEqual([
        { kind: "inserted", seq: null },
        { kind: "removed", seq: 12 },
      ]);
    },
  );

  test.skipIf(!runs || isPostgres).each(["chain", "hash", "key_id", "public_key"])(
    "a chain whose %s is no text is named, and keeps nothing else from being looked at",
    async (column) => {
      const kinds = (await find(`update ledger_chains set ${column} = cast(${column} as blob)`)).map(
        ({ kind }) => kind,
      );
      expect(kinds).toContain(column === "hash" ? "altered" : "key_replaced");
    },
  );

  test
    .skipIf(!runs)
    .each(
      isPostgres
        ? ["created_at = 'infinity'", "latency_ms = 'NaN'"]
        : [
            "created_at = 'once'",
            "model_asked = cast(model_asked as blob)",
            "cost_nanos = cast(cost_nanos as blob)",
            "streamed = cast(streamed as blob)",
            "latency_ms = cast(latency_ms as blob)",
          ],
    )("a row with %s is named alone", async (change) => {
    expect(await find(`update ledger_entries set ${change} where seq = 12`)).toEqual([{ kind: "altered", seq: 12 }]);
  });

  test.skipIf(!runs)("a row that was put in with no time that there is can be told", async () => {
    const time = isPostgres ? "'infinity'" : "'once'";
    expect(await find(`update ledger_entries set created_at = ${time}, seq = -1 where seq = 12`)).toEqual([
      { kind: "inserted", seq: null },
      { kind: "removed", seq: 12 },
    ]);
  });

  test.skipIf(!runs)("a row from before there was a chain proves nothing, which is said", async () => {
    const early = isPostgres ? "'2001-01-01'" : "1";
    await bench.tamper(`update ledger_entries set chain = null, seq = null, created_at = ${early} where seq = 20`);
    expect((await verifyBooks(bench, "--no-rollups")).notes.join(" ")).toContain(
      "1 call is of before there was a chain",
    );
  });

  test.skipIf(!runs)("a table that is gone is named", async () => {
    await bench.tamper("alter table ledger_recounts rename to elsewhere");
    try {
      const { code, err } = await bench.desk.run(["ledger", "verify"]);
      expect(code).toBe(1);
      expect(err).toMatch(/failed: .*ledger_recounts/u);
    } finally {
      await bench.tamper("alter table elsewhere rename to ledger_recounts");
    }
  });
});

test("a second row of a place is named also where one page of rows ends and the next begins", async () => {
  const bench = makeBench();
  const page = 2_000;
  await bench.write(async ({ ledger }) => {
    for (let number = 0; number <= page; number++) await ledger.add(makeCall(number));
  });
  const columns = Object.values(getTableColumns(ledgerEntries)).map(({ name }) => name);
  const values = columns.map((name) => (name === "id" ? "'put-in'" : name === "cost_nanos" ? "1" : name));
  await bench.tamper("drop index ledger_entries_chain");
  await bench.tamper("create index ledger_entries_chain on ledger_entries (chain, seq)");
  await bench.tamper(
    `insert into ledger_entries (${columns.join(", ")}) select ${values.join(", ")} from ledger_entries where seq = ${page}`,
  );
  const { findings, rows } = await verifyBooks(bench, "--no-rollups");
  expect(findings).toMatchObject([{ kind: "inserted", seq: page }]);
  expect(rows).toBe(page + 2);
  bench.desk.close();
});

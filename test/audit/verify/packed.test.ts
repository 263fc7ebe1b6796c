// Sums that were packed to be read fast, changed behind the gateway's back: named by what they are of. On SQLite; what is read of them is the same on both engines.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Bench, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

// Many commands, each of which opens its database anew.
setDefaultTimeout(20_000);

const START_MS = Date.UTC(2026, 2, 3, 9, 20);
let bench: Bench;

beforeAll(async () => {
  bench = makeBench();
  await bench.write(async ({ ledger }) => {
    // Eight days, so that the longest times are there as a whole.
    for (let index = 0; index < 16; index++)
      await ledger.add(makeCall(index, { createdAt: new Date(START_MS + index * 12 * 3_600_000) }));
  });
  await bench.desk.withStore(async ({ ledger }) => {
    while ((await ledger.rollUp(100)).rows > 0);
  });
});
afterAll(() => bench.desk.close());

test("packed sums are held against the rows, too", async () => {
  expect((await verifyBooks(bench)).findings).toEqual([]);
  await bench.tamper("create table kept_sheets as select * from tokligence_sheets");
  for (const level of ["all.hour", "all.quarter", "all.days"]) {
    const another = "select body from tokligence_sheets where level = 'all.day' order by started_at desc limit 1";
    const one = `(select min(started_at) from tokligence_sheets where level = '${level}')`;
    const findings = await tryChanges(bench, [
      `update tokligence_sheets set body = (${another}) where level = '${level}' and started_at = ${one}`,
    ]);
    expect(findings.length).toBeGreaterThan(0);
    for (const finding of findings) expect(finding).toMatchObject({ kind: "sums_altered", table: "tokligence_sheets" });
    expect(findings.map(({ text }) => text).join(" ")).toContain(`(${level}, packed)`);
    await bench.tamper("insert or replace into tokligence_sheets select * from kept_sheets");
  }
  const hidden = await tryChanges(bench, [
    "delete from tokligence_sheets where level = 'rows.quarter' and started_at = (select min(started_at) from tokligence_sheets where level = 'rows.quarter')",
  ]);
  // What is not there is looked for among all rows, so nothing is wrong with it.
  expect(hidden).toEqual([]);
  const moved = await tryChanges(bench, [
    `update tokligence_sheets set body = (select body from tokligence_sheets where level = 'rows.quarter' order by started_at desc limit 1)
      where level = 'rows.quarter' and started_at = (select min(started_at) from tokligence_sheets where level = 'rows.quarter')`,
  ]);
  expect(moved).toMatchObject([{ kind: "sums_altered", table: "tokligence_sheets" }]);
  await bench.tamper("insert or replace into tokligence_sheets select * from kept_sheets");
  await bench.tamper("drop table kept_sheets");
  expect((await verifyBooks(bench)).findings).toEqual([]);
});

/** All is put back afterwards. */
async function changeSheets(...changes: string[]) {
  await bench.tamper("create table kept_sheets as select * from tokligence_sheets");
  const findings = await tryChanges(bench, changes);
  await bench.tamper("delete from tokligence_sheets");
  await bench.tamper("insert into tokligence_sheets select * from kept_sheets");
  await bench.tamper("drop table kept_sheets");
  return findings;
}

const LEVELS = ["all.days", "all.hour", "all.quarter", "all.line", "owner.days", "rows.quarter"];
const firstOf = (level: string): string =>
  `level = '${level}' and started_at = (select min(started_at) from tokligence_sheets where level = '${level}')`;

test.each(LEVELS)("a sheet of %s is named where there is nothing else of its time", async (level) => {
  for (const at of [Date.UTC(2026, 0, 5), Date.UTC(12_000, 0, 5)]) {
    const findings = await changeSheets(
      `insert into tokligence_sheets select level, ${at}, part, sign, body from tokligence_sheets where ${firstOf(level)}`,
    );
    expect(findings[0]).toMatchObject({ kind: "sums_altered", table: "tokligence_sheets" });
    expect(findings[0]?.text).toContain(`(${level}, packed)`);
  }
});

test.each(LEVELS)("a sheet of %s is named that filters pass over", async (level) => {
  const findings = await changeSheets(
    `update tokligence_sheets set sign = zeroblob(length(sign)) where ${firstOf(level)}`,
  );
  expect(findings).toMatchObject([{ kind: "sums_altered", table: "tokligence_sheets" }]);
  expect(findings[0]?.text).toContain(`(${level}, packed)`);
});

test("sums that nobody can read are a finding, and no failure of the database", async () => {
  const bodies = "update tokligence_sheets set body = zeroblob(length(body))";
  for (const change of ["update ledger_rollups set tags = 'none' where level = 'tag.hour'", bodies]) {
    const findings = await tryChanges(bench, [change]);
    expect(findings).toMatchObject([{ kind: "sums_altered" }]);
    expect(findings[0]?.text).toContain("cannot be read");
  }
});

// Sums that reports are made of, changed behind the gateway's back: the hour is named, at whatever level it was. On both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 2, 3, 9, 20);
const CALLS = 40;

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  const runs = !isPostgres || hasPostgres;
  let bench: Bench;

  beforeAll(async () => {
    if (!runs) return;
    bench = makeBench(isPostgres ? await createDatabase() : undefined);
    // Eight days, so that the longest times are there as a whole.
    const calls = Array.from({ length: CALLS }, (_, index) =>
      makeCall(index, {
        createdAt: new Date(START_MS + index * 5 * HOUR_MS),
        userId: `user-${index % 3}`,
        tags: index % 2 === 0 ? ["team:a", "team:b"] : null,
      }),
    );
    await bench.write(async ({ ledger }) => {
      for (const call of calls) await ledger.add(call);
    });
    await bench.desk.withStore(async ({ ledger }) => {
      while ((await ledger.rollUp(7)).rows > 0);
    });
    // One that has not been summed up yet.
    await bench.write(async ({ ledger }) => ledger.add(makeCall(CALLS, { createdAt: new Date(START_MS) })));
  });
  afterAll(() => bench?.desk.close());

  const find = (...changes: string[]) => tryChanges(bench, changes);
  const at = (iso: string): string => (isPostgres ? `'${iso}'::timestamptz` : String(Date.parse(iso)));
  const HOUR = "2026-03-04T10:00:00.000Z";

  test.skipIf(!runs)("untouched sums are those of their rows", async () => {
    const { findings, ok, rollups } = await verifyBooks(bench);
    expect({ findings, ok }).toEqual({ findings: [], ok: true });
    expect(rollups?.sums).toBeGreaterThan(500);
    expect((await verifyBooks(bench, "--no-rollups")).rollups).toBeNull();
  });

  test.skipIf(!runs)("a row that nothing can be summed up of any more is named all the same", async () => {
    for (const tags of ["7", '{"a":1}']) {
      const findings = await find(`update ledger_entries set tags = '${tags}' where seq = 3`);
      expect(findings.map(({ kind }) => kind)).toContain("altered");
      expect(findings[0]?.text).toContain("Row 3 ");
    }
  });

  test.skipIf(!runs).each(["brief.hour", "tag.quarter", "total.hour"])(
    "a changed sum of %s is named by its hour",
    async (level) => {
      const one = `(select min(id) from ledger_rollups where level = '${level}' and started_at >= ${at(HOUR)})`;
      for (const change of ["cost_nanos = cost_nanos - 1", "requests = 0", "direction = 'supply'"]) {
        const findings = await find(`update ledger_rollups set ${change} where id = ${one}`);
        expect(findings).toMatchObject([{ kind: "sums_altered", table: "ledger_rollups", id: expect.any(String) }]);
        expect(findings[0]?.text).toContain(level);
        expect(findings[0]?.text).toContain(HOUR.slice(0, 14));
        expect(findings[0]?.expected).not.toBe(findings[0]?.found ?? null);
      }
      expect(await find(`delete from ledger_rollups where id = ${one}`)).toMatchObject([{ kind: "sums_altered" }]);
    },
  );

  test.skipIf(!runs)("sums of a day, and of several, are no exception; nor are those that were put in", async () => {
    for (const level of ["total.day", "brief.day", "brief.hour"]) {
      const one = `(select max(id) from ledger_rollups where level = '${level}' and started_at < ${at(HOUR)})`;
      const findings = await find(`update ledger_rollups set output_tokens = 1 where id = ${one}`);
      expect(findings).toMatchObject([{ kind: "sums_altered" }]);
      expect(findings[0]?.text).toContain(level);
    }
    const columns = (
      await bench.query<{ name: string }>(
        isPostgres
          ? "select column_name as name from information_schema.columns where table_name = 'ledger_rollups'"
          : "select name from pragma_table_info('ledger_rollups')",
      )
    ).map(({ name }) => name);
    const values = columns.map((name) =>
      name === "id" ? "'put-in'" : name === "started_at" ? at("2031-01-01T00:00:00Z") : name,
    );
    const copy = `insert into ledger_rollups (${columns.join(", ")}) select ${values.join(", ")} from ledger_rollups
      where id = (select min(id) from ledger_rollups where level = 'brief.hour')`;
    expect(await find(copy)).toMatchObject([{ kind: "sums_altered", id: "put-in", expected: null }]);
  });

  test.skipIf(!runs)("so are those of an hour that lie packed, whatever was done to them", async () => {
    const one = `(select id from ledger_hours where started_at >= ${at(HOUR)} order by started_at limit 1)`;
    const another = "(select body from (select body from ledger_hours order by started_at limit 1) as first)";
    for (const change of [
      `update ledger_hours set body = ${another} where id = ${one}`,
      `update ledger_hours set body = 'AAAA' where id = ${one}`,
      `update ledger_hours set body = 'no such thing' where id = ${one}`,
      `delete from ledger_hours where id = ${one}`,
    ]) {
      const findings = await find(change);
      expect(findings).toMatchObject([{ kind: "sums_altered", table: "ledger_hours", id: expect.any(String) }]);
      expect(findings[0]?.text).toContain(HOUR.slice(0, 11));
      expect(findings[0]?.text).toMatch(/(?:all|owner)\.hour, packed/u);
    }
    const columns = "id, started_at, sums, body";
    const putIn = await find(
      `insert into ledger_hours (${columns}) select 'put-in', ${at("2031-01-01T00:00:00Z")}, sums, body from ledger_hours where id = ${one}`,
    );
    expect(putIn).toMatchObject([{ kind: "sums_altered", table: "ledger_hours", expected: null }]);
    const twice = await find(
      `insert into ledger_hours (${columns}) select 'twice', started_at, sums, body from ledger_hours where id = ${one}`,
    );
    expect(twice).toMatchObject([{ kind: "sums_altered", table: "ledger_hours" }]);
  });

  test.skipIf(!runs)("a row that is missing is missed in its sums, too, and one hour has one finding", async () => {
    const findings = await find("delete from ledger_entries where seq = 6");
    expect(findings.map(({ kind }) => kind)).toEqual(["removed", "sums_altered"]);
    expect(findings[1]?.text).toContain("more sums of that time are wrong");
  });

  test.skipIf(!runs)("a word on rows that were removed does not hide what was done to younger sums", async () => {
    const one = `(select min(id) from ledger_rollups where level = 'brief.hour' and started_at >= ${at(HOUR)})`;
    const findings = await find(
      `update ledger_marks set removed_before = ${at("2030-01-01T00:00:00Z")}`,
      `update ledger_rollups set cost_nanos = 0 where id = ${one}`,
    );
    expect(findings.map(({ kind }) => kind)).toEqual(["chain_altered", "sums_altered"]);
  });

  // The last one, for nothing brings the tables back.
  test.skipIf(!runs)("sums of an older version's tables are left out with a word, and not called altered", async () => {
    await bench.tamper("alter table ledger_rollups drop column untimed_requests");
    await bench.tamper("alter table ledger_marks drop column untimed_seq");
    await bench.tamper("delete from tokligence_migrations where name like '%_count_untimed'");
    const report = await verifyBooks(bench);
    expect(report).toMatchObject({ ok: true, findings: [], rollups: null });
    expect(report.notes.join()).toContain("Sums were left out");
    // What starts next counts on from there.
    await bench.desk.withStore(async ({ ledger }) => {
      while ((await ledger.rollUp(7)).rows > 0);
    });
    expect(await verifyBooks(bench)).toMatchObject({ ok: true, rollups: { sums: expect.any(Number) } });
  });
});

// Moving what lies oddly in a database: numbers and texts that one of the engines prints otherwise, rows that are there already, heartbeats of a
// gateway that runs, and books in a database of their own.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { printPace, startStages } from "../../src/cli/migrate/progress.ts";
import { makeCall } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { capture } from "./desk.ts";
import { type Tables, fillFiles, rowsOf } from "./moving.ts";

const ODD = [
  "a\tb\nc\r\\d",
  'q"\u0001\u007f\u2028',
  "\u0000nul",
  "half \ud83d",
  "pair \u{1F600}",
  "\\N",
  "\\.",
  "ünï\\u0041",
];

async function fillOdd() {
  const bench = await fillFiles();
  await bench.write(async ({ ledger }) => {
    for (const [at, text] of ODD.entries()) {
      const call = makeCall(200 + at, { requestId: text, dropped: [text, ""], tags: [text] });
      await ledger.add({ ...call, latencyMs: [0.1, 1e21, 1 / 3, 5e-7][at % 4] ?? 0, ttftMs: at === 2 ? 0 : null });
    }
  });
  // Beyond what a number of JavaScript holds, and JSON that is written in another way than the program's.
  await bench.tamper(`update ledger_entries set cost_nanos = 9007199254740993 where request_id like 'pair%'`);
  await bench.tamper(
    `update ledger_entries set units = '{"b": 1.50, "a": [ true , null, "\\u00e9" ]}' where request_id like 'half%'`,
  );
  return bench;
}

test("no export is written over a database, neither over its source nor over another", async () => {
  const bench = await fillFiles();
  const [source, other] = [join(bench.desk.folder, "ledger.db"), join(bench.desk.folder, "other.db")];
  new Database(other, { create: true }).run("create table kept (id integer)");
  const lines = [source, other].flatMap((file) => [
    ["migrate", "export", "--from", `sqlite:${source}`, "--to", file],
    ["usage", "export", "--format", "csv", "-o", file],
    ["admin", "audit", "export", "--format", "csv", "-o", file],
  ]);
  for (const line of lines) {
    const { code, err } = await bench.desk.run(line);
    expect([line, code, err.split("\n")[0]]).toEqual([
      line,
      EXIT.usage,
      `error: ${line.at(-1)} is a SQLite database, which is not overwritten.`,
    ]);
  }
  for (const file of [source, other]) {
    const db = new Database(file, { readonly: true });
    expect(db.query("pragma integrity_check").get()).toEqual({ integrity_check: "ok" });
    db.close();
  }
});

describe.skipIf(!hasPostgres)("with PostgreSQL", () => {
  test("odd rows arrive as they are, there and back, and are found equal by every pair of databases", async () => {
    const bench = await fillOdd();
    const [dsn, other] = [await createDatabase(), await createDatabase()];
    expect(await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn])).toMatchObject({ ok: true, caught_up: 0 });
    const [big] = await runSql(
      dsn,
      "select cost_nanos::text as digits from ledger_entries where request_id like 'pair%'",
    );
    expect(big).toEqual({ digits: "9007199254740993" });
    const file = join(bench.desk.folder, "back.db");
    for (const to of [file, other])
      expect((await bench.desk.run(["migrate", "copy", "--from", dsn, "--to", to])).code).toBe(EXIT.ok);
    const db = new Database(file, { readonly: true });
    const own = new Database(join(bench.desk.folder, "ledger.db"), { readonly: true });
    const indexes = "select sql from sqlite_master where type = 'index' and sql is not null order by sql";
    expect(db.query(indexes).all()).toEqual(own.query(indexes).all());
    own.close();
    expect(
      db.query("select cast(cost_nanos as text) as digits from ledger_entries where request_id like 'pair%'").get(),
    ).toEqual({ digits: "9007199254740993" });
    db.close();
    for (const [from, to] of [
      [dsn, file],
      [file, dsn],
      [dsn, other],
      [other, file],
    ] as const)
      expect(await bench.desk.read(["migrate", "verify", "--from", from, "--to", to])).toMatchObject({ ok: true });
    const verified = await bench.desk.read<Tables>(["migrate", "verify", "--to", file]);
    expect(verified.differences).toEqual([]);
    await runSql(dsn, "update ledger_entries set latency_ms = latency_ms + 1e-9 where request_id like 'a%'");
    const found = await bench.desk.run(["migrate", "verify", "--to", dsn, "--json"]);
    expect(found.code).toBe(EXIT.failed);
    expect((JSON.parse(found.out) as Tables).differences).toMatchObject([{ kind: "changed", columns: ["latency_ms"] }]);
  });

  test("rows that are there already, behind the mark, are written over, and none is lost or twice there", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    await runSql(dsn, "update tokligence_copies set last = '', is_done = 0 where part like 'ledger_entries%'");
    await runSql(dsn, "delete from ledger_entries where seq % 3 = 0");
    await runSql(dsn, "update ledger_entries set cost_nanos = 1 where seq = 4");
    const again = await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn]);
    expect(again).toMatchObject({ ok: true, caught_up: 0 });
    expect(rowsOf(again, "ledger_entries")).toBe(18);
  });

  test("a row that differs far ahead of the end is brought over, and the connection goes on", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    const file = new Database(join(bench.desk.folder, "identity.db"));
    // More than what PostgreSQL sends ahead.
    file.run(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
      insert into users select printf('u%05d', i), printf('u%05d@example.com', i), role, printf('%0200d', i), status,
      created_at, updated_at, deleted_at, revision from users, n where email = 'bo@example.com'`);
    file.close();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    await runSql(dsn, "update users set display_name = 'Mallory' where id = 'u00001'");
    await runSql(dsn, "update ledger_entries set cost_nanos = cost_nanos + 1 where seq = 4");
    expect(await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn])).toMatchObject({ ok: true, caught_up: 2 });
  });

  test.each(["a file", "a server"])(
    "what is one of a kind and has passed to an older row is caught up with in %s",
    async (kind) => {
      const bench = await fillFiles();
      const target = kind === "a file" ? join(bench.desk.folder, "copy.db") : await createDatabase();
      const line = ["migrate", "copy", "--to", target];
      await bench.desk.run(line);
      const file = new Database(join(bench.desk.folder, "identity.db"));
      file.run("update users set email = 'bo2@example.com' where email = 'bo@example.com'");
      file.run("update users set email = 'bo@example.com' where email = 'ana@example.com'");
      file.close();
      expect(await bench.desk.read<Tables>(line)).toMatchObject({ ok: true, caught_up: 2 });
    },
  );

  test.each(["a file", "a server"])(
    "what is one of a kind and was taken in turns is caught up with in %s",
    async (kind) => {
      const bench = await fillFiles();
      for (const name of ["one", "two"]) await bench.desk.read(`admin budgets create --name ${name} --limit-usd 1`);
      await bench.desk.read("admin users create --email cy@example.com");
      const target = kind === "a file" ? join(bench.desk.folder, "copy.db") : await createDatabase();
      const line = ["migrate", "copy", "--to", target];
      await bench.desk.run(line);
      const turn = (file: string, table: string, column: string, all: string[]): void => {
        const db = new Database(join(bench.desk.folder, file));
        const pass = (from: string, to: string) =>
          db.run(`update ${table} set ${column} = ? where ${column} = ?`, [to, from]);
        pass(all[0] ?? "", "nobody");
        for (const [at, each] of all.entries()) if (at > 0) pass(each, all[at - 1] ?? "");
        pass("nobody", all.at(-1) ?? "");
        db.close();
      };
      turn("identity.db", "users", "email", ["ana@example.com", "bo@example.com", "cy@example.com"]);
      turn("ledger.db", "budgets", "name", ["one", "two"]);
      expect(await bench.desk.read<Tables>(line)).toMatchObject({ ok: true, caught_up: 5 });
    },
  );

  test("where a copy goes on, what stands in the way of a row is caught up with", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    const line = ["migrate", "copy", "--to", dsn];
    await bench.desk.run(line);
    // It was ended behind the first of them, and had come to no key.
    const ana = "(select id from users where email = 'ana@example.com')";
    await runSql(dsn, `update tokligence_copies set is_done = 0, last = ${ana} where part = 'users/0'`);
    await runSql(dsn, "delete from tokligence_copies where part = 'api_keys/0'");
    await runSql(dsn, "delete from users where email = 'bo@example.com'");
    await runSql(dsn, "update users set email = 'bo@example.com' where email = 'ana@example.com'");
    expect(await bench.desk.read<Tables>(line)).toMatchObject({ ok: true });
  });

  test("books in a database of their own are caught up with, too", async () => {
    const bench = await fillFiles();
    const [users, books] = [await createDatabase(), join(bench.desk.folder, "books.db")];
    const line = ["migrate", "copy", "--to", users, "--to-ledger", books];
    expect(await bench.desk.read(line)).toMatchObject({ ok: true });
    await bench.write(async ({ ledger }) => await ledger.add(makeCall(99)));
    await runSql(users, "delete from users where email = 'ana@example.com'");
    expect(await bench.desk.read<Tables>(line)).toMatchObject({ ok: true, written: 0 });
    expect(await bench.desk.read(["migrate", "verify", "--to", users, "--to-ledger", books])).toMatchObject({
      ok: true,
    });
  });

  test.each(["now", "epoch", "'today'", "8640000000000001"])(
    "a moment that is %s is none, and its row is named",
    async (text) => {
      const bench = await fillFiles();
      const file = new Database(join(bench.desk.folder, "identity.db"));
      file.run("update users set created_at = ? where email = 'bo@example.com'", [text]);
      const { id } = file.query<{ id: string }, []>("select id from users where email = 'bo@example.com'").get() ?? {};
      file.close();
      for (const line of [
        ["migrate", "copy", "--to", await createDatabase()],
        ["migrate", "export", "--to", join(bench.desk.folder, "whole.sql")],
      ]) {
        const { code, err } = await bench.desk.run(line);
        expect([code, err]).toEqual([EXIT.conflict, expect.stringContaining(`row ${id} of users`)]);
      }
    },
  );

  test("heartbeats of gateways are left out, and that is said", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    const beat = "insert into counters (name, value) values ('budget_beat/abc', 7)";
    await runSql(dsn, beat);
    await bench.tamper(beat.replace("7", "9"));
    const said = await bench.desk.run(["migrate", "verify", "--to", dsn]);
    expect(said).toMatchObject({ code: EXIT.ok, err: expect.stringContaining("Left out: 2 counters, budget_beat/…") });
    expect(await bench.desk.read(["migrate", "verify", "--to", dsn])).toMatchObject({
      ok: true,
      left_out: [{ table: "counters", rows: 2 }],
    });
    await runSql(dsn, "update counters set value = value + 1 where name = 'identity_revision'");
    const found = await bench.desk.run(["migrate", "verify", "--to", dsn, "--json"]);
    expect(found.code).toBe(EXIT.failed);
    expect((JSON.parse(found.out) as Tables).differences).toEqual([
      { table: "counters", kind: "changed", id: "identity_revision", columns: ["value"] },
    ]);
  });
});

describe("progress", () => {
  test("says how fast it goes and how long it will still take", () => {
    expect(printPace({ done: 50_000, left: 3_700_000, ms: 1_000 })).toBe(", 50000 rows/s, 1:14 left");
    expect(printPace({ done: 1_000, left: 7_300_000, ms: 1_000 })).toBe(", 1000 rows/s, 2:01:40 left");
    expect(printPace({ done: 0, left: 10, ms: 60_000 })).toBe("");
  });

  test("is a line from time to time where nobody looks on", async () => {
    let nowMs = 0;
    const { err } = await capture(async () => {
      const stages = startStages(() => nowMs);
      for (let done = 0; done <= 100; done += 10, nowMs += 2_500) stages.update("copying rows", done, 100);
      stages.end();
      return 0;
    });
    expect(err.trim().split("\n")).toEqual([
      "copying rows: 40 of 100, 4 rows/s, 0:15 left",
      "copying rows: 80 of 100, 4 rows/s, 0:05 left",
    ]);
  });
});

// Moving between databases: both directions on a real PostgreSQL, with the chains proved on the other side, going on after an end, catching up, and
// finding what differs.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { makeCall } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres, loadDatabase, runSql } from "../postgres.ts";
import { type Tables, deskOn, fillFiles, proveChains, rowsOf } from "./moving.ts";

describe.skipIf(!hasPostgres)("with PostgreSQL", () => {
  test("two files become one database, and back again, and every chain holds", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    const copied = await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn]);
    expect(copied).toMatchObject({ ok: true, already_there: 0, caught_up: 0 });
    expect(rowsOf(copied, "ledger_entries")).toBe(18);
    expect(rowsOf(copied, "users")).toBe(3);
    expect(await bench.desk.read<Tables>(["migrate", "verify", "--to", dsn])).toMatchObject({
      ok: true,
      differences: [],
    });

    const there = deskOn(dsn);
    await proveChains(there);
    const users = await there.read<{ users: { email: string; display_name: string }[] }>("admin users list");
    expect(users.users.find(({ email }) => email === "ana@example.com")?.display_name).toBe("Ána\u{1F600}");
    expect(await there.read("admin budgets list")).toMatchObject({ budgets: [{ name: "all" }] });

    const file = join(bench.desk.folder, "back", "all.db");
    const back = await bench.desk.run(["migrate", "copy", "--from", dsn, "--to", file]);
    expect(back).toMatchObject({ code: EXIT.ok });
    expect(back.err).toContain("Both sides are the same");
    await proveChains(deskOn(file));

    const [one, two] = ["one.db", "two.db"].map((name) => join(bench.desk.folder, name)) as [string, string];
    expect((await bench.desk.run(["migrate", "copy", "--from", dsn, "--to", one, "--to-ledger", two])).code).toBe(
      EXIT.ok,
    );
    const split = new Database(two);
    expect(split.query("select count(*) as rows from ledger_entries").get()).toEqual({ rows: 18 });
    expect(split.query("select count(*) as rows from users").get()).toEqual({ rows: 0 });
    split.close();
  });

  test("the gateway goes on where its books were moved to, with its key and the heads beside it, there and back", async () => {
    const bench = await fillFiles();
    const { folder } = bench.desk;
    const point = (location: string): void => {
      const lines = [`home = ${folder}`, `identity_path = ${location}`, `ledger_path = ${location}`];
      const files = [`ledger_outbox = ${folder}/outbox.db`, `ledger_key_file = ${folder}/ledger.key`];
      bench.desk.write("config/setting.ini", `${[...lines, ...files].join("\n")}\n`);
    };
    const goOn = async (number: number): Promise<void> => {
      await bench.write(async ({ ledger }) => await ledger.add(makeCall(number)));
      await bench.desk.run(`admin users create --email after${number}@example.com`);
    };
    const [dsn, copy, last] = [await createDatabase(), await createDatabase(), join(folder, "all.db")];
    const files = [join(folder, "identity.db"), join(folder, "ledger.db")];
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    point(dsn);
    await goOn(100);
    expect(await bench.desk.read("ledger verify")).toMatchObject({
      ok: true,
      rows: 21,
      chains: [{ to: 20 }, { to: 1 }],
    });
    expect(await bench.desk.read("admin audit verify")).toMatchObject({ ok: true, chains: [{}, {}] });
    const back = ["migrate", "copy", "--from", files[0] ?? "", "--from-ledger", files[1] ?? ""];
    expect(await bench.desk.run(back)).toMatchObject({
      code: EXIT.conflict,
      err: expect.stringContaining("worked on since"),
    });

    expect((await bench.desk.run(["migrate", "copy", "--to", copy])).code).toBe(EXIT.ok);
    point(copy);
    expect((await bench.desk.run(["migrate", "copy", "--to", last])).code).toBe(EXIT.ok);
    point(last);
    await goOn(101);
    expect(await bench.desk.read("ledger verify")).toMatchObject({ ok: true, rows: 22, chains: [{}, {}] });
    expect(await bench.desk.read("admin audit verify")).toMatchObject({ ok: true });
  });

  test("changes of a database that has come to lie in another's are proved, too", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    const there = deskOn(dsn);
    const verify = async () =>
      JSON.parse((await there.run("admin audit verify --json")).out) as { ok: boolean; findings: { kind: string }[] };
    expect(await verify()).toMatchObject({ ok: true, chains: [{}, {}] });
    const former = "(select chain from audit_chain where id <> 'changes')";
    const [row] = await runSql(
      dsn,
      `select id, action from audit_changes where chain = ${former} order by seq limit 1`,
    );
    await runSql(dsn, `update audit_changes set action = 'user.none' where id = '${String(row?.["id"])}'`);
    expect((await verify()).ok).toBe(false);
    await runSql(
      dsn,
      `update audit_changes set action = '${String(row?.["action"])}' where id = '${String(row?.["id"])}'`,
    );
    expect((await verify()).ok).toBe(true);
    await runSql(dsn, "delete from audit_chain where id <> 'changes'");
    const { ok, findings } = await verify();
    expect(ok).toBe(false);
    expect(findings.length).toBeGreaterThan(0);
  });

  test("a changed, a missing and a surplus row are named, and a second copy brings them over", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    const [entry] = await bench.query<{ id: string }>("select id from ledger_entries order by id limit 1");
    await runSql(dsn, `update ledger_entries set cost_nanos = cost_nanos + 1 where id = '${entry?.id}'`);
    await runSql(dsn, "delete from users where email = 'ana@example.com'");
    await runSql(dsn, "insert into counters (name, value) values ('zz', 7)");
    const found = await bench.desk.run(["migrate", "verify", "--to", dsn, "--json"]);
    expect(found.code).toBe(EXIT.failed);
    const { differences = [] } = JSON.parse(found.out) as Tables;
    expect(differences).toContainEqual({
      table: "ledger_entries",
      kind: "changed",
      id: entry?.id ?? "",
      columns: ["cost_nanos"],
    });
    expect(differences.map(({ table, kind }) => `${table} ${kind}`)).toEqual([
      "users missing",
      "ledger_entries changed",
      "counters surplus",
    ]);
    expect((await bench.desk.run(["migrate", "verify", "--to", dsn])).out).toContain(
      "sum of cost_nanos: 22212, BUT 22213 there",
    );

    const again = await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn]);
    expect(again).toMatchObject({ ok: true, written: 0, caught_up: 3 });
  });

  test("what comes to the source after a copy is caught up with, and a copy that was worked on is left alone", async () => {
    const bench = await fillFiles();
    const dsn = await createDatabase();
    await bench.desk.run(["migrate", "copy", "--to", dsn]);
    await bench.desk.run("admin users create --email late@example.com");
    await bench.write(async ({ ledger }) => await ledger.add(makeCall(99)));
    expect(await bench.desk.read<Tables>(["migrate", "copy", "--to", dsn])).toMatchObject({ ok: true });
    const there = deskOn(dsn);
    expect(await there.read("ledger verify")).toMatchObject({ ok: true, rows: 21 });
    await there.run("admin users create --email own@example.com");
    const refused = await bench.desk.run(["migrate", "copy", "--to", dsn]);
    expect(refused.code).toBe(EXIT.conflict);
    expect(refused.err).toContain("worked on since");
  });
});

describe.skipIf(!hasPostgres)("an export", () => {
  test("is loaded by psql into an empty database, where a gateway finds nothing left to do", async () => {
    const bench = await fillFiles();
    const odd = 'a\tb\nc\r\\d "e" \u0000 \ud83d \\. \\N';
    await bench.write(async ({ ledger }) => await ledger.add(makeCall(99, { requestId: odd, dropped: [odd] })));
    const file = join(bench.desk.folder, "postgres.sql");
    const { code, err } = await bench.desk.run(["migrate", "export", "--from", "sqlite", "--to", file]);
    expect([code, err]).toEqual([EXIT.ok, expect.stringContaining(`psql -d tokligence < ${file}`)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const dsn = await createDatabase();
    expect(loadDatabase(dsn, file)).toEqual({ code: 0, err: "" });
    expect(await bench.desk.read<Tables>(["migrate", "verify", "--to", dsn])).toMatchObject({ ok: true });
    const there = deskOn(dsn);
    const before = await runSql(dsn, "select * from tokligence_migrations order by name");
    expect(await there.read("ledger verify")).toMatchObject({ ok: true, rows: 21 });
    expect(await there.read("admin audit verify")).toMatchObject({ ok: true });
    expect(await runSql(dsn, "select * from tokligence_migrations order by name")).toEqual([...before]);
    const [row] = await runSql(
      dsn,
      "select pg_typeof(streamed)::text as a, pg_typeof(created_at)::text as b, pg_typeof(attempts)::text as c from ledger_entries limit 1",
    );
    expect(row).toEqual({ a: "boolean", b: "timestamp with time zone", c: "jsonb" });

    const again = loadDatabase(dsn, file);
    expect(again.code).not.toBe(0);
    expect(again.err).toContain("already exists");
    const piped = await bench.desk.run("migrate export --to -");
    expect(piped.out.split("\n").slice(2)).toEqual(
      expect.arrayContaining(readFileSync(file, "utf8").split("\n").slice(-40)),
    );
    expect(await bench.desk.run(["migrate", "export", "--to", dsn])).toMatchObject({ code: EXIT.usage });
  });
});

/** Unchained rows by the thousand. */
function multiply(file: string, rows: number): void {
  const db = new Database(file);
  const names = db
    .query<{ name: string }, []>("select name from pragma_table_info('ledger_entries')")
    .all()
    .map(({ name }) => name);
  const values = names.map((name) =>
    name === "id" ? "printf('z%08d', n.i)" : ["chain", "hash", "seq"].includes(name) ? "null" : `e.${name}`,
  );
  db.run(`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows})
    insert into ledger_entries (${names.join(", ")})
    select ${values.join(", ")} from n, (select * from ledger_entries limit 1) as e`);
  db.close();
}

describe.skipIf(!hasPostgres)("a copy that is killed", () => {
  const countRows = (dsn: string): Promise<number> =>
    runSql(dsn, "select count(*) as rows from ledger_entries").then(
      ([row]) => Number(row?.["rows"]),
      () => 0,
    );

  test("goes on where it stopped, and nothing is missing", async () => {
    const bench = await fillFiles();
    multiply(join(bench.desk.folder, "ledger.db"), 120_000);
    const dsn = await createDatabase();
    const line = ["migrate", "copy", "--to", dsn];
    const words = [...line, "--config", join(bench.desk.folder, "config")];
    const killed = Bun.spawn([process.execPath, join(import.meta.dir, "../../src/main.ts"), ...words], {
      stdout: "ignore",
      stderr: "ignore",
    });
    while ((await countRows(dsn)) === 0 && killed.exitCode === null);
    killed.kill("SIGKILL");
    await killed.exited;
    const before = await countRows(dsn);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(120_018);
    // Half of the books are none: nobody goes on from there.
    expect(await deskOn(dsn).run("admin users list")).toMatchObject({
      code: EXIT.conflict,
      err: expect.stringContaining("run tokligence migrate copy again"),
    });
    const listIndexes = (of: string) =>
      runSql(of, "select indexdef from pg_indexes where tablename <> 'tokligence_copies' order by indexdef");
    const fresh = await createDatabase();
    await deskOn(fresh).run("admin users list");
    expect((await listIndexes(dsn)).length).toBeLessThan((await listIndexes(fresh)).length);
    const report = await bench.desk.read<Tables>(line);
    expect(report.ok).toBe(true);
    expect(report.already_there).toBeGreaterThanOrEqual(before);
    expect(report.caught_up).toBe(0);
    expect(rowsOf(report, "ledger_entries")).toBe(120_018);
    expect([...(await listIndexes(dsn))]).toEqual([...(await listIndexes(fresh))]);
  });
});

test("a target that is not empty, not ours, another's copy or the source itself is refused", async () => {
  const bench = await fillFiles();
  const { folder } = bench.desk;
  const taken = join(folder, "taken.db");
  await deskOn(taken).run("admin users create --email x@example.com");
  const copy = (...words: string[]) => bench.desk.run(["migrate", "copy", ...words]);
  expect(await copy("--to", taken)).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining("is not empty"),
  });
  const foreign = join(folder, "foreign.db");
  new Database(foreign).run("create table t (a)");
  expect(await copy("--to", foreign)).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining("did not make"),
  });
  expect(await copy("--to", join(folder, "identity.db"))).toMatchObject({ code: EXIT.usage });
  expect(await copy("--from", join(folder, "none.db"), "--to", taken)).toMatchObject({ code: EXIT.notFound });
  expect(existsSync(join(folder, "none.db"))).toBe(false);
  const other = join(folder, "other.db");
  expect((await copy("--from", taken, "--to", other)).code).toBe(EXIT.ok);
  expect(await copy("--to", other)).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining("is a copy of"),
  });
  expect(await copy("--to", "dump.sql")).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining("migrate export"),
  });
  expect(await copy("--to", "postgres")).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("whole DSN") });
  expect(await copy()).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("--to is missing") });
});

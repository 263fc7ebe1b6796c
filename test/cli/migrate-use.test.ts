// Moving from databases that somebody works on, or died over, or that hold what the other side does not take.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { openStore } from "../../src/store/index.ts";
import { fillBooks, makeBench, makeCall } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { type Tables, deskOn, fillFiles, open, rowsOf } from "./moving.ts";

describe("a source that is in use", () => {
  test("is refused, or read as it is at one moment and caught up with", async () => {
    const bench = await fillFiles();
    const target = join(bench.desk.folder, "copy.db");
    const line = ["migrate", "copy", "--to", target];
    await bench.write(async ({ ledger }) => {
      const refused = await bench.desk.run(line);
      expect(refused).toMatchObject({ code: EXIT.conflict, err: expect.stringContaining("a gateway writes to") });
      expect(existsSync(target)).toBe(false);
      const live = await bench.desk.run([...line, "--live"]);
      expect(live).toMatchObject({ code: EXIT.ok, err: expect.stringContaining("run the same line again") });
      await ledger.add(makeCall(99));
    });
    const report = await bench.desk.read<Tables>(line);
    expect(report.ok).toBe(true);
    expect(rowsOf(report, "ledger_entries")).toBe(19);
    expect(await deskOn(target).read("ledger verify")).toMatchObject({ ok: true, rows: 21 });
  });

  test("calls that were open when the gateway died are on the books of the copy", async () => {
    const bench = await fillFiles();
    await bench.write(async ({ ledger }) => {
      const { apiKeyId, createdAt, endpoint, id, requestId, userId } = makeCall(99);
      await ledger.intend({ apiKeyId, createdAt, endpoint, id, requestId, userId }).durable;
    });
    const target = join(bench.desk.folder, "copy.db");
    const { code, err } = await bench.desk.run(["migrate", "copy", "--to", target]);
    expect(code).toBe(EXIT.ok);
    expect(err).toContain("1 call that had been open when a gateway died");
    const there = deskOn(target);
    expect(await there.read("ledger verify")).toMatchObject({ ok: true, rows: 21 });
    const copied = new Database(target);
    const row = copied.query("select error_kind, status from ledger_entries where request_id = 'request-99'").get();
    copied.close();
    expect(row).toEqual({ error_kind: "interrupted", status: 500 });
  });

  test.skipIf(!hasPostgres)(
    "nor is anything left behind in an outbox, or done to a database that a gateway has open",
    async () => {
      const dsn = await createDatabase();
      const bench = makeBench(dsn);
      open.push(bench.desk);
      await fillBooks(bench);
      const target = join(bench.desk.folder, "copy.db");
      const line = ["migrate", "copy", "--to", target];
      const database = { maxConnections: 4, maxIdleMs: 0, maxLifetimeMs: 0 };
      const running = await openStore({ identityPath: dsn, ledgerPath: dsn, database });
      await running.ping();
      const used = expect.stringContaining("a gateway is connected to PostgreSQL at");
      expect(await bench.desk.run(line)).toMatchObject({ code: EXIT.conflict, err: used });
      await running.close();

      const location = join(bench.desk.folder, "outbox.db");
      const outbox = await openStore({ identityPath: location, ledgerPath: location, database });
      await outbox.ledger.append([makeCall(99, { createdAt: new Date(1_600_000_000_000) })]);
      await outbox.close();
      const waiting = expect.stringContaining("Rows would stay behind: 1 row waits");
      expect(await bench.desk.run(line)).toMatchObject({ code: EXIT.conflict, err: waiting });

      const other = await createDatabase();
      expect((await bench.desk.run(["migrate", "copy", "--from", dsn, "--to", other])).code).toBe(EXIT.conflict);
      await bench.write(async () => undefined);
      expect((await bench.desk.run(["migrate", "copy", "--from", dsn, "--to", other])).code).toBe(EXIT.ok);
      expect(await deskOn(other).read("ledger verify")).toMatchObject({ ok: true, rows: 20 });
      expect(await runSql(other, "select count(*)::int as rows from ledger_entries")).toMatchObject([{ rows: 19 }]);
    },
  );
});

test.skipIf(!hasPostgres)("a row that the target does not take is named, and all before it stay", async () => {
  const bench = await fillFiles();
  const dsn = await createDatabase();
  const [found] = await bench.query<{ id: string }>("select id from ledger_entries order by id limit 1 offset 7");
  const id = found?.id ?? "";
  const line = ["migrate", "copy", "--to", dsn];
  for (const change of ["status = 'odd'", "status = 200, attempts = '[1'"]) {
    await bench.tamper(`update ledger_entries set ${change} where id = '${id}'`);
    const { code, err } = await bench.desk.run(line);
    expect(code).toBe(EXIT.conflict);
    expect(err).toContain(`does not take the row ${id} of ledger_entries`);
  }
  await bench.tamper(`update ledger_entries set attempts = '[]' where id = '${id}'`);
  expect(await bench.desk.read<Tables>(line)).toMatchObject({ ok: true });
});

test("databases without a row in most of their tables are copied as they are", async () => {
  const bench = makeBench();
  open.push(bench.desk);
  await fillBooks(bench);
  const target = join(bench.desk.folder, "copy.db");
  const report = await bench.desk.read<Tables>(["migrate", "copy", "--from", "config", "--to", `sqlite:${target}`]);
  expect(report).toMatchObject({ ok: true, caught_up: 0 });
  expect(await bench.desk.read(["migrate", "verify", "--to", target])).toMatchObject({ ok: true });
});

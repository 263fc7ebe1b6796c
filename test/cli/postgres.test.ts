// The commands on PostgreSQL, where one DSN holds users, keys and books. The rest is tested on SQLite: the commands know no engine.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { makeEntry } from "../ledger/entry.ts";
import { openStore } from "../../src/store/index.ts";
import { migrations } from "../../src/store/sqlite/migration/index.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { join } from "node:path";
import { makeDesk } from "./desk.ts";

test.skipIf(!hasPostgres)("users, keys and books", async () => {
  const desk = makeDesk(await createDatabase());
  try {
    const file = desk.write("a.csv", "ana@example.com,gateway_admin,Ana\nbo@example.com\n");
    const imported = await desk.run(["admin", "users", "import", "--file", file]);
    expect(imported.out).toEndWith("import complete: created=2 skipped=0\n");
    expect((await desk.run(["admin", "users", "import", "--file", file])).code).toBe(EXIT.conflict);
    expect((await desk.run("admin users update --id bo@example.com --name Bo")).out).toEndWith("display=Bo\n");

    const { api_key: key } = await desk.read<{ api_key: { id: string; user_id: string } }>(
      "admin api-keys create --user ana@example.com --scopes inference",
    );
    await desk.withStore(async ({ engine, ledger }) => {
      expect(engine).toBe("postgres");
      await ledger.append([makeEntry({ userId: key.user_id, apiKeyId: key.id }), makeEntry()]);
    });
    expect((await desk.run("usage logs --user ana@example.com")).out).toContain(key.id);
    expect(await desk.read(`usage summary --key ${key.id}`)).toMatchObject({ requests: 1, cost_nanos: 1_234 });
    expect(await desk.read("audit tokens --user ana@example.com")).toMatchObject({
      groups: [{ provider: "openai", rows: 1, skipped: { not_counted: 1 } }],
    });

    const deleted = await desk.run("admin users delete --id ana@example.com");
    expect(deleted.out).toBe(`Soft deleted user ${key.user_id} (marked as deleted)\n`);
    expect(await desk.read("admin api-keys list")).toEqual({ api_keys: [], next_cursor: null });
  } finally {
    desk.close();
  }
});

test.skipIf(!hasPostgres)("whoever reads books of which rows still wait in the outbox is told so", async () => {
  const desk = makeDesk(await createDatabase());
  try {
    expect((await desk.run("usage summary")).err).not.toContain("wait");
    const outbox = join(desk.folder, "outbox.db");
    const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
    const store = await openStore({ identityPath: outbox, ledgerPath: outbox, database });
    await store.ledger.append([makeEntry(), makeEntry()]);
    await store.close();
    const { code, out, err } = await desk.run("usage summary --json");
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(out)).toMatchObject({ requests: 0 });
    expect(err).toContain(`2 rows wait in ${outbox} for the ledger's database: they are not in what follows`);

    // An upgrade finds the outbox of the version before.
    const db = new Database(outbox);
    for (const { name } of migrations.slice(-1)) db.run("delete from tokligence_migrations where name = ?", [name]);
    expect((await desk.run("doctor --offline")).out).toContain("2 rows wait for the ledger's database");
    db.run("drop table ledger_refused");
    db.close();
    expect((await desk.run("doctor --offline")).out).toContain("how many rows wait there cannot be told");
  } finally {
    desk.close();
  }
});

/** Each by a connection of its own kind. */
const LINES = ["usage summary", "ledger verify", "doctor"];

test.each(LINES.slice(0, 2))(
  "%s ends where a proxy closes each connection before the login, for the server behind it is down",
  async (line) => {
    let tries = 0;
    const proxy = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: () => void tries++,
        data: (socket) => void socket.end(),
      },
    });
    const desk = makeDesk(`postgres://t@127.0.0.1:${proxy.port}/books`);
    try {
      const { code, err, out } = await desk.run(line);
      expect(code).toBe(EXIT.unavailable);
      expect(out + err).toContain(`PostgreSQL at 127.0.0.1:${proxy.port}/books does not answer`);
      expect(tries).toBeGreaterThan(0);
    } finally {
      desk.close();
      proxy.stop(true);
    }
  },
  20_000,
);

test.each(LINES)("%s says so at once where nobody listens", async (line) => {
  const closed = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  closed.stop(true);
  const desk = makeDesk(`postgres://t@127.0.0.1:${closed.port}/books`);
  try {
    const started = performance.now();
    const { err, out } = await desk.run(line);
    expect(out + err).toContain(`PostgreSQL at 127.0.0.1:${closed.port}/books does not answer`);
    // Far from the five seconds that a database which is slow is given, on any machine.
    expect(performance.now() - started).toBeLessThan(3_000);
  } finally {
    desk.close();
  }
});

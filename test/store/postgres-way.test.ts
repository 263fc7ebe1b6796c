// What lies between a gateway and its PostgreSQL, or is set there for it: connections that end, poolers, certificates, settings of a role.

import { describe, expect, test } from "bun:test";
import { type AddressInfo, connect as connectTo, createServer } from "node:net";
import { CHAIN_RULES } from "../../src/audit/verify/index.ts";
import { openChains } from "../../src/store/chain-reader.ts";
import { explainStoreError } from "../../src/store/error.ts";
import { glanceAtPostgres } from "../../src/store/postgres/glance.ts";
import { openPostgres, openSnapshot } from "../../src/store/postgres/open.ts";
import { makeGate } from "../e2e/books-scene.ts";
import { hasPooler, startPooler } from "../pooler.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { makeEntry, makeUser, open } from "./sample.ts";

const database = { maxConnections: 4, maxIdleMs: 0, maxLifetimeMs: 0 };

describe.skipIf(!hasPostgres)("a transaction whose connection ends", () => {
  test.each(["under a statement", "between two statements"])(
    "%s fails as a whole, and nothing else does",
    async (when) => {
      const gate = await makeGate(await createDatabase());
      await gate.open();
      const engine = await openPostgres({ location: gate.dsn, database });
      const work = engine.snapshot(async (db) => {
        await db.execute("select 1");
        const asleep = when === "under a statement" ? db.execute("select pg_sleep(20)") : null;
        await gate.close();
        await asleep;
        await new Promise(setImmediate);
        return db.execute("select 1");
      });
      expect(await work.catch(({ code }: { code: string }) => code)).toBe("store_unreachable");
      await gate.open();
      await engine.ping();
      await engine.close();
      await gate.close();
    },
  );
});

test.skipIf(!hasPostgres)(
  "a transaction that fails as another connection ends is over, and its own is free again",
  async () => {
    const engine = await openPostgres({
      location: await createDatabase(),
      database: { ...database, maxConnections: 1 },
    });
    const work = engine.snapshot(async (db) => {
      await db.execute("select 1");
      throw Object.assign(new Error("of another one"), { code: "ECONNRESET" });
    });
    expect(await work.catch(({ code }: { code: string }) => code)).toBe("store_unreachable");
    expect(await engine.read((db) => db.execute("select 1"))).toHaveLength(1);
    await engine.close();
  },
);

test.skipIf(!hasPostgres)("a connection that ends before its first answer ends nothing else", async () => {
  const target = new URL(await createDatabase());
  // Whatever the driver asks of its own accord, it hears no answer to.
  const server = createServer((near) => {
    const far = connectTo(Number(target.port), target.hostname);
    near.on("data", (data) => void (data.includes("pg_type") ? near.destroy() : far.write(data)));
    far.on("data", (data) => void near.write(data));
    for (const [one, other] of [[near, far] as const, [far, near] as const])
      one.on("close", () => other.destroy()).on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const location = new URL(target);
  location.port = String((server.address() as AddressInfo).port);
  const store = await open(location.href);
  await store.ping();
  await store.close();
  server.close();
});

test.skipIf(!hasPostgres)("a database that writes dates in another style is read all the same", async () => {
  const dsn = await createDatabase();
  await runSql(dsn, `alter database ${new URL(dsn).pathname.slice(1)} set datestyle = 'German, DMY'`);
  const store = await open(dsn);
  const [user, entry] = [makeUser(), makeEntry()];
  await store.identity.createUsers([user]);
  await store.ledger.append([entry]);
  expect((await store.identity.listUsers()).map(({ createdAt }) => createdAt)).toEqual([user.createdAt]);
  expect((await store.ledger.page({}, 1, null)).entries.map(({ createdAt }) => createdAt)).toEqual([entry.createdAt]);
  await store.close();
});

test.skipIf(!hasPostgres)(
  "who only reads finds the server that may be written, of several, some of which are gone",
  async () => {
    const dsn = new URL(await createDatabase());
    await (await open(dsn.href)).close();
    const location = `${dsn.href.replace(dsn.host, `127.0.0.1:1,${dsn.host}`)}?target_session_attrs=read-write`;
    const chains = await openChains(location, CHAIN_RULES);
    expect(await chains.chains()).toEqual([]);
    await chains.close();
    const { facts, close } = await glanceAtPostgres({ location, database });
    expect(facts).toMatchObject({ engine: "postgres", isReadOnly: false });
    await close();
  },
);

test.skipIf(!hasPostgres)(
  "a database that took no writes for a while takes them again, also of whoever came meanwhile",
  async () => {
    const dsn = await createDatabase();
    await (await open(dsn)).close();
    const name = new URL(dsn).pathname.slice(1);
    await runSql(dsn, `alter database ${name} set default_transaction_read_only = on`);
    const store = await open(dsn);
    const write = () =>
      store.identity.createUsers([makeUser()]).then(
        () => "written",
        ({ code }: { code: string }) => code,
      );
    expect([await write(), await write()]).toEqual(["store_read_only", "store_read_only"]);
    await runSql(new URL("/postgres", dsn).href, `alter database ${name} reset default_transaction_read_only`);
    await write();
    expect(await store.identity.listUsers()).toHaveLength(1);
    await store.close();
  },
);

test.skipIf(!hasPostgres)("who verifies has the time that it takes, whatever the database allows others", async () => {
  const dsn = await createDatabase();
  const other = new URL("/postgres", dsn).href;
  const name = new URL(dsn).pathname.slice(1);
  for (const kind of ["statement", "idle_in_transaction_session"])
    await runSql(dsn, `alter database ${name} set ${kind}_timeout = '50ms'`);
  const read = openSnapshot(dsn, async (db) => {
    await db.execute("select pg_sleep(0.2)");
    await runSql(other, "select pg_sleep(0.2)");
    return (await db.execute<{ n: number }>("select 1 as n")).length;
  });
  expect(await read).toBe(1);
});

describe.skipIf(!hasPostgres || !hasPooler)("a pooler that gives each transaction another connection", () => {
  test("is noticed: nothing hangs, and nothing is asked for that another connection prepared", async () => {
    const direct = await createDatabase();
    const pooler = await startPooler(direct);
    const store = await open(pooler.dsn);
    const rounds = 20;
    await Promise.all(
      Array.from({ length: rounds }, async () => {
        await store.identity.createUsers([makeUser({ email: `${crypto.randomUUID()}@example.com` })]);
        await Promise.all([store.ledger.append([makeEntry()]), store.ping(), store.identity.changes(null)]);
        await Promise.all([store.ledger.summarize({}), store.ledger.page({}, 1, null), store.ping()]);
      }),
    );
    expect((await store.ledger.summarize({})).consume.requests).toBe(rounds);
    await store.close();
    expect(await runSql(direct, "select count(*)::int as n from users")).toMatchObject([{ n: rounds }]);
    await pooler.stop();
  }, 30_000);

  test("lets those look who only read", async () => {
    const pooler = await startPooler(await createDatabase());
    await (await open(pooler.dsn)).close();
    const { engine, close } = await glanceAtPostgres({ location: pooler.dsn, database });
    await Promise.all(Array.from({ length: 20 }, () => engine.read((db) => db.execute("select 1"))));
    await close();
    const chains = await openChains(pooler.dsn, CHAIN_RULES);
    expect(await chains.chains()).toEqual([]);
    await chains.close();
    await pooler.stop();
  });
});

test.each([
  ["08P01", "password authentication failed", "refuses the login"],
  ["08P01", 'database "books" does not exist', "there is no such database"],
  ["08P01", "unsupported startup parameter: jit", '"jit"; name it in its ignore_startup_parameters'],
  ["08P01", "server_login_retry", "does not answer"],
  ["28000", 'no pg_hba.conf entry for host "::1", user "u", database "d", no encryption', "sslmode=require"],
  ["25006", "cannot execute INSERT in a read-only transaction", "takes no writes: it is a standby"],
  ["53300", "sorry, too many clients already", "raise max_connections"],
  ["57P03", "the database system is starting up", "starts up or shuts down"],
  ["28000", 'role "u" is not permitted to log in', "refuses the login"],
  ["42704", 'unrecognized configuration parameter "channel_binding"', 'knows no setting "channel_binding"'],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", "NODE_EXTRA_CA_CERTS"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match", "Check the host of the DSN"],
])("%s, %s: the words name the cause and what to do", (code, text, said) => {
  const error = Object.assign(new Error(text), { code });
  expect(explainStoreError(error, "PostgreSQL at db/books").message).toContain(said);
});

// How databases are opened, and what is said where they cannot be.

import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { GatewayError } from "../../src/ir/index.ts";
import { explainStoreError } from "../../src/store/error.ts";
import { openLedger, openStore } from "../../src/store/index.ts";
import { claimSlot } from "../../src/store/sqlite/slot.ts";
import { describeDsn } from "../../src/store/postgres/open.ts";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { makeEntry, makeUser, open } from "./sample.ts";

const folder = mkdtempSync(join(tmpdir(), "tokligence-opening-"));
afterAll(() => rmSync(folder, { recursive: true }));

const database = { maxConnections: 4, maxIdleMs: 0, maxLifetimeMs: 0 };

function newPath(): string {
  return join(folder, crypto.randomUUID(), "deep", "data.db");
}

async function failure(work: Promise<unknown>): Promise<GatewayError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error("nothing failed");
}

describe("a SQLite file", () => {
  test("and its folder are made for this user alone", async () => {
    const path = newPath();
    const store = await open(path);
    await store.identity.createUsers([makeUser()]);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    for (const end of ["", "-wal", "-shm"]) expect(statSync(path + end).mode & 0o777).toBe(0o600);
    await store.close();
  });

  test("is not blamed for what cannot be opened beside it", async () => {
    const beside = newPath();
    await (await open(beside)).close();
    mkdirSync(`${beside}-wal`);
    expect((await failure(open(beside))).message).toStartWith(`${beside}-wal cannot be opened for writing`);
    const path = newPath();
    await (await open(path)).close();
    mkdirSync(`${path}.writer-0`);
    expect(() => claimSlot(path)).toThrow(`${path}.writer-0 `);
  });

  test("is in WAL mode", async () => {
    const path = newPath();
    const store = await open(path);
    const db = new Database(path, { readonly: true });
    expect(db.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    db.close();
    await store.close();
  });

  test("is really closed in the end: what was in its log is in the file", async () => {
    const path = newPath();
    const store = await open(path);
    await store.identity.createUsers([makeUser()]);
    await store.identity.listUsers();
    await store.ledger.append([makeEntry()]);
    await store.ledger.page({}, 1, null);
    await store.close();
    expect(readdirSync(dirname(path))).toEqual(["data.db"]);
  });

  test.skipIf(process.platform !== "linux")("stays locked against who would take its log away", async () => {
    const path = newPath();
    const store = await open(path);
    // As a thread that reads does.
    const again = await openLedger({ location: path, database });
    const locks = readFileSync("/proc/locks", "utf8").split("\n");
    expect(
      locks.filter((line) => line.includes(` READ ${process.pid} `) && line.includes(`:${statSync(path).ino} `)),
    ).toHaveLength(1);
    await again.close();
    await store.close();
  });

  test("that is something else is left as it is", async () => {
    const path = newPath();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "to be or not to be, that is the question. ".repeat(50));
    const error = await failure(open(path));
    expect(error.message).toBe(`${path} is not a SQLite database or is damaged; restore a backup or move it away.`);
    expect(statSync(path).size).toBe(2100);
  });

  test.each(["cut", "overwritten"])("that was %s is refused", async (harm) => {
    const path = newPath();
    const store = await open(path);
    await store.identity.createUsers(Array.from({ length: 300 }, () => makeUser()));
    await store.close();
    const { size } = statSync(path);
    if (harm === "cut") truncateSync(path, Math.floor(size / 2));
    else
      writeFileSync(
        path,
        Buffer.concat([
          Buffer.from(await Bun.file(path).arrayBuffer()).subarray(0, 4096),
          Buffer.alloc(size - 4096, 7),
        ]),
      );
    expect((await failure(open(path))).message).toContain("is not a SQLite database or is damaged");
  });

  test("in a folder that cannot be made names the path", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    expect((await failure(open(folder))).message).toBe(`${folder} is a folder; name a file in it.`);
    for (const path of [join(file, "data.db"), join(file, "deep", "data.db")]) {
      expect((await failure(open(path))).message).toStartWith(`${path} cannot be opened for writing`);
    }
  });

  test("is opened by eight processes at once, all of which write to it", async () => {
    const path = newPath();
    const script = `
      import { open, makeUser } from ${JSON.stringify(join(import.meta.dir, "sample.ts"))};
      const store = await open(${JSON.stringify(path)});
      await store.identity.createUsers([{ ...makeUser(), email: process.pid + "@example.com" }]);
      await store.close();`;
    const starters = Array.from({ length: 8 }, () =>
      Bun.spawn([process.execPath, "-e", script], { stdout: "inherit", stderr: "inherit" }),
    );
    expect(await Promise.all(starters.map((starter) => starter.exited))).toEqual(Array(8).fill(0));
    const store = await open(path);
    expect(await store.identity.listUsers()).toHaveLength(8);
    await store.close();
  });
});

describe("two databases", () => {
  test("as two files keep users and ledger apart", async () => {
    const [identityPath, ledgerPath] = [newPath(), newPath()];
    const store = await openStore({ identityPath, ledgerPath, database });
    const user = makeUser();
    await store.identity.createUsers([user]);
    await store.ledger.append([makeEntry()]);
    await store.ping();
    await store.close();
    const swapped = await openStore({ identityPath: ledgerPath, ledgerPath: identityPath, database });
    expect(await swapped.identity.listUsers()).toEqual([]);
    expect((await swapped.ledger.summarize({})).consume.requests).toBe(0);
    await swapped.close();
  });

  test("of which the second cannot be opened give the first one back", async () => {
    const identityPath = newPath();
    const error = await failure(openStore({ identityPath, ledgerPath: folder, database }));
    expect(error.message).toStartWith(folder);
    await (await open(identityPath)).close();
  });

  test("on an unknown engine name what there is", async () => {
    for (const location of ["mysql://host/db", "constructor://x"]) {
      expect((await failure(open(location))).message).toContain(
        "give a file path, or a DSN that begins with postgres://",
      );
    }
  });
});

describe.skipIf(!hasPostgres)("a PostgreSQL DSN", () => {
  test("for identity takes the ledger along, whatever file that was to live in", async () => {
    const dsn = await createDatabase();
    const ledgerPath = newPath();
    const store = await openStore({ identityPath: dsn, ledgerPath, database });
    await store.ledger.append([makeEntry()]);
    await store.close();
    expect(store.engine).toBe("postgres");
    expect(existsSync(ledgerPath)).toBe(false);
    expect(await runSql(dsn, "select count(*)::int as n from ledger_entries")).toMatchObject([{ n: 1 }]);
  });

  test("of an older version of which somebody holds a table is left as it is, and holds nobody up", async () => {
    const dsn = await createDatabase();
    await (await open(dsn)).close();
    await runSql(dsn, "delete from tokligence_migrations where name like '%_follow_objects'");
    await runSql(dsn, "alter table object_bindings drop column key_id, drop column tags");
    await runSql(dsn, "drop index object_bindings_family");
    const backup = postgres(dsn, { max: 1 });
    try {
      await backup.unsafe("begin");
      await backup.unsafe("select * from object_bindings");
      const error = await failure(open(dsn));
      expect(error.code).toBe("store_held");
      expect(error.message).toContain("such as a backup, holds a table that is to be changed; let it end");
    } finally {
      await backup.end();
    }
    await (await open(dsn)).close();
  }, 20_000);

  test("of an older version is brought up to date though a gateway of that version waits for the same tables the other way round", async () => {
    const dsn = await createDatabase();
    await (await open(dsn)).close();
    await runSql(dsn, "delete from tokligence_migrations where name like '%_count_untimed'");
    await runSql(dsn, "alter table ledger_marks drop column untimed_seq");
    await runSql(dsn, "alter table ledger_rollups drop column untimed_requests");
    const older = postgres(dsn, { max: 1 });
    try {
      await older.unsafe("begin");
      await older.unsafe("select * from ledger_rollups");
      const opening = open(dsn);
      const waiting = "select 1 from pg_locks where not granted and relation = 'ledger_rollups'::regclass";
      while ((await runSql(dsn, waiting)).length === 0);
      await older.unsafe("select * from ledger_marks");
      await older.unsafe("rollback");
      await (await opening).close();
    } finally {
      await older.end();
    }
  }, 20_000);

  test("for the ledger leaves identity in its file; postgresql:// means the same", async () => {
    const dsn = (await createDatabase()).replace("postgres://", "postgresql://");
    const identityPath = newPath();
    const store = await openStore({ identityPath, ledgerPath: dsn, database });
    await store.identity.createUsers([makeUser()]);
    await store.ledger.append([makeEntry()]);
    await store.ping();
    await store.close();
    expect(store.engine).toBe("sqlite");
    expect(await runSql(dsn, "select count(*)::int as n from users")).toMatchObject([{ n: 0 }]);
  });

  test("that leads nowhere says why and keeps the password to itself", async () => {
    const good = new URL(await createDatabase());
    const bad = (change: (url: URL) => void) => {
      const url = new URL(good);
      url.password = "s3cret";
      change(url);
      return failure(open(url.href));
    };
    const missing = await bad((url) => (url.pathname = "/nowhere"));
    const stranger = await bad((url) => (url.username = "stranger"));
    const closed = await bad((url) => (url.port = "1"));
    expect(missing.message).toBe(
      `PostgreSQL at ${good.host}/nowhere: there is no such database; create it, or correct its name in the DSN.`,
    );
    expect(stranger.message).toContain("refuses the login; check the user name and the password");
    expect(closed.message).toContain("does not answer; check that it runs");
    const garbled = await failure(open("postgres://user:s3cret@ho st:no/db"));
    for (const error of [missing, stranger, closed, garbled]) expect(Bun.inspect(error)).not.toContain("s3cret");
  });

  test("of a user who may not make tables says which right is missing", async () => {
    const dsn = new URL(await createDatabase());
    await runSql(dsn.href, "revoke create on schema public from public");
    const role = `reader_${crypto.randomUUID().slice(0, 8)}`;
    await runSql(dsn.href, `create role ${role} login`);
    dsn.username = role;
    expect((await failure(open(dsn.href))).message).toContain("may not create or change tables");
  });

  test("of a user to whom its tables do not belong, as others made or loaded them, says what is to be done", async () => {
    const dsn = new URL(await createDatabase());
    await (await open(dsn.href)).close();
    const role = `mover_${crypto.randomUUID().slice(0, 8)}`;
    await runSql(dsn.href, `create role ${role} login`);
    await runSql(dsn.href, `grant all on schema public to ${role}`);
    const own = new URL(dsn);
    own.username = role;
    const message = "its tables belong to another user, such as the one who loaded them; make this one their owner";
    expect((await failure(open(own.href))).message).toContain(message);
    await runSql(dsn.href, `grant all on all tables in schema public to ${role}`);
    await runSql(dsn.href, "delete from tokligence_migrations where name like '%_follow_objects'");
    expect((await failure(open(own.href))).message).toContain(message);
  });

  test("survives the loss of its connections: nothing fails that may be repeated, nothing hangs, no row is lost", async () => {
    const dsn = await createDatabase();
    const store = await open(dsn);
    const others = `datname = '${new URL(dsn).pathname.slice(1)}' and pid <> pg_backend_pid()`;
    for (let round = 1; round <= 8; round++) {
      await runSql(dsn, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`);
      const calls = [store.ledger.append([makeEntry()]), store.ledger.append([makeEntry()]), store.ping()];
      await Promise.all([...calls, store.identity.changes(null), store.ledger.page({}, 1, null)]);
      expect((await store.ledger.summarize({})).consume.requests).toBe(2 * round);
    }
    await store.close();
  }, 30_000);
});

test("a DSN is shown without what may be the password", () => {
  expect(describeDsn("postgres://u:p@db.local:5433/books")).toBe("PostgreSQL at db.local:5433/books");
  expect(describeDsn("postgres:///books?host=/run/postgresql&password=p")).toBe("PostgreSQL at the local socket/books");
  for (const dsn of ["postgres://u:p#x@host/db", "postgres://u:12/p@host/db", "postgres://u:p@a:1,b:2/db"]) {
    expect(describeDsn(dsn)).toBe("PostgreSQL");
  }
});

test.each([
  ["SQLITE_FULL", "overloaded", "X cannot grow: the disk is full; free some space and try again."],
  ["ENOSPC", "overloaded", "X cannot grow: the disk is full; free some space and try again."],
  [
    "SQLITE_BUSY_SNAPSHOT",
    "overloaded",
    "X is locked by another process; try again, or end the process that holds it.",
  ],
  ["SQLITE_IOERR_SHMSIZE", "overloaded", "X cannot grow: the disk is full; free some space and try again."],
  ["SQLITE_IOERR_WRITE", "internal", "X could not be read or written: check the disk and the system's log."],
  ["28P01", "not_configured", "X refuses the login; check the user name and the password of the DSN, and pg_hba.conf."],
  ["whatever", "internal", "X failed: as the driver said."],
] as const)("a driver's %s becomes %s", (code, kind, message) => {
  const cause = Object.assign(new Error("as the driver said"), { code });
  const wrapped = new Error("Failed query with its parameters", { cause });
  expect(explainStoreError(wrapped, "X")).toMatchObject({ kind, message, cause });
});

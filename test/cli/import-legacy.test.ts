// Databases of the earlier edition, made by its own statements: what is taken over, what is left, and that it happens once.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { hashToken } from "../../src/identity/index.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk | null = null;
afterEach(() => desk?.close());

const IDENTITY = [
  `create table users (id integer primary key autoincrement, uuid text unique, email text not null unique, role text not null, display_name text,
    status text not null default 'active', created_at timestamp not null default current_timestamp, updated_at timestamp not null default current_timestamp, deleted_at timestamp)`,
  `create table api_keys (id integer primary key autoincrement, uuid text unique, user_id integer not null references users(id) on delete cascade,
    key_hash text not null unique, key_prefix text not null, scopes text, expires_at timestamp, created_at timestamp not null default current_timestamp,
    updated_at timestamp not null default current_timestamp, deleted_at timestamp)`,
];
const LEDGER = `create table usage_entries (id integer primary key autoincrement, uuid text, user_id integer not null, api_key_id integer,
    service_id integer not null default 0, prompt_tokens integer not null, completion_tokens integer not null,
    direction text not null check (direction in ('consume', 'supply')), memo text, created_at timestamp not null default current_timestamp,
    updated_at timestamp, deleted_at timestamp)`;

const MAIN = join(import.meta.dir, "../../src/main.ts");
const TOKEN = `tok_${"A".repeat(43)}`;

interface Old {
  desk: Desk;
  identity: string;
  ledger: string;
  change(file: string, statement: string): void;
  line(...words: string[]): string[];
}

function makeOld(): Old {
  const own = makeDesk();
  desk = own;
  const [identity, ledger] = [join(own.folder, "old-identity.db"), join(own.folder, "old-ledger.db")];
  const change = (file: string, statement: string): void => {
    const db = new Database(file, { create: true });
    db.run(statement);
    db.close();
  };
  for (const statement of IDENTITY) change(identity, statement);
  change(ledger, LEDGER);
  change(
    identity,
    `insert into users (id, uuid, email, role, display_name, status, created_at, deleted_at) values
      (1, 'u1', 'admin@local', 'root_admin', null, 'active', '2025-01-02 03:04:05', null),
      (2, 'u2', 'ana@example.com', 'gateway_admin', 'Ana', 'active', '2025-01-02 03:04:05.123456789+02:00', null),
      (3, 'u3', 'bo@example.com', 'gateway_user', null, 'inactive', '2025-01-02 03:04:05.5 +0000 UTC', null),
      (4, 'u4', 'gone@example.com', 'gateway_user', null, 'active', '2025-01-02T03:04:05Z', '2025-02-02 03:04:05')`,
  );
  change(
    identity,
    `insert into api_keys (id, user_id, key_hash, key_prefix, scopes, expires_at, created_at, deleted_at) values
      (1, 2, '${hashToken(TOKEN)}', '${TOKEN.slice(0, 12)}', '', null, '2025-01-03 00:00:00', null),
      (2, 2, '${hashToken("b")}', 'tok_b', '["chat"]', '2030-01-01 00:00:00', '2025-01-03 00:00:00', null),
      (3, 4, '${hashToken("c")}', 'tok_c', '', null, '2025-01-03 00:00:00', null)`,
  );
  change(
    ledger,
    `insert into usage_entries (id, uuid, user_id, api_key_id, prompt_tokens, completion_tokens, direction, memo, created_at, deleted_at) values
      (1, 'e1', 2, 1, 10, 5, 'consume', 'chat.completions(stream)', '2025-01-04 00:00:00', null),
      (2, 'e2', 4, 3, 20, 0, 'consume', 'embeddings', '2025-01-04 00:00:01', null),
      (3, null, 77, null, 1, 1, 'supply', 'anthropic.messages(passthrough)', '2025-01-04 00:00:02', null),
      (4, 'e4', 2, 1, 9, 9, 'consume', 'x', '2025-01-04 00:00:03', '2025-01-05 00:00:00')`,
  );
  const line = (...words: string[]): string[] => [
    "migrate",
    "import-legacy",
    "--from",
    identity,
    "--ledger",
    ledger,
    ...words,
  ];
  return { desk: own, identity, ledger, change, line };
}

const COUNTS = {
  users: { rows: 4, taken: 2, there_already: 1, deleted: 1, refused: 0 },
  keys: { rows: 3, taken: 2, there_already: 0, deleted: 1, refused: 0 },
  usage: { rows: 4, taken: 3, there_already: 0, deleted: 1, refused: 0, prompt_tokens: 31, completion_tokens: 6 },
};

test("a dry run counts and writes nothing; users, keys and usage are then taken over, once", async () => {
  const { desk: own, line } = makeOld();
  expect(await own.read(line("--dry-run"))).toEqual({ dry_run: true, ...COUNTS });
  expect(await own.read<object>("admin users list")).toMatchObject({ users: [{ email: "admin@local" }] });

  const imported = await own.run(line());
  expect(imported.code).toBe(EXIT.ok);
  expect(imported.err).toContain("these scopes mean nothing here and were left out: chat");
  expect(imported.err).toContain("1 usage row name");
  const { users } = await own.read<{ users: { email: string; status: string; role: string; created_at: string }[] }>(
    "admin users list",
  );
  expect(users.map(({ email, status, role }) => `${email} ${status} ${role}`).toSorted()).toEqual([
    "admin@local active root_admin",
    "ana@example.com active gateway_admin",
    "bo@example.com suspended gateway_user",
  ]);
  expect(users.find(({ email }) => email.startsWith("ana"))?.created_at).toBe("2025-01-02T01:04:05.123Z");
  // Of whom nothing else is kept, the rows are found all the same.
  expect(await own.read("usage summary --user legacy-77")).toMatchObject({ supplied_tokens: 2, requests: 0 });
  expect(await own.read("usage summary --user legacy-4 --key legacy-3")).toMatchObject({ consumed_tokens: 20 });
  await own.withStore(async (store) => {
    const { keys } = await store.identity.changes(null);
    const kept = keys.find(({ hash }) => hash === hashToken(TOKEN));
    expect(kept).toMatchObject({ scopes: [], isOver: false, expiresAt: null });
    expect(keys.find(({ hash }) => hash === hashToken("b"))).toMatchObject({ scopes: ["inference"] });
    const { entries } = await store.ledger.page({}, 10, null);
    expect(
      entries.map(({ endpoint, reason, streamed, usageSource, costNanos, direction }) => ({
        endpoint,
        reason,
        streamed,
        usageSource,
        costNanos,
        direction,
      })),
    ).toEqual([
      {
        endpoint: "messages",
        reason: "imported",
        streamed: false,
        usageSource: "imported",
        costNanos: null,
        direction: "supply",
      },
      {
        endpoint: "embeddings",
        reason: "imported",
        streamed: false,
        usageSource: "imported",
        costNanos: null,
        direction: "consume",
      },
      {
        endpoint: "chat.completions",
        reason: "imported",
        streamed: true,
        usageSource: "imported",
        costNanos: null,
        direction: "consume",
      },
    ]);
    expect(entries[2]).toMatchObject({
      apiKeyId: kept?.id,
      userId: kept?.userId,
      freshInputTokens: 10,
      outputTokens: 5,
    });
    expect(entries[0]).toMatchObject({ userId: "legacy-77", apiKeyId: "" });
  });
  expect(await own.read("ledger verify")).toMatchObject({ ok: true, rows: 3 });
  // Nobody wrote down how long they took: that is not nothing.
  const logs = await own.read<{ entries: object[] }>("usage logs --user all");
  expect(logs.entries).toMatchObject([{ latency_ms: null }, { latency_ms: null }, { latency_ms: null }]);
  const { groups } = await own.read<{ groups: object[] }>("usage breakdown --user all --by direction");
  for (const group of groups) expect(group).toMatchObject({ average_latency_ms: null, p50_latency_ms: null });
  expect(await own.read("admin audit list --action import.legacy")).toMatchObject({ changes: [{ actor: "operator" }] });

  const again = await own.read<typeof COUNTS>(line());
  expect(again.users).toMatchObject({ taken: 0, there_already: 3 });
  expect(again.keys).toMatchObject({ taken: 0, there_already: 2 });
  expect(again.usage).toMatchObject({ taken: 0, there_already: 3 });
});

test("bad rows keep all from being written, unless they are wanted in a file", async () => {
  const { desk: own, identity, ledger, change, line } = makeOld();
  change(identity, "insert into users (id, email, role) values (9, 'no address', 'gateway_user')");
  change(
    ledger,
    "insert into usage_entries (id, user_id, prompt_tokens, completion_tokens, direction, created_at) values (9, 2, -1, 0, 'consume', 'yesterday')",
  );
  const refused = await own.run(line());
  expect(refused.code).toBe(EXIT.failed);
  expect(refused.err).toContain('users 9: "no address" is not an e-mail address such as ada@example.com.');
  expect(await own.read<object>("admin users list")).toMatchObject({ users: [{ email: "admin@local" }] });
  const file = join(own.folder, "errors.csv");
  expect((await own.run(line("--errors", file))).code).toBe(EXIT.failed);
  expect(readFileSync(file, "utf8")).toContain("usage_entries,9,");
  expect((await own.read<{ users: object[] }>("admin users list")).users).toHaveLength(3);
});

test("what is no old database is refused by name", async () => {
  const { desk: own } = makeOld();
  await own.run("admin users list");
  const run = (file: string) => own.run(["migrate", "import-legacy", "--from", file]);
  expect(await run(join(own.folder, "none.db"))).toMatchObject({ code: EXIT.notFound });
  const folder = await run(own.folder);
  expect([folder.code, folder.err]).toEqual([EXIT.failed, `error: ${own.folder} is a folder; name a file in it.\n`]);
  const target = await own.run(["migrate", "copy", "--to", own.folder]);
  expect([target.code, target.err]).toEqual([EXIT.failed, expect.stringContaining("is a folder; name a file in it.")]);
  expect(await run(join(own.folder, "identity.db"))).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining("migrate copy"),
  });
  expect(
    await run(own.write("text.db", "not a database, and long enough to be looked at as one".repeat(40))),
  ).toMatchObject({ code: EXIT.failed });
});

test("no list of rows is written over a database, be it the old one or another", async () => {
  const { desk: own, identity, ledger, line, change } = makeOld();
  change(identity, "insert into users (id, email, role) values (9, 'no address', 'gateway_user')");
  await own.run("admin users create --email bo@example.com");
  const people = own.write("people.csv", "email\nno address\n");
  for (const words of [
    line("--errors", identity),
    line("--errors", join(own.folder, "identity.db")),
    ["admin", "users", "import", "--file", people, "--errors", ledger],
    ["ledger", "heads", "--export", ledger],
    ["audit", "pack", "--provider", "loopback", "--from", "2025-01-01", "--to", "2025-02-01", "-o", ledger],
  ]) {
    const { code, err } = await own.run(words);
    expect([words, code, err]).toEqual([words, EXIT.usage, expect.stringContaining("not overwritten")]);
  }
  expect((await own.run(line("--dry-run"))).out).toContain("usage");
});

const canMount =
  process.platform === "linux" &&
  Bun.spawnSync(["unshare", "-m", "true"], { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;

test.skipIf(!canMount)(
  "files on a disk that nobody may write to are read, but for rows that lie in a log",
  async () => {
    const { desk: own, identity, ledger, change } = makeOld();
    for (const file of [identity, ledger]) change(file, "pragma journal_mode = wal");
    const disk = join(own.folder, "disk");
    mkdirSync(disk);
    const line = ["--from", join(disk, "old-identity.db"), "--ledger", join(disk, "old-ledger.db"), "--dry-run"];
    const run = (before: string) => {
      const mount = `mount -t tmpfs tmpfs ${disk} && cp ${identity} ${ledger} ${disk} && ${before} mount -o remount,ro ${disk}`;
      const command = ["unshare", "-m", "sh", "-c", `${mount} && exec "$0" "$@"`, process.execPath, MAIN];
      const words = ["migrate", "import-legacy", ...line, "--config", join(own.folder, "config")];
      const { stdout, stderr, exitCode } = Bun.spawnSync([...command, ...words]);
      return { out: stdout.toString(), err: stderr.toString(), code: exitCode };
    };
    expect(run("")).toMatchObject({ code: EXIT.ok, out: expect.stringMatching(/users +4 +2/u) });
    const unread = run(`echo rows > ${disk}/old-identity.db-wal &&`);
    expect(unread.code).toBe(EXIT.failed);
    expect(unread.err).toContain("give a copy of both in a folder of your own");
  },
);

// Old databases with what nobody expects in them: all of it is taken over or named, whoever runs the import again changes nothing, and what was
// ended here since stays ended.

import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { hashToken } from "../../src/identity/index.ts";
import { sumRemains } from "../../src/ledger/index.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
afterEach(() => desk.close());

/** As the earlier edition made its tables: foreign keys were written down, and never enforced. */
const TABLES = [
  `create table users (id integer primary key autoincrement, uuid text unique, email text not null unique, role text not null, display_name text,
    status text not null default 'active', created_at timestamp not null default current_timestamp, updated_at timestamp not null default current_timestamp, deleted_at timestamp)`,
  `create table api_keys (id integer primary key autoincrement, uuid text unique, user_id integer not null references users(id) on delete cascade,
    key_hash text not null unique, key_prefix text not null, scopes text, expires_at timestamp, created_at timestamp not null default current_timestamp,
    updated_at timestamp not null default current_timestamp, deleted_at timestamp)`,
  `create table usage_entries (id integer primary key autoincrement, uuid text, user_id integer not null, api_key_id integer,
    service_id integer not null default 0, prompt_tokens integer not null, completion_tokens integer not null,
    direction text not null, memo text, created_at timestamp not null default current_timestamp, updated_at timestamp, deleted_at timestamp)`,
];

type Cell = Uint8Array | bigint | number | string | null;

interface Old {
  file: string;
  add(table: string, row: Record<string, Cell>): void;
}

const AT = "2025-01-02 03:04:05";

function makeOld(dsn?: string): Old {
  desk = makeDesk(dsn);
  const file = join(desk.folder, "old.db");
  const db = new Database(file, { create: true });
  for (const table of TABLES) db.run(table);
  db.close();
  return {
    file,
    add(table, row) {
      const own = new Database(file);
      const names = Object.keys(row);
      own
        .query(`insert into ${table} (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`)
        .run(...Object.values(row));
      own.close();
    },
  };
}

const user = (id: number, email: string, more: Record<string, Cell> = {}) => ({
  id,
  email,
  role: "gateway_user",
  created_at: AT,
  updated_at: AT,
  ...more,
});
const key = (id: number, owner: number, more: Record<string, Cell> = {}) => ({
  id,
  user_id: owner,
  key_hash: hashToken(`key ${id}`),
  key_prefix: `tok_${id}`,
  created_at: AT,
  ...more,
});
const usage = (id: number, owner: number, more: Record<string, Cell> = {}) => ({
  id,
  user_id: owner,
  prompt_tokens: 3,
  completion_tokens: 4,
  direction: "consume",
  created_at: AT,
  ...more,
});

/** Each as one of Go's drivers, or Go itself, writes it, and the moment that it is. */
const MOMENTS: readonly [Cell, string][] = [
  ["2025-01-02 03:04:05", "2025-01-02T03:04:05.000Z"],
  ["2025-01-02T03:04:05Z", "2025-01-02T03:04:05.000Z"],
  ["2025-01-02 03:04:05.123456789 +0000 UTC", "2025-01-02T03:04:05.123Z"],
  ["2025-01-02 03:04:05.5 -0700 MST m=+12.345678901", "2025-01-02T10:04:05.500Z"],
  ["2025-01-02 03:04:05.123456+05:30", "2025-01-01T21:34:05.123Z"],
  ["2025-01-02T03:04:05.999999999-07:00", "2025-01-02T10:04:05.999Z"],
  ["2025-01-02 03:04", "2025-01-02T03:04:00.000Z"],
  ["2025-01-02", "2025-01-02T00:00:00.000Z"],
  [1_735_787_045, "2025-01-02T03:04:05.000Z"],
  [1_735_787_045_123, "2025-01-02T03:04:05.123Z"],
];

/** What no driver writes, or nobody can mean. */
const NO_MOMENTS: readonly Cell[] = [
  "0001-01-01 00:00:00+00:00",
  "2025-02-30 00:00:00",
  "2025-13-01",
  "now",
  "",
  "1e3",
];

test("every moment that the old drivers wrote is read, and what is none is named", async () => {
  const { file, add } = makeOld();
  for (const [at, [moment]] of MOMENTS.entries())
    add("users", user(at + 1, `u${at}@example.com`, { created_at: moment }));
  const line = ["migrate", "import-legacy", "--from", file];
  expect((await desk.run(line)).code).toBe(EXIT.ok);
  const { users } = await desk.read<{ users: { email: string; created_at: string }[] }>("admin users list");
  for (const [at, [, moment]] of MOMENTS.entries())
    expect(users.find(({ email }) => email === `u${at}@example.com`)?.created_at).toBe(moment);

  for (const [at, moment] of NO_MOMENTS.entries())
    add("users", user(at + 100, `bad${at}@example.com`, { created_at: moment }));
  const refused = await desk.run(line);
  expect(refused.code).toBe(EXIT.failed);
  for (const at of NO_MOMENTS.keys())
    expect(refused.err).toMatch(new RegExp(`users ${at + 100}: its created_at is`, "u"));
});

test("two people whose addresses differ by capital letters do not become one, and their keys are not mixed", async () => {
  const { file, add } = makeOld();
  add("users", user(1, "Ana@Example.com", { role: "root_admin" }));
  add("users", user(2, " ana@example.com"));
  add("api_keys", key(1, 1));
  add("api_keys", key(2, 2));
  add("usage_entries", usage(1, 2));
  const line = ["migrate", "import-legacy", "--from", file];
  const refused = await desk.run(line);
  expect(refused.code).toBe(EXIT.failed);
  expect(refused.err).toContain("users 2: its e-mail is that of user 1 but for capital letters or blanks");
  expect(refused.err).toContain("api_keys 2: its user 2 cannot be taken");
  expect(await desk.read<object>("admin users list")).toMatchObject({ users: [{ email: "admin@local" }] });

  const errors = join(desk.folder, "errors.csv");
  expect((await desk.run([...line, "--errors", errors])).code).toBe(EXIT.failed);
  expect(readFileSync(errors, "utf8").trim().split("\n")).toHaveLength(3);
  const { api_keys: keys } = await desk.read<{ api_keys: { prefix: string }[] }>(
    "admin api-keys list --user ana@example.com",
  );
  expect(keys.map(({ prefix }) => prefix)).toEqual(["tok_1"]);
});

test("keys without a user, blobs, numbers beyond all measure and other oddities are named, each by its row", async () => {
  const { file, add } = makeOld();
  add("users", user(1, "ana@example.com", { display_name: "  ", status: "inactive" }));
  add("users", user(2, "bo@example.com", { role: "owner" }));
  add("users", user(3, "cy@example.com", { status: "asleep" }));
  add("users", user(4, "dee@example.com", { display_name: new Uint8Array([1, 2]) }));
  add("api_keys", key(1, 77));
  add("api_keys", key(2, 1, { expires_at: "2020-01-01 00:00:00+00:00" }));
  add("api_keys", key(3, 1, { key_hash: "abc" }));
  add("api_keys", key(4, 1, { scopes: "{" }));
  add(
    "api_keys",
    key(5, 1, { scopes: '["usage:read","usage:read","fly"]', key_hash: hashToken("key 5").toUpperCase() }),
  );
  add("usage_entries", usage(1, 1, { prompt_tokens: 1_000_000_001 }));
  add("usage_entries", usage(2, 1, { completion_tokens: -1 }));
  add("usage_entries", usage(3, 1, { direction: "sideways" }));
  add("usage_entries", usage(4, 1, { prompt_tokens: 1_000_000_000, memo: "anthropic.messages(passthrough)" }));
  add("usage_entries", usage(5, 1, { uuid: "same" }));
  add("usage_entries", usage(6, 1, { uuid: "same" }));
  // Two neighbours that are one number to JavaScript: neither is read twice, and the walk comes to its end.
  const far = new Database(file);
  for (const id of ["9007199254740993", "9007199254740994"])
    far.run(
      `insert into usage_entries (id, user_id, prompt_tokens, completion_tokens, direction, created_at) values (${id}, 88, 1, 1, 'consume', '${AT}')`,
    );
  far.close();
  const errors = join(desk.folder, "errors.csv");
  const line = ["migrate", "import-legacy", "--from", file, "--errors", errors];
  const imported = await desk.run(line);
  expect(imported.code).toBe(EXIT.failed);
  expect(imported.err).toContain("1 key of users that are not there opened nothing, and was left out: 1");
  expect(imported.err).toContain("2 usage rows name a user or a key that is not there");
  const named = readFileSync(errors, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(",").slice(0, 2).join(" "));
  expect(named).toEqual([
    "users 2",
    "users 3",
    "users 4",
    "api_keys 3",
    "api_keys 4",
    "usage_entries 1",
    "usage_entries 2",
    "usage_entries 3",
  ]);
  const { api_keys: keys } = await desk.read<{
    api_keys: { prefix: string; expires_at: string | null; scopes: string[] }[];
  }>("admin api-keys list --user ana@example.com");
  expect(keys).toMatchObject([
    { prefix: "tok_2", expires_at: "2020-01-01T00:00:00.000Z" },
    { prefix: "tok_5", scopes: ["usage:read"] },
  ]);
  await desk.withStore(async ({ ledger }) => {
    const { entries } = await ledger.page({}, 20, null);
    expect(entries.map(({ freshInputTokens }) => freshInputTokens ?? 0).toSorted((a, b) => a - b)).toEqual([
      1, 1, 3, 3, 1_000_000_000,
    ]);
  });
  expect(await desk.read("ledger verify")).toMatchObject({ ok: true, rows: 5 });
});

test("a second run changes nothing, also after what came was renamed, rotated, revoked or deleted here", async () => {
  const { file, add } = makeOld();
  for (const [at, name] of ["ana", "bo", "cy"].entries()) {
    add("users", user(at + 1, `${name}@example.com`));
    add("api_keys", key(at * 2 + 1, at + 1));
    add("api_keys", key(at * 2 + 2, at + 1));
    add("usage_entries", usage(at + 1, at + 1, { api_key_id: at * 2 + 1 }));
  }
  const line = ["migrate", "import-legacy", "--from", file];
  expect((await desk.run(line)).code).toBe(EXIT.ok);
  interface Lists {
    users: { id: string; email: string }[];
    api_keys: { id: string; prefix: string }[];
  }
  const listKeys = async (email: string) =>
    (await desk.read<Lists>(["admin", "api-keys", "list", "--user", email])).api_keys;
  const [first, second] = await listKeys("ana@example.com");
  await desk.run(["admin", "api-keys", "revoke", "--id", first?.id ?? "", "--yes"]);
  await desk.run(["admin", "api-keys", "rotate", "--id", second?.id ?? "", "--overlap", "0s"]);
  await desk.run("admin users update --id bo@example.com --email bob@example.com");
  await desk.run("admin users delete --id cy@example.com");
  const before = await desk.read<Lists>("admin users list");
  const again = await desk.run([...line, "--json"]);
  expect([again.code, again.err.includes("error")]).toEqual([EXIT.ok, false]);
  expect(JSON.parse(again.out)).toMatchObject({
    users: { rows: 3, taken: 0, there_already: 2, deleted: 1, refused: 0 },
    keys: { rows: 6, taken: 0, there_already: 3, deleted: 3, refused: 0 },
    usage: { rows: 3, taken: 0, there_already: 3, refused: 0 },
  });
  expect(await desk.read<Lists>("admin users list")).toEqual(before);
  expect(await listKeys("bob@example.com")).toHaveLength(2);
  expect(await desk.read("ledger verify")).toMatchObject({ ok: true, rows: 3 });
});

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  test.skipIf(engine === "postgres" && !hasPostgres)(
    "what is gone by age since it came does not come again, and what is new does",
    async () => {
      const { file, add } = makeOld(engine === "postgres" ? await createDatabase() : undefined);
      add("users", user(1, "ana@example.com"));
      for (const id of [1, 2, 3]) add("usage_entries", usage(id, 1));
      add("usage_entries", usage(4, 77));
      add("usage_entries", usage(5, 1, { created_at: "2999-01-01 00:00:00" }));
      const line = ["migrate", "import-legacy", "--from", file, "--errors", join(desk.folder, "errors.csv"), "--json"];
      const run = async () => JSON.parse((await desk.run(line)).out).usage;
      expect(await run()).toMatchObject({ rows: 5, taken: 4, refused: 1 });
      expect(readFileSync(join(desk.folder, "errors.csv"), "utf8")).toContain("its created_at lies in the future");
      await desk.withStore(async ({ ledger }) => {
        while ((await ledger.rollUp(100)).rows > 0);
        const [cut] = await ledger.findCuts(new Date("2025-06-01"));
        if (cut === undefined) throw new Error("nothing goes");
        while ((await ledger.dropRows(cut, 100, sumRemains)) > 0);
      });
      const count = async () => (await desk.read<{ requests: number }>("usage summary --user all")).requests;
      expect(await count()).toBe(4);
      expect(await run()).toMatchObject({ taken: 0, there_already: 4 });
      add("usage_entries", usage(6, 1));
      add("usage_entries", usage(7, 78));
      expect(await run()).toMatchObject({ taken: 2, there_already: 4 });
      expect(await run()).toMatchObject({ taken: 0, there_already: 6 });
      expect(await count()).toBe(6);
      await desk.run("admin users delete --id ana@example.com");
      expect(await run()).toMatchObject({ taken: 0, there_already: 6 });
    },
    30_000,
  );
});

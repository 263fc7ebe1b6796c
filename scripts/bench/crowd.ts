// Many users and keys for a database, the same every time, written past the gateway. Knows no measurement.

import { Database } from "bun:sqlite";
import postgres from "postgres";
import { hashToken } from "../../src/identity/index.ts";

const PART = 2_000;

/** Of the key with that number. */
export function makeToken(index: number): string {
  return `tok_${Buffer.from(hashToken(`token ${index}`), "hex").toString("base64url")}`;
}

export function makeId(index: number): string {
  return `01900000-0000-7000-8000-${Math.floor(index).toString(16).padStart(12, "0")}`;
}

/** One in ten is limited to some models, one in ten bears a tag. */
function describeKey(index: number, users: number) {
  const token = makeToken(index);
  return {
    id: makeId(index),
    user_id: makeId(index % users),
    name: `key ${index}`,
    key_prefix: token.slice(0, 12),
    key_hash: hashToken(token),
    scopes: index % 3 === 0 ? '["inference","usage:read"]' : "[]",
    limits: index % 10 === 0 ? '{"models":["gpt-4o*"]}' : null,
    tags: index % 10 === 1 ? `["team=t${index % 50}"]` : null,
  };
}

interface Crowd {
  engine: "postgres" | "sqlite";
  /** A database that was opened once, and is empty. */
  location: string;
  users: number;
  keys: number;
}

export async function fill(crowd: Crowd): Promise<void> {
  const users = Array.from({ length: crowd.users }, (_, index) => ({
    id: makeId(index),
    email: `user${index}@example.com`,
  }));
  const keys = Array.from({ length: crowd.keys }, (_, index) => describeKey(index, crowd.users));
  if (crowd.engine === "sqlite") fillSqlite(crowd.location, users, keys);
  else await fillPostgres(crowd.location, users, keys);
}

type People = readonly { id: string; email: string }[];
type Keys = readonly ReturnType<typeof describeKey>[];

function fillSqlite(location: string, users: People, keys: Keys): void {
  const db = new Database(location);
  const user = db.prepare(
    "insert into users (id, email, role, status, created_at, updated_at, revision) values (?, ?, 'gateway_user', 'active', 1, 1, 1)",
  );
  const key = db.prepare(
    `insert into api_keys (id, user_id, name, key_prefix, key_hash, scopes, strict, limits, tags, created_at, updated_at, revision)
     values (?, ?, ?, ?, ?, ?, 0, ?, ?, 1, 1, 1)`,
  );
  db.run("begin");
  for (const { id, email } of users) user.run(id, email);
  for (const each of keys) key.run(...Object.values(each));
  db.run(
    "insert into counters (name, value) values ('identity_revision', 1) on conflict (name) do update set value = 1",
  );
  db.run("commit");
  db.close();
}

async function fillPostgres(location: string, users: People, keys: Keys): Promise<void> {
  const sql = postgres(location, { max: 1 });
  const every = { created_at: new Date(1), updated_at: new Date(1), revision: 1 };
  for (let start = 0; start < users.length; start += PART) {
    const rows = users
      .slice(start, start + PART)
      .map((user) => ({ ...user, role: "gateway_user", status: "active", ...every }));
    await sql`insert into users ${sql(rows)}`;
  }
  for (let start = 0; start < keys.length; start += PART) {
    const rows = keys.slice(start, start + PART).map(({ scopes, limits, tags, ...rest }) => {
      const [own, bounds, marks] = [scopes, limits, tags].map((text) =>
        text === null ? null : sql.json(JSON.parse(text)),
      );
      return { ...rest, scopes: own ?? null, limits: bounds ?? null, tags: marks ?? null, strict: false, ...every };
    });
    await sql`insert into api_keys ${sql(rows)}`;
  }
  await sql`insert into counters (name, value) values ('identity_revision', 1) on conflict (name) do update set value = 1`;
  // As the server does by itself after a while.
  await sql`analyze`;
  await sql.end();
}

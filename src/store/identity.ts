// Users and keys in a database, whichever engine it is. Knows no rules of who may do what; those are in identity/.

import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { ApiKey, User } from "../identity/model.ts";
import type { IdentityStore, KeyRecord, UserChange } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import type { Change } from "../lib/change.ts";
import { noteAll, noteRows } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { PURGES, REVISION, createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";
import { createSessionStore, toSession, toUser } from "./session.ts";
import { cleanText } from "../lib/text.ts";

/** Keeps a statement well below the engines' limits on parameters. */
const ROWS_A_STATEMENT = 500;

type KeyRow = Schema["apiKeys"]["$inferSelect"];

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    ...createUserStore(engine),
    ...createKeyStore(engine),
    ...createSessionStore(engine),
    changes: (revision) => readChanges(engine, revision),
  };
}

type UserPart =
  "createUsers" | "deleteUser" | "findUser" | "findUserByEmail" | "listUsers" | "purgeUser" | "updateUser";

function createUserStore(engine: Engine): Pick<IdentityStore, UserPart> {
  const { users, apiKeys, sessions, storedResponses } = engine.schema;
  const clock = createClock(engine.schema);

  async function findUserWhere(condition: SQL): Promise<User | null> {
    const rows = await engine.read((db) =>
      db
        .select()
        .from(users)
        .where(and(condition, isNull(users.deletedAt))),
    );
    return rows[0] === undefined ? null : toUser(rows[0]);
  }

  /** Tells "not there" from "there, but the last of its kind", where `keepOneRoot` let nothing through. */
  async function refuseLastRoot(id: string): Promise<void> {
    if ((await findUserWhere(eq(users.id, cleanText(id)))) !== null) throw lastRoot();
  }

  const endSessionsOf = (db: Db, id: string, at: Date): Query =>
    db
      .update(sessions)
      .set({ endedAt: at, revision: clock.now })
      .where(and(eq(sessions.userId, cleanText(id)), isNull(sessions.endedAt)));

  const selectUser = (db: Db, id: string): Query<object[]> =>
    db
      .select()
      .from(users)
      .where(eq(users.id, cleanText(id)));

  return {
    async createUsers(list, by) {
      const rows = list.map((user) => ({ ...user, deletedAt: null, revision: clock.now }));
      const [head, ...tail] = chunk(rows, ROWS_A_STATEMENT);
      if (head === undefined) return;
      await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db.insert(users).values(head).returning({ id: users.id }),
        after: tail.map((part) => db.insert(users).values(part)),
        note: noteAll(
          by,
          list.map((user) => tellNew("user", user)),
        ),
      }));
    },
    findUser: (id) => findUserWhere(eq(users.id, cleanText(id))),
    findUserByEmail: (email) => findUserWhere(eq(users.email, cleanText(email))),
    async listUsers() {
      const rows = await engine.read((db) =>
        db.select().from(users).where(isNull(users.deletedAt)).orderBy(asc(users.createdAt), asc(users.id)),
      );
      return rows.map(toUser);
    },
    async updateUser(id, change, at, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(users)
          .set({ ...change, updatedAt: at, revision: clock.now })
          .where(
            and(
              eq(users.id, cleanText(id)),
              isNull(users.deletedAt),
              endsRoot(change) ? keepOneRoot(users) : undefined,
            ),
          )
          .returning(),
        // Who may do something else than when he signed in, or nothing at all, signs in anew.
        after: change.role === undefined && change.status !== "suspended" ? [] : [endSessionsOf(db, id, at)],
        note: noteRows({ by, action: "user.update", kind: "user", was: selectUser(db, id) }),
      }));
      if (rows[0] !== undefined) return toUser(rows[0]);
      if (endsRoot(change)) await refuseLastRoot(id);
      return null;
    },
    async deleteUser(id, at, by) {
      const gone = { deletedAt: at, updatedAt: at, revision: clock.now };
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(users)
          .set(gone)
          .where(and(eq(users.id, cleanText(id)), isNull(users.deletedAt), keepOneRoot(users)))
          .returning({ id: users.id }),
        after: [
          db
            .update(apiKeys)
            .set(gone)
            .where(and(eq(apiKeys.userId, id), isNull(apiKeys.deletedAt))),
          endSessionsOf(db, id, at),
          db.delete(storedResponses).where(eq(storedResponses.userId, id)),
        ],
        note: noteRows({ by, ...USER_GONE, action: "user.delete", was: selectUser(db, id) }),
      }));
      if (rows.length === 0) await refuseLastRoot(id);
      return rows.length > 0;
    },
    async purgeUser(id, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        // The keys go with it: the foreign key cascades.
        decisive: db
          .delete(users)
          .where(and(eq(users.id, cleanText(id)), keepOneRoot(users)))
          .returning({ id: users.id }),
        after: [clock.markPurge(db), db.delete(storedResponses).where(eq(storedResponses.userId, id))],
        note: noteRows({ by, ...USER_GONE, action: "user.purge", was: selectUser(db, id) }),
      }));
      if (rows.length === 0) await refuseLastRoot(id);
      return rows.length > 0;
    },
  };
}

type KeyPart = "createKey" | "findKey" | "listKeys" | "purgeKey" | "revokeKey" | "rotateKey" | "touchKeys";

function createKeyStore(engine: Engine): Pick<IdentityStore, KeyPart> {
  const { users, apiKeys } = engine.schema;
  const clock = createClock(engine.schema);
  const isLive = (id: string) => and(eq(apiKeys.id, cleanText(id)), isNull(apiKeys.deletedAt));
  const toRow = (record: KeyRecord) => ({ ...fromKey(record), deletedAt: null, revision: clock.now });

  const selectKey = (db: Db, id: string): Query<object[]> =>
    db
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.id, cleanText(id)));

  return {
    async createKey(record, by) {
      const owner = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .select({ id: users.id })
          .from(users)
          .where(and(eq(users.id, record.key.userId), isNull(users.deletedAt))),
        after: [db.insert(apiKeys).values(toRow(record))],
        note: noteAll(by, [tellNew("key", fromKey(record))]),
      }));
      if (owner.length === 0) throw new GatewayError({ kind: "not_found", message: "The key's owner does not exist." });
    },
    async findKey(id) {
      const rows = await engine.read((db) => db.select().from(apiKeys).where(isLive(id)));
      return rows[0] === undefined ? null : toKey(rows[0]);
    },
    async listKeys(userId) {
      const owned = userId === null ? undefined : eq(apiKeys.userId, cleanText(userId));
      const rows = await engine.read((db) =>
        db
          .select()
          .from(apiKeys)
          .where(and(owned, isNull(apiKeys.deletedAt)))
          .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id)),
      );
      return rows.map(toKey);
    },
    async revokeKey(id, at, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(apiKeys)
          .set({ deletedAt: at, updatedAt: at, revision: clock.now })
          .where(isLive(id))
          .returning({ id: apiKeys.id }),
        note: noteRows({ by, ...KEY_GONE, action: "key.revoke", was: selectKey(db, id) }),
      }));
      return rows.length > 0;
    },
    async purgeKey(id, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .delete(apiKeys)
          .where(eq(apiKeys.id, cleanText(id)))
          .returning({ id: apiKeys.id }),
        after: [clock.markPurge(db)],
        note: noteRows({ by, ...KEY_GONE, action: "key.purge", was: selectKey(db, id) }),
      }));
      return rows.length > 0;
    },
    async rotateKey(id, next, endsAt, by) {
      const at = next.key.createdAt;
      const moment = sql.param(endsAt, apiKeys.expiresAt);
      const end =
        endsAt <= at
          ? { deletedAt: at }
          : // An earlier expiry stays as it is.
            { expiresAt: sql`case when ${apiKeys.expiresAt} < ${moment} then ${apiKeys.expiresAt} else ${moment} end` };
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(apiKeys)
          .set({ ...end, updatedAt: at, revision: clock.now })
          .where(isLive(id))
          .returning({ id: apiKeys.id }),
        after: [db.insert(apiKeys).values(toRow(next))],
        note: {
          ...noteAll(by, []),
          was: selectKey(db, id),
          tell: (ended: readonly { id: string }[], [before]) =>
            ended.map((old) => tellRotated(old.id, before, { next, endsAt })),
        },
      }));
      return rows.length > 0;
    },
    touchKeys: (uses) => engine.touchKeys(uses),
  };
}

/** Counters are read first: a row that changes in between then comes again at the next call instead of never. */
async function readChanges(engine: Engine, since: number | null): ReturnType<IdentityStore["changes"]> {
  const { users, apiKeys, sessions } = engine.schema;
  const counters = await engine.readCounters();
  const revision = counters.get(REVISION) ?? 0;
  if (revision === since) return { revision, complete: false, users: [], keys: [], sessions: [] };
  // A revision that went back means that a backup was restored under us.
  const complete = since === null || revision < since || (counters.get(PURGES) ?? 0) > since;
  const [userRows, keyRows, sessionRows] = await Promise.all([
    engine.read((db) =>
      db
        .select()
        .from(users)
        .where(complete ? isNull(users.deletedAt) : gt(users.revision, since)),
    ),
    engine.read((db) =>
      db
        .select()
        .from(apiKeys)
        .where(complete ? isNull(apiKeys.deletedAt) : gt(apiKeys.revision, since)),
    ),
    engine.read((db) =>
      db
        .select()
        .from(sessions)
        .where(complete ? isNull(sessions.endedAt) : gt(sessions.revision, since)),
    ),
  ]);
  return {
    revision,
    complete,
    users: userRows.map((row) => ({ ...toUser(row), deleted: row.deletedAt !== null })),
    keys: keyRows.map((row) => ({ key: toKey(row), hash: row.keyHash, deleted: row.deletedAt !== null })),
    sessions: sessionRows.map((row) => ({ session: toSession(row), hash: row.hash, ended: row.endedAt !== null })),
  };
}

/**
 * True for every row but the last active root admin: without one nobody could let anybody in again. It is part of the
 * statement, for two processes that each looked first could take the last two away together.
 */
function keepOneRoot(users: Schema["users"]): SQL {
  return sql`(${users.role} <> 'root_admin' or ${users.status} <> 'active' or ${users.deletedAt} is not null or exists (
    select 1 from users as other
    where other.id <> ${users.id} and other.role = 'root_admin' and other.status = 'active' and other.deleted_at is null
  ))`;
}

const USER_GONE = { kind: "user", isGone: true } as const;
const KEY_GONE = { kind: "key", isGone: true } as const;

function tellNew(kind: string, row: { id: string }): Change {
  return { action: `${kind}.create`, subjectKind: kind, subjectId: row.id, before: null, after: row };
}

/** What is there afterwards is the new one, under its own id. */
function tellRotated(
  id: string,
  before: object | undefined,
  { next, endsAt }: { next: KeyRecord; endsAt: Date },
): Change {
  const after = { ...fromKey(next), replaces: id, replacedEndsAt: endsAt };
  return { action: "key.rotate", subjectKind: "key", subjectId: id, before: before ?? null, after };
}

function endsRoot(change: UserChange): boolean {
  return change.status === "suspended" || (change.role !== undefined && change.role !== "root_admin");
}

function lastRoot(): GatewayError {
  return new GatewayError({
    kind: "conflict",
    message: "This is the last active root admin; make another user root_admin first.",
  });
}

function toKey(row: KeyRow): ApiKey {
  const { id, userId, name, keyPrefix, scopes, strict, expiresAt, lastUsedAt, createdAt, updatedAt } = row;
  return { id, userId, name, prefix: keyPrefix, scopes, strict, expiresAt, lastUsedAt, createdAt, updatedAt };
}

function fromKey({ key, hash }: KeyRecord) {
  const { prefix, ...rest } = key;
  return { ...rest, keyPrefix: prefix, keyHash: hash };
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

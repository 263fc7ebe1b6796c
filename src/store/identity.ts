// Users and keys in a database, whichever engine it is. Knows no rules of who may do what; those are in identity/.

import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import type { ApiKey } from "../identity/model.ts";
import type { IdentityStore, KeyRecord } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import type { Change } from "../lib/change.ts";
import { noteAll, noteNew, noteRows } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { createOutsideStore } from "./outside.ts";
import { PURGES, REVISION, createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";
import { createSessionStore, toSession, toUser } from "./session.ts";
import { createUserStore } from "./user.ts";
import { cleanText } from "../lib/text.ts";

type KeyRow = Schema["apiKeys"]["$inferSelect"];

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    ...createUserStore(engine),
    ...createKeyStore(engine),
    ...createSessionStore(engine),
    ...createOutsideStore(engine),
    changes: (revision) => readChanges(engine, revision),
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
        note: noteNew(by, "key", [fromKey(record)]),
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

const KEY_GONE = { kind: "key", isGone: true } as const;

/** What is there afterwards is the new one, under its own id. */
function tellRotated(
  id: string,
  before: object | undefined,
  { next, endsAt }: { next: KeyRecord; endsAt: Date },
): Change {
  const after = { ...fromKey(next), replaces: id, replacedEndsAt: endsAt };
  return { action: "key.rotate", subjectKind: "key", subjectId: id, before: before ?? null, after };
}

function toKey(row: KeyRow): ApiKey {
  const { id, userId, name, keyPrefix, scopes, strict, expiresAt, lastUsedAt, createdAt, updatedAt } = row;
  return { id, userId, name, prefix: keyPrefix, scopes, strict, expiresAt, lastUsedAt, createdAt, updatedAt };
}

function fromKey({ key, hash }: KeyRecord) {
  const { prefix, ...rest } = key;
  return { ...rest, keyPrefix: prefix, keyHash: hash };
}

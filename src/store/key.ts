// API keys in a database, whichever engine it is. Knows no rules of who may do what; those are in identity/.

import { and, asc, eq, gt, inArray, isNotNull, isNull, type SQL } from "drizzle-orm";
import type { LimitWords } from "../identity/limit.ts";
import type { ApiKey } from "../identity/model.ts";
import type { IdentityStore, KeyChange, KeyPatch, KeyRecord, Look } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import type { ChangeAction, Origin } from "../lib/change.ts";
import { cleanText } from "../lib/text.ts";
import { noteNew, noteRows } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { bears, describeFilter, findUnused } from "./key-filter.ts";
import { createClock } from "./revision.ts";
import type { KeptToken, Schema } from "./schema.ts";
import { writeSeen, writeWhere } from "./standing.ts";

type KeyRow = Schema["apiKeys"]["$inferSelect"];

type KeyPart =
  | "createKey"
  | "deleteKey"
  | "findGoneKey"
  | "findKey"
  | "listKeys"
  | "purgeKey"
  | "revokeKeys"
  | "rotateKey"
  | "touchKeys"
  | "updateKey";

export function createKeyStore(engine: Engine): Pick<IdentityStore, KeyPart> {
  return { ...createReads(engine), ...createWrites(engine), ...createEnds(engine) };
}

function createReads(engine: Engine): Pick<IdentityStore, "findGoneKey" | "findKey" | "listKeys"> {
  const { apiKeys } = engine.schema;
  return {
    async findKey(id) {
      const rows = await engine.read((db) => db.select().from(apiKeys).where(isThere(apiKeys, id)));
      return rows[0] === undefined ? null : toKey(rows[0]);
    },
    async findGoneKey(id) {
      const isGone = and(eq(apiKeys.id, cleanText(id)), isNotNull(apiKeys.deletedAt));
      const rows = await engine.read((db) => db.select().from(apiKeys).where(isGone));
      return rows[0] === undefined ? null : toKey(rows[0]);
    },
    async listKeys(filter, page) {
      const found: ApiKey[] = [];
      const most = page?.limit ?? Infinity;
      const where = (await findUnused(engine, filter)) ?? describeFilter(engine, filter);
      for (let after = page?.after ?? null; ;) {
        const behind = after === null ? undefined : gt(apiKeys.id, cleanText(after));
        const query = and(where, behind);
        const limit = Math.min(PART, Math.max(most - found.length, 1));
        const rows = await engine.read((db) =>
          db.select().from(apiKeys).where(query).orderBy(asc(apiKeys.id)).limit(limit),
        );
        found.push(...rows.filter((row) => bears(row, filter)).map(toKey));
        after = rows.at(-1)?.id ?? null;
        if (after === null || rows.length < limit || found.length >= most) return found.slice(0, most);
      }
    },
  };
}

/** Rows read in one go. */
const PART = 5_000;

function isThere(apiKeys: Schema["apiKeys"], id: string): SQL | undefined {
  return and(eq(apiKeys.id, cleanText(id)), isNull(apiKeys.deletedAt));
}

function createWrites(engine: Engine): Pick<IdentityStore, "createKey" | "rotateKey" | "touchKeys" | "updateKey"> {
  const { users, apiKeys } = engine.schema;
  const clock = createClock(engine.schema);
  const change = (
    id: string,
    also: SQL | undefined,
    { set, action, by }: { set: Omit<Partial<KeyRow>, "revision">; action: ChangeAction; by: Origin | undefined },
  ): Promise<KeyRow[]> =>
    engine.atomic((db) => ({
      before: [clock.tick(db)],
      decisive: db
        .update(apiKeys)
        .set({ ...set, revision: clock.now })
        .where(and(isThere(apiKeys, id), also))
        .returning(),
      note: noteRows({ by, action, kind: "key", was: db.select().from(apiKeys).where(isThere(apiKeys, id)) }),
    }));
  return {
    async createKey(record, by) {
      const owner = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .select({ id: users.id })
          .from(users)
          .where(and(eq(users.id, record.key.userId), isNull(users.deletedAt))),
        after: [db.insert(apiKeys).values({ ...fromKey(record), deletedAt: null, revision: clock.now })],
        note: noteNew(by, "key", [fromKey(record)]),
      }));
      if (owner.length === 0) throw new GatewayError({ kind: "not_found", message: "The key's owner does not exist." });
    },
    async updateKey(id, patch, at, by, look) {
      // Each list is a part of one value: what another says of another list in between is not to be lost.
      const [row] = await writeSeen(
        async () => (await engine.read((db) => db.select().from(apiKeys).where(isThere(apiKeys, id))))[0],
        (old) => look?.(toKey(old)),
        (old) =>
          change(id, eq(apiKeys.revision, old.revision), {
            set: { ...fromPatch(patch, old), updatedAt: at },
            action: "key.update",
            by,
          }),
      );
      return row === undefined ? null : toKey(row);
    },
    async rotateKey(id, { hash, prefix }, { endsAt, at }, by) {
      for (;;) {
        const [old] = await engine.read((db) =>
          db
            .select()
            .from(apiKeys)
            .where(and(isThere(apiKeys, id), isNull(apiKeys.revokedAt))),
        );
        if (old === undefined) return null;
        const last: KeptToken = { hash: old.keyHash, prefix: old.keyPrefix, endsAt: endsAt.getTime() };
        const former = [...(old.former ?? []), last].filter((token) => token.endsAt > at.getTime());
        const next = { keyHash: hash, keyPrefix: prefix, former: former.length === 0 ? null : former, updatedAt: at };
        // Whoever rotated it in between has made a token, too: it becomes a former one at the next look.
        const isSame = and(eq(apiKeys.keyHash, old.keyHash), isNull(apiKeys.revokedAt));
        const [row] = await change(id, isSame, { set: next, action: "key.rotate", by });
        if (row !== undefined) return toKey(row);
      }
    },
    touchKeys: (uses) => engine.touchKeys(uses),
  };
}

/** Keeps a statement well below the engines' limits on parameters. */
const IDS_A_STATEMENT = 500;
const GONE = { kind: "key", isGone: true } as const;

function createEnds(engine: Engine): Pick<IdentityStore, "deleteKey" | "purgeKey" | "revokeKeys"> {
  const { apiKeys } = engine.schema;
  const clock = createClock(engine.schema);
  const select = (db: Db, where: SQL): Query<object[]> => db.select().from(apiKeys).where(where);
  const meant = (isIt: SQL | undefined, look: Look<ApiKey> | undefined) => ({
    isIt,
    read: (where: SQL | undefined) => engine.read((db) => db.select().from(apiKeys).where(where)),
    revision: apiKeys.revision,
    look: look && ((row: KeyRow) => look(toKey(row))),
  });
  return {
    async revokeKeys(ids, at, by) {
      const revoked: ApiKey[] = [];
      for (let start = 0; start < ids.length; start += IDS_A_STATEMENT) {
        const part = ids.slice(start, start + IDS_A_STATEMENT).map(cleanText);
        const rows = await engine.atomic((db) => ({
          before: [clock.tick(db)],
          decisive: db
            .update(apiKeys)
            .set({ revokedAt: at, updatedAt: at, revision: clock.now })
            .where(and(inArray(apiKeys.id, part), isNull(apiKeys.revokedAt), isNull(apiKeys.deletedAt)))
            .returning(),
          note: noteRows({ by, action: "key.revoke", kind: "key", was: select(db, inArray(apiKeys.id, part)) }),
        }));
        revoked.push(...rows.map(toKey));
      }
      return revoked;
    },
    async deleteKey(id, at, by, look) {
      const rows = await writeWhere(meant(isThere(apiKeys, id), look), (isIt) =>
        engine.atomic((db) => ({
          before: [clock.tick(db)],
          decisive: db
            .update(apiKeys)
            .set({ deletedAt: at, updatedAt: at, revision: clock.now })
            .where(isIt)
            .returning({ id: apiKeys.id }),
          note: noteRows({ by, ...GONE, action: "key.delete", was: select(db, eq(apiKeys.id, cleanText(id))) }),
        })),
      );
      return rows.length > 0;
    },
    async purgeKey(id, by, look) {
      const rows = await writeWhere(meant(eq(apiKeys.id, cleanText(id)), look), (isIt) =>
        engine.atomic((db) => ({
          before: [clock.tick(db)],
          decisive: db.delete(apiKeys).where(isIt).returning({ id: apiKeys.id }),
          after: [clock.markPurge(db)],
          note: noteRows({ by, ...GONE, action: "key.purge", was: select(db, eq(apiKeys.id, cleanText(id))) }),
        })),
      );
      return rows.length > 0;
    },
  };
}

/** What changed since a revision. */
export async function readKeyChanges(engine: Engine, since: number): Promise<KeyChange[]> {
  const { apiKeys } = engine.schema;
  const { id, userId, keyHash, scopes, strict, limits, tags, former, expiresAt, revokedAt, deletedAt } = apiKeys;
  const columns = { id, userId, hash: keyHash, scopes, strict, limits, tags, former, expiresAt, revokedAt, deletedAt };
  const rows = await engine.read((db) => db.select(columns).from(apiKeys).where(gt(apiKeys.revision, since)));
  return rows.map(({ revokedAt: revoked, deletedAt: deleted, former: kept, ...row }) => ({
    ...row,
    former: (kept ?? []).map((token) => ({ hash: token.hash, endsAt: new Date(token.endsAt) })),
    isOver: revoked !== null || deleted !== null,
  }));
}

function toKey(row: KeyRow): ApiKey {
  const { id, userId, name, keyPrefix, scopes, strict, expiresAt, lastUsedAt, revokedAt, createdAt, updatedAt } = row;
  const { models = [], providers = [], ips = [] } = row.limits ?? {};
  return {
    id,
    userId,
    name,
    prefix: keyPrefix,
    scopes,
    strict,
    allowedModels: models,
    allowedProviders: providers,
    allowedIps: ips,
    tags: row.tags ?? [],
    former: (row.former ?? []).map(({ prefix, endsAt }) => ({ prefix, endsAt: new Date(endsAt) })),
    expiresAt,
    lastUsedAt,
    revokedAt,
    createdAt,
    updatedAt,
  };
}

/** A new key has had no other token. */
function fromKey({ key, hash }: KeyRecord) {
  const { prefix, allowedModels, allowedProviders, allowedIps, tags, former: _none, ...rest } = key;
  const limits = joinLimits({ models: allowedModels, providers: allowedProviders, ips: allowedIps });
  return { ...rest, keyPrefix: prefix, keyHash: hash, limits, tags: tags.length === 0 ? null : tags, former: null };
}

function fromPatch(
  { allowedModels, allowedProviders, allowedIps, tags, ...rest }: KeyPatch,
  { limits }: Pick<KeyRow, "limits">,
): Partial<KeyRow> {
  const next = joinLimits({
    models: allowedModels ?? limits?.models ?? [],
    providers: allowedProviders ?? limits?.providers ?? [],
    ips: allowedIps ?? limits?.ips ?? [],
  });
  return { ...rest, limits: next, ...(tags === undefined ? {} : { tags: tags.length === 0 ? null : tags }) };
}

function joinLimits(words: Required<LimitWords>): LimitWords | null {
  const said = Object.entries(words).filter(([, list]) => list.length > 0);
  return said.length === 0 ? null : Object.fromEntries(said);
}

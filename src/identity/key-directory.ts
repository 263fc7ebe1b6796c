// API keys: issued, listed, rotated and removed. Knows no SQL; a token leaves here once and is kept nowhere.

import { GatewayError, invalidRequest } from "../ir/index.ts";
import { checkExpiry, checkName, checkScopes, LAST_MOMENT } from "./check.ts";
import { type DirectoryContext, missing } from "./context.ts";
import type { Actor, Directory, IssuedKey } from "./directory.ts";
import type { ApiKey } from "./model.ts";
import { originOf } from "./origin.ts";
import { requireOwn } from "./permission.ts";
import type { KeyRecord } from "./store.ts";
import { issueToken } from "./token.ts";

type KeyPart = "createKey" | "deleteKey" | "getKey" | "listKeys" | "rotateKey";

export function createKeyDirectory(context: DirectoryContext): Pick<Directory, KeyPart> {
  const { store, now, getUser } = context;

  async function getKey(id: string): Promise<ApiKey> {
    const key = await store.findKey(id.trim());
    if (key === null) throw missing("There is no such API key.");
    return key;
  }

  /** The key, if the actor may touch its owner's things. */
  async function reachKey(actor: Actor, id: string): Promise<ApiKey> {
    const key = await getKey(id);
    requireOwn(actor, await getUser(key.userId));
    return key;
  }

  return {
    async createKey(actor, idOrEmail, { name, scopes, strict, expiresAt }) {
      const wanted = {
        name: checkName(name ?? null, "name"),
        scopes: checkScopes(scopes ?? []),
        strict: strict ?? false,
        expiresAt: checkExpiry(expiresAt, now()),
      };
      const user = await getUser(idOrEmail);
      requireOwn(actor, user);
      const { record, issued } = issueKey(context, { userId: user.id, ...wanted });
      await store.createKey(record, originOf(actor, now()));
      return issued;
    },
    async listKeys(idOrEmail) {
      return store.listKeys(idOrEmail === null ? null : (await getUser(idOrEmail)).id);
    },
    getKey,
    async deleteKey(actor, id, { hard }) {
      const key = await reachKey(actor, id);
      const by = originOf(actor, now());
      const gone = hard ? await store.purgeKey(key.id, by) : await store.revokeKey(key.id, new Date(now()), by);
      if (!gone) throw missing("There is no such API key.");
      return key;
    },
    async rotateKey(actor, id, { overlapMs }) {
      if (!Number.isFinite(overlapMs) || overlapMs < 0)
        throw invalidRequest("The overlap is a time of 0 or more.", "overlap");
      const old = await reachKey(actor, id);
      const at = now();
      if (old.expiresAt !== null && old.expiresAt.getTime() <= at) {
        throw new GatewayError({ kind: "conflict", message: "This API key has expired; create a new one instead." });
      }
      const { userId, name, scopes, strict, expiresAt } = old;
      const { record, issued } = issueKey(context, { userId, name, scopes, strict, expiresAt });
      const endsAt = new Date(Math.min(at + overlapMs, LAST_MOMENT));
      const rotated = await store.rotateKey(old.id, record, endsAt, originOf(actor, at));
      if (!rotated) throw missing("There is no such API key.");
      return issued;
    },
  };
}

function issueKey(
  { now, newId, randomBytes }: DirectoryContext,
  wanted: Pick<ApiKey, "expiresAt" | "name" | "scopes" | "strict" | "userId">,
): { record: KeyRecord; issued: IssuedKey } {
  const { token, prefix, hash } = issueToken(randomBytes);
  const at = new Date(now());
  const key: ApiKey = { id: newId(), ...wanted, prefix, lastUsedAt: null, createdAt: at, updatedAt: at };
  return { record: { key, hash }, issued: { key, token } };
}

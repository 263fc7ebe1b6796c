// API keys: issued, changed, listed, rotated, revoked and removed. Knows no SQL; a token leaves here once and is kept nowhere.

import { isDeepStrictEqual } from "node:util";
import { GatewayError, checkAll, invalidRequest } from "../ir/index.ts";
import { checkExpiry, checkName, checkScopes } from "./check.ts";
import { type DirectoryContext, missing } from "./context.ts";
import type { Actor, Directory, KeyChoice, KeyWish } from "./directory.ts";
import {
  type KeyRights,
  checkPatterns,
  checkRanges,
  checkTags,
  requireNoLift,
  requireNoWider,
  requireWithinRole,
} from "./key-rule.ts";
import type { ApiKey } from "./model.ts";
import { originOf } from "./origin.ts";
import { readPage } from "./page.ts";
import { requireAdmin, requireOwn, requireReach } from "./permission.ts";
import type { KeyFilter, KeyPatch } from "./store.ts";
import { issueToken } from "./token.ts";

type KeyPart =
  | "checkKey"
  | "createKey"
  | "deleteKey"
  | "getKey"
  | "listKeys"
  | "pageKeys"
  | "revokeKey"
  | "revokeKeys"
  | "rotateKey"
  | "updateKey";

export function createKeyDirectory(context: DirectoryContext): Pick<Directory, KeyPart> {
  const { store, now, getUser } = context;

  async function getKey(id: string): Promise<ApiKey> {
    return insist(await store.findKey(id.trim()));
  }

  /** The key, if the actor may touch its owner's things. */
  async function reachKey(actor: Actor, id: string): Promise<ApiKey> {
    const key = await getKey(id);
    requireOwn(actor, await getUser(key.userId));
    return key;
  }

  /** See `requireNoWider`. */
  async function requireHis(actor: Actor, wanted: Partial<KeyRights>): Promise<void> {
    if (actor.kind !== "user") return;
    const { role, scopes = [], keyId = "" } = actor;
    requireNoWider({ role, scopes }, keyId === "" ? null : await getKey(keyId), wanted);
  }

  /** See `requireNoLift`. */
  async function requireSiblingsBounds(actor: Actor, key: ApiKey, wanted: KeyPatch): Promise<void> {
    if (actor.kind !== "user" || actor.userId !== key.userId) return;
    const { role, keyId = "" } = actor;
    if (keyId !== "" && keyId !== key.id) requireNoLift(role, { own: await getKey(keyId), key, wanted });
  }

  return {
    async createKey(actor, idOrEmail, wish) {
      const wanted = { ...BLANK, ...readWish(wish, now()) };
      const user = await getUser(idOrEmail);
      requireOwn(actor, user);
      await requireHis(actor, wanted);
      requireWithinRole(user.role, wanted.scopes);
      const { token, prefix, hash } = issueToken(context.randomBytes);
      const at = new Date(now());
      const made = { former: [], lastUsedAt: null, revokedAt: null, createdAt: at, updatedAt: at };
      const key: ApiKey = { id: context.newId(), userId: user.id, prefix, ...wanted, ...made };
      await store.createKey({ key, hash }, originOf(actor, now()));
      return { key, token };
    },
    async listKeys(idOrEmail) {
      return store.listKeys(idOrEmail === null ? {} : { userId: (await getUser(idOrEmail)).id });
    },
    async pageKeys({ isOpen, ...choice }, page) {
      const filter = { ...(await readChoice(context, choice)), isOpen };
      return readPage(page, {
        order: "key",
        read: (place) => store.listKeys(filter, place),
        placeOf: ({ id }) => id,
      });
    },
    getKey,
    checkKey: (wish) => void readWish(wish, now()),
    async updateKey(actor, id, wish, { look } = {}) {
      const patch = readWish(wish, now());
      const key = await reachKey(actor, id);
      refuseRevoked(key);
      await requireHis(actor, patch);
      await requireSiblingsBounds(actor, key, patch);
      if (patch.scopes !== undefined) requireWithinRole((await getUser(key.userId)).role, patch.scopes);
      if (isSame(patch, key)) {
        look?.(key);
        return key;
      }
      const changed = await store.updateKey(key.id, patch, new Date(now()), originOf(actor, now()), (standing) => {
        look?.(standing);
        refuseRevoked(standing);
      });
      return insist(changed);
    },
    async revokeKey(actor, id) {
      const key = await reachKey(actor, id);
      const [revoked] = await store.revokeKeys([key.id], new Date(now()), originOf(actor, now()));
      return revoked ?? getKey(key.id);
    },
    revokeKeys: (actor, choice, options) => revokeKeys(context, actor, { choice, ...options }),
    async deleteKey(actor, id, { hard, ownerId, look }) {
      const isHis = ({ userId }: ApiKey): boolean => ownerId === undefined || ownerId === userId;
      const by = originOf(actor, now());
      const key = await store.findKey(id.trim());
      if (key !== null && isHis(key)) {
        requireOwn(actor, await getUser(key.userId));
        if (hard) await store.purgeKey(key.id, by, look);
        else await store.deleteKey(key.id, new Date(now()), by, look);
        // Somebody else may have been faster, which is as good.
        return hard ? key : ((await store.findGoneKey(key.id)) ?? key);
      }
      const gone = await store.findGoneKey(id.trim());
      if (gone !== null && isHis(gone)) {
        // It may have gone with its owner.
        const owner = (await store.findUser(gone.userId)) ?? (await store.findGoneUser(gone.userId));
        requireOwn(actor, insist(owner));
        if (hard) await store.purgeKey(gone.id, by);
        return gone;
      }
      // Whose it was, nobody knows any more.
      if (gone === null && key === null && ownerId === undefined && (await store.wasRemoved("key", id.trim()))) {
        requireAdmin(actor);
        return null;
      }
      throw missing("There is no such API key.");
    },
    async rotateKey(actor, id, { overlapMs }) {
      if (!(overlapMs >= 0 && overlapMs <= MOST_OVERLAP_MS))
        throw invalidRequest("The overlap is a time from 0 to 365 days.", "overlap_seconds");
      const old = await reachKey(actor, id);
      const at = now();
      refuseRevoked(old);
      if (old.expiresAt !== null && old.expiresAt.getTime() <= at) {
        throw conflict("This API key has expired; create a new one instead.");
      }
      if (overlapMs > 0 && old.former.filter(({ endsAt }) => endsAt.getTime() > at).length >= MOST_FORMER) {
        throw conflict(
          `${MOST_FORMER} former tokens of this API key still work, which is as many as may be: wait for one to end, rotate it without an overlap, or create a new key.`,
        );
      }
      // Whoever is given its token has what it opens.
      await requireHis(actor, old);
      const { token, ...next } = issueToken(context.randomBytes);
      const endsAt = new Date(at + overlapMs);
      const rotated = await store.rotateKey(old.id, next, { endsAt, at: new Date(at) }, originOf(actor, at));
      return { key: insist(rotated), token };
    },
  };
}

/** What changes nothing is no change: nobody has to look again for it, and no record tells of it. */
function isSame(patch: KeyPatch, key: ApiKey): boolean {
  return Object.entries(patch).every(
    ([name, said]) => said === undefined || isDeepStrictEqual(said, key[name as keyof KeyPatch]),
  );
}

/** Each was promised its time. */
const MOST_FORMER = 20;
const MOST_OVERLAP_MS = 365 * 86_400_000;

type Wanted = Required<KeyPatch>;

const BLANK: Wanted = Object.freeze({
  name: null,
  scopes: [],
  strict: false,
  allowedModels: [],
  allowedProviders: [],
  allowedIps: [],
  tags: [],
  expiresAt: null,
});

/** What is said, checked. */
function readWish(wish: KeyWish, now: number): KeyPatch {
  const { name, scopes, strict, allowedModels, allowedProviders, allowedIps, tags, expiresAt } = wish;
  return checkAll({
    name: name === undefined ? undefined : () => checkName(name, "name"),
    scopes: scopes === undefined ? undefined : () => checkScopes(scopes),
    strict: strict === undefined ? undefined : () => strict,
    allowedModels: allowedModels === undefined ? undefined : () => checkPatterns(allowedModels, "allowed_models"),
    allowedProviders:
      allowedProviders === undefined ? undefined : () => checkPatterns(allowedProviders, "allowed_providers"),
    allowedIps: allowedIps === undefined ? undefined : () => checkRanges(allowedIps),
    tags: tags === undefined ? undefined : () => checkTags(tags),
    expiresAt: expiresAt === undefined ? undefined : () => checkExpiry(expiresAt, now),
  });
}

/** Both engines hold what lies between. */
const FIRST = new Date(0);
const END = new Date(Date.UTC(10_000, 0, 1));

/** Less is no choice: all tokens begin alike. */
const LEAST_PREFIX = 6;

async function readChoice({ getUser }: DirectoryContext, choice: KeyChoice): Promise<KeyFilter> {
  const { user, prefix, tag, unusedSince } = choice;
  if (prefix !== undefined && prefix.length < LEAST_PREFIX) {
    throw invalidRequest(`A prefix has at least ${LEAST_PREFIX} characters, such as tok_Ab.`, "prefix");
  }
  if (unusedSince !== undefined && (unusedSince < FIRST || unusedSince >= END)) {
    throw invalidRequest("unused_since is a moment from 1970 to 9999.", "unused_since");
  }
  return { userId: user === undefined ? undefined : (await getUser(user)).id, prefix, tag, unusedSince };
}

/** Revoked in one go. */
const PART = 500;

async function revokeKeys(
  context: DirectoryContext,
  actor: Actor,
  {
    choice,
    dryRun,
    progressed,
  }: { choice: KeyChoice; dryRun: boolean; progressed?: (done: number, total: number) => void },
): Promise<ApiKey[]> {
  requireAdmin(actor);
  const { store, now, getUser } = context;
  if (choice.user !== undefined) requireReach(actor, (await getUser(choice.user)).role);
  if (Object.values(choice).every((value) => value === undefined)) {
    throw invalidRequest("Say which keys: by user, prefix, tag, or by how long they were not used.");
  }
  const found = await store.listKeys({ ...(await readChoice(context, choice)), isOpen: true });
  const out = await listBeyondReach(context, actor);
  const chosen = found.filter(({ userId }) => !out.has(userId));
  if (dryRun) return chosen;
  const revoked: ApiKey[] = [];
  for (let start = 0; start < chosen.length; start += PART) {
    const part = chosen.slice(start, start + PART);
    revoked.push(
      ...(await store.revokeKeys(
        part.map(({ id }) => id),
        new Date(now()),
        originOf(actor, now()),
      )),
    );
    progressed?.(start + part.length, chosen.length);
  }
  return revoked;
}

/** Whose keys the actor must not touch. */
async function listBeyondReach({ store }: DirectoryContext, actor: Actor): Promise<ReadonlySet<string>> {
  if (actor.kind === "operator" || actor.role === "root_admin") return new Set();
  const users = await store.listUsers();
  return new Set(users.filter(({ role }) => role === "root_admin").map(({ id }) => id));
}

function insist<Of>(found: Of | null): Of {
  if (found === null) throw missing("There is no such API key.");
  return found;
}

function refuseRevoked({ revokedAt }: ApiKey): void {
  if (revokedAt !== null) throw conflict("This API key was revoked; create a new one instead.");
}

function conflict(message: string): GatewayError {
  return new GatewayError({ kind: "conflict", message });
}

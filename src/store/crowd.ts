// All that a gateway remembers of users and keys when it starts, of whom there may be very many: read without what drizzle does with each cell. Knows
// no rule of who may do what.

import { and, isNull } from "drizzle-orm";
import type { LimitWords } from "../identity/limit.ts";
import type { Role, Scope, Status } from "../identity/model.ts";
import type { KeyChange, KnownUser } from "../identity/store.ts";
import type { Engine } from "./engine.ts";
import type { KeptToken } from "./schema.ts";

/** Those that are not deleted. */
export async function readUsers(engine: Engine): Promise<KnownUser[]> {
  const { users } = engine.schema;
  const { id, email, displayName, role, status } = users;
  const rows = await engine.readValues((db) =>
    db.select({ id, email, displayName, role, status }).from(users).where(isNull(users.deletedAt)),
  );
  return replace(rows, (values) => {
    const [userId, address, name, ownRole, ownStatus] = values as [string, string, string | null, Role, Status];
    return { id: userId, email: address, displayName: name, role: ownRole, status: ownStatus, deleted: false };
  });
}

/** Those that open something. */
export async function readKeys(engine: Engine): Promise<KeyChange[]> {
  const { apiKeys } = engine.schema;
  const { id, userId, keyHash, scopes, strict, limits, tags, former, expiresAt, revokedAt, deletedAt } = apiKeys;
  const rows = await engine.readValues((db) =>
    db
      .select({ id, userId, keyHash, scopes, strict, limits, tags, former, expiresAt })
      .from(apiKeys)
      .where(and(isNull(deletedAt), isNull(revokedAt))),
  );
  const readScopes = makeReader();
  const readLimits = makeReader();
  const readTags = makeReader();
  return replace(rows, (values) => ({
    id: values[0] as string,
    userId: values[1] as string,
    hash: values[2] as string,
    scopes: (readScopes(values[3]) ?? NONE) as readonly Scope[],
    strict: values[4] === true || values[4] === 1,
    limits: readLimits(values[5]) as LimitWords | null,
    tags: readTags(values[6]) as readonly string[] | null,
    former: values[7] === null ? NONE : readFormer(values[7]),
    expiresAt: values[8] === null ? null : new Date(values[8] as number | string),
    isOver: false,
  }));
}

/** In their places, so that what was read goes as what is kept comes. */
function replace<T>(rows: unknown[][], make: (values: readonly unknown[]) => T): T[] {
  const list: unknown[] = rows;
  for (let at = 0; at < list.length; at++) list[at] = make(list[at] as unknown[]);
  return list as T[];
}

const NONE: readonly never[] = Object.freeze([]);

function readFormer(value: unknown): KeyChange["former"] {
  return (parse(value) as KeptToken[]).map((token) => ({ hash: token.hash, endsAt: new Date(token.endsAt) }));
}

/** One of the engines gives JSON as its text. */
function parse(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : value;
}

const MOST_REMEMBERED = 10_000;

/** Very many keys say the same, so each text is read once; nobody changes what he gets. */
function makeReader(): (value: unknown) => unknown {
  const known = new Map<string, unknown>();
  return (value) => {
    if (typeof value !== "string") return value ?? null;
    const found = known.get(value);
    if (found !== undefined) return found;
    const read: unknown = JSON.parse(value);
    if (known.size < MOST_REMEMBERED) known.set(value, read);
    return read;
  };
}

// Which API keys a list means: what a database can tell of it, by an index that it has, and the rest. Knows no list and writes nothing.

import { and, eq, inArray, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import type { KeyFilter } from "../identity/store.ts";
import { cleanText } from "../lib/text.ts";
import type { Engine } from "./engine.ts";
import { matchTag } from "./report/match.ts";
import { lastSign, type Schema } from "./schema.ts";

type KeyRow = Schema["apiKeys"]["$inferSelect"];

/** As far as a database can tell of it: the rest is `bears`. */
export function describeFilter(
  engine: Engine,
  { userId, prefix, tag, unusedSince, isOpen }: KeyFilter,
): SQL | undefined {
  const { apiKeys } = engine.schema;
  return and(
    isNull(apiKeys.deletedAt),
    userId === undefined ? undefined : eq(apiKeys.userId, cleanText(userId)),
    isOpen === true ? isNull(apiKeys.revokedAt) : undefined,
    tag === undefined ? undefined : and(isNotNull(apiKeys.tags), matchTag(engine, apiKeys, cleanText(tag))),
    prefix === undefined ? undefined : beginsWith(engine, cutPrefix(prefix)),
    unusedSince === undefined ? undefined : isUnused(apiKeys, unusedSince),
  );
}

/** In other words than those of the index, which is none for many. */
function isUnused({ lastUsedAt, createdAt }: Schema["apiKeys"], since: Date): SQL {
  return sql`coalesce(${lastUsedAt}, ${createdAt}) < ${sql.param(since, lastUsedAt)}`;
}

/**
 * Where few lie unused, those are looked through, and no index but that of ids is to be read; `bears` sees to the rest. Null where they are many: then
 * a page is soon full in the order of a list. They are counted, for neither engine knows it beforehand.
 */
export async function findUnused(engine: Engine, { userId, unusedSince, isOpen }: KeyFilter): Promise<SQL | null> {
  if (unusedSince === undefined) return null;
  const { apiKeys } = engine.schema;
  const sign = lastSign(apiKeys);
  const found = await engine.read((db) =>
    db
      .select({ id: apiKeys.id })
      .from(apiKeys)
      .where(sql`${sign} < ${sql.param(unusedSince, apiKeys.lastUsedAt)}`)
      .orderBy(sign)
      .limit(FEW + 1),
  );
  if (found.length > FEW) return null;
  const ids = found.map(({ id }) => id);
  const isOwn = userId === undefined ? undefined : sql`(${apiKeys.userId} || '') = ${cleanText(userId)}`;
  const [isKept, isOpened] = [isNull(apiKeys.deletedAt), isOpen === true ? isNull(apiKeys.revokedAt) : undefined];
  // Looked at again: it may have been used in between, and is perhaps to be revoked for that it was not.
  return and(inArray(apiKeys.id, ids), isKept, isOwn, isOpened, isUnused(apiKeys, unusedSince)) ?? null;
}

const FEW = 500;

/** Those that have had other tokens are all looked through: few have. */
function beginsWith({ name, schema: { apiKeys } }: Engine, prefix: string): SQL | undefined {
  if (EVERYBODYS.startsWith(prefix)) return undefined;
  const { keyPrefix, former, id } = apiKeys;
  const end = `${prefix}\u{10FFFF}`;
  const isBetween =
    name === "sqlite"
      ? sql`${keyPrefix} >= ${prefix} and ${keyPrefix} < ${end}`
      : sql`${keyPrefix} ~>=~ ${prefix} and ${keyPrefix} ~<~ ${end}`;
  // Each by an index of its own: of an "or", SQLite would look through all keys in the order that is asked for.
  return sql`${id} in (select id from ${apiKeys} where ${isBetween} union all select id from ${apiKeys} where ${isNotNull(former)})`;
}

export function bears({ keyPrefix, former, tags }: KeyRow, { prefix, tag }: KeyFilter): boolean {
  const prefixes = [keyPrefix, ...(former ?? []).map((token) => token.prefix)];
  const begins = prefix === undefined || prefixes.some((each) => each.startsWith(cutPrefix(prefix)));
  return begins && (tag === undefined || tags?.includes(tag) === true);
}

/** All tokens begin so. */
const EVERYBODYS = "tok_";
/** More is kept of no token. */
const PREFIX_LENGTH = 12;

function cutPrefix(text: string): string {
  return cleanText(text).slice(0, PREFIX_LENGTH);
}

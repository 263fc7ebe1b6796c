// Who of those that are named is not there any more. Knows no rule that names them.

import { and, eq, inArray, isNull, or } from "drizzle-orm";
import type { Gone, NamedLists } from "../identity/gone.ts";
import { cleanText } from "../lib/text.ts";
import { chunk } from "./chunk.ts";
import type { Engine } from "./engine.ts";

/** Users by id or e-mail, keys by id. */
export async function listGone(engine: Engine, { users: named, keys }: NamedLists): Promise<Gone> {
  const { users, apiKeys } = engine.schema;
  const there = { users: new Set<string>(), keys: new Set<string>() };
  for (const part of chunk(named)) {
    const texts = part.map(cleanText);
    const rows = await engine.read((db) =>
      db
        .select({ id: users.id, email: users.email })
        .from(users)
        .where(and(or(inArray(users.id, texts), inArray(users.email, texts)), isNull(users.deletedAt))),
    );
    for (const { id, email } of rows) there.users.add(id).add(email);
  }
  for (const part of chunk(keys)) {
    const rows = await engine.read((db) =>
      db
        .select({ id: apiKeys.id })
        .from(apiKeys)
        .innerJoin(users, eq(users.id, apiKeys.userId))
        .where(
          and(
            inArray(apiKeys.id, part.map(cleanText)),
            isNull(apiKeys.deletedAt),
            isNull(apiKeys.revokedAt),
            isNull(users.deletedAt),
          ),
        ),
    );
    for (const { id } of rows) there.keys.add(id);
  }
  const miss = (all: readonly string[], found: ReadonlySet<string>): Set<string> =>
    new Set(all.filter((each) => !found.has(cleanText(each))));
  return { users: miss(named, there.users), keys: miss(keys, there.keys) };
}

/** Also of those that are deleted: their ids are taken. */
export async function listIds(engine: Engine): Promise<{ users: string[]; keys: string[] }> {
  const { users, apiKeys } = engine.schema;
  const [people, keys] = await Promise.all([
    engine.readValues((db) => db.select({ id: users.id }).from(users)),
    engine.readValues((db) => db.select({ id: apiKeys.id }).from(apiKeys)),
  ]);
  return { users: people.map(([id]) => String(id)), keys: keys.map(([id]) => String(id)) };
}

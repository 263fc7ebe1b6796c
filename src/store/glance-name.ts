// Names that begin with something, a few of them, found by an index or among few: for whoever is typing one. Knows no rule of names.

import { and, asc, desc, isNull, type SQL, sql } from "drizzle-orm";
import { cleanText } from "../lib/text.ts";
import type { Engine } from "./engine.ts";

export interface Named {
  name: string;
  /** For people; may be empty. */
  about: string;
}

export async function findEmails(engine: Engine, prefix: string, limit: number): Promise<Named[]> {
  const { users } = engine.schema;
  const rows = await engine.read((db) =>
    db
      .select({ name: users.email, about: users.role })
      .from(users)
      .where(and(isNull(users.deletedAt), begins(engine, users.email, prefix)))
      .orderBy(asc(users.email))
      .limit(limit),
  );
  return rows;
}

export async function findKeyIds(engine: Engine, prefix: string, limit: number): Promise<Named[]> {
  const { apiKeys } = engine.schema;
  const rows = await engine.read((db) =>
    db
      .select({ name: apiKeys.id, start: apiKeys.keyPrefix, called: apiKeys.name })
      .from(apiKeys)
      .where(and(isNull(apiKeys.deletedAt), begins(engine, apiKeys.id, prefix)))
      .orderBy(asc(apiKeys.id))
      .limit(limit),
  );
  return rows.map(({ name, start, called }) => ({ name, about: [start, called ?? ""].join(" ").trim() }));
}

/** There is no index of these: all keys are looked through until there are enough. */
export async function findKeyPrefixes(engine: Engine, prefix: string, limit: number): Promise<Named[]> {
  const { apiKeys } = engine.schema;
  const rows = await engine.read((db) =>
    db
      .select({ name: apiKeys.keyPrefix, about: apiKeys.name })
      .from(apiKeys)
      .where(and(isNull(apiKeys.deletedAt), begins(engine, apiKeys.keyPrefix, prefix)))
      .limit(limit),
  );
  return rows.map(({ name, about }) => ({ name, about: about ?? "" }));
}

export async function listBudgetIds(engine: Engine, limit: number): Promise<Named[]> {
  const { budgets } = engine.schema;
  return engine.read((db) =>
    db
      .select({ name: budgets.id, about: budgets.name })
      .from(budgets)
      .where(isNull(budgets.deletedAt))
      .orderBy(asc(budgets.id))
      .limit(limit),
  );
}

export async function listLimitNames(engine: Engine, limit: number): Promise<Named[]> {
  const { rateLimits } = engine.schema;
  const rows = await engine.read((db) =>
    db.select({ name: rateLimits.name }).from(rateLimits).orderBy(asc(rateLimits.name)).limit(limit),
  );
  return rows.map(({ name }) => ({ name, about: "" }));
}

/** What calls of late asked for. */
export async function listModelsOfLate(engine: Engine, rows: number): Promise<Named[]> {
  const { ledgerEntries } = engine.schema;
  const found = await engine.read((db) =>
    db
      .select({ name: ledgerEntries.modelAsked, about: ledgerEntries.provider })
      .from(ledgerEntries)
      .orderBy(desc(ledgerEntries.id))
      .limit(rows),
  );
  return found.map(({ name, about }) => ({ name, about: about ?? "" }));
}

type Column = Engine["schema"]["users"]["email"];

/** By bytes on either engine: what else an index of PostgreSQL is sorted by depends on where it was made. */
function begins({ name }: Engine, column: unknown, prefix: string): SQL | undefined {
  if (prefix === "") return undefined;
  const [from, to] = [cleanText(prefix), `${cleanText(prefix)}\u{10FFFF}`];
  const of = column as Column;
  return name === "sqlite" ? sql`${of} >= ${from} and ${of} < ${to}` : sql`${of} ~>=~ ${from} and ${of} ~<~ ${to}`;
}

// A look into a database that changes nothing of it: no file is made, no table is brought up to date, and no lock is held. Knows no rule of what is read.

import { statSync } from "node:fs";
import { getTableName } from "drizzle-orm";
import type { Engine, EngineOptions } from "./engine.ts";
import { explainStoreError } from "./error.ts";
import { readScheme } from "./location.ts";
import { isEarlier, type Migration } from "./migration.ts";
import type { PostgresFacts } from "./postgres/glance.ts";
import type { Schema } from "./schema.ts";
import type { SqliteFacts } from "./sqlite/glance.ts";

export interface Glance {
  /** Everything that would write is refused. */
  engine: Engine;
  schema: SchemaState;
  facts: PostgresFacts | SqliteFacts;
  close(): Promise<void>;
}

export interface SchemaState {
  /** Migrations that the next start would run; as many as there are where it is empty. */
  pending: number;
  /** Whether no gateway has used it yet. */
  isEmpty: boolean;
  /** Whether it is one of the earlier edition, which this program does not start on. */
  isEarlier: boolean;
  /** A migration that this program does not know, of a newer one; null where there is none. */
  foreign: string | null;
  /** A table that another program made where this one would make its own; null where there is none. */
  clash: string | null;
}

/** Null where there is no such file. Throws a GatewayError that names the database and the remedy. */
export async function glance(options: EngineOptions): Promise<Glance | null> {
  const { location } = options;
  if (readScheme(location) !== "") return (await import("./postgres/glance.ts")).glanceAtPostgres(options);
  try {
    const stat = statSync(location, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) throw Object.assign(new Error("It is a folder."), { code: "EISDIR" });
    if ((stat?.size ?? 0) === 0) return null;
    return await (await import("./sqlite/glance.ts")).glanceAtSqlite(location);
  } catch (error) {
    throw explainStoreError(error, location);
  }
}

/** `tables`: the names of all that there are. */
export function judgeSchema(
  { known, schema }: { known: readonly Migration[]; schema: Schema },
  { applied, tables }: { applied: readonly string[]; tables: readonly string[] },
): SchemaState {
  const names = new Set(known.map(({ name }) => name));
  const own = new Set<string>(Object.values(schema).map((table) => getTableName(table)));
  return {
    pending: known.filter(({ name }) => !applied.includes(name)).length,
    isEmpty: applied.length === 0,
    isEarlier: applied.length === 0 && isEarlier(tables),
    foreign:
      applied
        .filter((name) => !names.has(name))
        .toSorted()
        .at(-1) ?? null,
    clash: applied.length > 0 ? null : (tables.find((name) => own.has(name)) ?? null),
  };
}

// oxlint-disable-next-line require-yield -- there is nothing to be read
async function* refuseAll(): AsyncGenerator<never, void> {
  throw new Error("This database was opened to be looked at.");
}

/** The part of an engine that reads. */
export function makeReader({ name, schema, read }: Pick<Engine, "name" | "read" | "schema">): Engine {
  const refuse = (): Promise<never> => Promise.reject(new Error("This database was opened to be looked at."));
  return {
    name,
    schema,
    read,
    readValues: refuse,
    atomic: refuse,
    readCounters: refuse,
    touchKeys: refuse,
    append: refuse,
    deliver: refuse,
    snapshot: refuse,
    advance: refuse,
    values: refuse,
    sheets: { areValid: refuse, marks: refuse, list: refuse, listSigned: refuse, read: () => refuseAll() },
    pack: refuse,
    ping: refuse,
    close: () => Promise.resolve(),
  };
}

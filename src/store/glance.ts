// A look into a database that changes nothing of it: no file is made, no table is brought up to date, and no lock is held. Knows no rule of what is read.

import { statSync } from "node:fs";
import type { Engine, EngineOptions } from "./engine.ts";
import { explainStoreError } from "./error.ts";
import { readScheme } from "./location.ts";
import { isEarlier, type Migration } from "./migration.ts";
import type { PostgresFacts } from "./postgres/glance.ts";
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
}

/** Null where there is no such file. Throws a GatewayError that names the database and the remedy. */
export async function glance(options: EngineOptions): Promise<Glance | null> {
  const { location } = options;
  if (readScheme(location) !== "") return (await import("./postgres/glance.ts")).glanceAtPostgres(options);
  try {
    if ((statSync(location, { throwIfNoEntry: false })?.size ?? 0) === 0) return null;
    return await (await import("./sqlite/glance.ts")).glanceAtSqlite(location);
  } catch (error) {
    throw explainStoreError(error, location);
  }
}

/** @param earlier tables of the earlier edition that are there */
export function judgeSchema(
  known: readonly Migration[],
  applied: readonly string[],
  earlier: readonly string[],
): SchemaState {
  const names = new Set(known.map(({ name }) => name));
  return {
    pending: known.filter(({ name }) => !applied.includes(name)).length,
    isEmpty: applied.length === 0,
    isEarlier: applied.length === 0 && isEarlier(earlier),
    foreign:
      applied
        .filter((name) => !names.has(name))
        .toSorted()
        .at(-1) ?? null,
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
    sheets: { areValid: refuse, list: refuse, listSigned: refuse, read: () => refuseAll() },
    pack: refuse,
    ping: refuse,
    close: () => Promise.resolve(),
  };
}

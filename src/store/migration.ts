// Which migrations a database still needs, and when to refuse it. Knows no engine: each one runs the SQL in its own way.

import { GatewayError } from "../ir/index.ts";

export interface Migration {
  /** Starts with its date; unique and never changed once released. */
  name: string;
  sql: string;
}

/** The table of names that were applied; the same on both engines, and the one table outside the schema. */
export const CREATE_APPLIED =
  "create table if not exists tokligence_migrations (name text primary key, applied_at text not null)";
export const SELECT_APPLIED = "select name from tokligence_migrations";

/** Of the tables of the earlier edition, which kept no list of what was applied, those by which it is known. */
export const EARLIER_TABLES = ["api_keys", "usage_entries", "users"] as const;

/** In a database that has no such list. Nothing is to be mixed with what lies there. */
export function isEarlier(tables: readonly string[]): boolean {
  return tables.includes("usage_entries") || (tables.includes("users") && tables.includes("api_keys"));
}

export function refuseEarlier(place: string): GatewayError {
  return new GatewayError({
    kind: "not_configured",
    code: "store_earlier",
    message: `${place} is a database of the earlier edition, and stays as it is; move it away or choose another place (identity_path, ledger_path), and let tokligence migrate import-legacy read it, where it is a SQLite file.`,
  });
}

const BREAKPOINT = "--> statement-breakpoint";

/**
 * The migrations to run, oldest first. Throws where the database has one that this program does not know: its tables may
 * mean something else by now, and writing to them could spoil them.
 */
export function pickPending(known: readonly Migration[], applied: readonly string[], place: string): Migration[] {
  const names = new Set(known.map((migration) => migration.name));
  const foreign = applied
    .filter((name) => !names.has(name))
    .toSorted()
    .at(-1);
  if (foreign !== undefined) {
    throw new GatewayError({
      kind: "not_configured",
      message: `${place} was written by a newer version of tokligence (migration ${foreign}); start that version, or restore a backup.`,
    });
  }
  const done = new Set(applied);
  return known.filter((migration) => !done.has(migration.name));
}

/** The statements of a file, one by one: bun:sqlite runs only the first of several. */
export function splitStatements(sql: string): string[] {
  return sql
    .split(BREAKPOINT)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

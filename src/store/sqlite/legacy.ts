// Databases of the earlier edition, read and never written to: its users, keys and usage as they lie there, whichever of its columns a file has.
// Knows no rule of what becomes of them.

import { Database, constants } from "bun:sqlite";
import { accessSync, constants as modes, existsSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { GatewayError } from "../../ir/index.ts";
import { explainStoreError } from "../error.ts";

/** A row by the names of its columns; what a file does not have is missing. */
export type LegacyRow = Readonly<Record<string, unknown>> & { id: number };

export type LegacyTable = "api_keys" | "usage_entries" | "users";

export interface Legacy {
  has(table: LegacyTable): boolean;
  count(table: LegacyTable): number;
  /** In the order of their numbers, a page at a time. */
  rows(table: LegacyTable): Generator<LegacyRow[], void>;
  close(): void;
}

const PAGE_ROWS = 1_000;
const BUSY_TIMEOUT_MS = 5_000;

/** Throws a GatewayError where there is no such database. */
export function openLegacy(path: string): Legacy {
  if (!existsSync(path)) {
    throw new GatewayError({ kind: "not_found", message: `There is no file ${path}; give the old identity.db.` });
  }
  let db: Database | undefined;
  try {
    db = open(path);
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const tables = listTables(db);
    if (tables.has("tokligence_migrations"))
      throw refuse(path, "it is one of this edition: tokligence migrate copy moves it");
    if (!["users", "usage_entries"].some((table) => tables.has(table)))
      throw refuse(path, "it has neither a table users nor a table usage_entries");
    return assemble(db, tables);
  } catch (error) {
    db?.close();
    const told = explainStoreError(error, path);
    throw told.code === "store_denied" ? refuseSealed(path, told) : told;
  }
}

/** Where nothing can be made beside it, such as in a backup, SQLite reads it only if told that nobody changes it; it then sees no log, either. */
function open(path: string): Database {
  const hasLog = ["-wal", "-journal"].some((end) => existsSync(`${path}${end}`));
  if (hasLog || isWritable(dirname(path))) return new Database(path, { readonly: true });
  return new Database(
    `${pathToFileURL(path).href}?immutable=1`,
    constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
  );
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, modes.W_OK);
    return true;
  } catch {
    return false;
  }
}

function assemble(db: Database, tables: ReadonlySet<string>): Legacy {
  return {
    has: (table) => tables.has(table),
    count: (table) =>
      tables.has(table)
        ? (db.query<{ rows: number }, []>(`select count(*) as rows from ${table}`).get()?.rows ?? 0)
        : 0,
    *rows(table) {
      if (!tables.has(table)) return;
      // Its place is kept as digits: of a number that JavaScript does not hold the next page would begin with the same row for ever.
      const query = db.query<LegacyRow & { place_digits: string }, [string]>(
        `select *, cast(id as text) as place_digits from ${table} where id > cast(? as integer) order by id limit ${PAGE_ROWS}`,
      );
      for (let last = "-9223372036854775808"; ;) {
        const rows = query.all(last);
        const end = rows.at(-1);
        if (end === undefined) return;
        yield rows;
        last = end.place_digits;
      }
    },
    close: () => db.close(),
  };
}

function listTables(db: Database): Set<string> {
  const rows = db.query<{ name: string }, []>("select name from sqlite_master where type = 'table'").all();
  return new Set(rows.map(({ name }) => name));
}

function refuseSealed(path: string, cause: GatewayError): GatewayError {
  return new GatewayError({
    kind: "not_configured",
    code: "legacy_denied",
    message: `${path} cannot be read here: this user may not read it, or may not write beside it while rows may lie in ${path}-wal; give a copy of both in a folder of your own.`,
    cause,
  });
}

function refuse(path: string, why: string): GatewayError {
  return new GatewayError({
    kind: "invalid_request",
    code: "legacy_unknown",
    message: `${path} is no database of the earlier edition: ${why}.`,
  });
}

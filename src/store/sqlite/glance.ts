// A SQLite file that is only looked at. Without a log beside it, it is opened as one that nobody changes: else SQLite would make files next to it. Knows no
// table by name.

import { Database, constants } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import { type Glance, judgeSchema, makeReader } from "../glance.ts";
import { SELECT_APPLIED } from "../migration.ts";
import { migrations } from "./migration/index.ts";
import { toDb } from "./query.ts";
import { schema } from "./schema.ts";

export interface SqliteFacts {
  engine: "sqlite";
  bytes: number;
  /** Of the log beside it, which is moved into it from time to time. */
  logBytes: number;
  /** Looks at pages and rows until the budget is used up. */
  check(budgetMs: number): SqliteCheck;
}

interface SqliteCheck {
  /** What is damaged, in SQLite's words; null where nothing was found. */
  fault: string | null;
  /** Tables for which there was no time. */
  left: string[];
}

const BUSY_TIMEOUT_MS = 500;

export async function glanceAtSqlite(location: string): Promise<Glance> {
  const db = open(location);
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const tables = db.query<{ name: string }, []>("select name from sqlite_master where type = 'table'").all();
    const isNew = tables.every(({ name }) => name !== "tokligence_migrations");
    const applied = isNew ? [] : db.query<{ name: string }, []>(SELECT_APPLIED).all();
    const reading = toDb(db);
    return {
      engine: makeReader({
        name: "sqlite",
        schema,
        async read(build) {
          try {
            return await build(reading.db);
          } catch (error) {
            throw explainStoreError(error, ANY_DATABASE);
          } finally {
            reading.release();
          }
        },
      }),
      schema: judgeSchema(
        { known: migrations, schema },
        { applied: applied.map(({ name }) => name), tables: tables.map(({ name }) => name) },
      ),
      facts: {
        engine: "sqlite",
        bytes: statSync(location).size,
        logBytes: statSync(`${location}-wal`, { throwIfNoEntry: false })?.size ?? 0,
        check: (budgetMs) => check(db, budgetMs),
      },
      async close() {
        reading.release();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function open(location: string): Database {
  if (existsSync(`${location}-wal`) && existsSync(`${location}-shm`)) return new Database(location, { readonly: true });
  const url = `${pathToFileURL(location).href}?immutable=1`;
  return new Database(url, constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI);
}

/** What a check of a table may be thought to read in a second, from a disk that is slow. */
const BYTES_A_SECOND = 100 * 1024 * 1024;
/** Of a row that is wide, with what the indices hold of it. */
const BYTES_A_ROW = 2_000;

/** A check cannot be broken off: tables that would take too long by their size are left out, and so is everything once the time is over. */
function check(db: Database, budgetMs: number): SqliteCheck {
  const fromMs = performance.now();
  const tables = db
    .query<{ name: string }, []>("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
    .all()
    .map(({ name }) => ({ name, bytes: countRows(db, name) * BYTES_A_ROW }))
    .toSorted((left, right) => left.bytes - right.bytes);
  const left: string[] = [];
  for (const { name, bytes } of tables) {
    const restMs = budgetMs - (performance.now() - fromMs);
    if ((bytes / BYTES_A_SECOND) * 1000 > restMs) {
      left.push(name);
      continue;
    }
    const found = db.query<{ quick_check: string }, []>(`PRAGMA quick_check(${quote(name)})`).get()?.quick_check;
    if (found !== "ok") return { fault: found ?? "no answer", left };
  }
  return { fault: null, left };
}

/** By the highest number of a row, which is found at once. */
function countRows(db: Database, table: string): number {
  try {
    return (
      db.query<{ rows: number }, []>(`select coalesce(max(rowid), 0) as rows from ${quote(table)}`).get()?.rows ?? 0
    );
  } catch {
    return 0;
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

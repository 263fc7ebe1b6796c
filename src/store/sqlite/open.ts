// A SQLite file as an engine: one connection that writes, one that only reads. Knows no table by name but the engine's own.

import { Database, type SQLQueryBindings } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Engine, EngineOptions, Query } from "../engine.ts";
import { type Redact, createRedactor } from "../../lib/redact.ts";
import { appendChanges } from "../change.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import { leaveCheckpoints } from "./checkpoint.ts";
import { createDesk, type Desk } from "./desk.ts";
import { makeFile } from "./file.ts";
import { prepareHot } from "./hot.ts";
import { migrateSqlite } from "./migrate.ts";
import { readValues, runNow, toDb } from "./query.ts";
import { schema } from "./schema.ts";
import { sheets } from "./sheet.ts";

/** How long a statement waits for another process to finish its own write. */
const BUSY_TIMEOUT_MS = 5000;
/** `quick_check` reads the whole file; beyond this size a start would notice. A damaged page is then reported when it is read. */
const CHECKED_BYTES = 1024 * 1024;
const WAL_RETRY_MS = 20;

/** Creates folder (0700) and file (0600) where they are missing. Throws a GatewayError that names the path. */
export async function openSqlite({
  location,
  checkpoints,
  redact = createRedactor([]),
}: EngineOptions): Promise<Engine> {
  let writer: Database | undefined;
  let reader: Database | undefined;
  try {
    makeFile(location);
    const { size } = statSync(location);
    writer = new Database(location, { create: true, readwrite: true });
    await configure(writer);
    if (size <= CHECKED_BYTES) check(writer);
    migrateSqlite(writer, location);
    writer.run("PRAGMA foreign_keys = ON");
    leaveCheckpoints(writer, checkpoints);
    reader = new Database(location, { readonly: true });
    reader.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return assemble({ writer, reader, desk: createDesk(location, BUSY_TIMEOUT_MS), redact });
  } catch (error) {
    reader?.close();
    writer?.close();
    throw explainStoreError(error, location);
  }
}

async function configure(db: Database): Promise<void> {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  await switchToWal(db);
  db.run("PRAGMA synchronous = NORMAL");
}

/** The switch of a new file to WAL does not honour busy_timeout, so processes that start together would fail each other. */
async function switchToWal(db: Database): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += WAL_RETRY_MS) {
    try {
      db.run("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      const busy = error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
      if (!busy || waitedMs >= BUSY_TIMEOUT_MS) throw error;
    }
    await Bun.sleep(WAL_RETRY_MS);
  }
}

function check(db: Database): void {
  const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") throw Object.assign(new Error(`quick_check: ${found}`), { code: "SQLITE_CORRUPT" });
}

interface Parts {
  writer: Database;
  reader: Database;
  desk: Desk;
  redact: Redact;
}

function assemble({ writer, reader, desk, redact }: Parts): Engine {
  const hot = prepareHot(writer, reader);
  const writing = toDb(writer);
  const reading = toDb(reader);
  const begin = writer.prepare("BEGIN IMMEDIATE");
  const commit = writer.prepare("COMMIT");

  /** Runs `work` in one go: nothing else gets in between, for nothing in it is awaited. */
  function transact<T>(work: () => { keep: boolean; result: T }): T {
    try {
      begin.run();
      const { keep, result } = work();
      if (keep) commit.run();
      return result;
    } catch (error) {
      throw explainStoreError(error, ANY_DATABASE);
    } finally {
      writing.release();
      if (writer.inTransaction) writer.run("ROLLBACK");
    }
  }

  return {
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
    async readValues(build) {
      const { sql, params } = build(reading.db).toSQL();
      const statement = reader.prepare<unknown, SQLQueryBindings[]>(sql);
      try {
        return statement.values(...(params as SQLQueryBindings[])) as unknown[][];
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      } finally {
        statement.finalize();
      }
    },
    async atomic(build) {
      return transact(() => {
        const steps = build(writing.db);
        steps.before?.forEach(runNow);
        const was = steps.note?.was ? runNow(steps.note.was) : [];
        const rows = runNow(steps.decisive);
        if (rows.length === 0) return { keep: false, result: rows };
        steps.after?.forEach(runNow);
        if (steps.note !== undefined) {
          const { by, tell } = steps.note;
          runAll(appendChanges({ name: "sqlite", db: writing.db, schema, redact }, by, tell(rows, was)));
        }
        return { keep: true, result: rows };
      });
    },
    async readCounters() {
      try {
        return hot.readCounters();
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      }
    },
    async touchKeys(uses) {
      transact(() => ({ keep: true, result: hot.touchKeys(uses) }));
    },
    async append(entries) {
      transact(() => ({ keep: true, result: hot.insertEntries(entries) }));
    },
    async deliver() {
      throw new Error("A journal lies in the SQLite ledger itself: there is nothing to be delivered to it.");
    },
    snapshot: desk.snapshot,
    advance: desk.advance,
    values: readValues,
    sheets,
    pack: desk.pack,
    async ping() {
      try {
        hot.readCounters();
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      }
    },
    async close() {
      desk.close();
      hot.finalize();
      begin.finalize();
      commit.finalize();
      reader.close();
      writer.close();
    },
  };
}

/** Each query of a series that goes on by what the one before answered. */
function runAll(series: Generator<Query, unknown, unknown>): void {
  for (let step = series.next(); step.done !== true; step = series.next(runNow(step.value)));
}

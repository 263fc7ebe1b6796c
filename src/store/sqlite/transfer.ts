// A SQLite file as an end of a move: rows as they lie there, over connections of its own. Knows no rule of what moves.

import { Database } from "bun:sqlite";
import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { explainStoreError } from "../error.ts";
import { isEarlier } from "../migration.ts";
import type { End, EndOptions, RowQuery, Snapshot } from "../transfer/end.ts";
import type { TablePlan } from "../transfer/plan.ts";
import { type Row, toCell } from "../transfer/row.ts";
import { CREATE_ACCOUNT, type StoredMark, toAccount } from "../transfer/account.ts";
import { MAX_SLOTS, trySlot } from "./slot.ts";
import { listEarlier } from "./migrate.ts";
import { openSqlite } from "./open.ts";
import { addUp, pickColumn, printRows } from "./print-row.ts";
import { buildIndexes, dropIndexes, putMark, putRows, startLoad } from "./load.ts";

const BUSY_TIMEOUT_MS = 10_000;
/** Rows that are large end a page early. */
const PAGE_CHARS = 4_000_000;
const DATABASE = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };

export function openSqliteEnd({ location, isTarget }: EndOptions): End {
  let opened: Database | null = null;
  const open = (): Database => {
    if (opened !== null) return opened;
    const db = new Database(location, isTarget ? { readwrite: true, create: false } : { readonly: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    if (isTarget) db.run("PRAGMA synchronous = NORMAL");
    opened = db;
    return db;
  };
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainStoreError(error, location);
    }
  };
  const transact = (work: (db: Database) => void): void => {
    const db = open();
    try {
      db.run("BEGIN IMMEDIATE");
      work(db);
      db.run("COMMIT");
    } finally {
      if (db.inTransaction) db.run("ROLLBACK");
    }
  };
  return {
    engine: "sqlite",
    place: location,
    get name() {
      return `sqlite:${existsSync(location) ? realpathSync(location) : resolve(location)}`;
    },
    look: () => attempt(() => look(location)),
    prepare: () => attempt(async () => (await openSqlite({ location, database: DATABASE })).close()),
    snapshot: (work) => attempt(() => readAll(location, work)),
    account: () =>
      attempt(() => {
        const db = open();
        if (!hasTable(db, "tokligence_copies")) return null;
        return toAccount(db.query<StoredMark, []>("select part, last, is_done from tokligence_copies").all());
      }),
    begin: (source) =>
      attempt(() =>
        transact((db) => {
          db.run(CREATE_ACCOUNT);
          dropIndexes(db);
          putMark(db, { part: "", last: source, isDone: false });
        }),
      ),
    load: (table) => {
      const own = startLoad(open, table);
      return {
        add: (rows) => attempt(() => own.add(rows)),
        commit: (mark) => attempt(() => own.commit(mark)),
        abort: own.abort,
      };
    },
    write: (table, rows, mark) =>
      attempt(() =>
        transact((db) => {
          putRows(db, table, rows);
          if (mark !== null) putMark(db, mark);
        }),
      ),
    remove: (table, ids) =>
      attempt(() =>
        transact((db) => {
          const statement = db.query<unknown, [string]>(`delete from ${table.name} where "${table.id}" = ?`);
          for (const id of ids) statement.run(id);
        }),
      ),
    findUser: () => attempt(() => findUser(location)),
    settle: (tell) =>
      attempt(() => {
        buildIndexes(open(), tell);
        open().run("PRAGMA wal_checkpoint(TRUNCATE)");
      }),
    async close() {
      opened?.close();
    },
  };
}

function look(location: string): ReturnType<End["look"]> {
  if (!existsSync(location) || statSync(location).size === 0) return Promise.resolve("empty");
  const db = new Database(location, { readonly: true });
  try {
    if (hasTable(db, "tokligence_migrations")) return Promise.resolve("ours");
    if (isEarlier(listEarlier(db))) return Promise.resolve("older-edition");
    const any = db.query("select 1 from sqlite_master limit 1").get();
    return Promise.resolve(any === null ? "empty" : "foreign");
  } finally {
    db.close();
  }
}

function hasTable(db: Database, name: string): boolean {
  return db.query("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== null;
}

async function readAll<T>(location: string, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const db = new Database(location, { readonly: true });
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.run("BEGIN");
    // The moment is that of the first look.
    db.query("select count(*) from sqlite_master").get();
    return await work({
      async count({ name }) {
        return db.query<{ rows: number }, []>(`select count(*) as rows from ${name}`).get()?.rows ?? 0;
      },
      rows: (table, query) => readRows(db, table, query),
      print: (table, add) => printRows(db, table, add),
      total: async (table, columns) => addUp(db, table, columns),
    });
  } finally {
    if (db.inTransaction) db.run("ROLLBACK");
    db.close();
  }
}

/** Rows that are read at once. */
const STEP = 500;

async function* readRows(db: Database, table: TablePlan, { after = null, isOrdered }: RowQuery): AsyncGenerator<Row[]> {
  const columns = table.columns.map(pickColumn).join(", ");
  // By id, or as they lie there.
  const key = isOrdered || after !== null ? `"${table.id}"` : "rowid";
  const step = Math.min(table.pageRows, STEP);
  const select = `select ${key}, ${columns} from ${table.name}`;
  const first = db.prepare<unknown, []>(`${select} order by ${key} limit ${step}`);
  const next = db.prepare<unknown, Key[]>(`${select} where ${key} > ? order by ${key} limit ${step}`);
  let page: Row[] = [];
  let chars = 0;
  try {
    let values = (after === null ? first.values() : next.values(after)) as unknown[][];
    while (values.length > 0) {
      for (const row of values) {
        page.push(table.columns.map(({ kind }, at) => toCell(kind, row[at + 1])));
        chars += countChars(row);
      }
      if (page.length >= table.pageRows || chars >= PAGE_CHARS) {
        yield page;
        page = [];
        chars = 0;
      }
      const last = values.at(-1)?.[0] as Key;
      values = values.length < step ? [] : (next.values(last) as unknown[][]);
    }
    if (page.length > 0) yield page;
  } finally {
    first.finalize();
    next.finalize();
  }
}

type Key = number | string;

function countChars(values: readonly unknown[]): number {
  let chars = 0;
  for (const value of values) if (typeof value === "string") chars += value.length;
  return chars;
}

/** A slot that is taken belongs to a process that writes the books there. */
function findUser(location: string): string | null {
  for (let number = 0; number < MAX_SLOTS; number++) {
    if (!existsSync(`${location}.writer-${number}`)) continue;
    const slot = trySlot(location, number);
    if (slot === null) return `a gateway writes to ${location}`;
    slot.release();
  }
  return null;
}

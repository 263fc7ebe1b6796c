// Rows written into a table of a SQLite file, what is there under its id written over. Knows no rule of what moves.

import type { Database, SQLQueryBindings } from "bun:sqlite";
import { canonicalize } from "../../lib/canonical-json.ts";
import { INDEX_PART, type StoredMark } from "../transfer/account.ts";
import type { Load, Mark } from "../transfer/end.ts";
import { TABLES, type TablePlan } from "../transfer/plan.ts";
import type { Cell, Row } from "../transfer/row.ts";

/** Pages of the file that are kept in memory: the indexes of a large table, into which rows go in no order. */
const CACHE_KIB = 131_072;

export function startLoad(open: () => Database, table: TablePlan): Load {
  return {
    async add(rows) {
      const db = open();
      if (!db.inTransaction) {
        db.run(`PRAGMA cache_size = -${CACHE_KIB}`);
        db.run("BEGIN IMMEDIATE");
      }
      putRows(db, table, rows);
    },
    async commit(mark) {
      const db = open();
      putMark(db, mark);
      db.run("COMMIT");
    },
    async abort() {
      const db = open();
      if (db.inTransaction) db.run("ROLLBACK");
    },
  };
}

/** Those that promise nothing: to put each row into them costs more than all else together. Inside of a transaction. */
export function dropIndexes(db: Database): void {
  const names = TABLES.map(({ name }) => `'${name}'`).join(", ");
  const found = db
    .query<{ name: string; sql: string }, []>(
      `select name, sql from sqlite_master where type = 'index' and tbl_name in (${names}) and sql like 'create index%' order by name`,
    )
    .all();
  for (const { name, sql } of found) {
    putMark(db, { part: `${INDEX_PART}${name}`, last: sql, isDone: false });
    db.run(`drop index "${name}"`);
  }
}

export function buildIndexes(db: Database, tell: (done: number, total: number) => void): void {
  const missing = db
    .query<StoredMark, []>(
      `select part, last, is_done from tokligence_copies where part like '${INDEX_PART}%' order by part`,
    )
    .all();
  for (const [done, { part, last: sql }] of missing.entries()) {
    tell(done, missing.length);
    try {
      db.run("BEGIN IMMEDIATE");
      db.run(sql);
      db.run("delete from tokligence_copies where part = ?", [part]);
      db.run("COMMIT");
    } finally {
      if (db.inTransaction) db.run("ROLLBACK");
    }
  }
}

/** Inside of a transaction. */
export function putRows(db: Database, table: TablePlan, rows: readonly Row[]): void {
  if (rows.length === 0) return;
  const statement = db.query<unknown, SQLQueryBindings[]>(printUpsert(table));
  for (const row of rows) statement.run(...row.map((cell, at) => toValue(table, cell, at)));
}

export function putMark(db: Database, { part, last, isDone }: Mark): void {
  db.run(
    `insert into tokligence_copies (part, last, is_done) values (?1, ?2, ?3)
     on conflict (part) do update set last = ?2, is_done = ?3`,
    [part, last, isDone ? 1 : 0],
  );
}

function printUpsert({ name, columns, id }: TablePlan): string {
  const names = columns.map((column) => `"${column.name}"`);
  const changed = names.filter((column) => column !== `"${id}"`).map((column) => `${column} = excluded.${column}`);
  return `insert into ${name} (${names.join(", ")}) values (${names.map(() => "?").join(", ")})
    on conflict ("${id}") do update set ${changed.join(", ")}`;
}

function toValue({ name, columns }: TablePlan, cell: Cell, at: number): SQLQueryBindings {
  if (typeof cell === "boolean") return cell ? 1 : 0;
  if (cell === null || columns[at]?.kind !== "json") return cell;
  return printJson(name, String(cell));
}

/** Rows of the books are attested by the bytes of their JSON, in its one form; others are as the program writes them. */
const ATTESTED: ReadonlySet<string> = new Set(["ledger_entries", "ledger_recounts"]);

function printJson(table: string, text: string): string {
  if (text === "[]" || text === "{}") return text;
  try {
    const value: unknown = JSON.parse(text);
    return ATTESTED.has(table) ? canonicalize(value) : JSON.stringify(value);
  } catch {
    return text;
  }
}

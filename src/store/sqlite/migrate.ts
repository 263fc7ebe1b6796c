// Brings a SQLite file to this program's schema. Knows no table but its own list of applied names.

import type { Database } from "bun:sqlite";
import {
  CREATE_APPLIED,
  EARLIER_TABLES,
  isEarlier,
  pickPending,
  refuseEarlier,
  SELECT_APPLIED,
  splitStatements,
} from "../migration.ts";
import { migrations } from "./migration/index.ts";

/**
 * All pending migrations or none. Processes that start together wait for each other at BEGIN IMMEDIATE, and find nothing left
 * to do. Foreign keys are off meanwhile: SQLite changes a table by making it anew, and dropping the old one would take the
 * rows that point at it along.
 */
export function migrateSqlite(db: Database, place: string): void {
  const applied = readApplied(db);
  if (pickPending(migrations, applied, place).length === 0) return;
  if (applied.length === 0 && isEarlier(listEarlier(db))) throw refuseEarlier(place);
  db.run("PRAGMA foreign_keys = OFF");
  db.run("BEGIN IMMEDIATE");
  try {
    db.run(CREATE_APPLIED);
    for (const { name, sql } of pickPending(migrations, readApplied(db), place)) {
      for (const statement of splitStatements(sql)) db.run(statement);
      db.run("insert into tokligence_migrations (name, applied_at) values (?, ?)", [name, new Date().toISOString()]);
    }
    const orphans = db.query("PRAGMA foreign_key_check").all();
    if (orphans.length > 0) throw new Error(`${place}: a migration left ${orphans.length} rows that point at nothing`);
    db.run("COMMIT");
  } finally {
    if (db.inTransaction) db.run("ROLLBACK");
  }
}

/** Of the earlier edition's tables those that are there. */
export function listEarlier(db: Database): string[] {
  const names = EARLIER_TABLES.map((name) => `'${name}'`).join(", ");
  const found = db.query<{ name: string }, []>(
    `select name from sqlite_master where type = 'table' and name in (${names})`,
  );
  return found.all().map(({ name }) => name);
}

function readApplied(db: Database): string[] {
  const exists = db.query("select 1 from sqlite_master where type = 'table' and name = 'tokligence_migrations'").get();
  return exists === null
    ? []
    : db
        .query<{ name: string }, []>(SELECT_APPLIED)
        .all()
        .map((row) => row.name);
}

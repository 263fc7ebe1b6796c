// Processes that write to one ledger's file, started and killed by hand. Knows no case.

import { Database } from "bun:sqlite";
import { afterEach, expect } from "bun:test";
import { closeSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BOOK_RULES,
  createLedgerWriter,
  digestRow,
  type LedgerWriter,
  linkTo,
  type SealedEntry,
} from "../../src/ledger/index.ts";
import type { Tiding } from "../../src/store/bindery.ts";
import { realDisk } from "../../src/store/journal/disk.ts";
import { type JournalOptions, type OpenJournal, openJournal } from "../../src/store/journal/open.ts";
import { openSqlite } from "../../src/store/sqlite/open.ts";
import { runNow, toDb } from "../../src/store/sqlite/query.ts";
import { ledgerEntries } from "../../src/store/sqlite/schema.ts";
import { claimSlot, type Slot } from "../../src/store/sqlite/slot.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export async function makeFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-journal-"));
  folders.push(folder);
  const location = join(folder, "ledger.db");
  const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
  await (await openSqlite({ location, database })).close();
  return location;
}

export interface Process {
  books: OpenJournal;
  writer: LedgerWriter;
  tidings: Tiding[];
  /** Without a chance to do anything. */
  kill(): void;
}

export function start(location: string, more: Partial<JournalOptions> = {}): Process {
  const tidings: Tiding[] = [];
  const databases: Database[] = [];
  const slots: Slot[] = [];
  const files = new Set<number>();
  const books = openJournal({
    location,
    durability: "process",
    rules: BOOK_RULES,
    key: { id: "key", publicKey: "" },
    findHead: () => null,
    now: new Date(0),
    deliver: null,
    after: () => () => undefined,
    onTiding: (tiding) => void tidings.push(tiding),
    connect(path) {
      const database = new Database(path, { create: false, readwrite: true });
      databases.push(database);
      return database;
    },
    claim(path) {
      const slot = claimSlot(path);
      slots.push(slot);
      return slot;
    },
    disk: {
      ...realDisk,
      create(path) {
        const file = realDisk.create(path);
        files.add(file);
        return file;
      },
      close(file) {
        files.delete(file);
        realDisk.close(file);
      },
    },
    ...more,
  });
  const writer = createLedgerWriter({
    journal: books.journal,
    schedule: setImmediate,
    after: () => undefined,
    nowMs: () => 0,
    onFault: (error) => {
      throw error;
    },
    onRecovery: () => undefined,
  });
  const kill = (): void => {
    for (const database of databases) database.close();
    for (const slot of slots) slot.release();
    for (const file of files) closeSync(file);
  };
  return { books, writer, tidings, kill };
}

export function readRows(location: string): SealedEntry[] {
  const db = new Database(location, { readonly: true });
  const { db: orm, release } = toDb(db);
  const rows = runNow(orm.select().from(ledgerEntries));
  release();
  db.close();
  return rows;
}

export const idsIn = (location: string): string[] =>
  readRows(location)
    .map(({ id }) => id)
    .toSorted();

export function expectChain(rows: readonly SealedEntry[]): void {
  let last = "";
  const links = rows.toSorted((left, right) => Number(left.seq) - Number(right.seq));
  expect(links.map(({ seq }) => seq)).toEqual(links.map((_, index) => index + 1));
  for (const row of links) expect(row.hash).toBe((last = linkTo(last, digestRow(row))));
}

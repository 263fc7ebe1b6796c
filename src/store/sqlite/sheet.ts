// Sheets in a SQLite file, in tables that may be deleted at any time: they are made anew of what they were made of. They hold good while the
// marks of the sums are those that were theirs, so whatever else moves sums makes them void. Knows no format of theirs.

import type { Database } from "bun:sqlite";
import { and, asc, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { Db, Packed, SheetPlace, Sheets } from "../engine.ts";

const CREATE = [
  `create table if not exists tokligence_sheets (
    level text not null, started_at integer not null, part integer not null, body blob not null, primary key (level, started_at, part)
  )`,
  "create table if not exists tokligence_sheet_marks (marks text not null)",
];

/** How far every chain is summed up, in one text. */
const MARKS = `coalesce((select group_concat(chain || ' ' || seq || ' ' || detail_seq, char(10))
  from (select chain, seq, detail_seq from ledger_marks order by chain)), '')`;

/** As many as are held in memory together. */
const AT_ONCE = 8;

const level = sql`level`;
const startedAt = sql`started_at`;

/** How far every chain is summed up. */
export async function readMarks(db: Db): Promise<string> {
  const [found] = await db.select({ marks: sql<string>`${sql.raw(MARKS)}` }).from(sql`(select 1)`);
  return found?.marks ?? "";
}

export const sheets: Sheets = {
  async areValid(db) {
    const [table] = await db
      .select({ name: sql<string>`name` })
      .from(sql`sqlite_master`)
      .where(sql`name = 'tokligence_sheet_marks'`);
    if (table === undefined) return false;
    const [mark] = await db
      .select({ isSame: sql<number>`marks = ${sql.raw(MARKS)}` })
      .from(sql`tokligence_sheet_marks`)
      .limit(1);
    return mark?.isSame === 1;
  },
  async list(db, { level: name, fromMs, toMs }) {
    const rows = await db
      .selectDistinct({ startMs: sql<number>`${startedAt}` })
      .from(sql`tokligence_sheets`)
      .where(
        and(
          sql`${level} = ${name}`,
          Number.isFinite(fromMs) ? gte(startedAt, fromMs) : undefined,
          Number.isFinite(toMs) ? lt(startedAt, toMs) : undefined,
        ),
      )
      .orderBy(asc(startedAt));
    return rows.map(({ startMs }) => startMs);
  },
  async listSums(db, { level: name, fromMs, toMs }) {
    // From one to the next, for each has thousands of rows.
    const next = (after: SQL): SQL =>
      sql`select min(started_at) from ledger_rollups where level = ${name} and started_at ${after} and started_at < ${toMs}`;
    const rows = await db.select({ startMs: sql<number>`${startedAt}` }).from(
      sql`(with recursive found(started_at) as (
          ${next(sql`>= ${fromMs}`)} union all select (${next(sql`> found.started_at`)}) from found where found.started_at is not null
        ) select started_at from found where started_at is not null)`,
    );
    return rows.map(({ startMs }) => startMs);
  },
  async *read(db, name, starts) {
    for (let at = 0; at < starts.length; at += AT_ONCE) yield* await readSome(db, name, starts.slice(at, at + AT_ONCE));
  },
};

function readSome(db: Db, name: string, starts: readonly number[]) {
  return db
    .select({ startMs: sql<number>`${startedAt}`, body: sql<Uint8Array>`body` })
    .from(sql`tokligence_sheets`)
    .where(and(sql`${level} = ${name}`, inArray(startedAt, [...starts])));
}

/** What is done to them within a transaction of the connection. */
export interface SheetKeeper {
  /** Before the marks move. Whatever was not kept up with them goes. */
  check(): void;
  /** After they have moved. */
  follow(): void;
  drop(places: readonly SheetPlace[]): void;
  put(packed: Packed): void;
  /** How far every chain is summed up, in one text. */
  readMarks(): string;
  close(): void;
}

export function prepareSheets(db: Database): SheetKeeper {
  for (const statement of CREATE) db.run(statement);
  const isKept = db.prepare<{ kept: number }, []>(
    `select exists (select 1 from tokligence_sheet_marks where marks = ${MARKS}) as kept`,
  );
  const readMarks = db.prepare<{ marks: string }, []>(`select ${MARKS} as marks`);
  const forget = db.prepare("delete from tokligence_sheet_marks");
  const note = db.prepare(`insert into tokligence_sheet_marks select ${MARKS}`);
  const empty = db.prepare("delete from tokligence_sheets");
  const drop = db.prepare<unknown, [string, number, number]>(
    "delete from tokligence_sheets where level = ? and started_at >= ? and started_at < ?",
  );
  const put = db.prepare<unknown, [string, number, number, Uint8Array]>(
    "insert or replace into tokligence_sheets (level, started_at, part, body) values (?, ?, ?, ?)",
  );
  const follow = (): void => {
    forget.run();
    note.run();
  };
  return {
    check() {
      if (isKept.get()?.kept === 1) return;
      empty.run();
      follow();
    },
    follow,
    drop(places) {
      for (const { level: name, fromMs, toMs } of places) drop.run(name, fromMs, toMs);
    },
    put({ level: name, startMs, bodies }) {
      for (const [part, body] of bodies.entries()) put.run(name, startMs, part, body);
    },
    readMarks: () => readMarks.get()?.marks ?? "",
    close() {
      for (const statement of [isKept, readMarks, forget, note, empty, drop, put]) statement.finalize();
    },
  };
}

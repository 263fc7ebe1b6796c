// Sheets in a SQLite file, in tables that may be deleted at any time: they are made anew of what they were made of. They hold good while the
// marks of the sums are those that were theirs, so whatever else moves sums makes them void. Knows no format of theirs.

import type { Database } from "bun:sqlite";
import { sql } from "drizzle-orm";
import { type Db, LOOSE_PART, type LoosePiece, type Packed, type SheetPlace, type Sheets } from "../engine.ts";
import { SHEET_FORMAT } from "../sheet/level.ts";
import { readValues } from "./query.ts";

const CREATE = [
  `create table if not exists tokligence_sheets (
    level text not null, started_at integer not null, part integer not null, sign blob not null, body blob not null,
    primary key (level, started_at, part)
  )`,
  "create table if not exists tokligence_sheet_state (marks text not null)",
];

/** How far every chain is summed up, and of what format sheets are, in one text. */
const MARKS = `'${SHEET_FORMAT} ' || coalesce((select group_concat(chain || ' ' || seq || ' ' || detail_seq, char(10))
  from (select chain, seq, detail_seq from ledger_marks order by chain)), '')`;
/** And all else that moves when sums do: whoever packs them looks whether they are still the same. */
const ALL_MARKS = `${MARKS} || coalesce((select group_concat(untimed_seq) from (select untimed_seq from ledger_marks order by chain)), '')`;

/** As many as are held in memory together. */
const AT_ONCE = 16;

/** How far every chain is summed up. */
export async function readMarks(db: Db): Promise<string> {
  const [row] = await readValues(db, sql`select ${sql.raw(ALL_MARKS)}`);
  return typeof row?.[0] === "string" ? row[0] : "";
}

export const sheets: Sheets = {
  async areValid(db) {
    const table = await readValues(db, sql`select 1 from sqlite_master where name = 'tokligence_sheet_state'`);
    if (table.length === 0) return false;
    return (await readValues(db, sql`select 1 from tokligence_sheet_state where marks = ${sql.raw(MARKS)}`)).length > 0;
  },
  async marks(db) {
    const table = await readValues(db, sql`select 1 from sqlite_master where name = 'tokligence_sheet_state'`);
    if (table.length === 0) return null;
    const [row] = await readValues(db, sql`select marks from tokligence_sheet_state`);
    return typeof row?.[0] === "string" ? row[0] : null;
  },
  async list(db, place) {
    const rows = await readValues(db, sql`select started_at, part ${ofPlace(place)}`);
    return rows.map(([startMs, part]) => ({ startMs: Number(startMs), part: Number(part) }));
  },
  async listSigned(db, place) {
    const rows = await readValues(db, sql`select started_at, part, sign ${ofPlace(place)}`);
    return rows.map(([startMs, part, sign]) => ({ startMs: Number(startMs), part: Number(part), sign: toBytes(sign) }));
  },
  async *read(db, level, parts) {
    for (let at = 0; at < parts.length; at += AT_ONCE) {
      const named = parts.slice(at, at + AT_ONCE).map(({ startMs, part }) => sql`(${startMs}, ${part})`);
      const rows = await readValues(
        db,
        sql`select started_at, part, body from tokligence_sheets
          where level = ${level} and (started_at, part) in (values ${sql.join(named, sql`, `)})`,
      );
      for (const [startMs, part, body] of rows)
        yield { startMs: Number(startMs), part: Number(part), body: toBytes(body) };
    }
  },
};

function ofPlace({ level, fromMs, toMs }: SheetPlace) {
  const [from, to] = [fromMs, toMs].map((ms) => Math.min(Math.max(ms, -MOST_MS), MOST_MS));
  return sql`from tokligence_sheets where level = ${level} and started_at >= ${from} and started_at < ${to} order by started_at, part`;
}

/** No moment is beyond. */
const MOST_MS = 8.64e15;

function toBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array ? (value as Uint8Array<ArrayBuffer>) : new Uint8Array();
}

/** What is done to them within a transaction of the connection. */
export interface SheetKeeper {
  /** Before the marks move. Whatever was not kept up with them goes. */
  check(): void;
  /** Before sums move: the pieces that their sheets can be added to, or that begin one. */
  pick(pieces: readonly LoosePiece[]): LoosePiece[];
  append(pieces: readonly LoosePiece[]): void;
  /** After the marks have moved. */
  follow(): void;
  drop(places: readonly SheetPlace[]): void;
  put(packed: Packed): void;
  /** How far every chain is summed up, in one text. */
  readMarks(): string;
  close(): void;
}

/** Those of before had another form. */
function prepareTables(db: Database): void {
  const columns = db.query<{ name: string }, []>("select name from pragma_table_info('tokligence_sheets')").all();
  if (columns.length > 0 && !columns.some(({ name }) => name === "sign")) db.run("drop table tokligence_sheets");
  db.run("drop table if exists tokligence_sheet_marks");
  for (const statement of CREATE) db.run(statement);
}

export function prepareSheets(db: Database): SheetKeeper {
  prepareTables(db);
  const isKept = db.prepare<{ kept: number }, []>(
    `select exists (select 1 from tokligence_sheet_state where marks = ${MARKS}) as kept`,
  );
  const marks = db.prepare<{ marks: string }, []>(`select ${ALL_MARKS} as marks`);
  const forget = db.prepare("delete from tokligence_sheet_state");
  const note = db.prepare(`insert into tokligence_sheet_state select ${MARKS}`);
  const empty = db.prepare("delete from tokligence_sheets");
  const drop = db.prepare<unknown, [string, number, number]>(
    "delete from tokligence_sheets where level = ? and started_at >= ? and started_at < ?",
  );
  const put = db.prepare<unknown, [string, number, number, Uint8Array, Uint8Array]>(
    "insert into tokligence_sheets (level, started_at, part, sign, body) values (?, ?, ?, ?, ?)",
  );
  const mayAdd = db.prepare<{ isOpen: number }, [string, number]>(
    `select exists (select 1 from tokligence_sheets where level = ?1 and started_at = ?2)
      or not exists (select 1 from ledger_rollups where level = 'total.quarter' and started_at = ?2) as isOpen`,
  );
  const last = db.prepare<{ part: number | null }, [string, number]>(
    "select max(part) as part from tokligence_sheets where level = ? and started_at = ?",
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
    pick: (pieces) => pieces.filter(({ level, startMs }) => mayAdd.get(level, startMs)?.isOpen === 1),
    append(pieces) {
      for (const { level, startMs, sign, body } of pieces) {
        const next = Math.max(LOOSE_PART, (last.get(level, startMs)?.part ?? 0) + 1);
        put.run(level, startMs, next, sign, body);
      }
    },
    follow,
    drop(places) {
      for (const { level, fromMs, toMs } of places) drop.run(level, fromMs, toMs);
    },
    put({ level, startMs, parts }) {
      drop.run(level, startMs, startMs + 1);
      for (const [part, { sign, body }] of parts.entries()) put.run(level, startMs, part, sign, body);
    },
    readMarks: () => marks.get()?.marks ?? "",
    close() {
      for (const statement of [isKept, marks, forget, note, empty, drop, put, mayAdd, last]) statement.finalize();
    },
  };
}

// Sheets in a PostgreSQL database, in tables that may be deleted at any time: they are made anew of what they were made of. They hold good
// while the marks of the sums are those that were theirs, so whatever else moves sums makes them void. Knows no format of theirs.

import { type SQL, sql } from "drizzle-orm";
import type postgres from "postgres";
import { chunk } from "../chunk.ts";
import { SHEET_FORMAT } from "../sheet/level.ts";
import { readCopy } from "./copy.ts";
import {
  type Db,
  LOOSE_PART,
  type LoosePiece,
  type Packed,
  type PartRef,
  type ReadValues,
  type SheetPlace,
  type Sheets,
} from "../engine.ts";

/** Not logged: after a crash of the server they are empty, and made anew. Bodies are numbers, of which compression makes little. */
const CREATE = [
  `create unlogged table if not exists tokligence_sheets (
    level text not null, started_at bigint not null, part integer not null, sign bytea not null, body bytea not null,
    primary key (level, started_at, part)
  )`,
  "alter table tokligence_sheets alter column body set storage external, alter column sign set storage external",
  "create unlogged table if not exists tokligence_sheet_state (marks text not null)",
];

/** How far every chain is summed up, and of what format sheets are, in one text. */
const MARKS = sql.raw(
  `'${SHEET_FORMAT} ' || coalesce((select string_agg(chain || ' ' || seq || ' ' || detail_seq, chr(10) order by chain) from ledger_marks), '')`,
);

/** As many as are held in memory together. */
const AT_ONCE = 64;

/** What drizzle's connection runs its own statements on: it has no way to rows as lists. */
interface Inner {
  dialect: { sqlToQuery(query: SQL): { sql: string; params: unknown[] } };
  session: { client: Pick<postgres.Sql, "unsafe"> };
}

export const readValues: ReadValues = async (db, query) => {
  const { dialect, session } = db as unknown as Inner;
  const { sql: text, params } = dialect.sqlToQuery(query);
  return session.client.unsafe(text, params as postgres.ParameterOrJSON<never>[]).values();
};

export const sheets: Sheets = {
  async areValid(db) {
    if (!(await areThere(db))) return false;
    return (await readValues(db, sql`select 1 from tokligence_sheet_state where marks = ${MARKS}`)).length > 0;
  },
  async marks(db) {
    if (!(await areThere(db))) return null;
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
    const { client } = (db as unknown as Inner).session;
    for (let at = 0; at < parts.length; at += AT_ONCE) {
      const asked = parts.slice(at, at + AT_ONCE).map(({ startMs, part }) => `(${startMs}::bigint, ${part})`);
      const found: (PartRef & { body: Uint8Array })[] = [];
      // As text, bytes would be printed and read digit by digit.
      const statement = `copy (select sheet.started_at, sheet.part, sheet.body from (values ${asked.join(", ")}) as asked (started_at, part)
        join tokligence_sheets as sheet
          on sheet.level = '${quote(level)}' and sheet.started_at = asked.started_at and sheet.part = asked.part) to stdout (format binary)`;
      for await (const _ of readCopy(client, statement, (piece) => takeRow(piece, found))) yield* found.splice(0);
      yield* found;
    }
  },
};

/** What comes before the first row, and in place of one behind the last. */
const [HEAD_BYTES, END] = [19, -1];
const [HEAD, COLUMNS] = ["PGCOPY", 3];

/** Each piece is a row: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". */
function takeRow(piece: Buffer, found: (PartRef & { body: Uint8Array })[]): void {
  let at = piece.toString("latin1", 0, HEAD.length) === HEAD ? HEAD_BYTES : 0;
  if (at >= piece.length || piece.readInt16BE(at) === END) return;
  if (piece.readInt16BE(at) !== COLUMNS) throw new Error("PostgreSQL copied out something else than parts of sheets.");
  at += 2;
  const next = (): Buffer => {
    const bytes = piece.readInt32BE(at);
    at += 4 + bytes;
    return piece.subarray(at - bytes, at);
  };
  const [startMs, part] = [Number(next().readBigInt64BE()), next().readInt32BE()];
  found.push({ startMs, part, body: new Uint8Array(next()) });
}

/** Names of levels are our own; no statement is made of another one. */
function quote(level: string): string {
  if (!/^[a-z.]+$/u.test(level)) throw new Error(`There is no level ${level}.`);
  return level;
}

/** Where a gateway has not summed up yet, they are not; and a server that follows another one has no such tables. */
async function areThere(db: Db): Promise<boolean> {
  return (
    (
      await readValues(
        db,
        sql`select 1 where to_regclass('tokligence_sheet_state') is not null and not pg_is_in_recovery()`,
      )
    ).length > 0
  );
}

function ofPlace({ level, fromMs, toMs }: SheetPlace): SQL {
  const [from, to] = [fromMs, toMs].map((ms) => sql.raw(String(Math.min(Math.max(ms, -MOST_MS), MOST_MS))));
  return sql`from tokligence_sheets where level = ${level} and started_at >= ${from} and started_at < ${to} order by started_at, part`;
}

/** No moment is beyond. */
const MOST_MS = 8.64e15;

function toBytes(value: unknown): Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array();
}

function values(rows: readonly SQL[]): SQL {
  return sql`values ${sql.join([...rows], sql`, `)}`;
}

type Run = (query: SQL) => Promise<unknown[][]>;

/** What is done to them within a transaction; whoever does it holds the lock of those who sum up. */
export interface SheetKeeper {
  /** Before the marks move. Whatever was not kept up with them goes. */
  check(): Promise<void>;
  /** Before sums move: the pieces that their sheets can be added to, or that begin one. */
  pick(pieces: readonly LoosePiece[]): Promise<LoosePiece[]>;
  append(pieces: readonly LoosePiece[]): Promise<void>;
  /** After the marks have moved. */
  follow(): Promise<void>;
  drop(places: readonly SheetPlace[]): Promise<void>;
  put(packed: readonly Packed[]): Promise<void>;
}

export async function createSheets(run: Run): Promise<void> {
  for (const statement of CREATE) await run(sql.raw(statement));
}

export function keepSheets(db: Db): SheetKeeper {
  const run: Run = (query) => readValues(db, query);
  const follow = async (): Promise<void> => {
    await run(sql`delete from tokligence_sheet_state`);
    await run(sql`insert into tokligence_sheet_state select ${MARKS}`);
  };
  const insert = async (parts: readonly (LoosePiece & PartRef)[]): Promise<void> => {
    for (const some of chunk(parts)) {
      const rows = some.map(
        ({ level, startMs, part, sign, body }) => sql`(${level}, ${startMs}, ${part}, ${sign}::bytea, ${body}::bytea)`,
      );
      await run(sql`insert into tokligence_sheets (level, started_at, part, sign, body) ${values(rows)}`);
    }
  };
  return {
    async check() {
      if (!(await areThere(db))) await createSheets(run);
      if ((await run(sql`select 1 from tokligence_sheet_state where marks = ${MARKS}`)).length > 0) return;
      await run(sql`delete from tokligence_sheets`);
      await follow();
    },
    async pick(pieces) {
      const open = new Set<string>();
      for (const some of chunk(pieces)) {
        const asked = values(some.map(({ level, startMs }) => sql`(${level}::text, ${startMs}::bigint)`));
        const rows = await run(
          sql`select distinct level, started_at from (${asked}) as asked (level, started_at)
            where exists (select 1 from tokligence_sheets as sheet where sheet.level = asked.level and sheet.started_at = asked.started_at)
              or not exists (select 1 from ledger_rollups as sums
                where sums.level = 'total.quarter' and sums.started_at = to_timestamp(asked.started_at / 1000.0))`,
        );
        for (const row of rows) open.add(row.join(" "));
      }
      return pieces.filter(({ level, startMs }) => open.has(`${level} ${startMs}`));
    },
    async append(pieces) {
      const last = new Map<string, number>();
      for (const some of chunk(pieces)) {
        const asked = values(some.map(({ level, startMs }) => sql`(${level}::text, ${startMs}::bigint)`));
        const found = await run(
          sql`select level, started_at, max(part) from tokligence_sheets
            where (level, started_at) in (${asked}) group by level, started_at`,
        );
        for (const [level, startMs, part] of found) last.set(`${String(level)} ${String(startMs)}`, Number(part));
      }
      const parts = pieces.map(({ level, startMs, ...part }) => {
        const name = `${level} ${startMs}`;
        const next = Math.max(LOOSE_PART, (last.get(name) ?? 0) + 1);
        last.set(name, next);
        return { level, startMs, part: next, ...part };
      });
      await insert(parts);
    },
    follow,
    async drop(places) {
      for (const [level, own] of Map.groupBy(places, (place) => place.level)) {
        for (const some of chunk(own)) {
          const times = some.map(({ fromMs, toMs }) => sql`(started_at >= ${fromMs} and started_at < ${toMs})`);
          await run(sql`delete from tokligence_sheets where level = ${level} and (${sql.join(times, sql` or `)})`);
        }
      }
    },
    async put(packed) {
      for (const { level, startMs, parts } of packed) {
        await run(sql`delete from tokligence_sheets where level = ${level} and started_at = ${startMs}`);
        await insert(parts.map((each, part) => ({ level, startMs, part, ...each })));
      }
    },
  };
}

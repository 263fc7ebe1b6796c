// The connections of reports and roll-ups to a SQLite file, opened when first used: neither shares one with what requests wait for.
// Knows no rule of theirs.

import { Database } from "bun:sqlite";
import { getTableColumns } from "drizzle-orm";
import type { RollupStep } from "../../ledger/index.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import { type Advance, type Db, type HourPart, LACKS, type Lack, type Packing, type RollupRow } from "../engine.ts";
import { listStale } from "../sheet/level.ts";
import { joinSpreads, SUM_FIELDS } from "../sums.ts";
import { toDb } from "./query.ts";
import { ledgerHours, ledgerMarks, ledgerRollups } from "./schema.ts";
import { prepareSheets, readMarks } from "./sheet.ts";
import { prepareInsert, toValue, type Value } from "./insert.ts";

export interface Desk {
  /** All that `work` reads is of one moment. */
  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /** Writes what `find` found, unless another process was faster. */
  advance(find: (db: Db) => Promise<Advance | null>): Promise<RollupStep>;
  /** Keeps what `find` packed, unless another process has moved sums meanwhile. */
  pack(find: (db: Db) => Promise<Packing>): Promise<RollupStep>;
  close(): void;
}

export function createDesk(location: string, busyTimeoutMs: number): Desk {
  let reader: Database | null = null;
  let follower: Database | null = null;
  let roller: ReturnType<typeof openRoller> | null = null;
  let last: Promise<unknown> = Promise.resolve();

  /** One at a time, for a connection has one transaction. */
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => undefined);
    return next;
  };

  const readAll = async <T>(open: () => Database, work: (db: Db) => Promise<T>): Promise<T> => {
    try {
      return await readIn(open(), work);
    } catch (error) {
      throw explainStoreError(error, ANY_DATABASE);
    }
  };
  const report = (): Database => (reader ??= openReader(location, busyTimeoutMs, REPORT_CACHE_KB));
  const follow = (): Database => (follower ??= openReader(location, busyTimeoutMs, STEP_CACHE_KB));

  return {
    snapshot: (work) => enqueue(() => readAll(report, work)),
    advance: (find) =>
      enqueue(async () => {
        const advance = await readAll(follow, find);
        if (advance === null) return { rows: 0, heldMs: 0 };
        roller ??= openRoller(location, busyTimeoutMs);
        return roller.write(advance);
      }),
    pack: (find) =>
      enqueue(async () => {
        const look = async (db: Db) => ({ packed: await find(db), marks: await readMarks(db) });
        const { packed, marks } = await readAll(follow, look);
        if (packed.sheets.length + packed.hours.length === 0) return { rows: 0, heldMs: 0 };
        roller ??= openRoller(location, busyTimeoutMs);
        return roller.pack(packed, marks);
      }),
    close() {
      reader?.close();
      follower?.close();
      roller?.close();
    },
  };
}

async function readIn<T>(connection: Database, work: (db: Db) => Promise<T>): Promise<T> {
  const { db, release } = toDb(connection);
  try {
    connection.run("BEGIN");
    return await work(db);
  } finally {
    release();
    if (connection.inTransaction) connection.run("COMMIT");
  }
}

/** Sums of a time lie apart: the pages that lead to them are to stay. */
const REPORT_CACHE_KB = 16_384;
/** Each row is summed up once: its page is of no use afterwards. */
const STEP_CACHE_KB = 2_048;

function openReader(location: string, busyTimeoutMs: number, cacheKb: number): Database {
  const db = new Database(location, { readonly: true });
  db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  db.run(`PRAGMA cache_size = -${cacheKb}`);
  return db;
}

const COLUMNS = getTableColumns(ledgerRollups);
const FIELDS = Object.keys(COLUMNS) as (keyof RollupRow)[];

function openRoller(location: string, busyTimeoutMs: number) {
  const db = new Database(location, { create: false, readwrite: true });
  db.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  db.run("PRAGMA synchronous = NORMAL");
  // Whoever sums up while a server runs has a thread beside it for that, and else would do it for all others while they wait.
  db.run("PRAGMA wal_autocheckpoint = 0");
  const names = FIELDS.map((field) => COLUMNS[field].name);
  const added = SUM_FIELDS.map((field) => COLUMNS[field].name).map((name) => `${name} = ${name} + excluded.${name}`);
  const replaced = ["latencies", "ttfts"].map((name) => `${name} = excluded.${name}`);
  const readSpread = db.prepare<{ latencies: string; ttfts: string }, [string]>(
    "select latencies, ttfts from ledger_rollups where id = ?",
  );
  const insert = `insert into ledger_rollups (${names.join(", ")}) values (${names.map(() => "?").join(", ")})`;
  const put = db.prepare<unknown, Value[]>(`${insert} on conflict (id) do nothing`);
  const upsert = db.prepare<unknown, Value[]>(
    `${insert} on conflict (id) do update set ${[...added, ...replaced].join(", ")}`,
  );
  const putHour = prepareInsert<HourPart>(db, ledgerHours);
  const dropHour = db.prepare<unknown, [string]>("delete from ledger_hours where id = ?");
  const sheets = prepareSheets(db);
  const readMark = db.prepare<Record<"detailSeq" | "seq" | "untimedSeq", number>, [string]>(
    "select seq, detail_seq as detailSeq, untimed_seq as untimedSeq from ledger_marks where chain = ?",
  );
  const moveMark = db.prepare<unknown, [string, number]>(
    `insert into ledger_marks (chain, seq, detail_seq, untimed_seq) values (?1, ?2, ?2, ?2)
     on conflict (chain) do update set seq = ?2, detail_seq = ?2, untimed_seq = ?2`,
  );
  const moveLack = (lack: Lack) =>
    db.prepare<unknown, [string, number]>(
      `update ledger_marks set ${getTableColumns(ledgerMarks)[LACKS[lack]].name} = ?2 where chain = ?1`,
    );
  const movers = { detail: moveLack("detail"), untimed: moveLack("untimed") };
  return {
    /** Nothing where the mark is no longer where it was when the sums were made. */
    write({ chain, lack, fromSeq, toSeq, count, rows, hours, pieces }: Advance): RollupStep {
      const places = listStale(rows, lack !== null);
      try {
        db.run("BEGIN IMMEDIATE");
        const startedMs = performance.now();
        const mark = readMark.get(chain);
        if ((mark?.[lack === null ? "seq" : LACKS[lack]] ?? 0) !== fromSeq) return { rows: 0, heldMs: 0 };
        sheets.check();
        const own = sheets.pick(pieces);
        for (const row of rows) {
          // Most are new.
          if (put.run(...FIELDS.map((field) => toValue(row[field]))).changes > 0) continue;
          const joined = joinSpreads(row, readSpread.get(row.id));
          upsert.run(...FIELDS.map((field) => toValue(joined[field])));
        }
        for (const part of hours) putHour.run(part);
        sheets.drop(places);
        sheets.append(own);
        (lack === null ? moveMark : movers[lack]).run(chain, toSeq);
        sheets.follow();
        db.run("COMMIT");
        return { rows: count, heldMs: performance.now() - startedMs, chain };
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      } finally {
        if (db.inTransaction) db.run("ROLLBACK");
      }
    },
    /** Nothing where the marks have moved since what is packed was looked for. */
    pack({ sheets: packed, hours }: Packing, marks: string): RollupStep {
      try {
        db.run("BEGIN IMMEDIATE");
        const startedMs = performance.now();
        if (sheets.readMarks() !== marks) return { rows: 0, heldMs: 0 };
        sheets.check();
        for (const each of packed) sheets.put(each);
        for (const { ids, parts } of hours) {
          // Marks do not move where another process joins the same ones.
          for (const id of ids) if (dropHour.run(id).changes === 0) return { rows: 0, heldMs: 0 };
          for (const part of parts) putHour.run(part);
        }
        db.run("COMMIT");
        return { rows: packed.length + hours.length, heldMs: performance.now() - startedMs };
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      } finally {
        if (db.inTransaction) db.run("ROLLBACK");
      }
    },
    close(): void {
      sheets.close();
      putHour.finalize();
      for (const statement of [put, dropHour, upsert, readMark, readSpread, moveMark, ...Object.values(movers)])
        statement.finalize();
      db.close();
    },
  };
}

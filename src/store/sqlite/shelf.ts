// Keeps answers that may be given again in a SQLite file of their own, which may be deleted at any time. Written behind the requests, in groups;
// read at once. Knows no format; nothing in it is needed, so nothing waits for the disk.

import { Database } from "bun:sqlite";
import { existsSync, renameSync, rmSync } from "node:fs";
import type { AnswerShelf, StoredAnswer } from "../../gateway/cache/store.ts";
import type { Clock } from "../../lib/clock.ts";
import { codeOf } from "../error.ts";
import { makeFile } from "./file.ts";

interface ShelfInit {
  path: string;
  maxBytes: number;
  clock: Clock;
  /** Told once for each time that it begins to fail. */
  onFault: (error: unknown) => void;
}

/** Of what is in the file: another edition begins it anew. */
const EDITION = 1;

const SCHEMA = `
create table answers (
  key text primary key, used_at integer not null, expires_at integer not null, bytes integer not null,
  meta text not null, body blob not null
);
create index answers_use on answers (used_at);
create index answers_age on answers (expires_at);
create table sums (entries integer not null, bytes integer not null);
insert into sums values (0, 0);
create trigger answers_added after insert on answers begin
  update sums set entries = entries + 1, bytes = bytes + new.bytes;
end;
create trigger answers_removed after delete on answers begin
  update sums set entries = entries - 1, bytes = bytes - old.bytes;
end;
pragma user_version = ${EDITION};
`;

const COUNTED = "select count(*), coalesce(sum(bytes), 0) from answers";
const IS_OFF = `select (select entries, bytes from sums) is not (${COUNTED}) as isOff`;
const RECOUNT = `delete from sums; insert into sums ${COUNTED};`;

const TABLES: ReadonlySet<string> = new Set(["answers", "sums"]);
const STALE = "cache_stale";
/** Who has it open already is waited for so long at the start, and so long by a call. */
const [OPENING_MS, BUSY_MS] = [2_000, 50];
const WAL_RETRY_MS = 20;

/** How long answers wait for others to be written with them. */
const GROUP_MS = 50;
/** What is written in one piece: a turn of some milliseconds. */
const MAX_GROUP_BYTES = 1024 * 1024;
/** What comes while so much waits is not kept. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_TOUCHES = 10_000;
const REMOVED_AT_ONCE = 64;
/** A row besides its body. */
const ROW_BYTES = 400;

interface Row {
  expires_at: number;
  meta: string;
  body: Uint8Array<ArrayBuffer>;
}

interface Waiting {
  answer: StoredAnswer;
  expiresMs: number;
  bytes: number;
}

/** Throws where the file can be neither opened nor made anew. */
export function openSqliteShelf({ path, maxBytes, clock, onFault }: ShelfInit): AnswerShelf {
  const db = openFile(path);
  const select = db.query<Row, [string]>("select expires_at, meta, body from answers where key = ?");
  const remove = db.query("delete from answers where key = ?");
  const insert = db.query("insert into answers values (?, ?, ?, ?, ?, ?)");
  const touch = db.query("update answers set used_at = ? where key = ?");
  const sums = db.query<{ entries: number; bytes: number }, []>("select entries, bytes from sums");
  const expire = db.query(
    `delete from answers where key in (select key from answers where expires_at <= ? order by expires_at limit ${REMOVED_AT_ONCE})`,
  );
  const evict = db.query(
    `delete from answers where key in (select key from answers order by used_at limit ${REMOVED_AT_ONCE})`,
  );
  const waiting = new Map<string, Waiting>();
  const touched = new Map<string, number>();
  let waitingBytes = 0;
  let cancel: (() => void) | null = null;
  /** A full disk is read as before, and that it is must not be told with each answer. */
  const isFaulty = { read: false, write: false };

  /** What fails is as if it were not there. */
  const attempt = <T>(what: keyof typeof isFaulty, work: () => T, instead: T): T => {
    try {
      const result = work();
      isFaulty[what] = false;
      return result;
    } catch (error) {
      if (!isFaulty[what]) onFault(error);
      isFaulty[what] = true;
      return instead;
    }
  };

  const takeGroup = (): [string, Waiting][] => {
    const group: [string, Waiting][] = [];
    let bytes = 0;
    for (const [key, each] of waiting) {
      if (group.length > 0 && bytes + each.bytes > MAX_GROUP_BYTES) break;
      bytes += each.bytes;
      group.push([key, each]);
    }
    for (const [key, each] of group) {
      waiting.delete(key);
      waitingBytes -= each.bytes;
    }
    return group;
  };

  const write = (group: readonly [string, Waiting][], uses: readonly [string, number][]): void => {
    for (const [key, used] of uses) touch.run(used, key);
    for (const [key, { answer, expiresMs, bytes }] of group) {
      const { body, ...meta } = answer;
      remove.run(key);
      insert.run(key, clock.wallMs(), expiresMs, bytes, JSON.stringify(meta), body);
    }
    expire.run(clock.wallMs());
    while ((sums.get()?.bytes ?? 0) > maxBytes) evict.run();
  };

  const flush = (): void => {
    cancel = null;
    const uses = [...touched];
    touched.clear();
    const group = takeGroup();
    if (group.length > 0 || uses.length > 0) attempt("write", () => commit(db, () => write(group, uses)), undefined);
    if (waiting.size > 0) schedule();
  };

  const schedule = (): void => {
    cancel ??= clock.after(GROUP_MS, flush);
  };

  const glance = () => {
    const found = attempt("read", () => sums.get(), null);
    return { entries: (found?.entries ?? 0) + waiting.size, bytes: (found?.bytes ?? 0) + waitingBytes };
  };

  return {
    kind: "sqlite",
    get(key) {
      const now = clock.wallMs();
      const early = waiting.get(key);
      if (early !== undefined) return early.expiresMs > now ? early.answer : null;
      return attempt(
        "read",
        () => {
          const row = select.get(key);
          if (row === null || row.expires_at <= now) return null;
          if (touched.size < MAX_TOUCHES) touched.set(key, now);
          schedule();
          return { ...readMeta(row.meta), body: row.body };
        },
        null,
      );
    },
    put(key, answer, ttlMs) {
      const bytes = answer.body.byteLength + ROW_BYTES;
      if (bytes > maxBytes || waitingBytes + bytes > MAX_WAITING_BYTES) return;
      waitingBytes += bytes - (waiting.get(key)?.bytes ?? 0);
      waiting.set(key, { answer, expiresMs: clock.wallMs() + ttlMs, bytes });
      schedule();
    },
    async clear() {
      const { entries } = glance();
      waiting.clear();
      touched.clear();
      waitingBytes = 0;
      return attempt(
        "write",
        () => {
          db.run("delete from answers");
          // So that the disk has its space again.
          db.run("vacuum");
          return entries;
        },
        0,
      );
    },
    size: async () => glance(),
    glance,
    async stop() {
      cancel?.();
      while (waiting.size > 0 && !isFaulty.write) flush();
      cancel?.();
      db.close();
    },
  };
}

function openFile(path: string): Database {
  try {
    return prepare(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== STALE && !code.startsWith("SQLITE_NOTADB") && !code.startsWith("SQLITE_CORRUPT")) throw error;
    // There is nothing in it that could not be had again. What cannot be read may be another file of somebody's.
    for (const end of ["-shm", "-wal"]) rmSync(path + end, { force: true });
    if (code === STALE || existsSync(`${path}.damaged`)) rmSync(path, { force: true });
    else renameSync(path, `${path}.damaged`);
    return prepare(path);
  }
}

function prepare(path: string): Database {
  // Answers are their callers' alone.
  makeFile(path);
  const db = new Database(path, { create: true, strict: true });
  try {
    db.run(`pragma busy_timeout = ${OPENING_MS}`);
    refuseOther(db);
    switchToWal(db);
    db.run("pragma synchronous = off");
    if (readEdition(db) === 0)
      commit(db, () => {
        // Who opens it at the same time may have made it by now.
        if (readEdition(db) === 0) db.run(SCHEMA);
      });
    // Nothing here is synced: after a loss of power they may be those of other answers, and room would be made without end, or never.
    if (db.query<{ isOff: number }, []>(IS_OFF).get()?.isOff !== 0) commit(db, () => db.run(RECOUNT));
    db.run(`pragma busy_timeout = ${BUSY_MS}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Users, books or what other programs keep: nothing is put into it, and it stays. */
function refuseOther(db: Database): void {
  const tables = db.query<{ name: string }, []>("select name from sqlite_master where type = 'table'").all();
  if (tables.some(({ name }) => !TABLES.has(name)))
    throw new Error("The file is a database of something else, and is left as it is: name another one in cache_path.");
  const edition = readEdition(db);
  if (edition !== EDITION && edition !== 0)
    throw Object.assign(new Error(`The file is of edition ${edition}.`), { code: STALE });
}

function readEdition(db: Database): number {
  return db.query<{ user_version: number }, []>("pragma user_version").get()?.user_version ?? 0;
}

/** The switch of a new file does not honour busy_timeout. */
function switchToWal(db: Database): void {
  for (let waitedMs = 0; ; waitedMs += WAL_RETRY_MS) {
    try {
      db.run("pragma journal_mode = wal");
      return;
    } catch (error) {
      if (!codeOf(error).startsWith("SQLITE_BUSY") || waitedMs >= OPENING_MS) throw error;
    }
    Bun.sleepSync(WAL_RETRY_MS);
  }
}

/** All of it or nothing. */
function commit(db: Database, work: () => void): void {
  db.run("begin immediate");
  try {
    work();
    db.run("commit");
  } catch (error) {
    if (db.inTransaction) db.run("rollback");
    throw error;
  }
}

function readMeta(text: string): Omit<StoredAnswer, "body"> {
  // Written by this edition, as `prepare` saw to.
  return JSON.parse(text) as Omit<StoredAnswer, "body">;
}

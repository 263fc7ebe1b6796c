// Takes rows from journals into a SQLite file: seals them, and puts down in the same transaction how far it has come, so that each row is there once
// whatever ends the process when. Runs where nobody waits for it. Knows no ledger rule but the chain's.

import { Database } from "bun:sqlite";
import type { BookRules, ChainHead, Head } from "../../ledger/index.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import type { EngineOptions } from "../engine.ts";
import { type Cursor, createCursor, findOpenIntents, type Flaw, type Load } from "../journal/cursor.ts";
import { keepDamaged, listSegments, listSlots, nameSegment, type Place, realDisk } from "../journal/disk.ts";
import { type ChainOrigin, findOrigin } from "../journal/segment.ts";
import { dropIntents, listIntentSlots, readIntents } from "./adopt.ts";
import { findChain } from "./chain.ts";
import { leaveCheckpoints } from "./checkpoint.ts";
import { prepareInsert } from "./insert.ts";
import { openOutgoing, type Outgoing } from "./outgoing.ts";
import { ledgerChains, ledgerHeads } from "./schema.ts";
import { type Lines, prepareSealing, type Refusal, type Sealed } from "./seal.ts";
import { trySlot } from "./slot.ts";
import { takeOut } from "./taken.ts";

export interface BinderInit {
  rules: BookRules;
  /** Path of a SQLite file whose tables are up to date. */
  location: string;
  durability: "disk" | "process";
  checkpoints?: EngineOptions["checkpoints"];
  /** In place of opening the file by itself. */
  connect?: ((location: string) => Database) | undefined;
  now: () => Date;
}

/** What came of one transaction, or several. */
export interface Bound {
  rows: number;
  /** Rows that stand for calls which were open when their process died. */
  interrupted: number;
  duplicates: string[];
  refused: Refusal[];
  flaws: Flaw[];
}

export interface Binder extends Outgoing {
  db: Database;
  /** Where the slot's journal is bound up to. */
  place(slot: number): Place;
  /** Whether it is known to which chain a slot's rows belong. */
  hasChain(slot: number): boolean;
  head(chain: string): ChainHead | null;
  /**
   * About `most` rows of a slot's journal, up to `to` or all that there is; null where nothing is left. The rows go to the chain they were
   * written for, or to `into`.
   */
  bind(slot: number, asked: { to: Place | null; most: number; into?: string }): Bound | null;
  /** Of a slot whose process is gone: all that is left, and a row for each call that was open. Then its journal is gone, too. */
  close(slot: number, into?: string): Bound;
  /**
   * Of slots but `own` whose processes are gone, likewise; they are held meanwhile, so that nobody else books the same calls. One that cannot be read holds up
   * no other: the first of such faults is told of.
   */
  adopt(own: number, into: string): { bound: Bound; fault: Error | null };
  /** Rows that were refused since others have their places go to the end of this chain. Answers where it stands then. */
  moveTaken(into: ChainHead): ChainHead;
  /** All is bound and nothing is open: removes the slot's journal. */
  finish(slot: number): void;
  keepHead(head: Head & { id: string }): void;
  refuse: ReturnType<typeof prepareSealing>["refuse"];
  end(): void;
}

const BUSY_TIMEOUT_MS = 5000;
const CACHE_KB = 8_192;
/** As the pragma reads back: NORMAL, FULL. */
const SYNCHRONOUS = { process: 1, disk: 2 } as const;
const ROWS_A_TURN = 1_000;

/** Throws a GatewayError that names the file. */
export function openBinder({ location, connect = openFile, ...init }: BinderInit): Binder {
  let db: Database | undefined;
  try {
    db = connect(location);
    configure(db, init);
    return assemble(db, location, init);
  } catch (error) {
    db?.close();
    throw explainStoreError(error, location);
  }
}

function openFile(location: string): Database {
  return new Database(location, { create: false, readwrite: true });
}

function configure(db: Database, { durability, checkpoints }: Pick<BinderInit, "checkpoints" | "durability">): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const synchronous = SYNCHRONOUS[durability];
  db.run(`PRAGMA synchronous = ${synchronous}`);
  const read = db.query<{ synchronous: number }, []>("PRAGMA synchronous").get()?.synchronous;
  if (read !== synchronous) throw new Error(`SQLite did not take synchronous = ${synchronous}`);
  leaveCheckpoints(db, checkpoints);
  // Rows of many users and keys go to as many places of an index.
  db.run(`PRAGMA cache_size = -${CACHE_KB}`);
  // On macOS a sync without it ends in the drive's own memory.
  if (durability === "disk") db.run("PRAGMA fullfsync = ON");
}

const nothing = (): Bound => ({ rows: 0, interrupted: 0, duplicates: [], refused: [], flaws: [] });

function assemble(db: Database, location: string, { rules, now }: Pick<BinderInit, "now" | "rules">): Binder {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const sealing = prepareSealing(db, rules);
  const insertHead = prepareInsert<Head & { id: string }>(db, ledgerHeads);
  const insertChain = prepareInsert<ChainHead & Omit<ChainOrigin, "startedAt"> & { startedAt: Date }>(db, ledgerChains);
  const moveHead = db.prepare<unknown, [number, string, string]>(
    "update ledger_chains set seq = ?, hash = ? where chain = ?",
  );
  const readHead = db.prepare<ChainHead, [string]>("select chain, seq, hash from ledger_chains where chain = ?");
  const readPlace = db.prepare<Place, [number]>("select segment, bytes as offset from ledger_places where slot = ?");
  const putPlace = db.prepare<unknown, [number, number, number]>(
    `insert into ledger_places (slot, segment, bytes) values (?1, ?2, ?3)
     on conflict (slot) do update set segment = ?2, bytes = ?3`,
  );
  const cursors = new Map<number, Cursor>();

  const transact = <T>(work: () => T): T => {
    try {
      begin.run();
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      throw explainStoreError(error, ANY_DATABASE);
    } finally {
      if (db.inTransaction) db.run("ROLLBACK");
    }
  };

  const readPlaceOf = (slot: number): Place => readPlace.get(slot) ?? { segment: 0, offset: 0 };

  /** What nobody needs any more; where it cannot be removed, it is the next time. */
  const sweep = (slot: number): void => {
    const { segment: first } = readPlaceOf(slot);
    try {
      for (const segment of listSegments(location, slot))
        if (segment < first) realDisk.remove(nameSegment(location, slot, segment));
    } catch {
      // Its rows are bound all the same.
    }
  };

  /** The chain that was named, or the one that the rows were written for, which a restored file may not have. */
  const findHead = (slot: number, into: string | undefined, origin: ChainOrigin | null): ChainHead => {
    const name = into ?? origin?.chain ?? findChain(db, slot);
    const head = name === null ? null : readHead.get(name);
    if (head) return head;
    if (origin === null || name !== origin.chain) throw new Error(`There is no chain for the rows of journal ${slot}.`);
    const fresh = { ...origin, startedAt: new Date(origin.startedAt), seq: 0, hash: "" };
    insertChain.run(fresh);
    return { chain: origin.chain, seq: 0, hash: "" };
  };

  const add = (head: ChainHead, lines: Lines): Sealed => {
    const sealed = sealing.add(head, lines, now());
    if (sealed.rows > 0) moveHead.run(sealed.head.seq, sealed.head.hash, head.chain);
    return sealed;
  };

  const bind: Binder["bind"] = (slot, { to, most, into }) => {
    let cursor = cursors.get(slot);
    if (cursor === undefined) {
      cursor = createCursor({ location, slot, rules }, readPlaceOf(slot));
      cursors.set(slot, cursor);
    }
    let load: Load | null;
    try {
      load = cursor.next(to, most);
      if (load === null) return null;
      for (const { kind, path } of load.flaws) if (kind === "damage") keepDamaged(path);
    } catch (error) {
      throw explainStoreError(error, nameSegment(location, slot, readPlaceOf(slot).segment));
    }
    const { lines, place, origin, flaws } = load;
    let sealed: Sealed | null;
    try {
      sealed = transact(() => {
        const known = origin ?? (into === undefined ? findOrigin(location, slot, 0) : null);
        const result = lines.length === 0 ? null : add(findHead(slot, into, known), load);
        putPlace.run(slot, place.segment, place.offset);
        return result;
      });
    } catch (error) {
      // Whether it was written after all, only the file knows.
      cursors.delete(slot);
      throw error;
    }
    cursor.move(place);
    if (lines.length === 0) sweep(slot);
    const { rows = 0, duplicates = [], refused = [] } = sealed ?? {};
    return { rows, interrupted: 0, duplicates, refused, flaws };
  };

  const finish = (slot: number): void => {
    const { segment } = readPlaceOf(slot);
    const last = Math.max(segment, ...listSegments(location, slot));
    transact(() => putPlace.run(slot, last + 1, 0));
    cursors.delete(slot);
    sweep(slot);
  };

  const close: Binder["close"] = (slot, into) => {
    const all = nothing();
    cursors.delete(slot);
    for (;;) {
      const bound = bind(slot, { to: null, most: ROWS_A_TURN, ...(into === undefined ? {} : { into }) });
      if (bound === null) break;
      collect(all, bound);
    }
    const place = readPlaceOf(slot);
    const segments = listSegments(location, slot);
    const older = readIntents(db, slot);
    if (segments.length + older.length === 0) return all;
    const open = [...older, ...findOpenIntents({ location, slot, rules }, place.segment).map(({ intent }) => intent)];
    const origin = findOrigin(location, slot, place.segment);
    const sealed = transact(() => {
      const lines = open.map((intent) => rules.closeIntent(intent));
      const result = lines.length === 0 ? null : add(findHead(slot, into, origin), { lines, fields: rules.fields });
      dropIntents(db, slot);
      putPlace.run(slot, Math.max(place.segment, ...segments) + 1, 0);
      return result;
    });
    cursors.delete(slot);
    sweep(slot);
    if (sealed !== null) collect(all, { ...sealed, interrupted: sealed.rows, flaws: [] });
    return all;
  };

  /** Null where its process lives. */
  const closeGone = (number: number, into: string): Bound | null => {
    const slot = trySlot(location, number);
    if (slot === null) return null;
    try {
      return close(number, into);
    } finally {
      cursors.delete(number);
      slot.release();
    }
  };

  const outgoing = openOutgoing(db, transact);
  return {
    ...outgoing,
    db,
    place: readPlaceOf,
    hasChain: (slot) => findChain(db, slot) !== null || findOrigin(location, slot, 0) !== null,
    head: (chain) => readHead.get(chain),
    bind,
    close,
    finish,
    adopt(own, into) {
      const all = nothing();
      let fault: Error | null = null;
      const others = new Set([...listSlots(location), ...listIntentSlots(db)]);
      others.delete(own);
      for (const number of others) {
        try {
          const bound = closeGone(number, into);
          if (bound !== null) collect(all, bound);
        } catch (error) {
          fault ??= explainStoreError(error, nameSegment(location, number, readPlaceOf(number).segment));
        }
      }
      return { bound: all, fault };
    },
    moveTaken: (into) =>
      transact(() => {
        const lines = takeOut(db, rules);
        return lines.length === 0 ? into : add(into, { lines, fields: rules.fields }).head;
      }),
    keepHead: (signed) => transact(() => void insertHead.run(signed)),
    refuse: (...asked) => transact(() => sealing.refuse(...asked)),
    end() {
      const statements = [begin, commit, insertHead, insertChain, moveHead, readHead, readPlace, putPlace];
      for (const each of [...statements, sealing, outgoing]) each.finalize();
      db.close();
    },
  };
}

export function collect(all: Bound, more: Bound): void {
  all.rows += more.rows;
  all.interrupted += more.interrupted;
  all.duplicates.push(...more.duplicates);
  all.refused.push(...more.refused);
  all.flaws.push(...more.flaws);
}

// What an engine gives to the stores: the common part of drizzle, and by hand what is hot. Knows neither users nor ledger rules.

import type { SQL } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { LedgerEntry, RollupStep, Sums } from "../ledger/index.ts";
import type { Redact } from "../lib/redact.ts";
import type { Note } from "./change.ts";
import type { Shipment } from "./shipper.ts";
import type { Schema } from "./schema.ts";

/** Typed as PostgreSQL's; only what works on both engines may be used: select, insert, update, delete, returning, onConflict. */
export type Db = PostgresJsDatabase<Record<string, never>>;

/** A drizzle builder that nobody has awaited yet. */
export type Query<T = unknown> = PromiseLike<T>;

/** One that is run without drizzle. */
export interface Printable {
  toSQL(): { sql: string; params: unknown[] };
}

export interface Steps<Row> {
  before?: readonly Query[];
  /** Where this one returns no row, all is undone and the answer is an empty list. */
  decisive: Query<Row[]>;
  after?: readonly Query[];
  /** What is recorded of it, in the same transaction: store/change.ts says how. */
  note?: Note<NoInfer<Row>> | undefined;
}

export interface Engine {
  name: "postgres" | "sqlite";
  schema: Schema;
  /** One query outside a transaction; it sees all that is committed. */
  read<T>(build: (db: Db) => Query<T>): Promise<T>;
  /** Likewise, its rows as lists of what the driver gives: to decode very many of them takes longer than to read them. */
  readValues(build: (db: Db) => Printable): Promise<unknown[][]>;
  /**
   * All queries or none, in order, as one transaction: writers come one after another. Answers the rows of the decisive one.
   * A list instead of a callback, for an async callback is not a transaction on drizzle's bun:sqlite: it commits before it runs.
   */
  atomic<Row>(build: (db: Db) => Steps<Row>): Promise<Row[]>;
  /** The value of each counter; cheap enough to ask for several times a second. */
  readCounters(): Promise<ReadonlyMap<string, number>>;
  /** Never moves a stamp back. */
  touchKeys(uses: readonly { id: string; at: Date }[]): Promise<void>;
  append(entries: readonly LedgerEntry[]): Promise<void>;
  /** Takes over what lay in a journal, all or nothing; what is there already is left alone. */
  deliver(shipment: Shipment): Promise<void>;
  /** All that `work` reads is of one moment; it is not on the connection of `read`. */
  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /** Writes the sums that `find` finds, unless another process is at it. */
  advance(find: (db: Db) => Promise<Advance | null>): Promise<RollupStep>;
  /** Rows of a query within a snapshot, as lists of what the driver gives. */
  values: ReadValues;
  /** Sums once more, packed to be read faster. */
  sheets: Sheets;
  /** Keeps what `find` packed, unless another process has moved sums meanwhile. */
  pack(find: (db: Db) => Promise<Packing>): Promise<RollupStep>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export type ReadValues = (db: Db, query: SQL) => Promise<unknown[][]>;

/** A row of `ledger_rollups`: sums to be added to what is there under its id. */
export type RollupRow = Sums & Omit<Schema["ledgerRollups"]["$inferSelect"], keyof Sums>;

/** Some sums of an hour, packed: a row of `ledger_hours`. */
export type HourPart = Schema["ledgerHours"]["$inferSelect"];

/** Parts of an hour that others stand for. */
export interface HourJoin {
  /** Should one of them be gone, somebody else was faster. */
  ids: readonly string[];
  parts: readonly HourPart[];
}

/** What is kept together. */
export interface Packing {
  sheets: readonly Packed[];
  hours: readonly HourJoin[];
}

/** A piece of a chain, summed up. */
/** What sums of before there was such a thing lack, and the mark that says how far they have it: details of calls, and how many nobody timed. */
export const LACKS = { detail: "detailSeq", untimed: "untimedSeq" } as const;
export type Lack = keyof typeof LACKS;

export interface Advance {
  chain: string;
  /** Only that: its own mark moves, and the others stay. Null: all there is of rows. */
  lack: Lack | null;
  /** Exclusive: where the chain's mark was. */
  fromSeq: number;
  /** Inclusive: where it will be. */
  toSeq: number;
  /** Rows in it. */
  count: number;
  rows: readonly RollupRow[];
  hours: readonly HourPart[];
  /** What is added to sheets that are there, or begins one of a time without sums so far. */
  pieces: readonly LoosePiece[];
}

/** Where sheets lie that are made of the same sums: of a level, and of a time. */
export interface SheetPlace {
  level: string;
  fromMs: number;
  /** Exclusive. */
  toMs: number;
}

/** Some sums of a sheet. */
export interface PackedPart {
  body: Uint8Array<ArrayBuffer>;
  /** What may be in it: sheet/sign.ts reads it. */
  sign: Uint8Array<ArrayBuffer>;
}

export interface LoosePiece extends PackedPart {
  level: string;
  startMs: number;
}

/** All sums of a level that begin at the same moment: what is there of them is replaced. */
export interface Packed {
  level: string;
  startMs: number;
  /** Added up, they are the sheet. */
  parts: readonly PackedPart[];
}

/** A part of a sheet, by its name. */
export interface PartRef {
  startMs: number;
  part: number;
}

/** Parts are numbered from 0 on; those that were added to a sheet since, from here on. */
export const LOOSE_PART = 1_048_576;

export interface Sheets {
  /** Whether those that are there are of the sums that are there. */
  areValid(db: Db): Promise<boolean>;
  /** How far chains were summed up when sums were moved the last time, in one text; null where nobody noted it. */
  marks(db: Db): Promise<string | null>;
  /** What is there, in order. */
  list(db: Db, place: SheetPlace): Promise<PartRef[]>;
  /** Likewise, with what each may hold. */
  listSigned(db: Db, place: SheetPlace): Promise<(PartRef & Pick<PackedPart, "sign">)[]>;
  /** A few at a time, in no order. */
  read(db: Db, level: string, parts: readonly PartRef[]): AsyncIterable<PartRef & { body: Uint8Array }>;
}

export interface EngineOptions {
  /** A file path or a DSN. */
  location: string;
  database: { maxConnections: number; maxIdleMs: number; maxLifetimeMs: number };
  /** Who moves a SQLite file's log into it: each connection as it writes, or a thread of its own, for whoever runs for long. */
  checkpoints?: "own" | "thread" | undefined;
  /** Takes secrets out of what is recorded of changes; what merely has the form of one, unless given. */
  redact?: Redact | undefined;
}

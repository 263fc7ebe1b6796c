// What an engine gives to the stores: the common part of drizzle, and by hand what is hot. Knows neither users nor ledger rules.

import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { LedgerEntry } from "../ledger/index.ts";
import type { Shipment } from "./journal.ts";
import type { Schema } from "./schema.ts";

/** Typed as PostgreSQL's; only what works on both engines may be used: select, insert, update, delete, returning, onConflict. */
export type Db = PostgresJsDatabase<Record<string, never>>;

/** A drizzle builder that nobody has awaited yet. */
export type Query<T = unknown> = PromiseLike<T>;

export interface Steps<Row> {
  before?: readonly Query[];
  /** Where this one returns no row, all is undone and the answer is an empty list. */
  decisive: Query<Row[]>;
  after?: readonly Query[];
}

export interface Engine {
  name: "postgres" | "sqlite";
  schema: Schema;
  /** One query outside a transaction; it sees all that is committed. */
  read<T>(build: (db: Db) => Query<T>): Promise<T>;
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
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** A file path or a DSN. */
  location: string;
  database: { maxConnections: number; maxIdleMs: number; maxLifetimeMs: number };
}

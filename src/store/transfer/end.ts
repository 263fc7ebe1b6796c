// What is asked of a database that rows are moved from or to. Each engine fulfils it; knows no SQL.

import type { Row } from "./row.ts";
import type { TablePlan } from "./plan.ts";

export interface RowQuery {
  /** Behind this id, in the order of ids; null for all. */
  after?: string | null;
  /** By id; else as they lie there, which is quicker. */
  isOrdered: boolean;
}

/** A database at one moment. */
export interface Snapshot {
  count(table: TablePlan): Promise<number>;
  /** A page of them at a time. */
  rows(table: TablePlan, query: RowQuery): AsyncIterable<Row[]>;
  /** Calls `add` with each row as it is printed (digest.ts), in whatever order; each turn stands for so many of them. */
  print(table: TablePlan, add: (printed: Uint8Array | string) => void): AsyncIterable<number>;
  /** Sums of whole numbers, by column. */
  total(table: TablePlan, columns: readonly string[]): Promise<Record<string, bigint>>;
}

/** Rows on their way into one table, in one transaction: none of them is there yet. */
export interface Load {
  /** Resolves once there is room for more. Rejects where one of them, or one before, is refused. */
  add(rows: readonly Row[]): Promise<void>;
  /** All that was added and the mark, or nothing. What is added after it is another transaction. */
  commit(mark: Mark): Promise<void>;
  /** Nothing of what was added since the last commit stays. */
  abort(): Promise<void>;
}

/** How far a copy has come with one table. */
export interface Mark {
  /** Table and database that it is from. */
  part: string;
  /** Id of the last row. */
  last: string;
  isDone: boolean;
}

/** Where a copy says what it is a copy of. */
export interface Account {
  source: string;
  marks: ReadonlyMap<string, Mark>;
}

export interface End {
  engine: "postgres" | "sqlite";
  /** For people: a path, or host and database. */
  place: string;
  /** What names it in the account of a copy: nothing of a login. */
  name: string;
  /** What it is so far. */
  look(): Promise<"empty" | "foreign" | "older-edition" | "ours">;
  /** Creates what is missing, and brings the tables up to date. */
  prepare(): Promise<void>;
  snapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;
  /** Null where it is no copy. */
  account(): Promise<Account | null>;
  /** Takes away what only slows rows down on their way in; `settle` makes it again. */
  begin(source: string): Promise<void>;
  /** Quicker than `write`. Until it has been committed or aborted nothing else is asked of this end. */
  load(table: TablePlan): Load;
  /** All of them and the mark, or nothing. What is there under its id already is written over. */
  write(table: TablePlan, rows: readonly Row[], mark: Mark | null): Promise<void>;
  remove(table: TablePlan, ids: readonly string[]): Promise<void>;
  /** Whether another process works on it; null where none was found. */
  findUser(): Promise<string | null>;
  /** After many rows: indexes, statistics, and logs that grew. */
  settle(tell: (done: number, total: number) => void): Promise<void>;
  close(): Promise<void>;
}

export interface EndOptions {
  location: string;
  /** False: nothing is written to it. */
  isTarget: boolean;
}

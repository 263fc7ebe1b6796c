// What those who read the record of changes need of a database. Fulfilled by store/; knows no SQL.

import type { Head } from "../../ledger/index.ts";
import type { ChangeHead, ChangeRow } from "../../lib/change.ts";

export interface ChangeFilter {
  /** Id or e-mail of a user, id of a key, name of an operator, or a word such as `operator` or `configuration`. */
  actor?: string;
  /** Whole, such as `user.create`, or its first word, such as `user`. */
  action?: string;
  /** Id or kind of what was changed. */
  subject?: string;
  from?: Date;
  /** Exclusive. */
  to?: Date;
}

export interface ChangePage {
  changes: ChangeRow[];
  nextCursor: string | null;
}

/** A row as it lies there, for those who doubt it. */
export interface RawChange extends ChangeRow {
  /** False where a column holds what is none of ours. */
  isReadable: boolean;
}

export interface ChangeState extends ChangeHead {
  startedAt: Date;
}

export interface StoredChangeHead extends Head {
  id: string;
}

/** The chain of one database. */
export interface ChangeChain {
  /** Which database. */
  place: "identity" | "ledger";
  /** By its own word; null where nothing was ever changed. */
  state(): Promise<ChangeState | null>;
  /** In the order of their places. */
  heads(): Promise<StoredChangeHead[]>;
  newestHead(): Promise<StoredChangeHead | null>;
  /** Rows of that chain behind a place, in order. */
  rows(chain: string, after: number, limit: number): Promise<RawChange[]>;
  /** Rows that stand in no order: of other chains, or at places that are none; at most `limit`. */
  strays(chain: string | null, limit: number): Promise<RawChange[]>;
  /** Of databases that were moved into this one: nobody adds to them any more. */
  former(): Promise<ChangeChain[]>;
  /** False where there is one of that name already, which stays as it is. */
  keepHead(head: StoredChangeHead): Promise<boolean>;
}

export interface ChangeBook {
  /** Newest first; of all databases together. */
  page(filter: ChangeFilter, limit: number, cursor: string | null): Promise<ChangePage>;
  /** Oldest first. */
  readOldest(filter: ChangeFilter, limit: number, cursor: string | null): Promise<ChangePage>;
  /** One a database. */
  chains: readonly ChangeChain[];
}

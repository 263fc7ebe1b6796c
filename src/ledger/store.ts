// What the books need of a database. Fulfilled by store/; knows no SQL.

import type { Origin } from "../lib/change.ts";
import type { SumRemains } from "./budget/index.ts";
import type { ChainHead } from "./chain.ts";
import type { Direction, LedgerEntry, SealedEntry } from "./entry.ts";
import type { LedgerSummary, Report, ReportQuery } from "./report.ts";

export interface LedgerFilter {
  /** Inclusive. */
  from?: Date;
  /** Exclusive. */
  to?: Date;
  model?: string;
  provider?: string;
  apiKeyId?: string;
  userId?: string;
  /** An HTTP status, or a class of them: 2 stands for 200–299. */
  status?: number;
  endpoint?: string;
  /** All of them. */
  tags?: string[];
  direction?: Direction;
}

export interface LedgerPage {
  entries: SealedEntry[];
  /** Of those rows, whatever the filter says. */
  corrections: SealedEntry[];
  /** Give it back as `cursor` for the next page; null at the end. */
  nextCursor: string | null;
  /** Rows of the time that is asked for, from before this moment, may be gone by age; null where none are. */
  removedBefore: Date | null;
}

/** Rows with an attempt that has an `answerId`. */
export interface Untold {
  entries: SealedEntry[];
  corrections: SealedEntry[];
}

/** Where a chain begins once its oldest rows are gone. */
export interface Cut {
  chain: string;
  /** Of the last row that goes. */
  seq: number;
  hash: string;
  /** All that go are from before this moment. */
  before: Date;
  /** Fingerprint of the key that signs the chain's heads; null where nobody knows. */
  keyId: string | null;
  /** No row of the chain is younger. */
  isWhole: boolean;
}

/** Captured text of a call. */
export interface Payload {
  entryId: string;
  userId: string;
  createdAt: Date;
  request: string | null;
  response: string | null;
}

export interface LedgerStore {
  /** Rows from elsewhere, clean, and past the writer and its chain: all or none. A row whose id is already there is left alone. */
  append(entries: readonly LedgerEntry[]): Promise<void>;
  /** Those of the ids under which there is a row. */
  findIds(ids: readonly string[]): Promise<Set<string>>;
  /** Where the chains that a key signs have come to, by their own word; and `chain`, whosever it is. */
  listEnds(keyId: string, chain: string | null): Promise<ChainHead[]>;
  /** Newest first. */
  page(filter: LedgerFilter, limit: number, cursor: string | null): Promise<LedgerPage>;
  /** All corrections of those rows. */
  corrections(ids: readonly string[]): Promise<SealedEntry[]>;
  /** Oldest first, without corrections beside them. */
  readOldest(
    filter: LedgerFilter,
    limit: number,
    cursor: string | null,
  ): Promise<Pick<LedgerPage, "entries" | "nextCursor">>;
  /** Calls since then whose providers are still to be asked what they used, with what corrects them already. */
  listUntold(since: Date): Promise<Untold>;
  report(query: ReportQuery): Promise<Report>;
  /** All that the filter lets through in one sum for each direction. */
  summarize(filter: LedgerFilter): Promise<LedgerSummary>;
  findPayload(entryId: string): Promise<Payload | null>;
  /** Captured text; what is there already is left alone. */
  putPayloads(payloads: readonly Payload[]): Promise<void>;
  /** Deletes captured text from before that moment, at most `limit` of it; answers how many. `by`, here and below: it is recorded who wants it so. */
  dropPayloads(before: Date, limit: number, by?: Origin): Promise<number>;
  /** How far the oldest rows of each chain are from before that moment, where some of them may still have hashes of payloads. */
  findForgets(before: Date): Promise<Cut[]>;
  /** Takes those hashes from a chain's oldest rows up to there, at most `limit` of them; answers how many. It has been signed before. */
  dropHashes(cut: Cut, limit: number, by?: Origin): Promise<number>;
  /** How far the oldest rows of each chain are from before that moment and summed up, where some are. */
  findCuts(before: Date): Promise<Cut[]>;
  /**
   * Deletes a chain's oldest rows up to the cut, at most `limit` of them; answers how many. The cut has been signed before. What budgets count of them
   * is kept.
   */
  dropRows(cut: Cut, limit: number, sumRemains: SumRemains, by?: Origin): Promise<number>;
  /** Whether `rollUp` would find rows. */
  hasUnsummed(): Promise<boolean>;
  /**
   * Sums up at most `limit` rows of a chain that are not summed up yet, `after`: of a chain whose name comes behind that one. Where there are none, packs sums that are
   * complete, so that they are read faster.
   */
  rollUp(limit: number, after?: string): Promise<RollupStep>;
  /** Chains of which nobody knows how far they are summed up: somebody damaged what is noted of it. Their rows are in no new sum, and none of them goes by age. */
  listOddMarks(): Promise<string[]>;
  /**
   * Makes the sums anew from the rows, a day at a time. Those of days of which rows are gone by age stay as they are. What is packed of the others is
   * gone afterwards, until `rollUp` has made it.
   */
  rebuildSums(onDay: (done: number, total: number) => void): Promise<RebuiltSums>;
}

export interface RebuiltSums {
  days: number;
  /** Sums of the time before were left as they are; null where there are none. */
  keptBefore: Date | null;
  /** Chains whose marks were set right. */
  marks: string[];
  /** Those among them of which nobody knew where they stood, while sums of days that stay as they are may lack their rows. */
  unsure: string[];
}

export interface RollupStep {
  /** How many were summed up; where none was, how often sums were packed. 0: nothing is left to do, or another process is at it. */
  rows: number;
  /** How long other writers had to wait, in milliseconds. */
  heldMs: number;
  /** Whose rows they were; missing where no rows were summed up. */
  chain?: string;
  /** Chains of which it was set right how far they are summed up, for somebody had damaged it. */
  healed?: readonly string[];
}

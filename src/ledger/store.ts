// What the books need of a database. Fulfilled by store/; knows no SQL.

import type { LedgerEntry, SealedEntry } from "./entry.ts";

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
}

export interface LedgerPage {
  /** Newest first. */
  entries: SealedEntry[];
  /** Give it back as `cursor` for the next, older page; null at the end. */
  nextCursor: string | null;
}

export interface LedgerSummary {
  requests: number;
  errors: number;
  freshInputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  /** Input and output tokens of `consume` rows. */
  consumedTokens: number;
  /** Input and output tokens of `supply` rows. */
  suppliedTokens: number;
  costNanos: number;
  /** Answered requests whose cost is unknown, and which `costNanos` therefore leaves out. */
  unpricedRequests: number;
}

export interface LedgerStore {
  /** Rows from elsewhere, clean, and past the writer and its chain: all or none. A row whose id is already there is left alone. */
  append(entries: readonly LedgerEntry[]): Promise<void>;
  page(filter: LedgerFilter, limit: number, cursor: string | null): Promise<LedgerPage>;
  /** All corrections of those rows. */
  corrections(ids: readonly string[]): Promise<SealedEntry[]>;
  summarize(filter: LedgerFilter): Promise<LedgerSummary>;
}

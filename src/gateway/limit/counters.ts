// Where limits are counted, as the request path asks: all that a call needs, or nothing of it. Knows no call and no place.

import type { LimitUnit } from "./model.ts";

/** What a call takes of one limit. */
export interface Need {
  /** Name of the limit. */
  limit: string;
  unit: LimitUnit;
  /** For whom it is counted; empty where it is for all together. */
  subject: string;
  amount: number;
  /** As much as there is. */
  most: number;
}

/** How one limit stands. */
export interface Seen {
  need: Need;
  /** With what was taken; where nothing was, without. */
  used: number;
  /** When its window ends, by the wall clock; null for what is counted at once. */
  endsMs: number | null;
  /** There was not enough; never so of what takes nothing. */
  isOver: boolean;
}

export interface Verdict {
  isTaken: boolean;
  /** In the order of the needs. */
  seen: Seen[];
  /** Where it was counted: by this process alone, or for several. */
  isShared: boolean;
}

/** What one subject of a limit has used. */
export interface Figure {
  unit: LimitUnit;
  subject: string;
  used: number;
  endsMs: number | null;
}

export interface Counters {
  /** Takes all, or nothing of any. Never rejects for want of a store. */
  take(needs: readonly Need[]): Promise<Verdict>;
  /** Adds to what was taken, whatever the limit; below zero: gives back, as long as its window lasts. */
  adjust(seen: Seen, by: number, isShared: boolean): void;
  /** Of requests at once: this one is over. */
  leave(need: Need): void;
  /** What is counted now; of many subjects, some. */
  look(limit: string, units: readonly LimitUnit[]): Promise<Figure[]>;
  /** Only these are limits still. */
  keep(limits: ReadonlySet<string>): void;
  stop(): void;
}

/** So many subjects of one limit are shown. */
export const MOST_SHOWN = 100;

// The door through which a call's text reaches whoever counts it again, and what that one tells of itself. Knows no tokenizer and no queue.

import type { LedgerEntry } from "./entry.ts";

/** One part of a streamed answer, as its events brought it. */
export interface HeardPart {
  choice: number;
  kind: "media" | "reasoning" | "text" | "tool-call";
  /** Of a tool; else empty. */
  name: string;
  texts: string[];
}

/** A call that is on the books, and what passed between us and its provider. */
export interface RecountOffer {
  entry: LedgerEntry;
  /** The format that the provider was spoken to in; null where the call is none that is read as text. */
  format: string | null;
  /** As it was sent. */
  request: string;
  /** As it came, or the parts of a stream; null where an answer has no text. */
  answer: string | readonly HeardPart[] | null;
  /** Why the answer is not here though it has text; null where it is. */
  missing: string | null;
}

/** A request whose tokens only its provider can count. */
export interface InputQuestion {
  provider: string;
  /** As the provider knows it. */
  model: string;
  format: string;
  request: string;
}

export interface Recounter {
  /** Most bytes of a streamed answer that are worth keeping for it; 0 where nothing is counted. */
  readonly heardBytes: number;
  /** Takes what it is given, or puts down why not. Returns at once and never throws. */
  offer(offer: RecountOffer): void;
  stats(): RecountStats;
}

/** Since the start, but for what waits. */
export interface RecountStats {
  waiting: number;
  waitingBytes: number;
  counted: number;
  /** By reason. */
  skipped: Readonly<Record<string, number>>;
  over: number;
  under: number;
  /** How often the counting thread was started, and how often it ended by itself. */
  starts: number;
  crashes: number;
}

// What the books want to be told of a request while it lives, and what they tell of it: the doors of its record. Knows no SQL and no format.

import type { Event, GatewayError, JsonObject, Usage } from "../ir/index.ts";
import type { Amount, Price } from "../ledger/index.ts";
import type { Wire } from "../wire/index.ts";
import type { Call } from "./call.ts";
import type { Wanted } from "./limit/index.ts";
import type { Plan } from "./plan.ts";
import type { AnsweredUsage, MeasuredUsage } from "./tally.ts";

export interface CallRecord {
  /** Throws invalid_request where the caller's tags cannot be kept. */
  asked(model: string, stream: boolean): void;
  /**
   * Takes of the rate limits of its caller what the request may use; a promise only where one concerns it. Throws or rejects with a
   * GatewayError of kind `rate_limited`. `isPart`: of a session that has its place among requests at once.
   */
  admit(wanted: () => Wanted, isPart?: boolean): Promise<void> | undefined;
  /**
   * Reserves what the call may use of the rate limits of its target, and what it may cost of each budget that concerns it (null: nothing),
   * before it is planned; a promise only where that must be waited for.
   * Throws or rejects with a GatewayError of kind `rate_limited` or `quota_exceeded` where it does not fit.
   */
  reserve(plan: Pick<Plan, "model" | "provider">, bound: (() => Amount) | null): Promise<void> | undefined;
  /** What was reserved is free again, but for what is to be on the row: nothing more is to come of it. `budget`: the rate limits go on to hold. */
  release(only?: "budget"): void;
  /** Who is called next, and who wants to know how that ends. `firstOutputMs`: from the call on; null where there was none. */
  planned(plan: RecordedPlan, ended?: (error: GatewayError | null, firstOutputMs: number | null) => void): void;
  /**
   * Another hand that writes into the same record, for a call that is made beside others. Of those the first whole answer, or the one that is
   * said to win, is the row's; `lost` is called for each of the others then, and whatever is told by them changes the row no more.
   */
  fork(lost: () => void): CallRecord;
  /** Its call is the one that the client is given; false where another one is. */
  win(): boolean;
  /** Of the present attempt: a way back to it, where the client is given its answer after all although others were asked since. */
  hold(): () => void;
  /**
   * Announces, durably, that the planned provider is about to be called, or what came of it where another call may follow. Rejects with a
   * GatewayError of kind `overloaded` where the books cannot be written: then it must not be called. `isKnown`: with all that is known by
   * now, where the work was done before.
   */
  intend(isKnown?: boolean): Promise<void>;
  /**
   * Its provider makes the answer of that id whether or not anybody is there: should the gateway end before the answer is over, the next one finds by it
   * what to ask. Never rejects.
   */
  leave(answerId: string): Promise<void>;
  /** The planned provider is called now; what it is asked is read only where it reports no input. */
  estimateInput(read: () => string): void;
  /** The body that the provider is sent. */
  sent(body: string): void;
  /** A body of text that is not planned for as such, and the name of its format. */
  asking(text: { format: string; body: string }): void;
  /** Bytes of the provider's answer, whole or piece by piece; text stands for its UTF-8. */
  got(piece: string | Uint8Array): void;
  /** The whole answer, where it did not come with the response but was asked for later. */
  fetched(answer: string): void;
  /** What was announced has rows of its own, or never came to be: none is written here. */
  withdraw(): void;
  /** What was announced is announced by rows of its own, also where the gateway dies; the call goes on. */
  retract(): void;
  /** A word for the client beside its answer, such as `price_unknown`. */
  warn(word: string): void;
  /** Closes the attempt that is under way. `report`: the provider's own words on what a stream used. */
  attempted(attempt: {
    status: number | null;
    error: GatewayError | null;
    upstreamRequestId: string | null;
    report?: JsonObject | null;
    /** Nothing of the request can have reached the provider. */
    isUnheard?: boolean;
  }): void;
  /** Who was asked, as response headers; nothing before that was decided. */
  describe(): Record<string, string>;
  /** What a whole answer reported. */
  answered(answer: AnsweredUsage): void;
  /** What an answer reported that is no chat. */
  measured(answer: MeasuredUsage): void;
  /** One event of a stream. */
  observed(event: Event): void;
  /** The provider's own words on what was used, where they come by themselves. */
  reported(report: JsonObject | null): void;
  /** What would be booked of the present attempt, estimated where its provider reports nothing; null where there was no answer. */
  usage(): Usage | null;
  /** Cost of what is known now; null where the price or the usage is unknown. */
  price(): Price | null;
  /**
   * Writes the row, once; later calls wait for the same write. Rejects with a GatewayError of kind `overloaded` where the books cannot be
   * written: an answer that is not on record must not be released.
   */
  settle(status: number, error: GatewayError | null): Promise<void>;
}

/** With the body that is sent and the format that it is in, where it is text that can be counted again. */
export type RecordedPlan = Pick<Plan, "dropped" | "model" | "provider" | "route"> &
  Partial<Pick<Plan, "body" | "endpoint" | "spoken">>;

/** Of a call, what its row says. */
export type RecordedCall = Pick<Call, "caller" | "id" | "requestId" | "startedMs" | "startedWallMs"> & {
  endpoint: string;
  headers?: Headers;
  /** The format that the client speaks. */
  wire?: Pick<Wire, "limitHeaders">;
  dialect?: Pick<Wire, "limitHeaders">;
  /** It is over, whatever became of it: nothing more is called for it. */
  over?: () => void;
};

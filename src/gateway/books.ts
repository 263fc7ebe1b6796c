// The books of one request while it lives: what each call to a provider used, and what all of them cost, written as one row in the end.
// Knows no SQL and no format.

import { GatewayError } from "../ir/index.ts";
import type { Amount, Attempt, Intent, LedgerEntry, Ticket } from "../ledger/index.ts";
import { listShares } from "../lib/share.ts";
import { type Appraiser, createAppraiser } from "./appraise.ts";
import { announceAttempt, printAttempt } from "./attempt.ts";
import type { GatewayTools } from "./call.ts";
import { type Figures, layOut, sumFigures } from "./figures.ts";
import { correctLater } from "./later.ts";
import { type Limiting, openLimiting } from "./limit/index.ts";
import type { RecordedCall } from "./recording.ts";
import { type Reserving, USED_NOTHING, listSpent, measureUsed, openReserving } from "./reserve.ts";
import { type Try, closeTry, openTry } from "./try.ts";

/** One hand that writes into the books: of several calls that are made at once, each has one. */
export interface Hand {
  current: Try;
  /** Of which the reservation knows what it came to. */
  counted: Try | null;
  reserving: Reserving;
  /** Another one gives the answer. */
  isLost: boolean;
  /** Ends what it tells of. */
  lost: () => void;
}

export type BookTools = Pick<
  GatewayTools,
  | "books"
  | "budgets"
  | "capture"
  | "clock"
  | "fetch"
  | "ledger"
  | "limits"
  | "longCalls"
  | "metrics"
  | "prices"
  | "recounter"
  | "scene"
>;

/** Most calls are over by then, and to count what they ask would cost each a tenth of what it costs in all. */
export const LONG_CALL_MS = 10_000;

/** What all hands of one request write into. Classes, for every request has one: what a closure for each door would cost stays away. */
export class Books {
  readonly call: RecordedCall;
  readonly tools: BookTools;
  readonly limiting: Limiting;
  readonly appraiser: Appraiser;
  readonly expected: () => void;
  readonly root: Hand;
  /** Those of calls that are made at once. */
  readonly forks: Hand[] = [];
  readonly tries: Try[] = [];
  readonly warnings: string[] = [];
  winner: Hand | null = null;
  /** What the row tells of. */
  current: Try;
  modelAsked = "";
  streamed = false;
  tags: string[] | null = null;
  ticket: Ticket | null = null;
  figures: Figures | null = null;
  settled: Promise<void> | null = null;

  constructor(call: RecordedCall, tools: BookTools) {
    this.call = call;
    this.tools = tools;
    this.appraiser = createAppraiser(call, tools.prices);
    this.limiting = openLimiting({ limits: tools.limits, caller: call.caller, wire: call.wire ?? call.dialect });
    this.root = this.openHand(ignore);
    this.current = this.root.current;
    this.expected = tools.ledger.expect();
  }

  openHand(lost: () => void): Hand {
    return {
      current: openTry(this.tools, null),
      counted: null,
      reserving: openReserving(this.call, this.tools, this.limiting.openHand()),
      isLost: false,
      lost,
    };
  }

  /** What the hand's last call came to, told once. */
  takeUsed(hand: Hand): Amount {
    const isTold = hand.counted === hand.current;
    hand.counted = hand.current;
    return isTold ? USED_NOTHING() : measureUsed(this.appraiser.evaluate(hand.current));
  }

  done(): void {
    for (const each of this.tries) each.untilLong?.stop();
    this.call.over?.();
    this.expected();
  }

  all(): Figures {
    const { tries, appraiser, current } = this;
    if (tries.length < 2) return appraiser.evaluate(current);
    const parts = tries.map((each) => appraiser.evaluate(each));
    return sumFigures(parts, parts[tries.indexOf(current)]);
  }

  printAttempts(): Attempt[] {
    const { tries, appraiser } = this;
    const [only] = tries;
    if (only !== undefined && tries.length === 1) return printAttempt(only, null);
    return tries.flatMap((each) => printAttempt(each, appraiser.evaluate(each)));
  }

  announceAttempts(): Attempt[] {
    const { tries, appraiser } = this;
    return tries.flatMap((each) => announceAttempt(each, tries.length > 1 ? appraiser.evaluate(each) : null));
  }

  /** Of one that takes long, more is at stake should the gateway die over it: it is announced anew, with what is known by then. */
  watchLong(own: Try): void {
    if (own.attempt !== null || own.untilLong !== null) return;
    own.untilLong = this.tools.longCalls.start(() => {
      own.untilLong = null;
      own.tally.underWay();
      if (this.settled !== null || own.tally.weigh().source === "none") return;
      const announced = this.tools.ledger.intend(this.announce(true), this.ticket);
      this.ticket = announced.ticket;
      // What was announced before stands where this cannot be written.
      announced.durable.catch(ignore);
    });
  }

  announce(isLong = false): Intent {
    const { call, tries } = this;
    const { plan } = this.current;
    const isKnown = isLong || tries.some(({ attempt, leftId }) => attempt !== null || leftId !== null);
    const intent: Intent = {
      id: call.id,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      endpoint: call.endpoint,
      tags: this.tags,
      modelAsked: this.modelAsked,
      provider: plan?.provider.name ?? null,
      streamed: this.streamed,
      dropped: plan?.dropped ?? [],
      attempts: isKnown ? [...this.printAttempts(), ...this.announceAttempts()] : this.announceAttempts(),
    };
    // What earlier attempts used is paid for, whatever becomes of this one.
    return isKnown ? { ...intent, ...layOut(this.all()) } : intent;
  }

  /** Field by field: of a spread of parts, every request would pay for the search through their names. */
  makeEntry(status: number, error: GatewayError | null): LedgerEntry {
    const { call, streamed } = this;
    const { plan, tally, bodies } = this.current;
    const firstOutputMs = tally.firstOutputMs();
    this.figures = this.all();
    const spent = layOut(this.figures);
    const hashes = bodies.layOut();
    return {
      id: call.id,
      kind: "call",
      corrects: null,
      reason: null,
      pricesUnknown: null,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      tags: this.tags,
      endpoint: call.endpoint,
      modelAsked: this.modelAsked,
      // Empty where neither request nor answer names one.
      modelServed: tally.hasAnswer() ? tally.served() || plan?.model || null : null,
      provider: plan?.provider.name ?? null,
      direction: "consume",
      freshInputTokens: spent.freshInputTokens,
      cacheReadTokens: spent.cacheReadTokens,
      cacheWriteTokens: spent.cacheWriteTokens,
      longCacheWriteTokens: spent.longCacheWriteTokens,
      outputTokens: spent.outputTokens,
      reasoningTokens: spent.reasoningTokens,
      units: spent.units,
      serviceTier: spent.serviceTier,
      usageSource: spent.usageSource,
      status,
      errorKind: error?.kind ?? null,
      latencyMs: Math.round(this.tools.clock.monotonicMs() - call.startedMs),
      ttftMs: streamed && firstOutputMs !== null ? Math.round(firstOutputMs - call.startedMs) : null,
      streamed,
      costNanos: spent.costNanos,
      priceId: spent.priceId,
      priceSource: spent.priceSource,
      priceDate: spent.priceDate,
      dropped: plan?.dropped ?? [],
      attempts: this.printAttempts(),
      payloadDigest: hashes?.payloadDigest ?? null,
      requestHash: hashes?.requestHash ?? null,
      responseHash: hashes?.responseHash ?? null,
      payloadSalt: hashes?.payloadSalt ?? null,
    };
  }

  async write(entry: LedgerEntry, { reserving }: Hand): Promise<void> {
    const { tools, current } = this;
    try {
      reserving.book(entry);
      this.limiting.settle(() => listSpent(entry));
      for (const hand of this.forks) if (hand.reserving !== reserving) hand.reserving.release();
      await this.add(entry);
      tools.metrics.settled(entry, listShares(entry));
      this.keepText();
      for (const each of this.tries) this.askLater(entry, each);
      current.witness.settled(entry, current.plan);
    } finally {
      this.done();
    }
  }

  async add(entry: LedgerEntry): Promise<void> {
    try {
      await this.tools.ledger.add(entry, this.ticket);
    } catch (cause) {
      throw booksClosed(cause);
    }
  }

  /** Once the row is durable: text without a row would be nobody's. */
  keepText(): void {
    const { call, tools } = this;
    const { captured } = this.current;
    if (captured === null) return;
    const [request, response] = [captured.request.text(), captured.response.text()];
    if (request === null && response === null) return;
    const owner = { userId: call.caller.userId, createdAt: new Date(call.startedWallMs) };
    tools.capture.keep({ entryId: call.id, ...owner, request, response }, tools.scene().redact);
  }

  /** A provider that tells afterwards what a cut answer used is asked for it. */
  askLater(entry: LedgerEntry, each: Try): void {
    const { tally } = each;
    if (each.plan?.provider.usageLater === undefined) return;
    const answerId = tally.answerId();
    if (answerId === null) return;
    const { appraiser } = this;
    const { source, ...booked } = appraiser.evaluate(each);
    if (source !== "estimate") return;
    // Without what was asked: it may be half an hour until the provider has told, and there may be many of them.
    const { provider, model, dropped } = each.plan;
    const plan = { provider, model, dropped };
    correctLater(
      { ...booked, entry, plan, answerId, findPrice: (told) => appraiser.findPrice(plan, told) },
      this.tools,
    );
  }

  /** It is not called, and the others are what the row tells of. */
  strike(own: Try): void {
    const { tries } = this;
    own.untilLong?.stop();
    const index = tries.indexOf(own);
    if (index !== -1) tries.splice(index, 1);
    if (this.current === own) this.current = tries.at(-1) ?? this.current;
  }

  lose(hand: Hand): void {
    if (hand.isLost) return;
    hand.isLost = true;
    hand.lost();
    const own = hand.current;
    if (own.attempt !== null) return;
    if (own.isOut)
      closeTry(own, { status: null, error: beaten(), upstreamRequestId: null }, this.tools.clock.monotonicMs());
    else this.strike(own);
  }

  win(hand: Hand): boolean {
    if (hand.isLost) return false;
    if (this.forks.length === 0 || this.winner !== null) return true;
    this.winner = hand;
    for (const each of this.forks) if (each !== hand) this.lose(each);
    if (hand !== this.root) this.current = hand.current;
    return true;
  }
}

const ignore = (): void => undefined;

/** Of a call that is ended since another one was faster. */
export function beaten(): GatewayError {
  return new GatewayError({ kind: "cancelled", message: "Another provider answered first." });
}

/** The refusal while rows cannot be written. */
export function booksClosed(cause: unknown): GatewayError {
  // Some say themselves what is to be done.
  if (cause instanceof GatewayError && (cause.code === "ledger_outbox_full" || cause.code === "ledger_journal_full"))
    return cause;
  return new GatewayError({
    kind: "overloaded",
    code: "ledger_unavailable",
    message:
      "The usage ledger cannot be written, so no answer is released and no new request is taken. " +
      "The operator finds the reason in the gateway's log (a full disk, most often); try again once it is mended.",
    retryAfterMs: 5_000,
    cause,
  });
}

// Keeps the books of one request while it lives, and settles them once: what each call to a provider used, and what all of them cost.
// Knows no SQL and no format.

import type { Event, GatewayError, Usage } from "../ir/index.ts";
import { GatewayError as Failure, type JsonObject } from "../ir/index.ts";
import {
  type Amount,
  type Attempt,
  type Intent,
  type LedgerEntry,
  type Price,
  type Ticket,
  BLANK_ENTRY,
  FREE,
} from "../ledger/index.ts";
import { listShares } from "../lib/share.ts";
import { announceAttempt, nameAccount, printAttempt } from "./attempt.ts";
import type { Call, GatewayTools } from "./call.ts";
import { collectText } from "./capture.ts";
import { type Bodies, type Figures, layOut, openBodies, sumFigures } from "./figures.ts";
import { cleanHeader } from "./header.ts";
import { correctLater } from "./later.ts";
import type { Plan } from "./plan.ts";
import { type Counted, priceCall } from "./price-call.ts";
import { openReserving } from "./reserve.ts";
import { readTags } from "./tag.ts";
import { type AnsweredUsage, type MeasuredUsage, type Tally, MAX_NAME_LENGTH, openTally } from "./tally.ts";
import { type Witness, createWitness } from "./witness.ts";

export interface CallRecord {
  /** Throws invalid_request where the caller's tags cannot be kept. */
  asked(model: string, stream: boolean): void;
  /**
   * Reserves what the call may cost of each budget that concerns it, before it is planned; a promise only where that must be waited for.
   * Throws or rejects with a GatewayError of kind `quota_exceeded` where it does not fit.
   */
  reserve(plan: Pick<Plan, "model" | "provider">, bound: () => Amount): Promise<void> | undefined;
  /** What was reserved is free again: nothing more is to come of it. */
  release(): void;
  /** Who is called next, and who wants to know how that ends. `firstOutputMs`: from the call on; null where there was none. */
  planned(plan: RecordedPlan, ended?: (error: GatewayError | null, firstOutputMs: number | null) => void): void;
  /** Of the present attempt: a way back to it, where the client is given its answer after all although others were asked since. */
  hold(): () => void;
  /**
   * Announces, durably, that the planned provider is about to be called, or what came of it where another call may follow. Rejects with a
   * GatewayError of kind `overloaded` where the books cannot be written: then it must not be called. `isKnown`: with all that is known by
   * now, where the work was done before.
   */
  intend(isKnown?: boolean): Promise<void>;
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
  /** A word for the client beside its answer, such as `price_unknown`. */
  warn(word: string): void;
  /** Closes the attempt that is under way. `report`: the provider's own words on what a stream used. */
  attempted(attempt: {
    status: number | null;
    error: GatewayError | null;
    upstreamRequestId: string | null;
    report?: JsonObject | null;
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
export type RecordedPlan = Pick<Plan, "dropped" | "model" | "provider"> &
  Partial<Pick<Plan, "body" | "endpoint" | "spoken">>;

/** One call to one provider. */
interface Try {
  plan: RecordedPlan | null;
  tally: Tally;
  witness: Witness;
  bodies: Bodies;
  /** Null where no text is kept. */
  captured: { request: CollectedText; response: CollectedText } | null;
  startedMs: number;
  /** Its provider was called, or is about to be. */
  isCalled: boolean;
  /** Null while it is under way. */
  attempt: Attempt | null;
  ended: Parameters<CallRecord["planned"]>[1];
}

type CollectedText = ReturnType<typeof collectText>;

type RecordTools = Pick<
  GatewayTools,
  "budgets" | "capture" | "clock" | "fetch" | "ledger" | "metrics" | "prices" | "recounter" | "scene"
>;

/** Of a call, what its row says. */
export type RecordedCall = Pick<Call, "caller" | "id" | "requestId" | "startedMs" | "startedWallMs"> & {
  endpoint: string;
  headers?: Headers;
};

export function openRecord(call: RecordedCall, tools: RecordTools): CallRecord {
  const nowMs = tools.clock.monotonicMs;
  const isCaptured = tools.capture.isOn();
  const openTry = (plan: RecordedPlan | null): Try => ({
    plan,
    tally: openTally(nowMs),
    witness: createWitness(tools.recounter),
    bodies: openBodies(),
    captured: isCaptured ? { request: collectText(), response: collectText() } : null,
    startedMs: nowMs(),
    isCalled: false,
    attempt: null,
    ended: undefined,
  });
  let current = openTry(null);
  const tries: Try[] = [];
  const warnings: string[] = [];
  let modelAsked = "";
  let streamed = false;
  let settled: Promise<void> | null = null;
  let ticket: Ticket | null = null;
  let figures: Figures | null = null;
  let tags: string[] | null = null;
  const done = tools.ledger.expect();
  const reserving = openReserving(call, tools);

  const findPrice = (of: RecordedPlan, counted: Counted): Price | null =>
    priceCall(tools.prices, of, { ...counted, at: new Date(call.startedWallMs) });

  const evaluate = ({ plan, tally }: Try): Figures => {
    const { price, ...weighed } = tally.weigh();
    if (price === "free") return { ...weighed, price: FREE };
    const hasFigures = weighed.usage !== null || weighed.units !== null;
    if (price === "unknown" || !hasFigures || plan === null) return { ...weighed, price: null };
    return { ...weighed, price: findPrice(plan, { ...weighed, served: tally.served(), isSum: price === "sum" }) };
  };

  const all = (): Figures => (tries.length > 1 ? sumFigures(tries.map(evaluate)) : evaluate(current));

  const printAttempts = (): Attempt[] =>
    tries.flatMap((each) => printAttempt(each, tries.length > 1 ? evaluate(each) : null));

  const announce = (): Intent => ({
    id: call.id,
    requestId: call.requestId,
    createdAt: new Date(call.startedWallMs),
    userId: call.caller.userId,
    apiKeyId: call.caller.keyId,
    endpoint: call.endpoint,
    tags,
    modelAsked,
    provider: current.plan?.provider.name ?? null,
    streamed,
    dropped: current.plan?.dropped ?? [],
    // What earlier attempts used is paid for, whatever becomes of this one.
    ...(tries.some(({ attempt }) => attempt !== null) ? layOut(all()) : {}),
    attempts: [...printAttempts(), ...announceAttempt(current)],
  });

  const makeEntry = (status: number, error: GatewayError | null): LedgerEntry => {
    figures = all();
    const { plan, tally } = current;
    const firstOutputMs = tally.firstOutputMs();
    return {
      ...BLANK_ENTRY,
      id: call.id,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      endpoint: call.endpoint,
      tags,
      modelAsked,
      // Empty where neither request nor answer names one.
      modelServed: tally.hasAnswer() ? tally.served() || plan?.model || null : null,
      provider: plan?.provider.name ?? null,
      direction: "consume",
      ...layOut(figures),
      status,
      errorKind: error?.kind ?? null,
      latencyMs: Math.round(nowMs() - call.startedMs),
      ttftMs: streamed && firstOutputMs !== null ? Math.round(firstOutputMs - call.startedMs) : null,
      streamed,
      dropped: plan?.dropped ?? [],
      ...current.bodies.layOut(),
      attempts: printAttempts(),
    };
  };

  /** Once the row is durable: text without a row would be nobody's. */
  const keepText = (): void => {
    const { captured } = current;
    const [request, response] = [captured?.request.text() ?? null, captured?.response.text() ?? null];
    if (request === null && response === null) return;
    const owner = { userId: call.caller.userId, createdAt: new Date(call.startedWallMs) };
    tools.capture.keep({ entryId: call.id, ...owner, request, response });
  };

  const write = async (entry: LedgerEntry): Promise<void> => {
    reserving.book(entry);
    try {
      await tools.ledger.add(entry, ticket);
    } catch (cause) {
      throw booksClosed(cause);
    }
    tools.metrics.settled(entry, listShares(entry));
    keepText();
    for (const each of tries) askLater(entry, each);
    current.witness.settled(entry, current.plan);
  };

  /** A provider that tells afterwards what a cut answer used is asked for it. */
  const askLater = (entry: LedgerEntry, each: Try): void => {
    const { plan, tally } = each;
    const answerId = tally.answerId();
    if (plan?.provider.usageLater === undefined || answerId === null) return;
    const { source, ...booked } = evaluate(each);
    if (source !== "estimate") return;
    correctLater({ ...booked, entry, plan, answerId, findPrice: (told) => findPrice(plan, told) }, tools);
  };

  return {
    asked(model, stream) {
      modelAsked = model.slice(0, MAX_NAME_LENGTH);
      streamed = stream;
      tags = call.headers === undefined ? null : readTags(call.headers);
    },
    reserve: (next, bound) => reserving.reserve(next, { modelAsked, tags }, bound),
    release: reserving.release,
    planned(next, ended) {
      current = { ...openTry(next), ended };
      tries.push(current);
    },
    hold() {
      const held = current;
      return () => {
        current = held;
      };
    },
    intend(isKnown = false) {
      const announced = tools.ledger.intend(isKnown ? makeEntry(200, null) : announce(), ticket);
      ticket = announced.ticket;
      const own = current;
      own.isCalled = true;
      return announced.durable.catch((cause: unknown) => {
        if (own.attempt === null) own.isCalled = false;
        // It is not called, and those before it are what the row tells of.
        if (tries.length > 1 && current.attempt === null) {
          tries.pop();
          current = tries.at(-1) ?? current;
        }
        throw booksClosed(cause);
      });
    },
    estimateInput(read) {
      current.isCalled = true;
      current.tally.estimateInput(read);
    },
    sent(body) {
      current.bodies.sent(body);
      current.captured?.request.add(body);
    },
    got(piece) {
      current.bodies.got(piece);
      current.captured?.response.add(piece);
      if (typeof piece === "string") current.witness.answered(piece);
    },
    asking: (text) => current.witness.asking(text),
    fetched: (answer) => current.witness.answered(answer),
    withdraw() {
      if (ticket !== null) tools.ledger.withdraw(ticket);
      reserving.release();
      done();
    },
    warn(word) {
      warnings.push(word);
    },
    attempted({ status, error, upstreamRequestId, report }) {
      const { plan, tally, startedMs } = current;
      if (plan === null) return;
      if (report !== undefined) tally.reported(report);
      tally.closed(error);
      current.isCalled = true;
      current.attempt = {
        provider: plan.provider.name,
        model: plan.model.slice(0, MAX_NAME_LENGTH),
        ...nameAccount(plan),
        status,
        errorKind: error?.kind ?? null,
        upstreamRequestId,
        latencyMs: Math.round(nowMs() - startedMs),
      };
      const firstMs = tally.firstOutputMs();
      current.ended?.(error, error !== null ? null : (firstMs ?? nowMs()) - startedMs);
    },
    describe() {
      const { plan } = current;
      const near = reserving.headers() ?? {};
      if (plan === null) return near;
      return {
        ...near,
        "x-tokligence-provider": plan.provider.name,
        ...(plan.model === "" ? {} : { "x-tokligence-model": cleanHeader(plan.model) }),
        "x-tokligence-attempts": String(tries.filter(({ isCalled }) => isCalled).length),
        ...(warnings.length === 0 ? {} : { "x-tokligence-warning": warnings.join(", ") }),
      };
    },
    answered: (answer) => current.tally.answered(answer),
    measured: (answer) => current.tally.measured(answer),
    observed(event) {
      current.tally.observed(event);
      current.witness.observed(event);
    },
    reported: (report) => current.tally.reported(report),
    usage: () => current.tally.weigh().usage,
    price: () => (figures ?? all()).price,
    settle(status, error) {
      settled ??= write(makeEntry(status, error)).finally(done);
      return settled;
    },
  };
}

/** The refusal while rows cannot be written. */
export function booksClosed(cause: unknown): Failure {
  // Some say themselves what is to be done.
  if (cause instanceof Failure && (cause.code === "ledger_outbox_full" || cause.code === "ledger_journal_full"))
    return cause;
  return new Failure({
    kind: "overloaded",
    code: "ledger_unavailable",
    message:
      "The usage ledger cannot be written, so no answer is released and no new request is taken. " +
      "The operator finds the reason in the gateway's log (a full disk, most often); try again once it is mended.",
    retryAfterMs: 5_000,
    cause,
  });
}

// Keeps the books of one request while it lives, and settles them once. Knows no SQL and no format.

import { type Hash, createHash, hash } from "node:crypto";
import type { Event, GatewayError, Units, Usage, UsageSource } from "../ir/index.ts";
import { GatewayError as Failure } from "../ir/index.ts";
import {
  type Attempt,
  type LedgerEntry,
  type Price,
  type Ticket,
  BLANK_ENTRY,
  FREE,
  createTokenEstimate,
  digestPayloads,
} from "../ledger/index.ts";
import type { Call, GatewayTools } from "./call.ts";
import { cleanHeader } from "./header.ts";
import type { Plan } from "./plan.ts";

export interface CallRecord {
  asked(model: string, stream: boolean): void;
  planned(plan: Pick<Plan, "dropped" | "model" | "provider">): void;
  /**
   * Announces, durably, that the planned provider is about to be called. Rejects with a GatewayError of kind `overloaded` where the books
   * cannot be written: then it must not be called.
   */
  intend(): Promise<void>;
  /** The body that the provider is sent. */
  sent(body: string): void;
  /** Bytes of the provider's answer, whole or piece by piece; text stands for its UTF-8. */
  got(piece: string | Uint8Array): void;
  /** What was announced has rows of its own, or never came to be: none is written here. */
  withdraw(): void;
  /** A word for the client beside its answer, such as `price_unknown`. */
  warn(word: string): void;
  /** Closes the attempt that is under way. */
  attempted(attempt: { status: number | null; error: GatewayError | null; upstreamRequestId: string | null }): void;
  /** Who was asked, as response headers; nothing before that was decided. */
  describe(): Record<string, string>;
  /** What a whole answer reported. `text` counts only where the provider reported nothing. */
  answered(answer: { model: string | null; usage: Usage | null; text: () => string }): void;
  /** What an answer reported that is no chat: nothing is estimated, and what is unknown stays so. `price` says whether the list's applies. */
  measured(answer: {
    model: string | null;
    usage: Usage | null;
    units: Units | null;
    source: UsageSource;
    /** `sum`: the figures are those of many calls together. */
    price: "free" | "list" | "sum" | "unknown";
  }): void;
  /** One event of a stream. */
  observed(event: Event): void;
  /** Input tokens where the provider reports none; called at most once, and only then. */
  estimateInput(estimate: () => string): void;
  /** What would be booked now, estimated where the provider reports nothing; null where there was no answer. */
  usage(): Usage | null;
  /** Cost of what is known now; null where the price or the usage is unknown. */
  price(): Price | null;
  /**
   * Writes the row, once; later calls wait for the same write. Rejects with a GatewayError of kind `overloaded` where the books cannot be
   * written: an answer that is not on record must not be released.
   */
  settle(status: number, error: GatewayError | null): Promise<void>;
}

/** A model's name is the client's to choose; a row holds no more of it than names a model. */
const MAX_NAME_LENGTH = 512;

/** Of a call, what its row says. */
export type RecordedCall = Pick<Call, "caller" | "id" | "requestId" | "startedMs" | "startedWallMs"> & {
  endpoint: string;
};

export function openRecord(call: RecordedCall, tools: Pick<GatewayTools, "clock" | "ledger" | "prices">): CallRecord {
  const attempts: Attempt[] = [];
  const output = createTokenEstimate();
  const warnings: string[] = [];
  let modelAsked = "";
  let streamed = false;
  let plan: Pick<Plan, "dropped" | "model" | "provider"> | null = null;
  let measure: { units: Units | null; source: UsageSource; price: "free" | "list" | "sum" | "unknown" } | null = null;
  let served: string | null = null;
  let usage: Usage | null = null;
  let usageIsFinal = false;
  let hasAnswer = false;
  let attemptStartedMs = 0;
  let started = 0;
  let firstOutputMs: number | null = null;
  let inputText: (() => string) | null = null;
  let settled: Promise<void> | null = null;
  let ticket: Ticket | null = null;
  let requestHash: string | null = null;
  let answerHash: Hash | null = null;
  const done = tools.ledger.expect();
  let figures: { usage: Usage | null; source: UsageSource; price: Price | null } | null = null;

  const observed = (event: Event): void => {
    switch (event.type) {
      case "start":
        hasAnswer = true;
        if (event.model !== "") served = event.model.slice(0, MAX_NAME_LENGTH);
        return;
      case "part-delta":
        firstOutputMs ??= tools.clock.monotonicMs();
        output.add(event.text);
        return;
      case "usage":
        usage = event.usage;
        return;
      case "finish":
        usageIsFinal = event.error === undefined && usage !== null;
        return;
      case "choice-end":
      case "part-end":
      case "part-start":
        return;
      default:
        event satisfies never;
    }
  };

  /** What is booked: the provider's figures where it gave them to the end, else the better of its figures and our estimate. */
  const weigh = (): { usage: Usage | null; source: UsageSource } => {
    if (!hasAnswer) return { usage: null, source: "none" };
    if (measure !== null) return { usage, source: measure.source };
    if (usage !== null && usageIsFinal) return { usage, source: "provider" };
    const input = createTokenEstimate();
    if (usage === null) input.add(inputText?.() ?? "");
    const known: Usage = usage ?? {
      freshInputTokens: input.tokens(),
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: null,
    };
    return { usage: { ...known, outputTokens: Math.max(known.outputTokens, output.tokens()) }, source: "estimate" };
  };

  const evaluate = (): NonNullable<typeof figures> => {
    const weighed = weigh();
    if (measure?.price === "free") return { ...weighed, price: FREE };
    if (measure?.price === "unknown") return { ...weighed, price: null };
    const hasFigures = weighed.usage !== null || (measure?.units ?? null) !== null;
    const price = !hasFigures || plan === null ? null : findPrice(plan, weighed.usage);
    return { ...weighed, price };
  };

  /** By the model that was served; where the list does not know its name, by the one that was asked for. */
  const findPrice = (of: Pick<Plan, "model" | "provider">, usage: Usage | null): Price | null => {
    const at = new Date(call.startedWallMs);
    const { pricing, name: provider } = of.provider;
    const units = measure?.units ?? null;
    const isSum = measure?.price === "sum";
    const asked = of.model;
    const isByAsked = typeof pricing === "object" && "by" in pricing;
    const models = served === null || served === asked ? [asked] : isByAsked ? [asked, served] : [served, asked];
    return tools.prices.price({ provider, pricing, models, at, usage, units, isSum });
  };

  /** Null where no provider was sent anything. */
  const payload = (): Pick<LedgerEntry, "payloadDigest" | "payloadSalt" | "requestHash" | "responseHash"> | null => {
    const responseHash = answerHash?.digest("base64url") ?? null;
    if (requestHash === null && responseHash === null) return null;
    const payloadSalt = crypto.randomUUID();
    const payloadDigest = digestPayloads(payloadSalt, requestHash, responseHash);
    return { payloadDigest, payloadSalt, requestHash, responseHash };
  };

  const makeEntry = (status: number, error: GatewayError | null): LedgerEntry => {
    figures = evaluate();
    const { usage: booked, price } = figures;
    return {
      ...BLANK_ENTRY,
      id: call.id,
      requestId: call.requestId,
      createdAt: new Date(call.startedWallMs),
      userId: call.caller.userId,
      apiKeyId: call.caller.keyId,
      endpoint: call.endpoint,
      modelAsked,
      // Empty where neither request nor answer names one.
      modelServed: hasAnswer ? served || plan?.model || null : null,
      provider: plan?.provider.name ?? null,
      direction: "consume",
      freshInputTokens: booked?.freshInputTokens ?? null,
      cacheReadTokens: booked?.cacheReadTokens ?? null,
      cacheWriteTokens: booked?.cacheWriteTokens ?? null,
      outputTokens: booked?.outputTokens ?? null,
      reasoningTokens: booked?.reasoningTokens ?? null,
      units: measure?.units ?? null,
      serviceTier: booked?.serviceTier ?? null,
      usageSource: figures.source,
      status,
      errorKind: error?.kind ?? null,
      latencyMs: Math.round(tools.clock.monotonicMs() - call.startedMs),
      ttftMs: streamed && firstOutputMs !== null ? Math.round(firstOutputMs - call.startedMs) : null,
      streamed,
      costNanos: price?.costNanos ?? null,
      priceId: price?.id ?? null,
      priceSource: price?.source ?? null,
      priceDate: price?.date ?? null,
      dropped: plan?.dropped ?? [],
      attempts,
      ...payload(),
    };
  };

  return {
    asked(model, stream) {
      modelAsked = model.slice(0, MAX_NAME_LENGTH);
      streamed = stream;
    },
    planned(next) {
      plan = next;
      started++;
      attemptStartedMs = tools.clock.monotonicMs();
    },
    sent(body) {
      requestHash = hash("sha256", body, "base64url");
    },
    got(piece) {
      answerHash ??= createHash("sha256");
      answerHash.update(piece);
    },
    intend() {
      const announced = tools.ledger.intend({
        id: call.id,
        requestId: call.requestId,
        createdAt: new Date(call.startedWallMs),
        userId: call.caller.userId,
        apiKeyId: call.caller.keyId,
        endpoint: call.endpoint,
        modelAsked,
        provider: plan?.provider.name ?? null,
        streamed,
        dropped: plan?.dropped ?? [],
        attempts,
      });
      if (ticket !== null) tools.ledger.withdraw(ticket);
      ticket = announced.ticket;
      return announced.durable.catch((cause: unknown) => {
        throw booksClosed(cause);
      });
    },
    withdraw() {
      if (ticket !== null) tools.ledger.withdraw(ticket);
      done();
    },
    warn(word) {
      warnings.push(word);
    },
    attempted(attempt) {
      if (plan === null) return;
      attempts.push({
        provider: plan.provider.name,
        model: plan.model.slice(0, MAX_NAME_LENGTH),
        status: attempt.status,
        errorKind: attempt.error?.kind ?? null,
        upstreamRequestId: attempt.upstreamRequestId,
        latencyMs: Math.round(tools.clock.monotonicMs() - attemptStartedMs),
      });
    },
    describe() {
      if (plan === null) return {};
      return {
        "x-tokligence-provider": plan.provider.name,
        ...(plan.model === "" ? {} : { "x-tokligence-model": cleanHeader(plan.model) }),
        "x-tokligence-attempts": String(started),
        ...(warnings.length === 0 ? {} : { "x-tokligence-warning": warnings.join(", ") }),
      };
    },
    answered(answer) {
      hasAnswer = true;
      served = answer.model === "" || answer.model === null ? null : answer.model.slice(0, MAX_NAME_LENGTH);
      usage = answer.usage;
      usageIsFinal = usage !== null;
      if (usage === null) output.add(answer.text());
    },
    measured({ model, usage: reported, ...rest }) {
      hasAnswer = true;
      served = model === null ? null : model.slice(0, MAX_NAME_LENGTH);
      usage = reported;
      measure = rest;
    },
    observed,
    estimateInput(estimate) {
      inputText = estimate;
    },
    usage: () => weigh().usage,
    price: () => (figures ?? evaluate()).price,
    settle(status, error) {
      settled ??= tools.ledger
        .add(makeEntry(status, error), ticket)
        .catch((cause: unknown) => {
          throw booksClosed(cause);
        })
        .finally(done);
      return settled;
    },
  };
}

/** The refusal while rows cannot be written. */
export function booksClosed(cause: unknown): Failure {
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

// What one call to a provider used, as far as anybody knows: counted while its answer goes by, estimated where that was cut. Knows no price and
// no format.

import {
  type Event,
  type GatewayError,
  type JsonObject,
  NO_USAGE,
  type Units,
  type Usage,
  type UsageSource,
  joinUnits,
  sumInputTokens,
} from "../ir/index.ts";
import { createTokenEstimate } from "../ledger/index.ts";
import { type Redact, holdsKey } from "../lib/redact.ts";

/** What a whole answer reported. */
export interface AnsweredUsage {
  model: string | null;
  usage: Usage | null;
  /** The provider's own words for it. */
  report: JsonObject | null;
  /** What was written; counts only where the provider reported nothing. */
  text: () => string;
}

/** What an answer reported that is no chat: nothing is estimated, and what is unknown stays so. */
export interface MeasuredUsage {
  model: string | null;
  usage: Usage | null;
  units: Units | null;
  report: JsonObject | null;
  source: UsageSource;
  /** Of a sum of calls, the input tokens of the largest one; missing where nobody knows. */
  sizeTokens?: number;
  /** Whether the list's price applies. `sum`: the figures are those of many calls together. */
  price: "free" | "list" | "sum" | "unknown";
}

export interface Weighed {
  usage: Usage | null;
  units: Units | null;
  source: UsageSource;
  price: MeasuredUsage["price"];
  sizeTokens?: number | undefined;
}

export interface Tally {
  /** From now on the request is on its way; what it asks is read only where its provider reports no input. */
  estimateInput(read: () => string): void;
  /** One event of a stream. */
  observed(event: Event): void;
  answered(answer: AnsweredUsage): void;
  measured(answer: MeasuredUsage): void;
  reported(report: JsonObject | null): void;
  /** It may end here, with nobody left to say so: its provider has read the input by now. */
  underWay(): void;
  /** How the call ended. `status`: the provider's own; null where it did not answer. */
  closed(error: GatewayError | null, status: number | null): void;
  hasAnswer(): boolean;
  /** The provider's own id of its answer; null where it gave none. */
  answerId(): string | null;
  /** The model that answered; null where that is unknown. */
  served(): string | null;
  firstOutputMs(): number | null;
  /** What would be booked now: the provider's figures where it gave them to the end, else the better of its figures and our estimate. */
  weigh(): Weighed;
  /** The provider's report as JSON text of bounded length; null where there was none. */
  print(redact: Redact): string | null;
}

/** A model's name is the provider's to choose; a row holds no more of it than names a model. */
export const MAX_NAME_LENGTH = 512;
const MAX_REPORT_BYTES = 2_048;
/**
 * No model reads or writes so much in one call, and no batch of calls in all: a larger number counts nothing, whatever it is of, and would outgrow
 * every sum.
 */
export const MAX_TOKENS = 1e9;
const MAX_BATCH_TOKENS = 1e12;
/** The codes of an answer that was under way, and did not come whole: unlike what is no answer, it will be on the bill. */
const BROKEN: ReadonlySet<string> = new Set(["response_too_large", "stream_broken"]);

export function openTally(nowMs: () => number): Tally {
  return new OpenTally(nowMs);
}

/** A class, for every call has one: what a closure for each of its doors would cost stays away. */
class OpenTally implements Tally {
  readonly #nowMs: () => number;
  readonly #output = createTokenEstimate();
  #readInput: (() => string) | null = null;
  #hasAnswer = false;
  #served: string | null = null;
  #answerId: string | null = null;
  #usage: Usage | null = null;
  /** A whole answer told of more than can have been: what it used, nobody knows. */
  #isEndless = false;
  /** How much of our own count the provider's last figures told of. */
  #told = 0;
  #report: JsonObject | null = null;
  #measure: MeasuredUsage | null = null;
  /** All that began to be said has ended. */
  #hasEnded = false;
  /** Nothing comes after the figures that would change them. */
  #isFinal = false;
  #isCut = false;
  /** The provider refused in the place of its answer, before any of it was there. */
  #isRefused = false;
  #firstOutputMs: number | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  estimateInput(read: () => string): void {
    this.#readInput = read;
  }

  observed(event: Event): void {
    switch (event.type) {
      case "start":
        this.#hasAnswer = true;
        if (event.model !== "") this.#name(event.model);
        if (event.id !== "") this.#answerId = event.id;
        return;
      case "part-start":
        this.#hasEnded = false;
        // A tool's name and a picture are output by themselves.
        if (typeof event.kind === "object") this.#firstOutputMs ??= this.#nowMs();
        if (typeof event.kind === "object" && "toolCall" in event.kind) this.#output.add(event.kind.toolCall.name);
        return;
      case "part-delta":
        this.#firstOutputMs ??= this.#nowMs();
        this.#hasEnded = false;
        this.#isFinal = false;
        this.#output.add(event.text);
        return;
      case "usage":
        // What stays the same while more is said does not tell of it.
        if (event.usage.outputTokens > (this.#usage?.outputTokens ?? 0)) this.#told = this.#output.tokens();
        this.#usage = refuseEndless(event.usage);
        this.#isFinal = (this.#hasEnded || event.isLast === true) && this.#usage !== null;
        return;
      case "choice-end":
        this.#hasEnded = true;
        return;
      case "finish":
        // A provider that fails in the end may have counted up to there.
        if (event.error === undefined || event.isCounted === true)
          this.#isFinal = this.#usage !== null && event.isUncounted !== true;
        this.#isRefused =
          event.error?.kind === "upstream_rejected" && this.#usage === null && this.#output.tokens() === 0;
        return;
      case "part-end":
        return;
      default:
        event satisfies never;
    }
  }

  answered(answer: AnsweredUsage): void {
    this.#hasAnswer = true;
    this.#name(answer.model);
    this.#usage = refuseEndless(answer.usage);
    this.#isEndless = answer.usage !== null && this.#usage === null;
    this.#report = answer.report;
    this.#isFinal = this.#usage !== null;
    if (this.#usage === null) this.#output.add(answer.text());
  }

  measured(answer: MeasuredUsage): void {
    this.#hasAnswer = true;
    this.#name(answer.model);
    const most = answer.price === "sum" ? MAX_BATCH_TOKENS : MAX_TOKENS;
    this.#usage = refuseEndless(answer.usage, most);
    this.#report = answer.report;
    const units = isCountable(answer.units, most) ? answer.units : null;
    const isNothing = this.#usage === null && units === null;
    this.#measure = isNothing ? { ...answer, units, source: "none" } : { ...answer, units };
  }

  reported(said: JsonObject | null): void {
    this.#report = said;
  }

  underWay(): void {
    this.#isCut = true;
  }

  closed(error: GatewayError | null, status: number | null): void {
    const isLost = status !== null && (error?.kind === "upstream_unavailable" || BROKEN.has(error?.code ?? ""));
    // Whoever says no has done no work.
    const isRefused = status !== null && status >= 300;
    this.#isCut = !isRefused && (isLost || error?.kind === "cancelled" || error?.kind === "timeout");
  }

  hasAnswer(): boolean {
    return this.#hasAnswer;
  }

  answerId(): string | null {
    return this.#answerId;
  }

  served(): string | null {
    return this.#served;
  }

  firstOutputMs(): number | null {
    return this.#firstOutputMs;
  }

  weigh(): Weighed {
    const usage = this.#usage;
    if (this.#measure !== null) {
      const { units, source, price, sizeTokens } = this.#measure;
      return { usage, units: joinUnits(units, usage?.units ?? null), source, price, sizeTokens };
    }
    const units = usage?.units ?? null;
    if (usage !== null && this.#isFinal) return { usage, units, source: "provider", price: "list" };
    const nothing: Weighed = { usage: null, units: null, source: "none", price: "list" };
    if (this.#isEndless) return nothing;
    // Of a request that was cut before anything came, the provider has read the input at least.
    const isAnswered = this.#hasAnswer && !this.#isRefused;
    if (!isAnswered && !(this.#isCut && this.#readInput !== null)) return nothing;
    const estimated = this.#estimate();
    // Where there was nothing that we could count, nobody knows.
    return countAll(estimated) === 0 ? nothing : { usage: estimated, units, source: "estimate", price: "list" };
  }

  print(redact: Redact): string | null {
    return this.#report === null ? null : printReport(this.#report, redact);
  }

  #name(model: string | null): void {
    // A provider may repeat the key that it was asked with, wherever.
    this.#served = model === null || model === "" || holdsKey(model) ? null : model.slice(0, MAX_NAME_LENGTH);
  }

  #estimate(): Usage {
    const outputTokens = this.#output.tokens();
    if (this.#usage !== null) return countOn(this.#usage, { said: outputTokens, told: this.#told });
    const input = createTokenEstimate();
    input.add(this.#readInput?.() ?? "");
    return { ...NO_USAGE, freshInputTokens: input.tokens(), outputTokens };
  }
}

/**
 * The provider's figures of an answer that was cut, and what was said behind them. `said`: our count of all of it; `told`: of what they tell of. Some tell
 * with each chunk what was written up to it, others at the beginning alone.
 */
export function countOn(usage: Usage, { said, told }: { said: number; told: number }): Usage {
  const outputTokens = told > 0 ? usage.outputTokens + said - told : Math.max(usage.outputTokens, said);
  return { ...usage, outputTokens };
}

/** The figures, but null where they are beyond what can have been counted. */
export function refuseEndless(usage: Usage | null, most = MAX_TOKENS): Usage | null {
  if (usage === null || countAll(usage) > most || (usage.reasoningTokens ?? 0) > most) return null;
  return isCountable(usage.units ?? null, most) ? usage : null;
}

function isCountable(units: Units | null, most: number): boolean {
  for (const name in units) if ((units[name] ?? 0) > most) return false;
  return true;
}

function countAll(usage: Usage): number {
  return sumInputTokens(usage) + usage.outputTokens;
}

/** Of a report that is too long, its numbers. `redact`: it may repeat the key that was asked with. */
export function printReport(report: JsonObject, redact: Redact): string | null {
  const whole = printWhole(report, redact);
  if (whole !== null && Buffer.byteLength(whole) <= MAX_REPORT_BYTES) return whole;
  const counts = Object.entries(report).filter(([, value]) => typeof value === "number");
  const text = redact(JSON.stringify(Object.fromEntries(counts)));
  return Buffer.byteLength(text) <= MAX_REPORT_BYTES ? text : null;
}

/** Null for one that is nested so deep that the runtime can read it, and not print it: a call is on the books whatever its provider says. */
function printWhole(report: JsonObject, redact: Redact): string | null {
  try {
    return redact(JSON.stringify(report));
  } catch {
    return null;
  }
}

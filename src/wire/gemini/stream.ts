// The chunks of streamGenerateContent → canonical events. Each chunk is an answer of its own, which says only what is new, but for usage.
// Knows no request; the other direction is stream-encode.ts.

import { type Event, GatewayError, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { Frame } from "../../lib/sse.ts";
import type { AnswerDecoder } from "../type.ts";
import { asExtra } from "./body.ts";
import { decodeNothing, unifyCandidate } from "./candidate.ts";
import { decodeError } from "./error.ts";
import { createCallNamer, decodeHead, unifyAnswer } from "./response.ts";
import { ChoiceReader, tellNothing } from "./stream-choice.ts";
import { decodeUsage, garblesTokens, listQueries } from "./usage.ts";
import { objectOf, objectsOf } from "../json-read.ts";

/** Frames of one answer → events. The format has no last frame: the stream just ends, and so `finish` comes with `end`. */
export function decodeStream(): AnswerDecoder {
  const decoder = new StreamDecoder();
  return {
    push: (frame) => decoder.push(frame),
    end: () => decoder.end(),
    report: () => decoder.report(),
    hasEnded: () => decoder.hasEnded(),
    endsInSilence: true,
  };
}

class StreamDecoder {
  #isFinished = false;
  #hasStarted = false;
  #nameCall: () => string = () => "";
  readonly #choices = new Map<number, ChoiceReader>();
  #report: JsonObject = {};
  #lastUsage = "";
  /** The last report cannot be read. */
  #isGarbled = false;
  readonly #queries = new Set<string>();
  /** Own fields of the answer, as far as no event has told them. */
  #own: JsonObject = {};
  #last: JsonObject = {};

  push(frame: Frame): Event[] {
    if (this.#isFinished || frame.data === null || frame.data.trim() === "[DONE]") return [];
    const data = parseData(frame.data);
    if (data === null) return this.#fail(malformed("The upstream sent a stream event that is not JSON."));
    if (isJsonObject(data["error"])) return this.#fail(streamError(data));
    const chunk = unifyAnswer(data);
    const events = this.#start(chunk);
    for (const [position, item] of objectsOf(chunk["candidates"]).entries()) {
      const candidate = unifyCandidate(item);
      const index = typeof candidate["index"] === "number" ? candidate["index"] : position;
      events.push(...this.#choiceAt(index).push(candidate));
      for (const query of listQueries([candidate])) this.#queries.add(query);
    }
    return [...events, ...this.#countUsage(chunk["usageMetadata"])];
  }

  report(): JsonObject | null {
    return Object.keys(this.#report).length === 0 ? null : this.#report;
  }

  hasEnded(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every(({ hasEnded }) => hasEnded);
  }

  end(): Event[] {
    if (this.#isFinished) return [];
    const choices = [...this.#choices.values()];
    const nothing = choices.length === 0 ? decodeNothing(this.#last) : null;
    if (nothing === null && !this.hasEnded())
      return this.#fail(malformed("The upstream's stream ended before the answer was complete."));
    this.#isFinished = true;
    const events = nothing === null ? choices.flatMap((choice) => choice.end()) : tellNothing(nothing);
    const last = this.#isGarbled ? ({ isUncounted: true } as const) : {};
    return [...events, { type: "finish", ...last, ...asExtra(this.#own) }];
  }

  #start(chunk: JsonObject): Event[] {
    const { own, ...head } = decodeHead(chunk);
    this.#last = { ...this.#last, ...own };
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#nameCall = createCallNamer(head.id);
      return [{ type: "start", ...head, extra: asExtra(own).extra ?? {} }];
    }
    // Lists in `extra` are joined: what has been said is not said again.
    for (const [name, value] of Object.entries(own)) {
      if (!Array.isArray(value)) this.#own[name] = value;
    }
    return [];
  }

  #choiceAt(index: number): ChoiceReader {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new ChoiceReader(index, () => this.#nameCall());
    this.#choices.set(index, choice);
    return choice;
  }

  /** Every chunk reports totals so far, and a field left out stands. */
  #countUsage(report: Json | undefined): Event[] {
    if (!isJsonObject(report)) return [];
    this.#report = { ...this.#report, ...objectOf(report) };
    const { usage, rest } = decodeUsage(this.#report, this.#queries.size);
    const own = Object.keys(rest).length === 0 ? {} : { usageMetadata: rest };
    this.#isGarbled = garblesTokens(this.#report);
    if (usage === null) {
      this.#own = { ...this.#own, ...own };
      return [];
    }
    delete this.#own["usageMetadata"];
    const text = `${this.#queries.size} ${JSON.stringify(this.#report)}`;
    if (text === this.#lastUsage) return [];
    this.#lastUsage = text;
    return [{ type: "usage", usage, ...(this.hasEnded() ? { isLast: true } : {}), ...asExtra(own) }];
  }

  #fail(error: GatewayError): Event[] {
    this.#isFinished = true;
    return [{ type: "finish", error }];
  }
}

function parseData(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function malformed(message: string): GatewayError {
  return new GatewayError({ kind: "upstream_malformed", message });
}

function streamError(data: JsonObject): GatewayError {
  const upstream = decodeError(null, data);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

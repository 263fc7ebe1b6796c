// A streamed answer: the pump with the right carrier, and the headers that go before it. Knows no format.

import { type Event, GatewayError, type JsonObject } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import { type Frame, createSseReader } from "../lib/sse.ts";
import type { AnswerDecoder, ChatWire, Told, Wire } from "../wire/index.ts";
import { bookUnasked, brokenAnswer } from "./answer.ts";
import { readId } from "./elsewhere.ts";
import { giveStatus, judgeInside } from "./failure.ts";
import { type CallState, makeHeaders } from "./header.ts";
import { toJsonArray } from "./json-array.ts";
import { chooseId } from "./plan.ts";
import { type Carrier, pump } from "./pump.ts";
import { type CallRecord, withDoors } from "./record.ts";
import { watchRefusal } from "./refusal.ts";
import { readUpstreamId } from "./send.ts";
import type { Outcome } from "./way/travel.ts";
import { untilWhole } from "./way/deadline.ts";

export async function answerStream(state: CallState): Promise<Outcome<Response>> {
  const { plan, line, upstream, call, scene, tools } = state;
  const type = upstream.headers.get("content-type")?.toLowerCase() ?? "";
  const { mode, spoken } = plan;
  const { framing } = plan.endpoint;
  const isStream = upstream.body !== null && type.includes(framing?.contentType ?? "text/event-stream");
  if (!isStream || mode.kind === "convert" || spoken.operation !== "chat") throw await refuse(state, type);
  const client = mode.kind === "forward" ? mode.wire : mode.client;
  const encodeError = (error: GatewayError, told?: Told): string =>
    client.error.encodeFrame(error, call.requestId, told);
  const decoded = spoken.stream.decode();
  const judging = { redact: scene.redact, isTold: mode.kind === "translate" && mode.client.saysFailure === true };
  const decoder = mode.kind === "translate" ? judgeEnds(decoded, judging) : decoded;
  const carrier =
    mode.kind === "forward"
      ? forwardFrames(mode.wire, state, decoder, encodeError)
      : translateFrames(state, mode, encodeError);
  const kept = state.elsewhere === null ? null : keepFirst(state, client, carrier);
  const record = kept === null ? state.record : leaveToProvider(state, kept.answer);
  const { failure, pieces } = await pump({
    upstream: upstream.body,
    provider: plan.provider.name,
    reader: framing?.read() ?? createSseReader(),
    decoder,
    carrier: kept?.carrier ?? carrier,
    record,
    line,
    idle: state.deadlines.idle,
    maxBytes: scene.maxAnswerBytes,
    attempted: (error) =>
      record.attempted({
        status: upstream.status,
        error: error === null ? null : judgeInside(error),
        upstreamRequestId: readUpstreamId(upstream.headers),
        report: decoder.report(),
      }),
    holds: state.elsewhere === null,
    refusals: state.watchesRefusals ? watchRefusal() : null,
    keeping: kept?.keeping,
    ending: state.keep === null ? null : (last) => keepLast(state, client, last),
    tellsCost: client.takesComments !== false,
    redact: scene.redact,
    report: (error) => tools.report(error, call.requestId),
  });
  // Until then it was the provider that was waited for.
  state.upstreamMs = tools.clock.monotonicMs() - state.sentMs;
  const isArray = call.framing === "json-array";
  const headers = makeHeaders(state, {
    "content-type": isArray ? "application/json; charset=utf-8" : "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
  });
  const tell = (more: Readonly<Record<string, string>>): Response =>
    new Response(isArray ? toJsonArray(pieces) : pieces, { headers: { ...headers, ...more } });
  if (failure === null) return { failure, answer: tell({}) };
  return {
    failure: judgeInside(failure),
    async tell(more) {
      // A refusal is an answer, in its own words.
      if (failure.kind === "blocked") return tell(more);
      // Nothing of the answer has gone to the client yet, and so he is told as if it had never begun.
      const told = giveStatus(failure);
      told.headers = { ...told.headers, ...more };
      throw told;
    },
  };
}

/** An answer that the provider calls failed ends in an error, for clients whose format has no word for it; `isTold`: it has. */
function judgeEnds(
  decoder: AnswerDecoder,
  { redact, isTold }: { redact: (text: string) => string; isTold: boolean },
): AnswerDecoder {
  let isLost = false;
  let failure: string | undefined;
  const judge = (event: Event): Event => {
    if (event.type === "choice-end" && event.finish === "error") {
      isLost = !isTold;
      failure ??= event.failure;
      if (event.failure !== undefined) return { ...event, failure: redact(event.failure) };
    }
    if (!isLost || event.type !== "finish" || event.error !== undefined) return event;
    return { ...event, error: brokenAnswer(failure), isCounted: true };
  };
  return {
    ...decoder,
    push: (frame) => decoder.push(frame).map(judge),
    end: () => decoder.end().map(judge),
  };
}

function keepLast({ keep }: CallState, client: Wire, last: string): Promise<unknown> | undefined {
  const answer = client.memory?.findAnswer(last) ?? null;
  return answer === null ? undefined : keep?.(answer, JSON.stringify(answer));
}

/** A background answer is its owner's from its first event on: he may leave, and come back for it. */
function keepFirst(
  state: CallState,
  client: Wire,
  carrier: Carrier,
): { carrier: Carrier; answer: () => JsonObject | null; keeping: () => Promise<unknown> | null } {
  let first: JsonObject | null = null;
  let keeping: Promise<unknown> | null = null;
  return {
    carrier: {
      ...carrier,
      carry(frame, events) {
        const answer = first === null ? (client.memory?.findAnswer(frame.raw) ?? null) : null;
        if (answer !== null) {
          first = answer;
          // Whoever is told of it may ask for it at once, also where we die over it.
          keeping = Promise.all([state.keep?.(answer, JSON.stringify(answer)), state.record.leave(readId(answer))]);
        }
        return carrier.carry(frame, events);
      },
    },
    answer: () => first,
    keeping: () => keeping,
  };
}

/**
 * The record of a background answer whose stream is followed: where that breaks off, whoever did it, the provider goes on, and what the answer cost is known
 * once that is over.
 */
function leaveToProvider(state: CallState, answer: () => JsonObject | null): CallRecord {
  const { record, elsewhere } = state;
  const goesOn = (error: GatewayError | null): boolean =>
    error !== null && error.kind !== "upstream_rejected" && error.kind !== "blocked" && answer() !== null;
  let isLeft = false;
  return withDoors(record, {
    attempted: (ended) => record.attempted(goesOn(ended.error) ? { ...ended, error: null } : ended),
    async settle(status, error) {
      const begun = answer();
      if (!goesOn(error) || begun === null || elsewhere === null) return record.settle(status, error);
      if (!isLeft) void elsewhere.watch({ ...state, record }, begun);
      isLeft = true;
    },
  });
}

/** How a complete frame ends. */
const BLANK_LINE = /(?:\n\n|\r\r|\n\r\n)$/u;

/** What a client of any format takes for an error. */
const SAYS_ERROR = /"error"\s*:|"type"\s*:\s*"(?:error|response\.failed)"/u;
/** A failure that the stream's end is still to follow. */
const TELLS_FAILURE = /"type"\s*:\s*"error"/u;

function forwardFrames(
  { forward }: Wire,
  { body, scene }: CallState,
  decoder: AnswerDecoder,
  encodeError: (error: GatewayError, told?: Told) => string,
): Carrier {
  const hold = createHold(decoder);
  let told: Told | undefined;
  let hasSaid = false;
  return {
    says({ data }) {
      hasSaid ||= data !== null && forward.says?.(data) === true;
      return hasSaid;
    },
    carry(frame, events) {
      const finish = events.find((event) => event.type === "finish");
      // Half a frame, or one that is no JSON, is not handed on: the client is told instead.
      if (finish?.error?.kind === "upstream_malformed") return hold.release(encodeError(finish.error, told));
      if (frame.data !== null) told = { first: told?.first ?? frame.data, last: frame.data };
      const text = forward.frame(frame, body);
      // A last frame that came without its blank line gets one, as something of ours may follow it.
      const whole = text === "" || BLANK_LINE.test(text) ? text : `${text}\n\n`;
      if (finish?.error?.kind === "upstream_rejected" && !SAYS_ERROR.test(whole)) {
        // A server's own way to say that it failed: its client would take it for the end of an answer.
        return hold.release(whole + encodeError(finish.error, told));
      }
      if (hold.isEnd(events) && finish === undefined) {
        // More of the answer shows that what was kept was not its end.
        return (events.some(isSaid) ? hold.release("") : "") + hold.keep(whole);
      }
      return hold.release(events.length === 0 && TELLS_FAILURE.test(whole) ? scene.redact(whole) : whole);
    },
    close(events) {
      // The upstream broke off: the client learns it in its own words instead of by silence.
      const finish = events.find((event) => event.type === "finish");
      return hold.release(finish?.error === undefined ? "" : encodeError(finish.error, told));
    },
    fail: (error) => encodeError(error, told),
  };
}

function isSaid({ type }: Event): boolean {
  return type === "part-start" || type === "part-delta";
}

/** Far more than the figures and the end that may still follow. */
const MAX_HELD_LENGTH = 1024 * 1024;

/**
 * Keeps back what follows the end of all choices until the stream is over, in formats whose streams just end as well: a client that has
 * the whole of an answer must find it on record.
 */
function createHold(decoder: AnswerDecoder) {
  const open = new Set<number>();
  let hasEnded = false;
  let held = "";
  return {
    isEnd(events: readonly Event[]): boolean {
      if (decoder.hasEnded !== undefined) return decoder.hasEnded();
      for (const event of events) {
        if (!("choice" in event)) continue;
        hasEnded ||= event.type === "choice-end";
        if (event.type === "choice-end") open.delete(event.choice);
        else open.add(event.choice);
      }
      return hasEnded && open.size === 0;
    },
    keep(text: string): string {
      held += text;
      if (held.length <= MAX_HELD_LENGTH) return "";
      const message = "The provider ended its answer, and went on without an end.";
      throw new GatewayError({ kind: "upstream_malformed", message });
    },
    /** What was kept, and the text behind it. */
    release(text: string): string {
      const all = held + text;
      held = "";
      return all;
    },
  };
}

function translateFrames(
  state: CallState,
  mode: { client: ChatWire; request: Parameters<ChatWire["stream"]["encode"]>[0]["request"] },
  encodeError: (error: GatewayError) => string,
): Carrier {
  const nowSeconds = Math.floor(state.tools.clock.wallMs() / 1000);
  const { id: callId, requestId } = state.call;
  const encoder = mode.client.stream.encode({ request: mode.request, callId, nowSeconds, requestId });
  let isCounted = false;
  const encode = (events: readonly Event[]): string => {
    let text = "";
    for (const event of events) {
      isCounted ||= event.type === "usage";
      if (event.type === "finish" && event.error === undefined && (!isCounted || event.isUncounted === true)) {
        // Clients take a missing report for nothing used, and never compact.
        const usage = state.record.usage();
        if (usage !== null) text += encoder.push({ type: "usage", usage }).join("");
      }
      // The end of the stream tells it.
      if (event.type === "choice-end" && event.finish === "error" && mode.client.saysFailure !== true) continue;
      text += encoder.push(nameStart(event, state)).join("");
      if (event.type === "finish") text += encoder.end().join("");
    }
    return text;
  };
  return {
    carry: (_frame: Frame, events) => encode(events),
    close: encode,
    // One that has ended already says nothing more.
    fail: (error) => encode([{ type: "finish", error }]) || encodeError(error),
  };
}

/** Formats that name neither the answer nor its model leave both to us: clients look for them. */
function nameStart(event: Event, { call, plan }: CallState): Event {
  if (event.type !== "start") return event;
  const id = chooseId(plan, event.id, call.id);
  return event.id === id && event.model !== "" ? event : { ...event, id, model: event.model || plan.model };
}

/** Of what is no answer in any form, for the log alone: there may be no end of it. */
const MAX_REFUSED_BYTES = 64 * 1024;

async function refuse(state: CallState, type: string): Promise<GatewayError> {
  const { deadlines, line, plan, scene, upstream } = state;
  // An answer that came whole will be on the bill, too.
  const { spoken } = plan;
  const wire = type.includes("json") && spoken.operation === "chat" ? spoken : null;
  const progressed = (): void => line.arm(deadlines.idle);
  if (wire !== null) line.arm(untilWhole(deadlines.idle));
  const read =
    wire === null ? readCapped(upstream, MAX_REFUSED_BYTES) : readCapped(upstream, scene.maxAnswerBytes, progressed);
  const text = await read.catch(() => null);
  const told = wire === null || text === null ? null : bookUnasked(state, wire, text);
  const unasked = new GatewayError({
    kind: "upstream_malformed",
    message:
      `Provider "${plan.provider.name}" was asked for an event stream and answered with ${type === "" ? "no content type" : type}. ` +
      "Check its base URL.",
    cause: text?.slice(0, 2_000),
  });
  // Some say no in the place of the stream, with status 200.
  const failure = judgeInside(told ?? unasked);
  state.record.attempted({
    status: upstream.status,
    error: failure,
    upstreamRequestId: readUpstreamId(upstream.headers),
  });
  return failure;
}

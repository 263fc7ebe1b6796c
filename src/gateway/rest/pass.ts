// How an answer is handed on that goes by as it comes: in events, and in bytes. Knows no family.

import {
  type GatewayError,
  type Json,
  type JsonObject,
  GatewayError as Failure,
  isJsonObject,
} from "../../ir/index.ts";
import { type Frame, createSseReader } from "../../lib/sse.ts";
import { giveStatus, nothingSaid } from "../failure.ts";
import { type AnswerFacts, makeHeaders } from "../header.ts";
import { printCost } from "../pump.ts";
import { parseObject } from "../send.ts";
import { type Carried, type Machine, carry, carryHeld } from "./carry.ts";
import { type Meter, bookAnswer, createEventMeter } from "./meter.ts";
import { explainError } from "./rejection.ts";
import { type RestState, attempted } from "./state.ts";
import type { Outcome } from "../way/travel.ts";

/** What describes bytes, and goes with them. */
const DESCRIPTIVE = ["accept-ranges", "content-disposition", "content-range", "content-type", "etag", "last-modified"];

/** `own` is set last. */
export function describeAnswer(
  state: RestState & AnswerFacts,
  own: Record<string, string> = {},
): Record<string, string> {
  const described: Record<string, string> = {};
  for (const name of DESCRIPTIVE) {
    const value = state.upstream.headers.get(name);
    if (value !== null) described[name] = value;
  }
  return makeHeaders(state, { ...described, ...own });
}

/** `reads`: the answer is JSON, and told what it cost while it goes by. */
export async function passBytes(
  state: RestState,
  meter: Meter,
  { headers, reads }: { headers: Record<string, string>; reads: boolean },
): Promise<Response> {
  const tap = reads ? createTap() : null;
  const book = (): void => bookRead(state, meter, tap?.read() ?? null);
  if (state.upstream.body === null) return passNothing(state, book, headers);
  return new Response(carry(state, createByteMachine(book, tap?.see)), { status: state.upstream.status, headers });
}

/** Bytes of which there is one at least: until then another provider may be asked. */
export async function holdBytes(
  state: RestState,
  meter: Meter,
  headers: () => Record<string, string>,
): Promise<Outcome<Response>> {
  const book = (): void => bookAnswer(state, meter, null);
  if (state.upstream.body === null && !isMedia(state)) {
    return { failure: null, answer: await passNothing(state, book, headers()) };
  }
  const machine = createByteMachine(book);
  const carried = await carryHeld(state, isMedia(state) ? requireBytes(state, machine) : machine);
  return openHeld(state, carried, () => ({ ...headers(), ...UNHELD }));
}

/** A text may be empty, as of a silence that was listened to; a sound or a picture is none then. */
function isMedia({ upstream }: RestState): boolean {
  return /^(?:audio|image|video)\//iu.test(upstream.headers.get("content-type") ?? "");
}

function requireBytes(state: RestState, machine: Machine<Uint8Array>): Machine<Uint8Array> {
  const end = (): ReturnType<typeof machine.end> => {
    const ended = machine.end();
    return ended.last.length > 0 ? ended : { ...ended, error: nothingSaid(state.plan.provider.name) };
  };
  return { ...machine, end };
}

/** Events of which there is one at least. */
export async function holdEvents(
  state: RestState,
  meter: Meter,
  headers: () => Record<string, string>,
): Promise<Outcome<Response>> {
  const carried = await carryHeld(state, createEventMachine(state, meter), state.scene.maxAnswerBytes);
  return openHeld(state, carried, () => ({ ...headers(), ...EVENT_HEADERS }));
}

function openHeld<T extends Uint8Array | string>(
  { upstream: { status } }: RestState,
  carried: Carried<T>,
  headers: () => Record<string, string>,
): Outcome<Response> {
  const { failure } = carried;
  if (failure === null) return { failure, answer: new Response(carried.pieces, { status, headers: headers() }) };
  return {
    failure,
    tell(more) {
      // Nothing of the answer has gone to the client yet, and so he is told as if it had never begun.
      const told = giveStatus(failure);
      told.headers = { ...told.headers, ...more };
      return Promise.reject(told);
    },
  };
}

/** A list is a stream whose events came as one. */
function bookRead(state: RestState, meter: Meter, answer: Json): void {
  if (!Array.isArray(answer)) return bookAnswer(state, meter, isJsonObject(answer) ? answer : null);
  const figures = createEventMeter(state, meter);
  for (const piece of answer.filter(isJsonObject)) figures.see(piece, false);
  figures.book(true);
}

/** What is read of an answer that is only passed on; of a larger one the cost stays unknown. */
const MAX_TAPPED_BYTES = 4 * 1024 * 1024;

function createTap(): { see(chunk: Uint8Array): void; read(): Json } {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  return {
    see(chunk) {
      bytes += chunk.byteLength;
      if (bytes > MAX_TAPPED_BYTES) chunks = [];
      else chunks.push(chunk);
    },
    read() {
      try {
        return JSON.parse(Buffer.concat(chunks).toString("utf8"));
      } catch {
        return null;
      }
    },
  };
}

/** Holds the last byte back: there is no knowing which piece is the last one. */
function createByteMachine(book: () => void, see?: (chunk: Uint8Array) => void): Machine<Uint8Array> {
  let held: Uint8Array | null = null;
  return {
    push(chunk) {
      if (chunk.byteLength === 0) return { now: [], hasOutput: false };
      see?.(chunk);
      const now = held === null ? [] : [held];
      if (chunk.byteLength > 1) now.push(chunk.subarray(0, -1));
      held = chunk.slice(-1);
      return { now, hasOutput: true };
    },
    end: () => ({ last: held === null ? [] : [held], error: null }),
    book,
    // Bytes have no place for an error: a transfer that breaks off says more than one that seems complete.
    fail: () => null,
  };
}

async function passNothing(state: RestState, book: () => void, headers: Record<string, string>): Promise<Response> {
  state.line.release(false);
  book();
  attempted(state, null);
  await state.record.settle(state.upstream.status, null);
  return new Response(null, { status: state.upstream.status, headers });
}

export function passEvents(state: RestState, meter: Meter, headers: Record<string, string>): Response {
  return new Response(carry(state, createEventMachine(state, meter), state.scene.maxAnswerBytes), {
    status: state.upstream.status,
    headers: { ...headers, ...EVENT_HEADERS },
  });
}

/** Nobody between us is to hold back what goes on while it comes. */
const UNHELD = { "x-accel-buffering": "no" };
const EVENT_HEADERS = { "cache-control": "no-cache", ...UNHELD };

/** Events that tell the cost or the end wait until they are on record, or until others follow. */
function createEventMachine(state: RestState, meter: Meter): Machine<string> {
  const { intake, scene, call } = state;
  const reader = createSseReader();
  const figures = createEventMeter(state, meter);
  let held = "";
  let hasOutput = false;
  let error: GatewayError | null = null;
  const { isAnswer, stream, tellsEnd } = meter.entry;
  let isOver = false;
  let hasBegun = isAnswer === undefined && tellsEnd === undefined;
  const isComplete = stream?.watch();
  let hasEnded = stream === undefined;

  const take = (frame: Frame): string => {
    const event = frame.data?.startsWith("{") === true ? parseObject(frame.data) : null;
    const isLast = event !== null && isFinal(event, meter);
    if (event === null && stream !== undefined && frame.data?.startsWith("{") === true) {
      error ??= notJson();
      isOver = true;
      const now = held;
      held = call.dialect.error.encodeFrame(error, call.requestId);
      return now;
    }
    if (event !== null) {
      figures.see(event, isLast);
      hasBegun ||= isAnswer?.(event) !== false;
      hasEnded = isComplete?.(event) ?? hasEnded;
      hasEnded = tellsEnd?.(event) ?? hasEnded;
    }
    if (event !== null && intake.json !== null && stream?.isUnasked(event, intake.json) === true) return "";
    const told = event === null ? null : readError(state, event);
    error ??= told;
    hasOutput ||= told === null && saysSomething(frame, event, meter);
    const text = told === null ? frame.raw : scene.redact(frame.raw);
    const isEnd = frame.data === "[DONE]";
    hasEnded ||= isEnd;
    isOver ||= isEnd && stream !== undefined;
    if (isEnd || told !== null || isLast) {
      const now = isEnd ? "" : held;
      held = isEnd ? held + text : text;
      return now;
    }
    const now = held + text;
    held = "";
    return now;
  };

  const takeAll = (frames: readonly Frame[]): string[] => {
    let text = "";
    // What follows the end would let go of the end, which is not on record yet.
    for (const frame of frames) if (!isOver) text += take(frame);
    return text === "" ? [] : [text];
  };

  return {
    push(chunk) {
      hasOutput = false;
      const now = takeAll(reader.push(chunk));
      return { now, hasOutput };
    },
    isOver: () => isOver,
    end() {
      const isKnown = stream !== undefined || tellsEnd !== undefined;
      const rest = takeAll(isKnown ? reader.end().flatMap(endFrame) : reader.end());
      const last = held === "" ? rest : [...rest, held];
      if (error !== null || (hasBegun && hasEnded)) return { last, error };
      // A stream that just stops would be taken for the whole of an answer.
      error = endedEarly();
      return { last: [...last, call.dialect.error.encodeFrame(error, call.requestId)], error };
    },
    tellCost() {
      const told = meter.family === null ? "" : printCost(state.record);
      return told === "" ? [] : [told];
    },
    book: (isWhole) => figures.book(isWhole),
    fail: (failure) => [call.dialect.error.encodeFrame(failure, call.requestId)],
  };
}

/** A last frame that nobody ended, as if it was; none where it is half an event, behind which no error could be read. */
function endFrame(frame: Frame): Frame[] {
  const isWhole = frame.data === "[DONE]" || (frame.data !== null && parseObject(frame.data) !== null);
  return isWhole ? [{ ...frame, raw: `${frame.raw}\n\n` }] : [];
}

/** Where the format of the events is known, one without text says nothing yet; else each that is an event does. */
function saysSomething({ data }: Frame, event: JsonObject | null, { entry }: Meter): boolean {
  if (event === null) return data !== null && data !== "" && data !== "[DONE]";
  return entry.readText === undefined || entry.readText(event) !== "";
}

function isFinal(event: JsonObject, { entry: { isAnswer, stream } }: Meter): boolean {
  const { type } = event;
  const isNamed = typeof type === "string" && FINAL.test(type);
  // Some servers tell what was used so far in each event.
  const goesOn = isAnswer?.(event) === true && stream?.isEnd(event) === false;
  return isNamed || (isJsonObject(event["usage"]) && !goesOn);
}

/** Of a response, each part has such an end as well. */
const FINAL = /^(?!response\.).*\.(?:completed|done)$|^response\.(?:completed|incomplete)$/u;

function endedEarly(): GatewayError {
  const message = "The upstream's stream ended before the answer was complete.";
  return new Failure({ kind: "upstream_malformed", message });
}

function notJson(): GatewayError {
  return new Failure({ kind: "upstream_malformed", message: "The upstream sent an event that is not JSON." });
}

function readError(state: RestState, event: JsonObject): GatewayError | null {
  return isJsonObject(event["error"]) ? explainError(state, event) : null;
}

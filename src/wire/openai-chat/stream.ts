// Streamed chunks → canonical events. What one choice says is read in stream-choice.ts, events → chunks is in stream-encode.ts.
// A synchronous machine: it knows no socket, and no time.

import { type Event, type GatewayError, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import type { Frame } from "../../lib/sse.ts";
import type { AnswerDecoder } from "../type.ts";
import { findError, malformed, rejected } from "./answer.ts";
import { ID } from "./body.ts";
import { endChoice, readChoice } from "./stream-choice.ts";
import { callsTooMany } from "./stream-tool.ts";
import { type ChoiceState, openChoice } from "./stream-state.ts";
import { decodeUsage, garblesTokens } from "./usage.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** Fields of a chunk that are read, and the padding that hides the length of a text from listeners on the line. */
const READ = new Set(["id", "object", "created", "model", "choices", "usage", "obfuscation", "error"]);

interface StreamState {
  isStarted: boolean;
  isDone: boolean;
  id: string;
  choices: Map<number, ChoiceState>;
  /** Fields of chunks beside the answer, as last seen; those that changed after the start go out with the end. */
  fields: JsonObject;
  late: JsonObject;
  lastUsage: string;
  report: JsonObject | null;
  /** The last report cannot be read. */
  isGarbled: boolean;
  /** A chunk has come that holds nothing but the report, which is how the totals of a whole answer are told, and nothing of the answer behind it. */
  hasTotals: boolean;
}

/**
 * A decoder for one stream. `[DONE]` ends it, and so does the end of input once every choice that began has finished; an end before
 * that, an error inside the stream and a frame that is no JSON end it with an error. After its `finish` it says nothing more.
 */
export function createStreamDecoder(): AnswerDecoder {
  const state: StreamState = {
    isStarted: false,
    isDone: false,
    id: "",
    choices: new Map(),
    fields: {},
    late: {},
    lastUsage: "",
    report: null,
    isGarbled: false,
    hasTotals: false,
  };
  return {
    push: (frame) => (state.isDone ? [] : readFrame(state, frame)),
    end: () => (state.isDone ? [] : endInput(state)),
    report: () => state.report,
    hasEnded: () => hasEnded(state),
  };
}

function readFrame(state: StreamState, frame: Frame): Event[] {
  const data = frame.data?.trim() ?? "";
  if (data === "") return [];
  if (data === "[DONE]") return endInput(state, true);
  let chunk: Json;
  try {
    chunk = JSON.parse(data);
  } catch (cause) {
    return [finish(state, malformed("The upstream sent an event that is not JSON.", cause))];
  }
  if (!isJsonObject(chunk)) return [finish(state, malformed("The upstream sent an event that is no JSON object."))];
  const events: Event[] = [];
  const error = findError(chunk) ?? (frame.event === "error" ? chunk : null);
  readHead(state, chunk, events);
  const before = events.length;
  let position = -1;
  for (const item of objectsOf(chunk["choices"])) {
    position += 1;
    const index = typeof item["index"] === "number" ? item["index"] : position;
    const choice = state.choices.get(index) ?? openChoice(index, state.id, state.fields);
    state.choices.set(index, choice);
    // A choice that comes with an error did not end, whatever its finish_reason says.
    readChoice(choice, error !== null ? omit(item, ["finish_reason"]) : item, events);
    if (callsTooMany(choice))
      return [...events, finish(state, malformed("The upstream's answer calls too many tools."))];
  }
  if (events.length > before) state.hasTotals = false;
  const isCounted = readUsage(state, chunk, events);
  if (error !== null) events.push(finish(state, rejected(error), isCounted || state.hasTotals));
  return events;
}

/** `start` with the first chunk that names the answer; a chunk of filter results before it waits. */
function readHead(state: StreamState, chunk: JsonObject, events: Event[]): void {
  for (const name in chunk) {
    if (READ.has(name)) continue;
    const value = chunk[name] ?? null;
    if (value === null || isSame(state.fields[name], value)) continue;
    state.fields[name] = value;
    if (state.isStarted) state.late[name] = value;
  }
  const id = textOf(chunk["id"]);
  const hasChoices = Array.isArray(chunk["choices"]) && chunk["choices"].length > 0;
  if (state.isStarted || (id === "" && !hasChoices)) return;
  state.isStarted = true;
  state.id = id;
  const created = chunk["created"];
  events.push({
    type: "start",
    id,
    model: textOf(chunk["model"]),
    createdAt: typeof created === "number" && created > 0 ? created : null,
    extra: Object.keys(state.fields).length === 0 ? {} : { [ID]: { ...state.fields } },
  });
}

function isSame(before: Json | undefined, after: Json): boolean {
  if (before === after) return true;
  return typeof after === "object" && before !== undefined && JSON.stringify(before) === JSON.stringify(after);
}

/** The report of a chunk, also where Groq and Moonshot put it. */
function findUsage(chunk: JsonObject): Json | undefined {
  return (
    chunk["usage"] ??
    objectOf(chunk["x_groq"])["usage"] ??
    objectsOf(chunk["choices"]).find((choice) => isJsonObject(choice["usage"]))?.["usage"]
  );
}

/** Whether there was a report. */
function readUsage(state: StreamState, chunk: JsonObject, events: Event[]): boolean {
  const found = findUsage(chunk);
  if (!isJsonObject(found)) return false;
  const whole = joinReports(state.report, found);
  const report = decodeUsage(whole);
  state.isGarbled = report === null && garblesTokens(whole);
  if (state.isGarbled) state.report = whole;
  if (report === null) return false;
  state.report = whole;
  const { choices } = chunk;
  state.hasTotals ||= state.choices.size > 0 && Array.isArray(choices) && choices.length === 0;
  report.usage = withTier(report.usage, chunk["service_tier"] ?? state.fields["service_tier"]);
  // Some servers repeat their report on every chunk.
  const text = JSON.stringify(report);
  if (text === state.lastUsage) return true;
  state.lastUsage = text;
  const extra = Object.keys(report.rest).length === 0 ? {} : { extra: { [ID]: { usage: report.rest } } };
  events.push({ type: "usage", usage: report.usage, ...(hasEnded(state) ? { isLast: true } : {}), ...extra });
  return true;
}

/** Every report holds all that was used so far, but for servers that tell the input at the start and the output at the end. */
function joinReports(before: JsonObject | null, report: JsonObject): JsonObject {
  const isPart = before !== null && (report["prompt_tokens"] ?? null) === null;
  return isPart ? { ...before, ...report, prompt_tokens: before["prompt_tokens"] ?? null } : report;
}

function endInput(state: StreamState, isMarked = false): Event[] {
  const isComplete = hasEnded(state) || (state.choices.size > 0 && (isMarked || state.hasTotals));
  if (!isComplete) {
    return [finish(state, malformed("The upstream's stream ended before the answer was complete."))];
  }
  const events: Event[] = [];
  // A server that forgets the reason but ends its stream properly has said all that it had to say.
  for (const choice of state.choices.values()) endChoice(choice, events);
  events.push(finish(state));
  return events;
}

function hasEnded({ choices }: StreamState): boolean {
  return choices.size > 0 && [...choices.values()].every(({ reason }) => reason !== null);
}

function finish(state: StreamState, error?: GatewayError, isCounted = false): Event {
  state.isDone = true;
  const extra = Object.keys(state.late).length === 0 ? {} : { extra: { [ID]: state.late } };
  const last = error === undefined && state.isGarbled ? ({ isUncounted: true } as const) : {};
  const failed = error === undefined ? {} : { error };
  return { type: "finish", ...failed, ...(isCounted ? { isCounted } : {}), ...last, ...extra };
}

// Streamed events of Responses → canonical events. What one item says is read in stream-item.ts, events → frames is in stream-encode.ts.
// A synchronous machine: it knows no socket, and no time.

import { type Event, type GatewayError, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import type { Frame } from "../../lib/sse.ts";
import type { AnswerDecoder } from "../type.ts";
import { decodeFinish, keepFinish, malformed, rejected } from "./answer.ts";
import { ID, asExtra } from "./body.ts";
import { RESPONSE_FIELDS } from "./response.ts";
import { type ItemReader, closeItems, createItemReader, readItemEvent } from "./stream-item.ts";
import { decodeUsage } from "./usage.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

interface StreamState {
  isStarted: boolean;
  isDone: boolean;
  reader: ItemReader;
  /** Fields of the response as the start told them; those that changed go out with the end. */
  fields: JsonObject;
  /** The error event, which the failed response may follow. */
  failure: GatewayError | null;
  report: JsonObject | null;
}

/**
 * A decoder for one stream. `response.completed`, `.incomplete` or `.failed` ends it; the end of input before that, and a frame that is no
 * JSON, end it with an error. After its `finish` it says nothing more.
 */
export function createStreamDecoder(): AnswerDecoder {
  const state: StreamState = {
    isStarted: false,
    isDone: false,
    reader: createItemReader(),
    fields: {},
    failure: null,
    report: null,
  };
  return {
    push: (frame) => (state.isDone ? [] : readFrame(state, frame)),
    end: () => (state.isDone ? [] : [finish(state, state.failure ?? malformed(CUT))]),
    report: () => state.report,
  };
}

const CUT = "The upstream's stream ended before the answer was complete.";
const UNEXPLAINED = "The upstream's answer failed, and it does not say why.";

function readFrame(state: StreamState, frame: Frame): Event[] {
  const data = frame.data?.trim() ?? "";
  if (data === "" || data === "[DONE]") return [];
  let event: Json;
  try {
    event = JSON.parse(data);
  } catch (cause) {
    return [finish(state, malformed("The upstream sent an event that is not JSON.", cause))];
  }
  if (!isJsonObject(event)) return [finish(state, malformed("The upstream sent an event that is no JSON object."))];
  return readEvent(state, textOf(event["type"]) || (frame.event ?? ""), event);
}

function readEvent(state: StreamState, type: string, event: JsonObject): Event[] {
  const response = objectOf(event["response"]);
  switch (type) {
    case "response.created":
    case "response.queued":
    case "response.in_progress":
      return start(state, response);
    case "response.completed":
    case "response.incomplete":
      return complete(state, response);
    case "response.failed":
      return fail(state, response);
    case "error":
      state.failure = rejected(event["error"] ?? omit(event, ["type", "sequence_number"]));
      return [];
    default: {
      if ((event["error"] ?? null) !== null) state.failure = rejected(event["error"]);
      const events = readItemEvent(state.reader, type, event);
      return events.length === 0 ? [] : [...start(state, {}), ...events];
    }
  }
}

function start(state: StreamState, response: JsonObject): Event[] {
  if (state.isStarted) return [];
  state.isStarted = true;
  state.fields = omit(response, RESPONSE_FIELDS);
  const created = response["created_at"];
  return [
    {
      type: "start",
      id: textOf(response["id"]),
      model: textOf(response["model"]),
      createdAt: typeof created === "number" ? created : null,
      extra: Object.keys(state.fields).length === 0 ? {} : { [ID]: state.fields },
    },
  ];
}

function complete(state: StreamState, response: JsonObject): Event[] {
  const events = start(state, response);
  // Some servers send nothing but the end.
  if (state.reader.items.size === 0) {
    for (const [index, item] of objectsOf(response["output"]).entries()) {
      events.push(...readItemEvent(state.reader, "response.output_item.done", { output_index: index, item }));
    }
  }
  const end = decodeFinish(response, state.reader.hasCalls);
  events.push(...closeItems(state.reader));
  events.push({ type: "choice-end", choice: 0, finish: end, ...asExtra(keepFinish(response, end)) });
  events.push(...readUsage(state, response));
  const late = listLate(state, response);
  state.isDone = true;
  return [...events, { type: "finish", ...asExtra(late) }];
}

/** What changed since the start, such as the tier that served the request. */
function listLate({ fields }: StreamState, response: JsonObject): JsonObject {
  const changed = Object.entries(omit(response, RESPONSE_FIELDS)).filter(
    ([name, value]) => typeof value !== "object" && fields[name] !== value,
  );
  return Object.fromEntries(changed);
}

function fail(state: StreamState, response: JsonObject): Event[] {
  const told = response["error"] ?? null;
  // The event of its own says more.
  const failure = state.failure ?? (told === null ? malformed(UNEXPLAINED) : rejected(told));
  const counted = readUsage(state, response);
  return [...start(state, response), ...counted, finish(state, failure, counted.length > 0)];
}

function readUsage(state: StreamState, response: JsonObject): Event[] {
  const report = decodeUsage(response["usage"], response["output"]);
  if (report === null) return [];
  state.report = objectOf(response["usage"]);
  return [
    {
      type: "usage",
      usage: withTier(report.usage, response["service_tier"]),
      ...asExtra(Object.keys(report.rest).length === 0 ? {} : { usage: report.rest }),
    },
  ];
}

function finish(state: StreamState, error: GatewayError, isCounted = false): Event {
  state.isDone = true;
  return { type: "finish", error, ...(isCounted ? { isCounted } : {}) };
}

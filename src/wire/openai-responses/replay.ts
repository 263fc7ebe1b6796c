// The events of a stream of responses as text: the answer inside them, those after a number, and all that a whole answer stands for.
// Knows neither the canonical events nor who asks.

import { type JsonObject, isJsonObject } from "../../ir/index.ts";
import { createFrameSplitter } from "../../lib/sse.ts";
import { objectsOf, textOf } from "../json-read.ts";

/** The answer in the last of these events that holds one. */
export function findAnswer(events: string): JsonObject | null {
  if (!events.includes('"response"')) return null;
  const splitter = createFrameSplitter();
  let found: JsonObject | null = null;
  for (const { data } of [...splitter.push(events), ...splitter.end()]) {
    const answer = data === null || !data.includes('"response"') ? null : readAnswer(data);
    if (answer !== null) found = answer;
  }
  return found;
}

function readAnswer(data: string): JsonObject | null {
  try {
    const event: unknown = JSON.parse(data);
    const answer = isJsonObject(event) ? event["response"] : null;
    return isJsonObject(answer) ? answer : null;
  } catch {
    return null;
  }
}

export function skipEvents(events: string, after: number): string {
  if (after < 0) return events;
  const splitter = createFrameSplitter();
  return [...splitter.push(events), ...splitter.end()]
    .filter(({ data }) => (data === null ? Number.NaN : readNumber(data)) > after)
    .map(({ raw }) => raw)
    .join("");
}

function readNumber(data: string): number {
  return Number(/"sequence_number":\s*(\d+)/u.exec(data)?.[1] ?? Number.NaN);
}

const ENDS: Readonly<Record<string, string>> = {
  cancelled: "response.cancelled",
  failed: "response.failed",
  incomplete: "response.incomplete",
};

/** The stream of an answer that is there already: each text in one piece. Its end is told whatever the client has seen of another stream. */
export function replayAnswer(answer: JsonObject, after: number): string {
  const events = listEvents(answer);
  const last = events.length - 1;
  return events
    .map((event, index) => ({ ...event, sequence_number: index === last ? Math.max(last, after + 1) : index }))
    .filter((event) => event.sequence_number > after)
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join("");
}

type Event = { type: string; [field: string]: JsonObject[string] };

function listEvents(answer: JsonObject): Event[] {
  const draft = { ...answer, status: "in_progress", output: [], usage: null };
  const output = objectsOf(answer["output"]);
  return [
    { type: "response.created", response: draft },
    { type: "response.in_progress", response: draft },
    ...output.flatMap(listItemEvents),
    { type: ENDS[textOf(answer["status"])] ?? "response.completed", response: answer },
  ];
}

function listItemEvents(item: JsonObject, outputIndex: number): Event[] {
  const place = { item_id: item["id"] ?? "", output_index: outputIndex };
  const open: JsonObject = { ...item, ...(item["status"] === undefined ? {} : { status: "in_progress" }) };
  for (const field of ["arguments", "input"]) if (typeof item[field] === "string") open[field] = "";
  for (const field of ["content", "summary"]) if (Array.isArray(item[field])) open[field] = [];
  return [
    { type: "response.output_item.added", output_index: outputIndex, item: open },
    ...listParts(item["summary"], (part, index) => listSummary(part, { ...place, summary_index: index })),
    ...listParts(item["content"], (part, index) => listContent(part, { ...place, content_index: index })),
    ...listInput(item, place),
    { type: "response.output_item.done", output_index: outputIndex, item },
  ];
}

function listParts(value: JsonObject[string] | undefined, list: (part: JsonObject, index: number) => Event[]): Event[] {
  return objectsOf(value).flatMap(list);
}

function listSummary(part: JsonObject, place: JsonObject): Event[] {
  const text = part["text"] ?? "";
  return [
    { type: "response.reasoning_summary_part.added", ...place, part: { ...part, text: "" } },
    { type: "response.reasoning_summary_text.delta", ...place, delta: text },
    { type: "response.reasoning_summary_text.done", ...place, text },
    { type: "response.reasoning_summary_part.done", ...place, part },
  ];
}

function listContent(part: JsonObject, place: JsonObject): Event[] {
  const open = { type: "response.content_part.added", ...place };
  const done = { type: "response.content_part.done", ...place, part };
  if (part["type"] === "refusal") {
    const refusal = part["refusal"] ?? "";
    return [
      { ...open, part: { ...part, refusal: "" } },
      { type: "response.refusal.delta", ...place, delta: refusal },
      { type: "response.refusal.done", ...place, refusal },
      done,
    ];
  }
  const text = part["text"] ?? "";
  if (part["type"] === "reasoning_text") {
    return [
      { ...open, part: { ...part, text: "" } },
      { type: "response.reasoning_text.delta", ...place, delta: text },
      { type: "response.reasoning_text.done", ...place, text },
      done,
    ];
  }
  const annotations = Array.isArray(part["annotations"]) ? part["annotations"] : [];
  const logprobs = part["logprobs"] ?? [];
  return [
    { ...open, part: { ...part, text: "", annotations: [], logprobs: [] } },
    { type: "response.output_text.delta", ...place, delta: text, logprobs },
    ...annotations.map((annotation, index) => ({
      type: "response.output_text.annotation.added",
      ...place,
      annotation_index: index,
      annotation,
    })),
    { type: "response.output_text.done", ...place, text, logprobs },
    done,
  ];
}

function listInput(item: JsonObject, place: JsonObject): Event[] {
  if (item["type"] === "function_call") {
    const text = item["arguments"] ?? "";
    return [
      { type: "response.function_call_arguments.delta", ...place, delta: text },
      { type: "response.function_call_arguments.done", ...place, name: item["name"] ?? "", arguments: text },
    ];
  }
  if (item["type"] !== "custom_tool_call") return [];
  const text = item["input"] ?? "";
  return [
    { type: "response.custom_tool_call_input.delta", ...place, delta: text },
    { type: "response.custom_tool_call_input.done", ...place, input: text },
  ];
}

// Canonical events → chunks of this format, as complete SSE text. Chunks → events is in stream.ts. Knows no socket, and no time but the
// client's context.

import type { Event, JsonObject, PartDeltaEvent, PartStartEvent, StartEvent, Usage } from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { encodeErrorFrame } from "../openai-error.ts";
import type { ClientContext, Machine } from "../type.ts";
import { encodeFinish, encodeImage } from "./answer.ts";
import { type Delta, ID, type ToolCallDelta, objectOf, omit, ownFields, textOf } from "./body.ts";
import { encodeDetails } from "./reasoning.ts";
import { encodeUsage } from "./usage.ts";

interface ChoiceOutput {
  hasBegun: boolean;
  calls: number;
  reasonings: number;
  parts: Map<number, PartOutput>;
}

type PartOutput =
  | { kind: "text" | "refusal" | "media" }
  | { kind: "reasoning"; index: number; text: string; own: JsonObject }
  | { kind: "call"; index: number; isLegacy: boolean };

interface Output {
  /** Fields that every chunk carries. */
  head: JsonObject;
  choices: Map<number, ChoiceOutput>;
  wantsUsage: boolean;
  usage: Usage | null;
  usageRest: JsonObject;
}

/**
 * An encoder for one client's stream. Each choice begins with its role; usage comes in a last chunk without choices, and only where the
 * client asked for it: others break on a chunk without choices. An error ends the stream in its own frame, without `[DONE]`.
 */
export function createStreamEncoder(client: ClientContext): Machine<Event, string> {
  const options = objectOf(ownFields(client.request.extra)["stream_options"]);
  const output: Output = {
    head: { id: "", object: "chat.completion.chunk", created: client.nowSeconds, model: client.request.model },
    choices: new Map(),
    wantsUsage: options["include_usage"] === true,
    usage: null,
    usageRest: {},
  };
  return { push: (event) => encodeEvent(output, event, client), end: () => [] };
}

function encodeEvent(output: Output, event: Event, client: ClientContext): string[] {
  switch (event.type) {
    case "start":
      output.head = makeHead(event, client);
      return [];
    case "part-start":
      return encodePartStart(output, event);
    case "part-delta":
      return encodePartDelta(output, event);
    case "part-end":
      return [];
    case "choice-end": {
      const own = ownFields(event.extra);
      const rest = omit(own, ["finish_reason", "message"]);
      const end = { delta: objectOf(own["message"]), rest, finish: encodeFinish(event.finish, own) };
      return [...begin(output, event.choice, ""), printChoice(output, event.choice, end)];
    }
    case "usage":
      output.usage = event.usage;
      output.usageRest = objectOf(ownFields(event.extra)["usage"]);
      return [];
    case "finish":
      if (event.error !== undefined) return [encodeErrorFrame(event.error, "")];
      return [...encodeUsageChunk(output), formatFrame("[DONE]")];
    default:
      return event satisfies never;
  }
}

function makeHead(event: StartEvent, client: ClientContext): JsonObject {
  return {
    ...ownFields(event.extra),
    id: event.id,
    object: "chat.completion.chunk",
    created: event.createdAt ?? client.nowSeconds,
    model: event.model,
  };
}

/** The first chunk of a choice, once. */
function begin(output: Output, index: number, content: string | null): string[] {
  const choice = findChoice(output, index);
  if (choice.hasBegun) return [];
  choice.hasBegun = true;
  const delta: Delta = { role: "assistant", content };
  return [printChoice(output, index, { delta })];
}

function findChoice(output: Output, index: number): ChoiceOutput {
  const known = output.choices.get(index);
  if (known !== undefined) return known;
  const choice: ChoiceOutput = { hasBegun: false, calls: 0, reasonings: 0, parts: new Map() };
  output.choices.set(index, choice);
  return choice;
}

function encodePartStart(output: Output, event: PartStartEvent): string[] {
  const { kind } = event;
  const choice = findChoice(output, event.choice);
  const own = ownFields(event.extra);
  const isCall = typeof kind === "object" && "toolCall" in kind;
  const frames = begin(output, event.choice, isCall ? null : "");
  if (kind === "reasoning") {
    choice.parts.set(event.part, { kind, index: choice.reasonings++, text: "", own });
    return frames;
  }
  if (typeof kind === "string") {
    choice.parts.set(event.part, { kind });
    return frames;
  }
  if ("media" in kind) {
    choice.parts.set(event.part, { kind: "media" });
    const images = encodeImage(kind.media).map((image, index) => ({ ...image, index }));
    return [...frames, printChoice(output, event.choice, { delta: { images } })];
  }
  const { id, name } = kind.toolCall;
  if (own["function_call"] === true) {
    choice.parts.set(event.part, { kind: "call", index: 0, isLegacy: true });
    return [...frames, printChoice(output, event.choice, { delta: { function_call: { name, arguments: "" } } })];
  }
  const index = choice.calls++;
  choice.parts.set(event.part, { kind: "call", index, isLegacy: false });
  const call: ToolCallDelta = { index, id, type: "function", function: { name, arguments: "" } };
  return [
    ...frames,
    printChoice(output, event.choice, { delta: { tool_calls: [{ ...call, ...omit(own, ["type"]) }] } }),
  ];
}

function encodePartDelta(output: Output, event: PartDeltaEvent): string[] {
  const part = findChoice(output, event.choice).parts.get(event.part);
  const delta = part === undefined ? {} : encodeDelta(part, event);
  return Object.keys(delta).length === 0 ? [] : [printChoice(output, event.choice, { delta })];
}

function encodeDelta(part: PartOutput, event: PartDeltaEvent): JsonObject {
  const { text } = event;
  switch (part.kind) {
    case "text":
      return text === "" ? {} : { content: text };
    case "refusal":
      return text === "" ? {} : { refusal: text };
    case "call": {
      if (text === "") return {};
      if (part.isLegacy) return { function_call: { arguments: text } };
      const call: ToolCallDelta = { index: part.index, function: { arguments: text } };
      return { tool_calls: [call] };
    }
    case "reasoning":
      return encodeReasoningDelta(part, event);
    case "media":
      return {};
    default:
      return part satisfies never;
  }
}

/**
 * Text as it comes, in details too where the upstream sent them. Else a signature or seal goes out with all of its part's text, so that a
 * client can send back the one entry as it stands.
 */
function encodeReasoningDelta(part: PartOutput & { kind: "reasoning" }, event: PartDeltaEvent): JsonObject {
  const { text, signature, encrypted } = event;
  part.text += text;
  const field = textOf(part.own["field"]) || "reasoning_content";
  if (field === "thinking") {
    return text === "" ? {} : { content: [{ type: "thinking", thinking: [{ type: "text", text }] }] };
  }
  const delta: JsonObject = {};
  const isShown = field !== "reasoning_details";
  const isDetailed = !isShown || part.own["detail"] !== undefined;
  if (text !== "" && isShown) delta[field] = text;
  if (signature === undefined && encrypted === undefined && (!isDetailed || text === "")) return delta;
  delta["reasoning_details"] = encodeDetails(
    {
      type: "reasoning",
      text: isDetailed ? text : part.text,
      ...(signature === undefined ? {} : { signature }),
      ...(encrypted === undefined ? {} : { encrypted }),
      extra: { [ID]: part.own },
    },
    part.index,
  );
  return delta;
}

function encodeUsageChunk(output: Output): string[] {
  if (!output.wantsUsage || output.usage === null) return [];
  const usage = encodeUsage(output.usage, output.usageRest);
  return [formatFrame(JSON.stringify({ ...output.head, choices: [], usage }))];
}

function printChoice(
  output: Output,
  index: number,
  { delta, rest = {}, finish = null }: { delta: JsonObject; rest?: JsonObject; finish?: string | null },
): string {
  const choice: JsonObject = { index, delta, logprobs: null, ...rest, finish_reason: finish };
  const usage: JsonObject = output.wantsUsage ? { usage: null } : {};
  return formatFrame(JSON.stringify({ ...output.head, choices: [choice], ...usage }));
}

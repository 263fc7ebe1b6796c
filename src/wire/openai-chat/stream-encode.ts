// Canonical events → chunks of this format, as complete SSE text. Chunks → events is in stream.ts; what one part says is in
// stream-part.ts. Knows no socket, and no time but the client's context.

import type {
  Event,
  JsonObject,
  PartDeltaEvent,
  PartEndEvent,
  PartStartEvent,
  StartEvent,
  Usage,
} from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { isCustomTool } from "../custom-tool.ts";
import { encodeErrorFrame } from "../openai-error.ts";
import { restoreName } from "../safe-name.ts";
import type { ClientContext, Machine } from "../type.ts";
import { encodeFinish, encodeImage, isLegacyCall } from "./answer.ts";
import { type Delta, ownFields } from "./body.ts";
import { encodeLogprobs } from "./logprob.ts";
import { addCallSignature } from "./reasoning.ts";
import { type PartOutput, type Seal, encodePiece, encodeRest, encodeSeals, openCall } from "./stream-part.ts";
import { encodeUsage } from "./usage.ts";
import { objectOf, omit } from "../json-read.ts";

interface ChoiceOutput {
  hasBegun: boolean;
  calls: number;
  reasonings: number;
  /** Length of all text so far. */
  textLength: number;
  parts: Map<number, PartOutput>;
  /** Seals that wait for what follows them: a call's goes out with the call. */
  seals: Seal[];
}

interface Output {
  /** Fields that every chunk carries, and their text up to the choices. */
  head: JsonObject;
  headText: string;
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
  const head = { id: "", object: "chat.completion.chunk", created: client.nowSeconds, model: client.request.model };
  const output: Output = {
    head,
    headText: printHead(head),
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
      output.headText = printHead(output.head);
      return [];
    case "part-start":
      return encodePartStart(output, event, client);
    case "part-delta":
      return encodePartDelta(output, event);
    case "part-end":
      return encodePartEnd(output, event);
    case "choice-end": {
      const own = ownFields(event.extra);
      const rest = omit(own, ["finish_reason", "message"]);
      const hasLegacy = hasLegacyCall(findChoice(output, event.choice));
      const end = { delta: objectOf(own["message"]), rest, finish: encodeFinish(event.finish, own, hasLegacy) };
      const frames = [...begin(output, event.choice, ""), ...flushSeals(output, event.choice)];
      return [...frames, printChoice(output, event.choice, end)];
    }
    case "usage":
      output.usage = event.usage;
      output.usageRest = objectOf(ownFields(event.extra)["usage"]);
      return [];
    case "finish":
      if (event.error !== undefined) return [encodeErrorFrame(event.error, client.requestId ?? "")];
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
  const choice: ChoiceOutput = { hasBegun: false, calls: 0, reasonings: 0, textLength: 0, parts: new Map(), seals: [] };
  output.choices.set(index, choice);
  return choice;
}

function encodePartStart(output: Output, event: PartStartEvent, client: ClientContext): string[] {
  const { kind } = event;
  const choice = findChoice(output, event.choice);
  const own = ownFields(event.extra);
  if (typeof kind === "object" && "toolCall" in kind) return encodeCallStart(output, { ...event, kind }, client);
  const frames = [...begin(output, event.choice, ""), ...flushSeals(output, event.choice)];
  if (kind === "reasoning") {
    choice.parts.set(event.part, { kind, index: choice.reasonings++, text: "", origin: undefined, own });
    return frames;
  }
  if (kind === "text") {
    choice.parts.set(event.part, { kind, base: choice.textLength, length: 0, citations: [] });
    return frames;
  }
  choice.parts.set(event.part, { kind: kind === "refusal" ? kind : "media" });
  if (kind === "refusal") return frames;
  const images = encodeImage(kind.media).map((image, index) => ({ ...image, index }));
  return [...frames, printChoice(output, event.choice, { delta: { images } })];
}

type CallStart = PartStartEvent & { kind: { toolCall: { id: string; name: string; custom?: true } } };

function encodeCallStart(output: Output, event: CallStart, { request }: ClientContext): string[] {
  const choice = findChoice(output, event.choice);
  const own = ownFields(event.extra);
  const { id } = event.kind.toolCall;
  const name = restoreName(event.kind.toolCall.name, request.tools);
  const frames = begin(output, event.choice, null);
  const print = (delta: JsonObject): string => printChoice(output, event.choice, { delta });
  const isLegacyKind = own["function_call"] === true || isLegacyCall(name, request.tools);
  if (isLegacyKind && !hasLegacyCall(choice)) {
    choice.parts.set(event.part, { kind: "legacy" });
    return [...frames, print({ function_call: { name, arguments: "" } })];
  }
  const seal = choice.seals.at(-1);
  if (choice.seals.length > 0) frames.push(print({ reasoning_details: encodeSeals(choice.seals.splice(0), id) }));
  const isCustom = event.kind.toolCall.custom === true;
  const isHeld = !isCustom && isCustomTool(name, request.tools);
  const part: PartOutput = {
    kind: "call",
    index: choice.calls++,
    isCustom: isCustom || isHeld,
    held: isHeld ? "" : null,
  };
  choice.parts.set(event.part, part);
  const call = { ...openCall(part, id, name), ...omit(addCallSignature(own, seal?.encrypted), ["type"]) };
  return [...frames, print({ tool_calls: [call] })];
}

/** There is room for one. */
function hasLegacyCall({ parts }: ChoiceOutput): boolean {
  return [...parts.values()].some(({ kind }) => kind === "legacy");
}

/** What was sealed for something else than a call. */
function flushSeals(output: Output, index: number): string[] {
  const seals = findChoice(output, index).seals.splice(0);
  if (seals.length === 0) return [];
  return [printChoice(output, index, { delta: { reasoning_details: encodeSeals(seals, null) } })];
}

function encodePartDelta(output: Output, event: PartDeltaEvent): string[] {
  const choice = findChoice(output, event.choice);
  const part = choice.parts.get(event.part);
  if (part === undefined) return [];
  const { delta, seal } = encodePiece(part, event);
  if (seal !== null) choice.seals.push(seal);
  if (part.kind === "text") choice.textLength += event.text.length;
  if (event.logprobs !== undefined) {
    const logprobs = encodeLogprobs(event.logprobs, undefined);
    return [printChoice(output, event.choice, { delta, rest: { logprobs } })];
  }
  return isEmpty(delta) ? [] : [printChoice(output, event.choice, { delta })];
}

/** What could be said only once the part was whole. */
function encodePartEnd(output: Output, event: PartEndEvent): string[] {
  const part = findChoice(output, event.choice).parts.get(event.part);
  const delta = part === undefined ? {} : encodeRest(part);
  return isEmpty(delta) ? [] : [printChoice(output, event.choice, { delta })];
}

function isEmpty(delta: JsonObject): boolean {
  return Object.keys(delta).length === 0;
}

function encodeUsageChunk(output: Output): string[] {
  if (!output.wantsUsage || output.usage === null) return [];
  const usage = encodeUsage(output.usage, output.usageRest);
  const { serviceTier } = output.usage;
  const tier = serviceTier === undefined ? {} : { service_tier: serviceTier };
  return [formatFrame(JSON.stringify({ ...tier, ...output.head, choices: [], usage }))];
}

/** The chunk's text before its choices: the same in every one, so it is printed once. */
function printHead(head: JsonObject): string {
  return `${JSON.stringify(head).slice(0, -1)},"choices":[`;
}

function printChoice(
  { headText, wantsUsage }: Output,
  index: number,
  { delta, rest, finish = null }: { delta: JsonObject; rest?: JsonObject; finish?: string | null },
): string {
  const end = wantsUsage ? '],"usage":null}' : "]}";
  if (rest === undefined && finish === null) {
    const choice = `{"index":${index},"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":null}`;
    return `data: ${headText}${choice}${end}\n\n`;
  }
  const choice: JsonObject = { index, delta, logprobs: null, ...rest, finish_reason: finish };
  return `data: ${headText}${JSON.stringify(choice)}${end}\n\n`;
}

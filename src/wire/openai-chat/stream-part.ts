// What one part of a streamed answer says, as deltas of this format. Knows no chunk and no choice.

import type { Citation, JsonObject, PartDeltaEvent, ReasoningPart } from "../../ir/index.ts";
import { unwrapInput } from "../custom-tool.ts";
import { type Delta, ID, type ToolCallDelta } from "./body.ts";
import { encodeAnnotations } from "./citation.ts";
import { encodeDetails, isCallSeal } from "./reasoning.ts";
import { textOf } from "../json-read.ts";

export type PartOutput =
  | { kind: "legacy" | "media" | "refusal" }
  | TextOutput
  | { kind: "reasoning"; index: number; text: string; origin: string | undefined; own: JsonObject }
  | CallOutput;

/** `citations` wait where they stand for the whole part, whose end is not known yet. */
interface TextOutput {
  kind: "text";
  base: number;
  length: number;
  citations: Citation[];
}

/** `held` gathers arguments that the client must get as free text: that needs all of them. */
interface CallOutput {
  kind: "call";
  index: number;
  isCustom: boolean;
  held: string | null;
}

/** Sealed reasoning without a text, which may belong to the call behind it. */
export interface Seal extends ReasoningPart {
  index: number;
}

/** The first delta of a call. */
export function openCall({ index, isCustom }: CallOutput, id: string, name: string): ToolCallDelta {
  if (isCustom) return { index, id, type: "custom", custom: { name, input: "" } };
  return { index, id, type: "function", function: { name, arguments: "" } };
}

/** A piece of a part as a delta, empty where it says nothing yet; a seal is not told before what follows it. */
export function encodePiece(part: PartOutput, event: PartDeltaEvent): { delta: JsonObject; seal: Seal | null } {
  const { text } = event;
  switch (part.kind) {
    case "text":
      return { delta: encodeText(part, event), seal: null };
    case "refusal":
      return { delta: text === "" ? {} : { refusal: text }, seal: null };
    case "legacy":
      return { delta: text === "" ? {} : { function_call: { arguments: text } }, seal: null };
    case "call":
      return { delta: text === "" ? {} : encodeArguments(part, text), seal: null };
    case "reasoning":
      return encodeReasoning(part, event);
    case "media":
      return { delta: {}, seal: null };
    default:
      return part satisfies never;
  }
}

function encodeText(part: TextOutput, { text, citations }: PartDeltaEvent): Delta {
  part.length += text.length;
  if (citations === undefined) return text === "" ? {} : { content: text };
  part.citations.push(...citations.filter(({ end }) => end === undefined));
  const annotations = encodeAnnotations(
    citations.filter(({ end }) => end !== undefined),
    part.base,
    part.length,
  );
  return { ...(text === "" ? {} : { content: text }), ...(annotations.length === 0 ? {} : { annotations }) };
}

function encodeArguments(part: CallOutput, text: string): Delta {
  if (part.held !== null) {
    part.held += text;
    return {};
  }
  const { index, isCustom } = part;
  return { tool_calls: [isCustom ? { index, custom: { input: text } } : { index, function: { arguments: text } }] };
}

/** What waited for the end of the part. */
export function encodeRest(part: PartOutput): Delta {
  if (part.kind === "text" && part.citations.length > 0) {
    const annotations = encodeAnnotations(part.citations.splice(0), part.base, part.length);
    return annotations.length === 0 ? {} : { annotations };
  }
  if (part.kind !== "call" || part.held === null || part.held === "") return {};
  return { tool_calls: [{ index: part.index, custom: { input: unwrapInput(part.held) } }] };
}

/**
 * Text as it comes, in details too where the upstream sent them. Else a signature or seal goes out with all of its part's text, so that a
 * client can send back the one entry as it stands.
 */
function encodeReasoning(
  part: PartOutput & { kind: "reasoning" },
  event: PartDeltaEvent,
): { delta: JsonObject; seal: Seal | null } {
  const { text, signature, encrypted } = event;
  part.text += text;
  part.origin = event.origin ?? part.origin;
  const field = textOf(part.own["field"]) || "reasoning_content";
  if (field === "thinking") {
    const delta = text === "" ? {} : { content: [{ type: "thinking", thinking: [{ type: "text", text }] }] };
    return { delta, seal: null };
  }
  const delta: JsonObject = {};
  const isShown = field !== "reasoning_details";
  const isDetailed = !isShown || part.own["detail"] !== undefined;
  if (text !== "" && isShown) delta[field] = text;
  if (signature === undefined && encrypted === undefined && (!isDetailed || text === "")) return { delta, seal: null };
  const detailed: Seal = {
    type: "reasoning",
    text: isDetailed ? text : part.text,
    ...(signature === undefined ? {} : { signature }),
    ...(encrypted === undefined ? {} : { encrypted }),
    ...(part.origin === undefined ? {} : { origin: part.origin }),
    extra: { [ID]: part.own },
    index: part.index,
  };
  if (part.text === "" && isCallSeal(detailed)) return { delta, seal: detailed };
  delta["reasoning_details"] = encodeDetails(detailed, part.index);
  return { delta, seal: null };
}

/** Seals as details; the last belongs to the call with this id. */
export function encodeSeals(seals: readonly Seal[], callId: string | null): JsonObject[] {
  return seals.flatMap((seal, index) => {
    const isLast = index === seals.length - 1;
    return encodeDetails(seal, seal.index, isLast && callId !== null ? callId : undefined);
  });
}

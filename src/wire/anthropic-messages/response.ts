// The whole answer of the Messages API ↔ the canonical one; stop reasons are shared with the stream. Knows no request.

import {
  type AnswerPart,
  type Choice,
  type FinishReason,
  GatewayError,
  type JsonObject,
  type Response,
  type Tool,
  isJsonObject,
} from "../../ir/index.ts";
import { parseArguments } from "../arguments.ts";
import { restoreName } from "../safe-name.ts";
import type { ClientContext } from "../type.ts";
import { ID, type StopReason, type ToolUseBlock, asExtra, ownFields } from "./body.ts";
import { decodeError } from "./error.ts";
import { decodeBlock, encodeCitations, keepBlock, keptBlock } from "./content.ts";
import { describeMedia } from "./media.ts";
import { isForeign } from "../seal.ts";
import { encodeShown } from "./reasoning.ts";
import { countsTokens, decodeUsage, encodeUsage } from "./usage.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** Fields of a message that the canonical answer holds itself, or that say nothing. */
export const MESSAGE_FIELDS = [
  "id",
  "type",
  "role",
  "model",
  "content",
  "stop_reason",
  "stop_sequence",
  "stop_details",
  "usage",
] as const;

/**
 * A message as a canonical answer; blocks that only this format has are kept verbatim (see content.ts). Throws `upstream_rejected` where a
 * body that came with status 200 is an error all the same, and `upstream_malformed` where it holds no content.
 */
export function decodeResponse(body: JsonObject): Response {
  if (!Array.isArray(body["content"])) throw refuseAnswer(body);
  const content = body["content"].filter(isJsonObject);
  const usage = isJsonObject(body["usage"]) && countsTokens(body["usage"]) ? decodeUsage(body["usage"]) : null;
  const own = omit(body, MESSAGE_FIELDS);
  if (usage !== null && Object.keys(usage.rest).length > 0) own["usage"] = usage.rest;
  return {
    id: textOf(body["id"]),
    model: textOf(body["model"]),
    createdAt: null,
    choices: [{ index: 0, parts: content.map(decodeAnswerBlock), ...decodeStop(body) }],
    usage: usage?.usage ?? null,
    extra: asExtra(own).extra ?? {},
  };
}

function refuseAnswer(body: JsonObject): GatewayError {
  if (body["type"] !== "error" && !isJsonObject(body["error"])) {
    return new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no content." });
  }
  const upstream = decodeError(null, body);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

function decodeAnswerBlock(block: JsonObject): AnswerPart {
  const part = decodeBlock(block);
  return part.type === "tool-result" ? keepBlock(block) : part;
}

/**
 * Why an answer ended: `stop_reason`, `stop_sequence` and `stop_details`, from a message or from a `message_delta`. A refusal's explanation
 * is the refusal's text; a reason that the canonical words cannot give back is kept verbatim.
 */
export function decodeStop(
  source: JsonObject,
): Pick<Choice, "finish" | "stopSequence" | "refusal"> & ReturnType<typeof asExtra> {
  const reason = source["stop_reason"] ?? null;
  const stopSequence = source["stop_sequence"];
  const details = source["stop_details"];
  const stop: ReturnType<typeof decodeStop> = { finish: FINISH_REASONS.get(textOf(reason)) ?? "other" };
  if (typeof stopSequence === "string") stop.stopSequence = stopSequence;
  const explanation = objectOf(details)["explanation"];
  if (stop.finish === "refusal" && typeof explanation === "string") stop.refusal = explanation;
  const own: JsonObject = {};
  if (encodeFinish(stop) !== reason) own["stop_reason"] = reason;
  if (details !== undefined) own["stop_details"] = details;
  return { ...stop, ...asExtra(own) };
}

const FINISH_REASONS = new Map<string, FinishReason>([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["tool_use", "tool-calls"],
  ["refusal", "refusal"],
]);

/** `stop_reason`, `stop_sequence` and, where there is something to say, `stop_details` of a choice that has ended. */
export function encodeStop(choice: Pick<Choice, "finish" | "stopSequence" | "refusal" | "extra">): JsonObject {
  const own = ownFields(choice.extra);
  const stop: JsonObject = {
    stop_reason: own["stop_reason"] === undefined ? encodeFinish(choice) : own["stop_reason"],
    stop_sequence: choice.stopSequence ?? null,
  };
  if (own["stop_details"] !== undefined) stop["stop_details"] = own["stop_details"];
  else if (choice.refusal !== undefined) {
    stop["stop_details"] = { type: "refusal", category: null, explanation: choice.refusal };
  }
  return stop;
}

function encodeFinish({
  finish,
  stopSequence,
  refusal,
}: Pick<Choice, "finish" | "stopSequence" | "refusal">): StopReason {
  if (refusal !== undefined) return "refusal";
  switch (finish) {
    case "stop":
      return stopSequence === undefined ? "end_turn" : "stop_sequence";
    case "length":
      return "max_tokens";
    case "tool-calls":
      return "tool_use";
    case "content-filter":
    case "refusal":
      return "refusal";
    case "error":
    case "other":
      return "end_turn";
    default:
      return finish satisfies never;
  }
}

/** A canonical answer as a message. The format knows one answer only: of several, the first. */
export function encodeResponse(response: Response, { request }: ClientContext): JsonObject {
  const choice: Choice = response.choices[0] ?? { index: 0, parts: [], finish: "other" };
  const own = ownFields(response.extra);
  return {
    id: response.id,
    type: "message",
    role: "assistant",
    model: response.model,
    content: withoutLateSeals(choice.parts).flatMap((part) => encodeAnswerPart(part, request.tools)),
    ...encodeStop(choice),
    usage: encodeUsage(response.usage, objectOf(own["usage"])),
    ...omit(own, ["usage"]),
  };
}

/** Agents take the last block for the answer: what was sealed behind all that was said, and belongs to nothing, is not told. */
function withoutLateSeals(parts: readonly AnswerPart[]): readonly AnswerPart[] {
  const isSaid = (part: AnswerPart): boolean => part.type !== "reasoning" || part.text !== "" || !isForeign(part, ID);
  const last = parts.findLastIndex(isSaid);
  return last === -1 ? parts : parts.slice(0, last + 1);
}

function encodeAnswerPart(part: AnswerPart, tools: readonly Tool[]): JsonObject[] {
  switch (part.type) {
    case "text": {
      const kept = keptBlock(part.extra);
      if (kept !== null) return [kept];
      // A client would send an empty block back, and Anthropic would refuse it.
      if (part.text === "") return [];
      return [{ type: "text", text: part.text, ...ownFields(part.extra), ...encodeCitations(part.citations) }];
    }
    case "reasoning":
      return encodeShown(part);
    case "tool-call": {
      const known = part.custom === true ? { input: part.arguments } : parseArguments(part.arguments);
      const input = known ?? { _raw: part.arguments };
      const block: ToolUseBlock = { type: "tool_use", id: part.id, name: restoreName(part.name, tools), input };
      return [{ ...block, ...ownFields(part.extra) }];
    }
    case "media":
      return [{ type: "text", text: describeMedia(part) }];
    default:
      return part satisfies never;
  }
}

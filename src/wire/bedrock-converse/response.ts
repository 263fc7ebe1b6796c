// The whole answer of Converse as a canonical one; usage, stop reasons and citations are shared with the stream. Knows no request.

import {
  type AnswerPart,
  type Choice,
  type Citation,
  type FinishReason,
  GatewayError,
  type Json,
  type JsonObject,
  type Response,
  type Usage,
  isJsonObject,
} from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import { ANSWER_TOOL } from "../answer-tool.ts";
import { ID } from "./body.ts";
import { decodeError } from "./error.ts";
import { decodeMedia } from "./media.ts";
import { objectOf, objectsOf, saysCounts, textOf } from "../json-read.ts";
import { listCounts, withUnits } from "../units.ts";

/** Throws `upstream_rejected` where a body that came with status 200 is an error all the same, `upstream_malformed` where it has no answer. */
export function decodeResponse(body: JsonObject): Response {
  const message = objectOf(objectOf(body["output"])["message"]);
  if (!Array.isArray(message["content"])) throw refuseAnswer(body);
  const parts = objectsOf(message["content"]).flatMap(decodeBlock);
  return {
    // Converse names neither its answers nor the model.
    id: "",
    model: "",
    createdAt: null,
    choices: [
      {
        index: 0,
        parts,
        ...decodeStop(
          body,
          parts.some(({ type }) => type === "tool-call"),
        ),
      },
    ],
    usage: decodeUsage(body),
    extra: {},
  };
}

function refuseAnswer(body: JsonObject): GatewayError {
  if (body["message"] === undefined && body["Message"] === undefined) {
    return new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no content." });
  }
  const upstream = decodeError(null, body);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

function decodeBlock(block: JsonObject): AnswerPart[] {
  if (typeof block["text"] === "string") return [{ type: "text", text: block["text"] }];
  if (isJsonObject(block["toolUse"])) return decodeCall(block["toolUse"]);
  if (isJsonObject(block["reasoningContent"])) return decodeReasoning(block["reasoningContent"]);
  if (isJsonObject(block["citationsContent"])) return [decodeCited(block["citationsContent"])];
  const media = decodeMedia(block);
  return media === null ? [] : [media];
}

function decodeCall(call: JsonObject): AnswerPart[] {
  // What the model's own servers have called is done already: a client would try to do it again.
  if (isServerCall(call)) return [];
  const text = JSON.stringify(call["input"] ?? {});
  if (call["name"] === ANSWER_TOOL) return [{ type: "text", text }];
  return [{ type: "tool-call", id: textOf(call["toolUseId"]), name: textOf(call["name"]), arguments: text }];
}

/** True for a call that is no wish of the client's tools. */
export function isServerCall(call: JsonObject): boolean {
  return call["type"] === "server_tool_use";
}

function decodeReasoning(reasoning: JsonObject): AnswerPart[] {
  const redacted = reasoning["redactedContent"];
  if (typeof redacted === "string") return [{ type: "reasoning", text: "", encrypted: redacted, origin: ID }];
  const { text, signature } = objectOf(reasoning["reasoningText"]);
  const signed = typeof signature === "string" && signature !== "" ? { signature, origin: ID } : {};
  return [{ type: "reasoning", text: textOf(text), ...signed }];
}

function decodeCited(block: JsonObject): AnswerPart {
  const text = objectsOf(block["content"])
    .map((item) => textOf(item["text"]))
    .join("");
  const citations = objectsOf(block["citations"]).map(decodeCitation);
  return { type: "text", text, ...(citations.length === 0 ? {} : { citations }) };
}

export function decodeCitation(citation: JsonObject): Citation {
  const location = objectOf(citation["location"]);
  const place = objectOf(location["documentChar"] ?? location["documentPage"] ?? location["documentChunk"]);
  const source = textOf(citation["source"]);
  const url = textOf(objectOf(location["web"])["url"]) || (/^https?:/iu.test(source) ? source : "");
  const title = textOf(citation["title"]);
  const quote = objectsOf(citation["sourceContent"])
    .map((item) => textOf(item["text"]))
    .join("");
  return {
    ...(url === "" ? {} : { url }),
    ...(title === "" ? {} : { title }),
    ...(quote === "" ? {} : { quote }),
    ...(typeof place["documentIndex"] === "number" ? { document: place["documentIndex"] } : {}),
  };
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["content_filtered", "content-filter"],
  ["end_turn", "stop"],
  ["guardrail_intervened", "content-filter"],
  ["malformed_model_output", "error"],
  ["malformed_tool_use", "error"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["refusal", "refusal"],
  ["stop_sequence", "stop"],
  ["tool_use", "tool-calls"],
]);

/** Why an answer ended, from a body or a `messageStop`. A call that was the answer in disguise leaves nothing to call. */
export function decodeStop(source: JsonObject, hasCalls: boolean): Pick<Choice, "finish" | "stopSequence"> {
  const finish = FINISHES.get(textOf(source["stopReason"])) ?? "other";
  if (finish === "tool-calls" && !hasCalls) return { finish: "stop" };
  const fields = objectOf(source["additionalModelResponseFields"]);
  const stopSequence = textOf(objectOf(fields["delta"])["stop_sequence"]) || textOf(fields["stop_sequence"]);
  return stopSequence === "" ? { finish } : { finish, stopSequence };
}

/**
 * Bedrock counts what the cache served and what was written to it beside `inputTokens`, not within.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
 */
export function decodeUsage(body: JsonObject): Usage | null {
  const usage = objectOf(body["usage"]);
  if (!saysCounts(usage["inputTokens"], usage["outputTokens"])) return null;
  const written = readCount(usage["cacheWriteInputTokens"]);
  const long = objectsOf(usage["cacheDetails"])
    .filter(({ ttl }) => ttl === "1h")
    .reduce((sum, { inputTokens }) => sum + readCount(inputTokens), 0);
  const counts: Usage = {
    freshInputTokens: readCount(usage["inputTokens"]),
    cacheReadTokens: readCount(usage["cacheReadInputTokens"]),
    cacheWriteTokens: written,
    ...(long === 0 ? {} : { longCacheWriteTokens: Math.min(long, written) }),
    outputTokens: readCount(usage["outputTokens"]),
    reasoningTokens: null,
    ...withUnits(listCounts(usage["serverToolUsage"])),
  };
  return withTier(counts, objectOf(body["serviceTier"])["type"]);
}

function readCount(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

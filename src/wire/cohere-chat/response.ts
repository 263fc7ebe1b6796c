// The whole answer of Cohere's Chat API as a canonical one; usage and finish reasons are shared with the stream. Knows no request.

import {
  type AnswerPart,
  type FinishReason,
  GatewayError,
  type Json,
  type JsonObject,
  type Response,
  type Usage,
  isJsonObject,
} from "../../ir/index.ts";
import { ANSWER_TOOL } from "../answer-tool.ts";
import { citesText, decodeCitations, decodeLogprob } from "./citation.ts";
import { decodeError } from "./error.ts";
import { objectOf, objectsOf, saysCounts, textOf } from "../json-read.ts";
import { withUnits } from "../units.ts";

/** Throws `upstream_rejected` where a body that came with status 200 is an error all the same, `upstream_malformed` where it has no answer. */
export function decodeResponse(body: JsonObject): Response {
  if (!isJsonObject(body["message"])) throw refuseAnswer(body);
  const parts = decodeMessage(body["message"], body);
  return {
    id: textOf(body["id"]),
    // Cohere does not name the model.
    model: "",
    createdAt: null,
    choices: [
      {
        index: 0,
        parts,
        finish: decodeFinish(
          body["finish_reason"],
          parts.some(({ type }) => type === "tool-call"),
        ),
      },
    ],
    usage: decodeUsage(body["usage"]),
    extra: {},
  };
}

function refuseAnswer(body: JsonObject): GatewayError {
  if (typeof body["message"] !== "string") {
    return new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no message." });
  }
  const upstream = decodeError(null, body);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

/** A plan is what the model thought before it called. */
function decodeMessage(message: JsonObject, body: JsonObject): AnswerPart[] {
  const plan = textOf(message["tool_plan"]);
  const citations = objectsOf(message["citations"]).filter(citesText);
  const logprobs = objectsOf(body["logprobs"]).flatMap(decodeLogprob);
  const content = objectsOf(message["content"]).map((item, index): AnswerPart => {
    if (item["type"] === "thinking") return { type: "reasoning", text: textOf(item["thinking"]) };
    const text = textOf(item["text"]);
    const cited = citations
      .filter((citation) => (citation["content_index"] ?? index) === index)
      .flatMap((citation) => decodeCitations(citation, text));
    return {
      type: "text",
      text,
      ...(cited.length === 0 ? {} : { citations: cited }),
      ...(logprobs.length === 0 ? {} : { logprobs }),
    };
  });
  const calls = objectsOf(message["tool_calls"]).map((call): AnswerPart => {
    const { name, arguments: text } = objectOf(call["function"]);
    if (name === ANSWER_TOOL) return { type: "text", text: textOf(text) };
    return { type: "tool-call", id: textOf(call["id"]), name: textOf(name), arguments: textOf(text) || "{}" };
  });
  return [...(plan === "" ? [] : [{ type: "reasoning" as const, text: plan }]), ...content, ...calls];
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ["COMPLETE", "stop"],
  ["ERROR", "error"],
  ["ERROR_TOXIC", "content-filter"],
  ["MAX_TOKENS", "length"],
  ["STOP_SEQUENCE", "stop"],
  ["TIMEOUT", "error"],
  ["TOOL_CALL", "tool-calls"],
]);

/** A call that was the answer in disguise leaves nothing to call. */
export function decodeFinish(reason: Json | undefined, hasCalls: boolean): FinishReason {
  const finish = FINISHES.get(textOf(reason).toUpperCase()) ?? "other";
  return finish === "tool-calls" && !hasCalls ? "stop" : finish;
}

/**
 * What is billed. Cohere's `tokens` also hold what it adds under the hood and what its models write to themselves, for which it charges
 * nothing; `cached_tokens` are part of those, and cost the same as others.
 * https://docs.cohere.com/docs/how-does-cohere-pricing-work
 */
export function decodeUsage(value: Json | undefined): Usage | null {
  const usage = objectOf(value);
  const billed = readCounts(usage["billed_units"]);
  const { search_units, classifications, images } = objectOf(usage["billed_units"]);
  const units = withUnits({ search_units, classifications, images });
  if (billed !== null) return { ...makeUsage(billed.input, 0, billed.output), ...units };
  const counted = readCounts(usage["tokens"]);
  if (counted === null) return null;
  const cached = Math.min(readCount(usage["cached_tokens"]), counted.input);
  return makeUsage(counted.input - cached, cached, counted.output);
}

function makeUsage(fresh: number, cacheRead: number, output: number): Usage {
  return {
    freshInputTokens: fresh,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: 0,
    outputTokens: output,
    reasoningTokens: null,
  };
}

/** Null where they cannot be read. */
function readCounts(value: Json | undefined): { input: number; output: number } | null {
  const counts = objectOf(value);
  const { input_tokens: input, output_tokens: output } = counts;
  if (!saysCounts(input, output)) return null;
  return { input: readCount(input), output: readCount(output) };
}

function readCount(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

// A canonical answer as Cohere's Chat would give it, as far as it can: no client speaks this format, so only the capability matrix writes it.

import type { AnswerPart, FinishReason, JsonObject, Response, TextPart } from "../../ir/index.ts";

export function sampleAnswer({ id, choices, usage }: Response): JsonObject {
  const { parts, finish, stopSequence } = choices[0] ?? { parts: [], finish: "stop" };
  const texts = parts.flatMap((part) => (part.type === "text" ? [part] : []));
  const logprobs = texts.flatMap((part) => part.logprobs ?? []);
  return {
    id,
    finish_reason: stopSequence === undefined ? FINISH_REASONS[finish] : "STOP_SEQUENCE",
    message: {
      role: "assistant",
      content: parts.flatMap(sampleContent),
      tool_calls: parts.flatMap(sampleCall),
      citations: texts.flatMap(sampleCitations),
    },
    ...(logprobs.length === 0
      ? {}
      : { logprobs: logprobs.map(({ token, logprob }) => ({ text: token, token_ids: [1], logprobs: [logprob] })) }),
    ...(usage === null
      ? {}
      : {
          usage: {
            tokens: {
              input_tokens: usage.freshInputTokens + usage.cacheReadTokens,
              output_tokens: usage.outputTokens,
            },
            cached_tokens: usage.cacheReadTokens,
          },
        }),
  };
}

const FINISH_REASONS: Readonly<Record<FinishReason, string>> = {
  "content-filter": "ERROR_TOXIC",
  error: "ERROR",
  length: "MAX_TOKENS",
  other: "COMPLETE",
  refusal: "COMPLETE",
  stop: "COMPLETE",
  "tool-calls": "TOOL_CALL",
};

/** Nothing is signed or sealed here. */
function sampleContent(part: AnswerPart): JsonObject[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  return part.type === "reasoning" ? [{ type: "thinking", thinking: part.text }] : [];
}

function sampleCall(part: AnswerPart): JsonObject[] {
  if (part.type !== "tool-call") return [];
  return [{ id: part.id, type: "function", function: { name: part.name, arguments: part.arguments } }];
}

function sampleCitations({ text, citations = [] }: TextPart): JsonObject[] {
  return citations.map(({ url, title, start = 0, end = text.length }) => ({
    start,
    end,
    text: text.slice(start, end),
    type: "TEXT_CONTENT",
    sources: [
      {
        type: "document",
        id: title ?? "doc:0",
        document: { ...(title === undefined ? {} : { title }), ...(url === undefined ? {} : { url }) },
      },
    ],
  }));
}

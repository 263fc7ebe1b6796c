// A canonical answer as Converse would give it, as far as it can: no client speaks this format, so only the capability matrix writes it.

import type { AnswerPart, Citation, FinishReason, JsonObject, Response } from "../../ir/index.ts";

export function sampleAnswer({ choices, usage }: Response): JsonObject {
  const [choice] = choices;
  const { parts = [], finish = "stop", stopSequence } = choice ?? {};
  return {
    output: { message: { role: "assistant", content: parts.flatMap(sampleBlock) } },
    stopReason: stopSequence === undefined ? STOP_REASONS[finish] : "stop_sequence",
    ...(stopSequence === undefined ? {} : { additionalModelResponseFields: { stop_sequence: stopSequence } }),
    ...(usage === null
      ? {}
      : {
          usage: {
            inputTokens: usage.freshInputTokens,
            outputTokens: usage.outputTokens,
            cacheReadInputTokens: usage.cacheReadTokens,
            cacheWriteInputTokens: usage.cacheWriteTokens,
          },
        }),
  };
}

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  "content-filter": "content_filtered",
  error: "malformed_model_output",
  length: "max_tokens",
  other: "end_turn",
  refusal: "refusal",
  stop: "end_turn",
  "tool-calls": "tool_use",
};

function sampleBlock(part: AnswerPart): JsonObject[] {
  switch (part.type) {
    case "text":
      return [part.citations === undefined ? { text: part.text } : sampleCited(part.text, part.citations)];
    case "reasoning":
      return [{ reasoningContent: sampleReasoning(part) }];
    case "tool-call":
      return [{ toolUse: { toolUseId: part.id, name: part.name, input: JSON.parse(part.arguments) } }];
    case "media":
      return [];
    default:
      return part satisfies never;
  }
}

function sampleReasoning({ text, signature, encrypted }: Extract<AnswerPart, { type: "reasoning" }>): JsonObject {
  if (encrypted !== undefined) return { redactedContent: encrypted };
  return { reasoningText: { text, ...(signature === undefined ? {} : { signature }) } };
}

function sampleCited(text: string, citations: readonly Citation[]): JsonObject {
  return {
    citationsContent: {
      content: [{ text }],
      citations: citations.map(({ url, title }) => ({
        ...(title === undefined ? {} : { title }),
        ...(url === undefined ? {} : { location: { web: { url } } }),
      })),
    },
  };
}

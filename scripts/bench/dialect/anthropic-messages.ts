// Anthropic's Messages. https://docs.anthropic.com/en/api/messages

import { BLANK_STAMP } from "../http/stamp.ts";
import { type Dialect, countTokens, frame, makeText } from "./type.ts";

const ID = "msg_01BenchBenchBenchBenchBe";

export const anthropicMessages: Dialect = {
  path: () => "/v1/messages",
  base: "",
  headers: (key) => ({ "x-api-key": key, "anthropic-version": "2023-06-01" }),
  request: ({ model, bytes, stream }) => ({
    model,
    max_tokens: 1_000,
    system: "You are a careful assistant.",
    messages: [{ role: "user", content: makeText(Math.max(1, bytes - 150)) }],
    ...(stream ? { stream: true } : {}),
  }),
  answer: (model, bytes) => ({
    ...describe(model, [{ type: "text", text: makeText(bytes) }], "end_turn"),
    usage: sayUsage(countTokens(bytes)),
  }),
  frames(model, pieces) {
    const event = (fields: { type: string }): string => frame(fields, fields.type);
    const start = { type: "message_start", message: { ...describe(model, [], null), usage: sayUsage(1) } };
    const block = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
    const delta = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: BLANK_STAMP } };
    const close = {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: pieces },
    };
    return {
      start: event(start) + event(block) + event({ type: "ping" }),
      piece: event(delta),
      end:
        frame({ type: "content_block_stop", index: 0 }, "content_block_stop") +
        event(close) +
        event({ type: "message_stop" }),
    };
  },
};

function describe(model: string, content: object[], stop_reason: string | null): object {
  return { id: ID, type: "message", role: "assistant", model, content, stop_reason, stop_sequence: null };
}

function sayUsage(output: number): object {
  return {
    input_tokens: 210,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
    service_tier: "standard",
  };
}

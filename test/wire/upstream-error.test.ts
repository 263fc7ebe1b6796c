// Prompts that are too long, in the words of every provider, and what each format's clients read of it; kinds of other errors.

import { describe, expect, test } from "bun:test";
import { GatewayError, type UpstreamError } from "../../src/ir/index.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import { classifyUpstream } from "../../src/wire/upstream-error.ts";

const NOTHING: UpstreamError = { status: 400, type: null, code: null, param: null, message: "", requestId: null };

function rejected(upstream: Partial<UpstreamError>): GatewayError {
  const whole = { ...NOTHING, ...upstream };
  return new GatewayError({ kind: "upstream_rejected", message: whole.message, upstream: whole });
}

/** Messages with both numbers: 150000 tokens against a limit of 128000. */
const MEASURED = [
  "prompt is too long: 150000 tokens > 128000 maximum",
  "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens. Please reduce the length of the messages.",
  "This model's maximum context length is 128,000 tokens, however you requested 150,000 tokens (149000 in your prompt; 1000 for the completion).",
  "This endpoint's maximum context length is 128000 tokens. However, you requested about 150000 tokens (149000 of text input, 1000 in the output).",
  "The input token count (150000) exceeds the maximum number of tokens allowed (128000).",
  "The input token count 150000 exceeds the maximum number of tokens allowed 128000.",
  "This model's maximum prompt length is 128000 but the request contains 150000 tokens.",
  "Prompt contains 150000 tokens and 0 draft tokens, too large for model with 128000 maximum context length",
  "Please reduce the length of the messages or completion. Current length is 150000 while limit is 128000",
  "The prompt is too long: 150000, model maximum context length: 128000",
  "Your request exceeded model token limit: 128000 (requested: 150000)",
  "request (150000 tokens) exceeds the available context size (128000 tokens), try increasing it",
  "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 128000. Given: 150000 `inputs` tokens and 512 `max_new_tokens`",
  "too many tokens: total number of tokens in the request cannot exceed 128000 - received 150000.",
  "prompt token count of 150000 exceeds the limit of 128000",
];

const UNMEASURED = [
  "Your input exceeds the context window of this model. Please adjust your input and try again.",
  "Input is too long for requested model.",
  "Please reduce the length of the messages or completion.",
  "invalid params, context window exceeds limit",
  "the request exceeds the available context size, try increasing it",
  "This model's maximum context length is 128000 tokens.",
];

describe("a prompt that does not fit", () => {
  test.each(MEASURED)("with its numbers: %s", (message) => {
    const error = rejected({ message });
    expect(anthropicMessages.error.encode(error, "")["error"]).toMatchObject({
      type: "invalid_request_error",
      message: "prompt is too long: 150000 tokens > 128000 maximum",
    });
    expect(openaiChat.error.encode(error, "")["error"]).toEqual({
      message,
      type: "invalid_request_error",
      param: null,
      code: "context_length_exceeded",
    });
  });

  test.each(UNMEASURED)("without: %s", (message) => {
    const error = rejected({ message });
    expect(anthropicMessages.error.encode(error, "")["error"]).toMatchObject({
      type: "invalid_request_error",
      message: `prompt is too long: ${message}`,
    });
    expect(openaiChat.error.encode(error, "")["error"]).toMatchObject({ message, code: "context_length_exceeded" });
  });

  test("by its code alone, and in a stream", () => {
    const error = rejected({ status: null, code: "context_length_exceeded", message: "Too much." });
    expect(anthropicMessages.error.encodeFrame(error, "")).toContain('"message":"prompt is too long: Too much."');
    expect(openaiChat.error.encodeFrame(error, "")).toContain('"code":"context_length_exceeded"');
  });

  test("a limit on the answer beside it keeps the words by which clients lower that limit", () => {
    const message =
      "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input length";
    expect(anthropicMessages.error.encode(rejected({ message }), "")["error"]).toMatchObject({ message });
  });

  test.each([
    { status: 429, message: "Request too large on tokens per min (TPM): Limit 30000, Requested 150000." },
    { status: 429, message: "You requested more than the maximum context length is 5 tokens, has 7." },
    { message: "max_tokens is too large: 100000. This model supports at most 16384 completion tokens." },
    { message: "Invalid 'messages[1].tool_calls[0].id': string too long." },
  ])("other errors are none: $message", (upstream) => {
    const error = rejected(upstream);
    expect(openaiChat.error.encode(error, "")["error"]).not.toMatchObject({ code: "context_length_exceeded" });
    expect(anthropicMessages.error.encode(error, "")["error"]).toMatchObject({ message: upstream.message });
  });
});

test.each([
  [529, "overloaded_error", null, "overloaded"],
  [null, "overloaded_error", null, "overloaded"],
  [null, null, "429", "rate_limited"],
  [429, "insufficient_quota", "insufficient_quota", "quota_exceeded"],
  [429, "RESOURCE_EXHAUSTED", null, "rate_limited"],
  [401, "invalid_request_error", null, "unauthenticated"],
  [400, "INVALID_ARGUMENT", null, "invalid_request"],
  [418, null, null, "invalid_request"],
  [500, "api_error", null, "upstream_rejected"],
  [null, null, null, "upstream_rejected"],
] as const)("status %p, type %p and code %p mean %s", (status, type, code, kind) => {
  expect(classifyUpstream({ ...NOTHING, status, type, code })).toBe(kind);
});

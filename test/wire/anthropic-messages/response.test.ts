// Whole answers of the Messages format: stop reasons, usage, and what has no canonical word.

import { describe, expect, test } from "bun:test";
import type { JsonObject, Response } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";

const CLIENT: ClientContext = {
  request: { model: "claude", messages: [], tools: [], stream: false, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 0,
};

const MESSAGE: JsonObject = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude",
  content: [{ type: "text", text: "hello" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 5, cache_creation_input_tokens: 2, cache_read_input_tokens: 3, output_tokens: 7 },
};

const ANSWER: Response = {
  id: "x-1",
  model: "other",
  createdAt: 5,
  choices: [{ index: 0, parts: [{ type: "text", text: "hello" }], finish: "stop" }],
  usage: null,
  extra: {},
};

const decode = (change: JsonObject): Response => anthropicMessages.response.decode({ ...MESSAGE, ...change });
const encode = (change: Partial<Response["choices"][number]>): JsonObject =>
  anthropicMessages.response.encode(
    { ...ANSWER, choices: [{ index: 0, parts: [], finish: "stop", ...change }] },
    CLIENT,
  );

describe("stop reasons", () => {
  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["max_tokens", "length"],
    ["model_context_window_exceeded", "length"],
    ["tool_use", "tool-calls"],
    ["pause_turn", "other"],
    ["refusal", "refusal"],
    ["a_new_one", "other"],
    [null, "other"],
  ] as const)("%s is %s, and comes back", (reason, finish) => {
    const stopSequence = reason === "stop_sequence" ? "END" : null;
    const response = decode({ stop_reason: reason, stop_sequence: stopSequence });
    expect(response.choices[0]?.finish).toBe(finish);
    expect(response.choices[0]?.stopSequence).toBe(stopSequence ?? undefined);
    expect(anthropicMessages.response.encode(response, CLIENT)).toEqual({
      ...MESSAGE,
      stop_reason: reason,
      stop_sequence: stopSequence,
    });
  });

  test.each([
    ["stop", "end_turn"],
    ["length", "max_tokens"],
    ["tool-calls", "tool_use"],
    ["content-filter", "refusal"],
    ["refusal", "refusal"],
    ["error", "end_turn"],
    ["other", "end_turn"],
  ] as const)("another format's %s is %s", (finish, reason) => {
    expect(encode({ finish })["stop_reason"]).toBe(reason);
  });

  test("a refusal in words ends as one, whatever the other format called the end", () => {
    expect(encode({ finish: "stop", refusal: "I will not." })).toMatchObject({
      content: [],
      stop_reason: "refusal",
      stop_details: { type: "refusal", category: null, explanation: "I will not." },
    });
  });

  test("a refusal's explanation is its text", () => {
    const details = { type: "refusal", category: "cyber", explanation: "No." };
    expect(decode({ stop_reason: "refusal", stop_details: details }).choices[0]?.refusal).toBe("No.");
  });
});

describe("usage", () => {
  test("Anthropic already keeps cached tokens apart", () => {
    expect(decode({}).usage).toEqual({
      freshInputTokens: 5,
      cacheReadTokens: 3,
      cacheWriteTokens: 2,
      outputTokens: 7,
      reasoningTokens: null,
    });
  });

  test("null and missing counts are zero, thinking is told apart, the rest is kept", () => {
    const usage = {
      input_tokens: 5,
      cache_read_input_tokens: null,
      output_tokens: 9,
      output_tokens_details: { thinking_tokens: 4 },
      server_tool_use: { web_search_requests: 1 },
    };
    const response = decode({ usage });
    expect(response.usage).toEqual({
      freshInputTokens: 5,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 9,
      reasoningTokens: 4,
      units: { web_search_requests: 1 },
    });
    expect(anthropicMessages.response.encode(response, CLIENT)["usage"]).toEqual({
      ...usage,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
    });
  });

  test("none is none, and zeros for a client that reads the fields without asking", () => {
    const { usage: _usage, ...silent } = MESSAGE;
    expect(anthropicMessages.response.decode(silent).usage).toBeNull();
    expect(anthropicMessages.response.encode(ANSWER, CLIENT)["usage"]).toEqual({
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    });
  });
});

describe("content of other formats", () => {
  test("reasoning without a signature, calls with malformed arguments, empty text", () => {
    const { content } = encode({
      parts: [
        { type: "reasoning", text: "hm" },
        { type: "text", text: "" },
        { type: "tool-call", id: "a", name: "look", arguments: "" },
        { type: "tool-call", id: "b", name: "look", arguments: '{"x":' },
      ],
    });
    expect(content).toEqual([
      { type: "thinking", thinking: "hm", signature: "" },
      { type: "tool_use", id: "a", name: "look", input: {} },
      { type: "tool_use", id: "b", name: "look", input: { _raw: '{"x":' } },
    ]);
  });

  test("media becomes a link that holds all of it", () => {
    const { content } = encode({
      parts: [
        { type: "media", kind: "image", source: { url: "https://a.test/b" }, mediaType: null },
        { type: "media", kind: "audio", source: { base64: "AAAA" }, mediaType: "audio/wav" },
        { type: "media", kind: "document", source: { fileId: "f" }, mediaType: null },
      ],
    });
    expect(content).toEqual([
      { type: "text", text: "![image](https://a.test/b)" },
      { type: "text", text: "[audio](data:audio/wav;base64,AAAA)" },
      { type: "text", text: "[document: f]" },
    ]);
  });

  test("of several answers the first; of none an empty one", () => {
    const [choice] = ANSWER.choices;
    const second = { index: 1, parts: [], finish: "length" } as const;
    const choices = choice === undefined ? [] : [choice, { ...second, parts: [] }];
    expect(anthropicMessages.response.encode({ ...ANSWER, choices }, CLIENT)).toMatchObject({
      id: "x-1",
      content: [{ type: "text", text: "hello" }],
      stop_reason: "end_turn",
    });
    expect(anthropicMessages.response.encode({ ...ANSWER, choices: [] }, CLIENT)["content"]).toEqual([]);
  });
});

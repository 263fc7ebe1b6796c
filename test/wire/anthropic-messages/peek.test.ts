// What the door of the Messages format lets in, and the exact words in which it refuses.

import { describe, expect, test } from "bun:test";
import { GatewayError, type JsonObject } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";

const GOOD: JsonObject = { model: "claude", max_tokens: 8, messages: [{ role: "user", content: "hello" }] };

function refusal(body: JsonObject): { message: string; param: string | undefined; kind: string } {
  try {
    anthropicMessages.peek(body);
  } catch (error) {
    if (error instanceof GatewayError) return { message: error.message, param: error.param, kind: error.kind };
    throw error;
  }
  throw new Error("it was accepted");
}

function without(name: string): JsonObject {
  return Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));
}

test("reads model and stream", () => {
  expect(anthropicMessages.peek(GOOD)).toEqual({ model: "claude", stream: false });
  expect(anthropicMessages.peek({ ...GOOD, stream: true })).toEqual({ model: "claude", stream: true });
  expect(anthropicMessages.peek({ ...GOOD, stream: null })).toEqual({ model: "claude", stream: false });
});

test("accepts a prompt that only fills the cache, and a thread continued without words", () => {
  expect(anthropicMessages.peek({ ...GOOD, max_tokens: 0 }).model).toBe("claude");
  expect(anthropicMessages.peek({ ...GOOD, messages: [], thread: { type: "continue" } }).model).toBe("claude");
});

test("accepts instructions among the messages, as text or as blocks", () => {
  const messages = [
    { role: "user", content: [{ type: "text", text: "hello" }] },
    { role: "system", content: "be brief" },
    { role: "assistant", content: [] },
  ];
  expect(anthropicMessages.peek({ ...GOOD, messages }).model).toBe("claude");
});

describe("refuses in Anthropic's words", () => {
  const cases: [JsonObject, string, string][] = [
    [without("model"), "model: Field required", "model"],
    [{ ...GOOD, model: "" }, "model: String should have at least 1 character", "model"],
    [{ ...GOOD, model: 7 }, "model: Input should be a valid string", "model"],
    [without("max_tokens"), "max_tokens: Field required", "max_tokens"],
    [{ ...GOOD, max_tokens: "8" }, "max_tokens: Input should be a valid integer", "max_tokens"],
    [{ ...GOOD, max_tokens: 1.5 }, "max_tokens: Input should be a valid integer", "max_tokens"],
    [{ ...GOOD, max_tokens: -1 }, "max_tokens: Input should be greater than or equal to 0", "max_tokens"],
    [without("messages"), "messages: Field required", "messages"],
    [{ ...GOOD, messages: "hello" }, "messages: Input should be a valid list", "messages"],
    [{ ...GOOD, messages: [] }, "messages: at least one message is required", "messages"],
    [{ ...GOOD, messages: ["hello"] }, "messages.0: Input should be an object", "messages[0]"],
    [{ ...GOOD, messages: [{ content: "a" }] }, "messages.0.role: Field required", "messages[0].role"],
    [
      { ...GOOD, messages: [{ role: "tool", content: "a" }] },
      "messages.0.role: Input should be 'user', 'assistant' or 'system'",
      "messages[0].role",
    ],
    [{ ...GOOD, messages: [{ role: "user" }] }, "messages.0.content: Field required", "messages[0].content"],
    [
      { ...GOOD, messages: [{ role: "user", content: null }] },
      "messages.0.content: Input should be a valid string or a valid list",
      "messages[0].content",
    ],
    [{ ...GOOD, stream: "yes" }, "stream: Input should be a valid boolean", "stream"],
  ];
  test.each(cases)("%j", (body, message, param) => {
    expect(refusal(body)).toEqual({ message, param, kind: "invalid_request" });
  });
});

test("forwarding changes the model's name and not a byte beside it", () => {
  const raw = '{ "messages":[ ], "model" : "alias","x":1e2 }';
  const body: JsonObject = JSON.parse(raw);
  expect(anthropicMessages.forward.request(raw, body, "alias")).toBe(raw);
  expect(anthropicMessages.forward.request(raw, body, "claude-opus-5")).toBe(
    '{ "messages":[ ], "model" : "claude-opus-5","x":1e2 }',
  );
  const frame = { raw: "event: ping\ndata: {}\n\n", event: "ping", data: "{}" };
  expect(anthropicMessages.forward.frame(frame, body)).toBe(frame.raw);
});

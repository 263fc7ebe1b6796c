// What is refused before routing, in the very words of OpenAI's API.

import { describe, expect, test } from "bun:test";
import { GatewayError, type Json, type JsonObject } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";

const USER: JsonObject = { role: "user", content: "hi" };

function refusal(body: JsonObject): { message: string; param: string | undefined; code: string | undefined } {
  try {
    openaiChat.peek(body);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
    return { message: error.message, param: error.param, code: error.code };
  }
  throw new Error("it was accepted");
}

function withMessage(message: Json): JsonObject {
  return { model: "gpt", messages: [USER, message] };
}

describe("accepted", () => {
  test("model and stream are read", () => {
    expect(openaiChat.peek({ model: "gpt", messages: [USER] })).toEqual({ model: "gpt", stream: false });
    expect(openaiChat.peek({ model: "gpt", messages: [USER], stream: true })).toEqual({ model: "gpt", stream: true });
    expect(openaiChat.peek({ model: "gpt", messages: [USER], stream: null })).toEqual({ model: "gpt", stream: false });
  });

  test("every role, and content as text, parts or (where a call stands for it) none", () => {
    const messages: JsonObject[] = [
      { role: "system", content: "" },
      { role: "developer", content: [{ type: "text", text: "x" }] },
      { role: "user", content: [] },
      { role: "assistant" },
      { role: "assistant", content: null },
      { role: "tool", tool_call_id: "a", content: "x" },
      { role: "function", name: "f", content: null },
    ];
    expect(openaiChat.peek({ model: "gpt", messages }).model).toBe("gpt");
  });
});

const CASES: [name: string, body: JsonObject, message: string, param: string, code: string][] = [
  ["no model", { messages: [USER] }, "Missing required parameter: 'model'.", "model", "missing_required_parameter"],
  [
    "empty model",
    { model: "", messages: [USER] },
    "Missing required parameter: 'model'.",
    "model",
    "missing_required_parameter",
  ],
  [
    "model 7",
    { model: 7, messages: [USER] },
    "Invalid type for 'model': expected a string, but got an integer instead.",
    "model",
    "invalid_type",
  ],
  [
    "no messages",
    { model: "gpt" },
    "Missing required parameter: 'messages'.",
    "messages",
    "missing_required_parameter",
  ],
  [
    "messages text",
    { model: "gpt", messages: "hi" },
    "Invalid type for 'messages': expected an array of objects, but got a string instead.",
    "messages",
    "invalid_type",
  ],
  [
    "messages empty",
    { model: "gpt", messages: [] },
    "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    "messages",
    "empty_array",
  ],
  [
    "message text",
    withMessage("hi"),
    "Invalid type for 'messages[1]': expected an object, but got a string instead.",
    "messages[1]",
    "invalid_type",
  ],
  [
    "no role",
    withMessage({ content: "x" }),
    "Missing required parameter: 'messages[1].role'.",
    "messages[1].role",
    "missing_required_parameter",
  ],
  [
    "role 1.5",
    withMessage({ role: 1.5, content: "x" }),
    "Invalid type for 'messages[1].role': expected a string, but got a decimal number instead.",
    "messages[1].role",
    "invalid_type",
  ],
  [
    "role robot",
    withMessage({ role: "robot", content: "x" }),
    "Invalid value: 'robot'. Supported values are: 'system', 'developer', 'user', 'assistant', 'tool', and 'function'.",
    "messages[1].role",
    "invalid_value",
  ],
  [
    "no content",
    withMessage({ role: "user" }),
    "Missing required parameter: 'messages[1].content'.",
    "messages[1].content",
    "missing_required_parameter",
  ],
  [
    "content null",
    withMessage({ role: "user", content: null }),
    "Invalid type for 'messages[1].content': expected one of a string or an array of objects, but got null instead.",
    "messages[1].content",
    "invalid_type",
  ],
  [
    "content object",
    withMessage({ role: "assistant", content: {} }),
    "Invalid type for 'messages[1].content': expected one of a string or an array of objects, but got an object instead.",
    "messages[1].content",
    "invalid_type",
  ],
  [
    "part text",
    withMessage({ role: "user", content: ["x"] }),
    "Invalid type for 'messages[1].content[0]': expected an object, but got a string instead.",
    "messages[1].content[0]",
    "invalid_type",
  ],
  [
    "stream text",
    { model: "gpt", messages: [USER], stream: "yes" },
    "Invalid type for 'stream': expected a boolean, but got a string instead.",
    "stream",
    "invalid_type",
  ],
];

describe("refused", () => {
  for (const [name, body, message, param, code] of CASES) {
    test(name, () => expect(refusal(body)).toEqual({ message, param, code }));
  }
});

test("a conversation of ten thousand messages is looked through in a moment", () => {
  const body: JsonObject = { model: "gpt", messages: Array.from({ length: 10_000 }, () => USER) };
  const started = performance.now();
  openaiChat.peek(body);
  expect(performance.now() - started).toBeLessThan(100);
});

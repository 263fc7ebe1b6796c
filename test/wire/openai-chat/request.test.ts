// Parameters and tools of requests: what each becomes, that it comes out again as it was, and the words for what is wrong.

import { describe, expect, test } from "bun:test";
import { GatewayError, type JsonObject, type Request } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };
const USER: JsonObject = { role: "user", content: "hi" };

function decode(fields: JsonObject): Request {
  return openaiChat.request.decode({ model: "gpt", messages: [USER], ...fields });
}

/** The body after decoding and encoding it. */
function again(body: JsonObject): JsonObject {
  const { body: encoded, dropped } = openaiChat.request.encode(openaiChat.request.decode(body), FACTS);
  expect(dropped).toEqual([]);
  return encoded;
}

function expectSame(fields: JsonObject): void {
  const body: JsonObject = { model: "gpt", messages: [USER], ...fields };
  expect(again(body)).toEqual(body);
}

function refusal(fields: JsonObject): { message: string; param: string | undefined; code: string | undefined } {
  try {
    decode(fields);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
    return { message: error.message, param: error.param, code: error.code };
  }
  throw new Error("it was accepted");
}

describe("parameters", () => {
  test("become canonical ones", () => {
    const request = decode({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      frequency_penalty: 1,
      presence_penalty: -1,
      seed: 7,
      n: 2,
      max_completion_tokens: 100,
      stop: "END",
      reasoning_effort: "low",
      user: "u",
      service_tier: "flex",
      metadata: { a: "b" },
      parallel_tool_calls: false,
      stream: true,
      response_format: { type: "json_schema", json_schema: { name: "r", schema: { type: "object" }, strict: true } },
    });
    expect(request).toEqual({
      model: "gpt",
      messages: [{ role: "user", parts: [{ type: "text", text: "hi" }] }],
      tools: [],
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      frequencyPenalty: 1,
      presencePenalty: -1,
      seed: 7,
      choices: 2,
      maxOutputTokens: 100,
      stop: ["END"],
      reasoning: { effort: "low" },
      user: "u",
      serviceTier: "flex",
      metadata: { a: "b" },
      parallelToolCalls: false,
      stream: true,
      responseFormat: { type: "json-schema", name: "r", description: null, schema: { type: "object" }, strict: true },
      extra: { "openai-chat": {} },
    });
  });

  test("come out as they went in", () => {
    expectSame({ temperature: 0, top_p: 1, top_k: 40, frequency_penalty: 0, presence_penalty: 0, seed: 0, n: 1 });
    expectSame({ max_tokens: 5 });
    expectSame({ max_completion_tokens: 5 });
    expectSame({ max_tokens: 5, max_completion_tokens: 5 });
    expectSame({ max_tokens: 5, max_completion_tokens: 6 });
    expectSame({ stop: ["a", "b"] });
    expectSame({ reasoning_effort: "none" });
    expectSame({ response_format: { type: "text" } });
    expectSame({ response_format: { type: "json_object", schema: { type: "object" } } });
    expectSame({
      response_format: {
        type: "json_schema",
        json_schema: { name: "r", description: "d", schema: {}, strict: false, x: 1 },
      },
    });
    expectSame({ response_format: { type: "grammar", grammar: "root ::= x" } });
    expectSame({ temperature: null, tool_choice: null, max_tokens: null, response_format: null });
    expectSame({
      logit_bias: { "1": -100 },
      logprobs: true,
      top_logprobs: 2,
      prediction: { type: "content", content: "x" },
      modalities: ["text"],
      audio: { voice: "ash", format: "wav" },
      store: false,
      web_search_options: {},
      prompt_cache_key: "k",
      safety_identifier: "s",
      verbosity: "low",
      anything_new: [1],
    });
    expectSame({ stream: true, stream_options: { include_obfuscation: false, include_usage: true } });
  });

  test("a stream asks for usage, and one stop word becomes a list", () => {
    expect(again({ model: "gpt", messages: [USER], stream: true, stop: "x" })).toEqual({
      model: "gpt",
      messages: [USER],
      stream: true,
      stream_options: { include_usage: true },
      stop: ["x"],
    });
  });

  test("a changed limit goes out under the name that the client used", () => {
    const older = decode({ max_tokens: 5 });
    expect(openaiChat.request.encode({ ...older, maxOutputTokens: 9 }, FACTS).body).toMatchObject({ max_tokens: 9 });
    const newer = openaiChat.request.encode({ ...decode({}), maxOutputTokens: 9 }, FACTS).body;
    expect(newer).toMatchObject({ max_completion_tokens: 9 });
    expect(newer).not.toHaveProperty("max_tokens");
  });

  const WRONG: [fields: JsonObject, message: string, param: string, code: string][] = [
    [
      { temperature: "hot" },
      "Invalid type for 'temperature': expected a decimal number, but got a string instead.",
      "temperature",
      "invalid_type",
    ],
    [
      { max_tokens: 1.5 },
      "Invalid type for 'max_tokens': expected an integer, but got a decimal number instead.",
      "max_tokens",
      "invalid_type",
    ],
    [
      { n: 0 },
      "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.",
      "n",
      "integer_below_min_value",
    ],
    [
      { stop: [1] },
      "Invalid type for 'stop': expected one of a string or an array of strings, but got an array instead.",
      "stop",
      "invalid_type",
    ],
    [
      { tools: {} },
      "Invalid type for 'tools': expected an array of objects, but got an object instead.",
      "tools",
      "invalid_type",
    ],
    [
      { tools: [{ type: "function" }] },
      "Missing required parameter: 'tools[0].function'.",
      "tools[0].function",
      "missing_required_parameter",
    ],
    [
      { tools: [{ type: "function", function: {} }] },
      "Missing required parameter: 'tools[0].function.name'.",
      "tools[0].function.name",
      "missing_required_parameter",
    ],
    [
      { tools: [{ type: "function", function: { name: "f", parameters: [] } }] },
      "Invalid type for 'tools[0].function.parameters': expected an object, but got an array instead.",
      "tools[0].function.parameters",
      "invalid_type",
    ],
    [
      { tool_choice: 1 },
      "Invalid type for 'tool_choice': expected one of a string or an object, but got an integer instead.",
      "tool_choice",
      "invalid_type",
    ],
    [
      { reasoning_effort: "huge" },
      "Invalid value: 'huge'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'.",
      "reasoning_effort",
      "invalid_value",
    ],
    [
      { response_format: "json" },
      "Invalid type for 'response_format': expected an object, but got a string instead.",
      "response_format",
      "invalid_type",
    ],
    [
      { response_format: { type: "json_schema" } },
      "Missing required parameter: 'response_format.json_schema'.",
      "response_format.json_schema",
      "missing_required_parameter",
    ],
    [
      { metadata: [] },
      "Invalid type for 'metadata': expected an object, but got an array instead.",
      "metadata",
      "invalid_type",
    ],
    [
      { parallel_tool_calls: "no" },
      "Invalid type for 'parallel_tool_calls': expected a boolean, but got a string instead.",
      "parallel_tool_calls",
      "invalid_type",
    ],
    [
      { messages: [{ role: "tool", content: "x" }] },
      "Missing required parameter: 'messages[0].tool_call_id'.",
      "messages[0].tool_call_id",
      "missing_required_parameter",
    ],
    [
      {
        messages: [
          { role: "assistant", tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: {} } }] },
        ],
      },
      "Invalid type for 'messages[0].tool_calls[0].function.arguments': expected a string, but got an object instead.",
      "messages[0].tool_calls[0].function.arguments",
      "invalid_type",
    ],
    [
      { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "robot" }] }] },
      "Invalid value: 'robot'. Supported values are: 'function' and 'custom'.",
      "messages[0].tool_calls[0].type",
      "invalid_value",
    ],
    [
      { messages: [{ role: "user", content: [{ text: "x" }] }] },
      "Missing required parameter: 'messages[0].content[0].type'.",
      "messages[0].content[0].type",
      "missing_required_parameter",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "video_url", video_url: {} }] }] },
      "Invalid value: 'video_url'. Supported values are: 'text', 'image_url', 'input_audio', 'file', and 'refusal'.",
      "messages[0].content[0].type",
      "invalid_value",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image_url" }] }] },
      "Missing required parameter: 'messages[0].content[0].image_url'.",
      "messages[0].content[0].image_url",
      "missing_required_parameter",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "file", file: {} }] }] },
      "Missing required parameter: 'messages[0].content[0].file.file_data'.",
      "messages[0].content[0].file.file_data",
      "missing_required_parameter",
    ],
  ];
  for (const [fields, message, param, code] of WRONG) {
    test(`${JSON.stringify(fields)} is refused`, () => expect(refusal(fields)).toEqual({ message, param, code }));
  }
});

describe("tools", () => {
  const tool = (name: string, more: JsonObject = {}): JsonObject => ({ type: "function", function: { name, ...more } });

  test("of every kind come out as they went in", () => {
    expectSame({
      tools: [
        { type: "custom", custom: { name: "c", format: { type: "text" } } },
        {
          ...tool("f", { description: "d", parameters: { type: "object" }, strict: true, x: 1 }),
          cache_control: { type: "ephemeral" },
        },
        { type: "web_search" },
        tool("g"),
      ],
      tool_choice: { type: "function", function: { name: "g" } },
      parallel_tool_calls: true,
    });
    expectSame({
      tools: [tool("f")],
      tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } },
    });
    expectSame({
      tools: [{ type: "custom", custom: { name: "c" } }],
      tool_choice: { type: "custom", custom: { name: "c" } },
    });
    expectSame({ tools: [tool("f")], tool_choice: "validated" });
    expectSame({ functions: [{ name: "f", parameters: {}, x: 1 }], function_call: { name: "f" } });
    expectSame({ functions: [{ name: "f" }], function_call: "none" });
  });

  test("of the legacy kind ask other formats for one call at a time", () => {
    expect(decode({ functions: [{ name: "f" }] }).parallelToolCalls).toBe(false);
    expect(decode({ tools: [tool("f")] }).parallelToolCalls).toBeUndefined();
  });

  test("become canonical, whichever way they are spelled", () => {
    const wanted = { name: "f", description: null, parameters: { type: "object" }, strict: null };
    const functions = decode({
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
    });
    const tools = decode({
      tools: [tool("f", { parameters: { type: "object" } })],
      tool_choice: { type: "function", function: { name: "f" } },
    });
    for (const request of [functions, tools]) {
      expect(request.tools).toMatchObject([wanted]);
      expect(request.toolChoice).toEqual({ type: "tool", name: "f" });
    }
    expect(decode({ tools: [tool("f")], tool_choice: "required" }).toolChoice).toEqual({ type: "required" });
  });

  test("an empty list is left out, as OpenAI refuses it", () => {
    expect(again({ model: "gpt", messages: [USER], tools: [] })).toEqual({ model: "gpt", messages: [USER] });
  });
});

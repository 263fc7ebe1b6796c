// What is read of a Responses request: every kind of item, tool and choice that real clients send, and what is refused by name.

import { describe, expect, test } from "bun:test";
import { GatewayError, type JsonObject, type Message, type Request } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";

function decode(body: JsonObject): Request {
  const whole = { model: "m", ...body };
  openaiResponses.peek(whole);
  return openaiResponses.request.decode(whole);
}

function messages(...input: JsonObject[]): Message[] {
  return decode({ input }).messages;
}

function refusal(body: JsonObject): { message: string; param: string | undefined } {
  try {
    decode(body);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
    return { message: error.message, param: error.param };
  }
  throw new Error("it was accepted");
}

describe("at the door", () => {
  test.each<[body: JsonObject, param: string, message: string]>([
    [{ model: "" }, "model", "Missing required parameter: 'model'."],
    [{}, "input", "Missing required parameter: 'input'."],
    [
      { input: 7 },
      "input",
      "Invalid type for 'input': expected one of a string or an array of objects, but got an integer instead.",
    ],
    [{ input: ["x"] }, "input[0]", "Invalid type for 'input[0]': expected an object, but got a string instead."],
    [{ input: "x", stream: 1 }, "stream", "Invalid type for 'stream': expected a boolean, but got an integer instead."],
    [
      { input: [{ content: "x" }] },
      "input[0].role",
      "Invalid value: 'null'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
    ],
    [
      { input: [{ role: "user", content: [{ text: "x" }] }] },
      "input[0].content[0].type",
      "Missing required parameter: 'input[0].content[0].type'.",
    ],
    [
      { input: [{ type: "function_call", name: "x", arguments: "" }] },
      "input[0].call_id",
      "Missing required parameter: 'input[0].call_id'.",
    ],
    [{ input: "x", tools: [{ type: "function" }] }, "tools[0].name", "Missing required parameter: 'tools[0].name'."],
    [
      { input: "x", text: { verbosity: "loud" } },
      "text.verbosity",
      "Invalid value: 'loud'. Supported values are: 'low', 'medium', and 'high'.",
    ],
    [
      { input: "x", max_output_tokens: 0 },
      "max_output_tokens",
      "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ],
  ])("%j", (body, param, message) => {
    expect(refusal(body)).toEqual({ param, message });
  });

  test("what is kept elsewhere may stand for the input", () => {
    for (const name of ["previous_response_id", "conversation", "prompt"]) {
      expect(openaiResponses.peek({ model: "m", [name]: "x", stream: true })).toEqual({ model: "m", stream: true });
    }
  });

  test.each(["previous_response_id", "conversation", "prompt"])(
    "%s is refused by a target that does not keep it",
    (name) => {
      expect(refusal({ input: "x", [name]: "id_1" }).param).toBe(name);
    },
  );
});

describe("messages", () => {
  test("come with and without a type, an id and a status", () => {
    const text = (role: string, type: string): JsonObject => ({ role, content: [{ type, text: "Hi" }] });
    const plain: Message = { role: "user", parts: [{ type: "text", text: "Hi" }] };
    expect(messages({ role: "user", content: "Hi" })).toEqual([plain]);
    expect(messages({ type: "message", ...text("user", "input_text") })).toEqual([plain]);
    expect(messages({ type: "message", id: "msg_1", status: "completed", ...text("user", "input_text") })).toEqual([
      plain,
    ]);
    const answer: Message = { ...plain, role: "assistant" };
    expect(messages({ role: "assistant", content: "Hi" })).toEqual([answer]);
    expect(messages(text("assistant", "output_text"))).toEqual([answer]);
    expect(
      messages({ type: "message", id: "msg_1", status: "completed", ...text("assistant", "output_text") }),
    ).toEqual([answer]);
  });

  test("a text alone is the user's; instructions come first", () => {
    expect(decode({ input: "Hi", instructions: "Be brief." }).messages).toMatchObject([
      { role: "system", parts: [{ text: "Be brief." }] },
      { role: "user", parts: [{ text: "Hi" }] },
    ]);
  });

  test("images, files and sound", () => {
    const content = [
      { type: "input_image", image_url: "https://a.test/a.png", detail: "auto" },
      { type: "input_image", image_url: "data:image/png;base64,iVBO", detail: "auto" },
      { type: "input_image", file_id: "file-1", detail: "auto" },
      { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" },
      { type: "input_file", file_url: "https://a.test/a.pdf" },
      { type: "input_audio", input_audio: { data: "UklG", format: "wav" } },
    ];
    expect(messages({ role: "user", content })[0]?.parts).toMatchObject([
      { kind: "image", source: { url: "https://a.test/a.png" } },
      { kind: "image", source: { base64: "iVBO" }, mediaType: "image/png" },
      { kind: "image", source: { fileId: "file-1" } },
      { kind: "document", source: { base64: "JVBE" }, mediaType: "application/pdf", filename: "a.pdf" },
      { kind: "document", source: { url: "https://a.test/a.pdf" } },
      { kind: "audio", source: { base64: "UklG" }, mediaType: "audio/wav" },
    ]);
  });
});

describe("what the model said in one turn is one message", () => {
  test("reasoning, text and calls, with results behind", () => {
    const decoded = messages(
      { role: "user", content: "Go." },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "gAAA" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Looking.", annotations: [] }] },
      { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" },
      { type: "custom_tool_call", call_id: "call_2", name: "patch", input: "***" },
      { type: "function_call_output", call_id: "call_1", output: "seen" },
      { type: "custom_tool_call_output", call_id: "call_2", output: [{ type: "input_text", text: "done" }] },
    );
    expect(decoded).toEqual([
      { role: "user", parts: [{ type: "text", text: "Go." }] },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", text: "Hm.", encrypted: "rs_1|gAAA", origin: "openai-responses" },
          { type: "text", text: "Looking." },
          { type: "tool-call", id: "call_1", name: "look", arguments: "{}" },
          { type: "tool-call", id: "call_2", name: "patch", arguments: "***", custom: true },
        ],
      },
      {
        role: "tool",
        parts: [{ type: "tool-result", callId: "call_1", content: [{ type: "text", text: "seen" }], isError: false }],
      },
      {
        role: "tool",
        parts: [{ type: "tool-result", callId: "call_2", content: [{ type: "text", text: "done" }], isError: false }],
      },
    ]);
  });

  test("reasoning that says nothing is nothing", () => {
    expect(messages({ type: "reasoning", id: "rs_1", summary: [] }, { role: "user", content: "Go." })).toHaveLength(1);
  });

  test("a shell, a patch and a search among tools are calls and results like any", () => {
    const decoded = messages(
      { type: "local_shell_call", id: "l", call_id: "c1", status: "completed", action: { command: ["ls"] } },
      { type: "apply_patch_call", call_id: "c2", status: "completed", operation: { type: "delete_file", path: "a" } },
      { type: "tool_search_call", call_id: "c3", execution: "client", arguments: { query: "mail" } },
      { type: "local_shell_call_output", id: "c1", output: "a" },
      { type: "apply_patch_call_output", call_id: "c2", status: "failed", output: "no such file" },
      { type: "tool_search_output", call_id: "c3", execution: "client", tools: [{ type: "function", name: "send" }] },
    );
    expect(decoded.flatMap(({ parts }) => parts)).toMatchObject([
      { id: "c1", name: "local_shell", arguments: '{"command":["ls"]}' },
      { id: "c2", name: "apply_patch", arguments: '{"type":"delete_file","path":"a"}' },
      { id: "c3", name: "tool_search", arguments: '{"query":"mail"}' },
      { callId: "c1", content: [{ text: "a" }], isError: false },
      { callId: "c2", content: [{ text: "no such file" }], isError: true },
      { callId: "c3", content: [{ text: '[{"type":"function","name":"send"}]' }] },
    ]);
  });

  test("results stand behind their calls, one for each call, wherever the client put them", () => {
    const decoded = messages(
      { type: "function_call", call_id: "c1", name: "a", arguments: "{}" },
      { type: "custom_tool_call", call_id: "c2", name: "b", input: "" },
      { role: "user", content: "Hurry." },
      { type: "function_call_output", call_id: "c1", output: "one" },
      { type: "custom_tool_call_output", call_id: "c2", output: "two" },
      { role: "assistant", content: "Done." },
      { type: "custom_tool_call_output", call_id: "c2", output: "and more" },
    );
    const outline = decoded.map(({ role, parts }) => [
      role,
      ...parts.map((part) =>
        part.type === "tool-result" ? part.content.map((item) => "text" in item && item.text) : part.type,
      ),
    ]);
    expect(outline).toEqual([
      ["assistant", "tool-call", "tool-call"],
      ["tool", ["one"]],
      ["tool", ["two", "and more"]],
      ["user", "text"],
      ["assistant", "text"],
    ]);
  });

  test("what only one provider can read is refused, by its place", () => {
    expect(refusal({ input: [{ type: "compaction", encrypted_content: "gAAA" }] }).param).toBe("input[0]");
    expect(refusal({ input: [{ type: "item_reference", id: "msg_1" }] })).toEqual({
      param: "input[0]",
      message: "Item with id 'msg_1' not found. Send the item itself instead of a reference to it.",
    });
  });
});

describe("tools", () => {
  test("a search among tools that the client runs is a function like any", () => {
    const search = {
      type: "tool_search",
      execution: "client",
      description: "Finds tools.",
      parameters: { type: "object" },
    };
    expect(decode({ input: "x", tools: [search, { type: "tool_search" }] })).toMatchObject({
      tools: [{ name: "tool_search", description: "Finds tools.", parameters: { type: "object" } }],
      extra: { "openai-responses": { tools: [{ index: 1 }] } },
    });
  });

  const SEARCH = { type: "function", name: "search", parameters: { type: "object" } };

  test("of a namespace get one name each that no other has, and their calls are found by it", () => {
    const request = decode({
      input: [{ type: "function_call", call_id: "c", name: "search", namespace: "b", arguments: "{}" }],
      tools: [
        { type: "function", name: "a__search", parameters: {} },
        { type: "namespace", name: "a", description: "A.", tools: [SEARCH] },
        { type: "namespace", name: "b", description: "B.", tools: [{ ...SEARCH, description: "Finds." }] },
        { type: "namespace", name: "mcp__c__", description: "", tools: [SEARCH] },
      ],
    });
    const [, joined, ...others] = request.tools.map(({ name }) => name);
    expect(joined).toMatch(/^a_search_[a-z0-9]+$/);
    expect(others).toEqual(["b__search", "mcp__c__search"]);
    expect(request.tools[2]?.description).toBe("B.\n\nFinds.");
    expect(request.messages[0]?.parts).toMatchObject([{ name: "b__search" }]);
  });

  test("that came in the course of the conversation are there", () => {
    const { tools } = decode({
      input: [
        { type: "additional_tools", role: "developer", tools: [SEARCH] },
        { type: "tool_search_output", call_id: "c", execution: "client", tools: [{ type: "function", name: "send" }] },
        { role: "user", content: "Go." },
      ],
    });
    expect(tools.map(({ name }) => name)).toEqual(["search", "send"]);
  });

  test("a choice in every form", () => {
    const read = (choice: JsonObject[string]): Request["toolChoice"] => {
      const tools = [SEARCH, { type: "namespace", name: "n", description: "", tools: [{ ...SEARCH, name: "send" }] }];
      return decode({ input: "x", tools, tool_choice: choice }).toolChoice;
    };
    expect(read(null)).toBeUndefined();
    expect([read("auto"), read("none"), read("required")]).toEqual([
      { type: "auto" },
      { type: "none" },
      { type: "required" },
    ]);
    expect(read({ type: "function", name: "search" })).toEqual({ type: "tool", name: "search" });
    expect(read({ type: "function", name: "send" })).toEqual({ type: "tool", name: "n__send" });
    const allow = (mode: string, ...tools: JsonObject[]): JsonObject => ({ type: "allowed_tools", mode, tools });
    expect(read(allow("required", { type: "function", name: "search" }, { type: "web_search" }))).toEqual({
      type: "allowed",
      names: ["search"],
      required: true,
    });
    expect(read(allow("auto", { type: "web_search" }))).toEqual({ type: "none" });
    for (const choice of [
      { type: "web_search_preview" },
      { type: "mcp", server_label: "s" },
      allow("required", { type: "mcp", server_label: "s" }),
    ]) {
      expect(refusal({ input: "x", tools: [{ type: "web_search" }], tool_choice: choice }).param).toBe("tool_choice");
    }
  });
});

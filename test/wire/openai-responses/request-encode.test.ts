// What a client of another format asks, told to a server that speaks Responses.

import { describe, expect, test } from "bun:test";
import type { Message, Request, Tool } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };

function encode(over: Partial<Request>, facts: Partial<ModelFacts> = {}) {
  const request: Request = {
    model: "m",
    messages: [{ role: "user", parts: [{ type: "text", text: "Go." }] }],
    tools: [],
    stream: false,
    extra: {},
    ...over,
  };
  return openaiResponses.request.encode(request, { ...FACTS, ...facts });
}

function input(...messages: Message[]): ReturnType<typeof encode> {
  return encode({ messages });
}

const TOOL: Tool = { name: "look", description: null, parameters: null, strict: null };

test("nothing is kept at the server, and what it seals comes back", () => {
  expect(encode({}).body).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] });
  expect(encode({}, { reasoning: "none" }).body["include"]).toBeUndefined();
});

test("functions are not strict unless the client said so, and the schema allows it: here they would be", () => {
  const closed = { type: "object", properties: {}, required: [], additionalProperties: false };
  const open = { type: "object", properties: {} };
  const { body, dropped } = encode({
    tools: [
      TOOL,
      { ...TOOL, name: "see", strict: true, parameters: closed },
      { ...TOOL, name: "hear", strict: true, parameters: open },
    ],
  });
  expect(body["tools"]).toEqual([
    { type: "function", name: "look", parameters: open, strict: false },
    { type: "function", name: "see", parameters: closed, strict: true },
    { type: "function", name: "hear", parameters: open, strict: false },
  ]);
  expect(dropped).toEqual(["tools[2].strict"]);
});

test("names and ids that are too long or hold other characters are fitted, alike in call and result", () => {
  const id = "toolu_".padEnd(80, "x");
  const { body } = encode({
    tools: [{ ...TOOL, name: "mcp.docs/search" }],
    toolChoice: { type: "tool", name: "mcp.docs/search" },
    messages: [
      { role: "assistant", parts: [{ type: "tool-call", id, name: "mcp.docs/search", arguments: "{}" }] },
      { role: "tool", parts: [{ type: "tool-result", callId: id, content: [], isError: false }] },
    ],
  });
  const [call, result] = body["input"] as { call_id: string; name: string }[];
  expect(call?.name).toMatch(/^mcp_docs_search_[a-z0-9]{8}$/);
  expect(body["tool_choice"]).toEqual({ type: "function", name: call?.name ?? "" });
  expect(call?.call_id).toHaveLength(64);
  expect(result?.call_id).toBe(call?.call_id ?? "");
});

describe("reasoning", () => {
  const reasoning = { type: "reasoning", text: "Hm." } as const;

  test("that this format's server sealed goes back to it", () => {
    const { body, dropped } = input({
      role: "assistant",
      parts: [
        { ...reasoning, encrypted: "rs_1|gAAA", origin: "openai-responses" },
        { type: "text", text: "Hi" },
      ],
    });
    expect(dropped).toEqual([]);
    expect(body["input"]).toEqual([
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "gAAA" },
      { type: "message", role: "assistant", content: [{ type: "output_text", annotations: [], text: "Hi" }] },
    ]);
  });

  test("behind which nothing follows stays behind", () => {
    const sealed = { encrypted: "rs_1|gAAA", origin: "openai-responses" };
    const parts = [{ ...reasoning, ...sealed }, { type: "text", text: "Hi" } as const, { ...reasoning, ...sealed }];
    const { body, dropped } = input(
      { role: "assistant", parts },
      { role: "user", parts: [{ type: "text", text: "Go." }] },
    );
    expect((body["input"] as { type?: string }[]).map(({ type }) => type)).toEqual(["reasoning", "message", undefined]);
    expect(dropped).toEqual(["messages[0].content"]);
  });

  test("of another's, or nobody's, stays behind and is named", () => {
    for (const part of [reasoning, { ...reasoning, signature: "c2ln", origin: "anthropic-messages" }]) {
      const { body, dropped } = input({ role: "assistant", parts: [part, { type: "text", text: "Hi" }] });
      expect(JSON.stringify(body)).not.toContain("Hm.");
      expect(dropped).toEqual(["messages[0].content[0]"]);
    }
  });

  test.each([
    [{ effort: "high" }, { effort: "high" }],
    [{ budgetTokens: 2000 }, { effort: "low" }],
    [{ budgetTokens: 8000 }, { effort: "medium" }],
    [{ budgetTokens: 30_000 }, { effort: "high" }],
    [
      { effort: "low", summary: "auto" },
      { effort: "low", summary: "auto" },
    ],
    [{ effort: "none" }, undefined],
    [{ adaptive: true }, undefined],
  ] as const)("wished for as %j", (wish, expected) => {
    expect(encode({ reasoning: wish }).body["reasoning"]).toEqual(expected);
  });

  test("is not asked of a model that does not reason", () => {
    const { body, dropped } = encode({ reasoning: { effort: "high" } }, { reasoning: "none" });
    expect([body["reasoning"], dropped]).toEqual([undefined, ["reasoning_effort"]]);
  });
});

describe("media", () => {
  const media = (over: object): Message => ({
    role: "user",
    parts: [{ type: "media", kind: "image", source: { base64: "iVBO" }, mediaType: "image/png", ...over }],
  });

  test.each([
    [{}, { type: "input_image", detail: "auto", image_url: "data:image/png;base64,iVBO" }],
    [{ source: { url: "https://a.test" } }, { type: "input_image", detail: "auto", image_url: "https://a.test" }],
    [
      { kind: "document", mediaType: "application/pdf" },
      { type: "input_file", filename: "document.pdf", file_data: "data:application/pdf;base64,iVBO" },
    ],
    [
      { kind: "document", source: { url: "https://a.test" } },
      { type: "input_file", file_url: "https://a.test" },
    ],
    [
      { kind: "audio", mediaType: "audio/mpeg" },
      { type: "input_audio", input_audio: { data: "iVBO", format: "mp3" } },
    ],
  ])("%j", (over, expected) => {
    expect(input(media(over)).body["input"]).toEqual([{ role: "user", content: [expected] }]);
  });

  test("a document of text is a text", () => {
    const source = { base64: Buffer.from("a,b").toString("base64") };
    const message = media({ kind: "document", mediaType: "text/csv", filename: "a.csv", source });
    expect(input(message).body["input"]).toEqual([{ role: "user", content: "a.csv:\na,b" }]);
  });

  test("a file kept elsewhere is refused", () => {
    expect(() => input(media({ source: { fileId: "f" } }))).toThrow("messages[0].content[0]: this model cannot read");
  });

  test("of a tool's result stay in it", () => {
    const content = [{ type: "text", text: "See:" } as const, ...media({}).parts];
    const parts = [{ type: "tool-result", callId: "c", content, isError: true }] as Message["parts"];
    const { body, dropped } = input({ role: "tool", parts });
    expect(body["input"]).toMatchObject([
      { type: "function_call_output", call_id: "c", output: [{ type: "input_text" }, { type: "input_image" }] },
    ]);
    expect(dropped).toEqual(["is_error"]);
  });
});

test("a call of free text stays one, and so does its result", () => {
  const { body } = encode({
    tools: [{ ...TOOL, custom: { grammar: { syntax: "lark", definition: "start: /.+/" } } }],
    toolChoice: { type: "allowed", names: ["look"], required: true },
    messages: [
      { role: "assistant", parts: [{ type: "tool-call", id: "c", name: "look", arguments: "***", custom: true }] },
      { role: "tool", parts: [{ type: "tool-result", callId: "c", content: [], isError: false }] },
    ],
  });
  expect(body).toMatchObject({
    tools: [{ type: "custom", name: "look", format: { type: "grammar", syntax: "lark", definition: "start: /.+/" } }],
    tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "custom", name: "look" }] },
    input: [
      { type: "custom_tool_call", call_id: "c", input: "***" },
      { type: "custom_tool_call_output", call_id: "c", output: "" },
    ],
  });
});

test("what the format has no word for is named; several answers are refused", () => {
  const { dropped } = encode({
    stop: ["x"],
    topK: 1,
    seed: 7,
    frequencyPenalty: 1,
    presencePenalty: 1,
  });
  expect(dropped).toEqual(["stop", "top_k", "seed", "frequency_penalty", "presence_penalty"]);
  expect(() => encode({ modalities: ["audio"] })).toThrow("not in audio");
  expect(() => encode({ choices: 2 })).toThrow("'n' must be 1");
});

test("the output limit is the server's least, and the model's most", () => {
  expect(encode({ maxOutputTokens: 1 })).toMatchObject({ body: { max_output_tokens: 16 }, dropped: ["max_tokens"] });
  const fitted = encode({ maxOutputTokens: 9000 }, { maxOutputTokens: 8000 });
  expect(fitted).toMatchObject({ body: { max_output_tokens: 8000 }, dropped: ["max_tokens"] });
});

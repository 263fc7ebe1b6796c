// Messages of requests, and whole generated requests: what goes in comes out, and becomes canonical parts between.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { JsonObject, Message } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };
const PNG = "iVBORw0KGgo=";

function decodeMessage(message: JsonObject): Message | undefined {
  return openaiChat.request.decode({ model: "gpt", messages: [message] }).messages[0];
}

/** The body after decoding and encoding it. */
function again(body: JsonObject): JsonObject {
  const { body: encoded, dropped } = openaiChat.request.encode(openaiChat.request.decode(body), FACTS);
  expect(dropped).toEqual([]);
  return encoded;
}

const DETAIL: JsonObject = { type: "reasoning.text", text: "because", signature: "s", format: "f", index: 0 };

const CONVERSATION: JsonObject[] = [
  { role: "system", content: "s" },
  { role: "developer", content: [{ type: "text", text: "d", cache_control: { type: "ephemeral" } }], name: "dev" },
  {
    role: "user",
    name: "u",
    content: [
      { type: "text", text: "look" },
      { type: "image_url", image_url: { url: "https://x.test/a.png", detail: "low" } },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
      { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
      { type: "input_audio", input_audio: { data: "AAAA", format: "flac" } },
      { type: "file", file: { file_data: "data:application/pdf;base64,JVBERi0=", filename: "a.pdf" } },
      { type: "file", file: { file_id: "file-1" } },
      { type: "file", file: { file_data: "https://x.test/a.pdf", filename: "a.pdf" }, mark: { mode: "explicit" } },
    ],
  },
  {
    role: "assistant",
    content: "calling",
    refusal: null,
    annotations: [],
    tool_calls: [
      { id: "a", type: "function", function: { name: "f", arguments: ' {"x": 1 ' } },
      { id: "b", type: "custom", custom: { name: "c", input: "raw" } },
    ],
  },
  { role: "tool", tool_call_id: "a", content: "one", name: "f" },
  {
    role: "tool",
    tool_call_id: "b",
    content: [
      { type: "text", text: "x" },
      { type: "image_url", image_url: { url: "https://x.test/b.png" } },
    ],
  },
  {
    role: "assistant",
    content: [
      { type: "text", text: "well" },
      { type: "refusal", refusal: "no" },
    ],
    audio: { id: "au" },
  },
  { role: "assistant", content: null, refusal: "never" },
  { role: "assistant", content: null, function_call: { name: "old", arguments: "{}" } },
  { role: "function", name: "old", content: "done" },
  { role: "assistant", content: "x", reasoning_content: "because" },
  { role: "assistant", content: "x", reasoning: "because" },
  { role: "assistant", content: "x", reasoning: "because", reasoning_details: [DETAIL] },
  {
    role: "assistant",
    content: [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "x" },
    ],
  },
  {
    role: "assistant",
    content: null,
    reasoning_content: "",
    tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "" } }],
  },
];

describe("messages", () => {
  test("come out as they went in", () => {
    const body: JsonObject = { model: "gpt", messages: CONVERSATION };
    expect(again(body)).toEqual(body);
  });

  test("become canonical parts", () => {
    const { messages } = openaiChat.request.decode({ model: "gpt", messages: CONVERSATION });
    const bare = messages.map(({ parts }) => parts.map(({ extra: _extra, ...part }) => part));
    const roles = CONVERSATION.map(({ role }) => (role === "function" ? "tool" : role));
    expect(messages.map(({ role }): unknown => role)).toEqual(roles);
    expect(bare[2]).toEqual([
      { type: "text", text: "look" },
      { type: "media", kind: "image", source: { url: "https://x.test/a.png" }, mediaType: null, detail: "low" },
      { type: "media", kind: "image", source: { base64: PNG }, mediaType: "image/png" },
      { type: "media", kind: "audio", source: { base64: "AAAA" }, mediaType: "audio/mpeg" },
      { type: "media", kind: "audio", source: { base64: "AAAA" }, mediaType: "audio/flac" },
      {
        type: "media",
        kind: "document",
        source: { base64: "JVBERi0=" },
        mediaType: "application/pdf",
        filename: "a.pdf",
      },
      { type: "media", kind: "document", source: { fileId: "file-1" }, mediaType: null },
      {
        type: "media",
        kind: "document",
        source: { url: "https://x.test/a.pdf" },
        mediaType: null,
        filename: "a.pdf",
      },
    ]);
    expect(bare[3]).toEqual([
      { type: "text", text: "calling" },
      { type: "tool-call", id: "a", name: "f", arguments: ' {"x": 1 ' },
      { type: "tool-call", id: "b", name: "c", arguments: "raw", custom: true },
    ]);
    expect(bare[4]).toEqual([
      { type: "tool-result", callId: "a", content: [{ type: "text", text: "one" }], isError: false },
    ]);
    expect(bare[6]).toEqual([
      { type: "text", text: "well" },
      { type: "text", text: "no" },
    ]);
    expect(bare[7]).toEqual([{ type: "text", text: "never" }]);
    expect(bare[12]).toEqual([
      { type: "reasoning", text: "because", signature: "s", origin: "openai-chat" },
      { type: "text", text: "x" },
    ]);
    expect(bare[13]).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "x" },
    ]);
  });

  test("of the legacy kind have an id that joins call and result", () => {
    const { messages } = openaiChat.request.decode({ model: "gpt", messages: CONVERSATION });
    const [call] = messages[8]?.parts ?? [];
    const [result] = messages[9]?.parts ?? [];
    if (call?.type !== "tool-call" || result?.type !== "tool-result") throw new Error("no call and result");
    expect(call).toMatchObject({ name: "old", arguments: "{}" });
    expect(result.callId).toBe(call.id);
  });

  test("keep what only this format says under its name, and marks of caches where others find them", () => {
    expect(decodeMessage(CONVERSATION[1] ?? {})).toEqual({
      role: "developer",
      parts: [{ type: "text", text: "d", cache: { ttl: null } }],
      extra: { "openai-chat": { name: "dev" } },
    });
  });

  test("breakpoints of the prompt cache are marks like others, and come back as what they were", () => {
    const breakpoint = (ttl: JsonObject): JsonObject => ({
      role: "user",
      content: [
        { type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit", ...ttl } },
        { type: "image_url", image_url: { url: "https://x.test/a" }, prompt_cache_breakpoint: { mode: "explicit" } },
      ],
    });
    const result = {
      role: "tool",
      tool_call_id: "a",
      content: [{ type: "text", text: "b", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }],
    };
    const caches = (message: JsonObject): unknown =>
      decodeMessage(message)?.parts.map((part) => (part.type === "reasoning" ? null : part.cache));
    expect(caches(breakpoint({}))).toEqual([{ ttl: null }, { ttl: null }]);
    expect(caches(breakpoint({ ttl: "12h" }))).toEqual([{ ttl: "1h" }, { ttl: null }]);
    // One that says more than the canonical mark stays this format's own.
    expect(caches(breakpoint({ ttl: "30m" }))).toEqual([undefined, { ttl: null }]);
    for (const message of [breakpoint({}), breakpoint({ ttl: "12h" }), breakpoint({ ttl: "30m" }), result]) {
      expect(again({ model: "gpt", messages: [message] })["messages"]).toEqual([message]);
    }
  });

  test("a data URL that is not base64 is read to its bytes; a broken one stays an address", () => {
    const read = (url: string): unknown =>
      decodeMessage({ role: "user", content: [{ type: "image_url", image_url: { url } }] })?.parts;
    const source = { base64: Buffer.from("<svg/>").toString("base64") };
    expect(read("data:image/svg+xml,%3Csvg/%3E")).toMatchObject([{ source, mediaType: "image/svg+xml" }]);
    const broken = "data:image/svg+xml,%3Csvg/%3";
    expect(read(broken)).toMatchObject([{ source: { url: broken }, mediaType: null }]);
  });
});

const text = fc.string({ maxLength: 8 });
const words = fc.string({ minLength: 1, maxLength: 8 });
const textPart = fc.record({ type: fc.constant("text"), text });
const imageUrl = fc.record(
  { url: fc.constantFrom("https://x.test/a", `data:image/png;base64,${PNG}`), detail: words },
  { requiredKeys: ["url"] },
);
const imagePart = fc.record({ type: fc.constant("image_url"), image_url: imageUrl });
const call = fc.record({
  id: words,
  type: fc.constant("function"),
  function: fc.record({ name: words, arguments: text }),
});

function list<T>(part: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(part, { minLength: 2, maxLength: 3 });
}

const message = fc.oneof(
  fc.record(
    {
      role: fc.constantFrom("system", "developer", "user"),
      content: fc.oneof(text, list(textPart)),
      name: words,
    },
    { requiredKeys: ["role", "content"] },
  ),
  fc.record({ role: fc.constant("user"), content: list(fc.oneof(textPart, imagePart)) }),
  fc.record({ role: fc.constant("assistant"), content: fc.oneof(text, list(textPart)) }),
  fc.record(
    {
      role: fc.constant("assistant"),
      content: fc.oneof(text, fc.constant(null)),
      tool_calls: fc.array(call, { minLength: 1, maxLength: 3 }),
      reasoning_content: words,
    },
    { requiredKeys: ["role", "content", "tool_calls"] },
  ),
  fc.record({ role: fc.constant("tool"), tool_call_id: words, content: fc.oneof(text, list(textPart)) }),
);

const tool = fc.record({
  type: fc.constant("function"),
  function: fc.record({ name: words, strict: fc.boolean() }, { requiredKeys: ["name"] }),
});

const request = fc.record(
  {
    model: words,
    messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    max_tokens: fc.integer({ min: 1 }),
    max_completion_tokens: fc.integer({ min: 1 }),
    stop: fc.array(text, { minLength: 1 }),
    seed: fc.integer(),
    n: fc.integer({ min: 1 }),
    tools: fc.array(tool, { minLength: 1 }),
    x_unknown: fc.jsonValue(),
  },
  { requiredKeys: ["model", "messages"] },
);

test("any request comes out as it went in, own fields and all", () => {
  fc.assert(
    fc.property(request, (value) => {
      const sent: JsonObject = JSON.parse(JSON.stringify(value));
      const decoded = openaiChat.request.decode(sent);
      expect(again(sent)).toEqual(sent);
      expect(openaiChat.request.decode(again(sent))).toEqual(decoded);
    }),
    { numRuns: 500 },
  );
});

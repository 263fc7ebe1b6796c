// A Messages body as a canonical request, and back: every block, every field, and what has no canonical word kept for the way home.

import { describe, expect, test } from "bun:test";
import { GatewayError, type JsonObject, type Request } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";
import { listRecordings, readRecording } from "../../fixture.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "budget" };
const MARK = { type: "ephemeral", ttl: "1h" };

function decode(change: JsonObject): Request {
  return anthropicMessages.request.decode({ model: "claude", max_tokens: 9, messages: [], ...change });
}

function refusal(change: JsonObject): { param: string | undefined; code: string | undefined } {
  try {
    decode(change);
  } catch (error) {
    if (error instanceof GatewayError) return { param: error.param, code: error.code };
    throw error;
  }
  throw new Error("it was accepted");
}

const own = (fields: JsonObject): { extra: Record<string, JsonObject> } => ({
  extra: { "anthropic-messages": fields },
});

describe("the conversation", () => {
  test("system as text or blocks, and again among the messages", () => {
    expect(decode({ system: "be brief" }).messages).toEqual([
      { role: "system", parts: [{ type: "text", text: "be brief" }] },
    ]);
    const blocks = [
      { type: "text", text: "a", cache_control: MARK },
      { type: "text", text: "b" },
    ];
    const inline = { role: "system", content: "now in French", output_config: { effort: "low" } };
    expect(decode({ system: blocks, messages: [{ role: "user", content: "q" }, inline] }).messages).toEqual([
      {
        role: "system",
        parts: [
          { type: "text", text: "a", cache: { ttl: "1h" } },
          { type: "text", text: "b" },
        ],
      },
      { role: "user", parts: [{ type: "text", text: "q" }] },
      {
        role: "system",
        parts: [{ type: "text", text: "now in French" }],
        ...own({ role: "system", noted: { output_config: { effort: "low" } } }),
      },
    ]);
  });

  test("an instruction's effort is the request's where it is for the turn to come, and goes back to its place", () => {
    const low = { role: "system", content: "hurry", output_config: { effort: "low" } };
    const answer = { role: "assistant", content: "a" };
    const user = { role: "user", content: "q" };
    const effortOf = (messages: JsonObject[]): unknown => {
      const body = { model: "claude", max_tokens: 9, messages, output_config: { effort: "high" } };
      const request = anthropicMessages.request.decode(body);
      const again = anthropicMessages.request.encode(request, { ...FACTS, reasoning: "effort" }).body;
      expect(again).toEqual(spellOut(body));
      return request.reasoning?.effort;
    };
    expect(effortOf([user, low])).toBe("low");
    expect(effortOf([user, low, answer, user])).toBe("high");
    expect(effortOf([user, { role: "system", output_config: { effort: "max" } }])).toBe("max");
  });

  test("a header for the provider's books is no instruction, and comes back where it stood", () => {
    const header = { type: "text", text: "x-anthropic-billing-header: cc_version=2; cch=0a1;" };
    const system = [header, { type: "text", text: "be brief", cache_control: MARK }];
    const request = decode({ system, messages: [{ role: "user", content: "q" }] });
    expect(request.messages[0]?.parts).toEqual([{ type: "text", text: "be brief", cache: { ttl: "1h" } }]);
    expect(anthropicMessages.request.encode(request, FACTS).body["system"]).toEqual(system);
    const alone = decode({ system: [header], messages: [{ role: "user", content: "q" }] });
    expect(openaiChat.request.encode(alone, FACTS)).toMatchObject({
      body: { messages: [{ role: "user", content: "q" }] },
      dropped: [],
    });
  });

  test("an instruction for an earlier turn alone is not shown to other models, and comes back whole", () => {
    const passing = { role: "system", content: "the clock says noon", clear_at: "next_user_message" };
    const question = { role: "user", content: "q" };
    const answer = { role: "assistant", content: "a" };
    const messages = [question, passing, answer, question, passing];
    const request = decode({ messages });
    expect(request.messages.map(({ parts }) => parts.length)).toEqual([1, 0, 1, 1, 1]);
    const { body } = anthropicMessages.request.encode(request, FACTS);
    const spelled = spellOut({ messages })["messages"] as JsonObject[];
    expect(body["messages"]).toEqual(spelled.map((message, index) => (index === 1 ? passing : message)));
    const translated = openaiChat.request.encode(request, FACTS);
    expect(translated.body["messages"]).toEqual([
      question,
      answer,
      question,
      { role: "system", content: "the clock says noon" },
    ]);
    expect(translated.dropped).toEqual([]);
  });

  test("tools that an instruction adds or takes away are there or not for other models, and come back where they were said", () => {
    const define = (name: string): JsonObject => ({ name, input_schema: { type: "object", properties: {} } });
    const change = (type: string, tool: JsonObject): JsonObject => ({ type, tool });
    const messages = [
      { role: "user", content: "q" },
      {
        role: "system",
        content: [
          { type: "text", text: "Here are other tools." },
          change("tool_addition", { type: "tool_definition", definition: define("new") }),
          change("tool_removal", { type: "tool_reference", name: "old" }),
          change("tool_removal", { type: "tool_reference", name: "back" }),
          change("tool_addition", { type: "tool_reference", name: "back" }),
        ],
      },
    ];
    const body = { model: "claude", max_tokens: 9, messages, tools: [define("old"), define("back"), define("same")] };
    const request = anthropicMessages.request.decode(body);
    expect(request.tools.map(({ name }) => name)).toEqual(["back", "same", "new"]);
    expect(request.messages[1]?.parts).toEqual([{ type: "text", text: "Here are other tools." }]);
    expect(anthropicMessages.request.encode(request, FACTS).body).toEqual(spellOut(body));
    expect(openaiChat.request.encode(request, FACTS).dropped).toEqual([]);
  });

  test("results of tools become messages of their own", () => {
    const content = [
      { type: "tool_result", tool_use_id: "a", content: "1", cache_control: MARK },
      { type: "tool_result", tool_use_id: "b", content: [{ type: "text", text: "2" }], is_error: true },
      { type: "text", text: "and now?" },
    ];
    expect(decode({ messages: [{ role: "user", content }] }).messages).toEqual([
      {
        role: "tool",
        parts: [
          {
            type: "tool-result",
            callId: "a",
            content: [{ type: "text", text: "1" }],
            isError: false,
            cache: { ttl: "1h" },
          },
          { type: "tool-result", callId: "b", content: [{ type: "text", text: "2" }], isError: true },
        ],
      },
      { role: "user", parts: [{ type: "text", text: "and now?" }] },
    ]);
  });

  test("media from every source", () => {
    const content = [
      { type: "image", source: { type: "url", url: "https://a.test/b" } },
      { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "ä" }, title: "t", context: "c" },
      { type: "document", source: { type: "file", file_id: "file_1" } },
    ];
    expect(decode({ messages: [{ role: "user", content }] }).messages[0]?.parts).toEqual([
      { type: "media", kind: "image", source: { url: "https://a.test/b" }, mediaType: null },
      { type: "media", kind: "image", source: { base64: "AAAA" }, mediaType: "image/png" },
      {
        type: "media",
        kind: "document",
        source: { base64: "w6Q=" },
        mediaType: "text/plain",
        filename: "t",
        ...own({ context: "c" }),
      },
      { type: "media", kind: "document", source: { fileId: "file_1" }, mediaType: null },
    ]);
  });

  test("thinking, calls, and blocks that only this format has", () => {
    const search = { type: "server_tool_use", id: "s", name: "web_search", input: { query: "x" } };
    const content = [
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "redacted_thinking", data: "blob" },
      search,
      { type: "tool_use", id: "a", name: "look", input: { x: 1 }, caller: { type: "direct" } },
    ];
    expect(decode({ messages: [{ role: "assistant", content }] }).messages[0]?.parts).toEqual([
      { type: "reasoning", text: "hm", signature: "sig", origin: "anthropic-messages" },
      { type: "reasoning", text: "", encrypted: "blob", origin: "anthropic-messages" },
      { type: "text", text: "", ...own({ block: search }) },
      { type: "tool-call", id: "a", name: "look", arguments: '{"x":1}', ...own({ caller: { type: "direct" } }) },
    ]);
  });
});

test("parameters", () => {
  const request = decode({
    temperature: 0.5,
    top_p: 0.9,
    top_k: 4,
    stop_sequences: ["END"],
    stream: true,
    thinking: { type: "enabled", budget_tokens: 2000 },
    output_config: { format: { type: "json_schema", schema: { type: "object" } } },
    metadata: { user_id: "u" },
    service_tier: "standard_only",
    tools: [
      { name: "look", input_schema: { type: "object" }, cache_control: MARK },
      { type: "web_search_20250305", name: "web_search", max_uses: 2 },
    ],
    tool_choice: { type: "any", disable_parallel_tool_use: true },
    context_management: { edits: [] },
  });
  expect(request).toEqual({
    model: "claude",
    messages: [],
    maxOutputTokens: 9,
    temperature: 0.5,
    topP: 0.9,
    topK: 4,
    stop: ["END"],
    stream: true,
    reasoning: { budgetTokens: 2000 },
    responseFormat: { type: "json-schema", name: null, description: null, schema: { type: "object" }, strict: null },
    user: "u",
    serviceTier: "default",
    tools: [
      {
        name: "look",
        description: null,
        parameters: { type: "object" },
        strict: null,
        cache: { ttl: "1h" },
      },
    ],
    toolChoice: { type: "required" },
    parallelToolCalls: false,
    ...own({
      context_management: { edits: [] },
      tools: [{ index: 1, tool: { type: "web_search_20250305", name: "web_search", max_uses: 2 } }],
    }),
  });
});

test("wrong types are refused by name", () => {
  const code = undefined;
  expect(refusal({ temperature: "hot" })).toEqual({ param: "temperature", code });
  expect(refusal({ stop_sequences: "END" })).toEqual({ param: "stop_sequences", code });
  expect(refusal({ tools: {} })).toEqual({ param: "tools", code });
  expect(refusal({ tools: [{ description: "nameless" }] })).toEqual({ param: "tools[0].name", code });
  expect(refusal({ system: [{ text: "typeless" }] })).toEqual({ param: "system.0.type", code });
});

test("a message thread, whose client would send only what is new, is refused in the words that make it send everything", () => {
  expect(refusal({ thread: { type: "create" } })).toEqual({ param: "thread", code: "thread_unsupported_request" });
});

/** A body in the one form that this wire writes: blocks instead of strings, and no field that says nothing. */
function spellOut(body: JsonObject): JsonObject {
  const blocks = (content: unknown): unknown =>
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  const spellOutContent = (content: unknown): JsonObject[] =>
    (blocks(content) as JsonObject[]).map((block) =>
      block["type"] === "tool_result" ? spellOutResult(block, blocks) : block,
    );
  const messages = (body["messages"] as JsonObject[]).map((message) => ({
    ...message,
    ...(message["content"] === undefined ? {} : { content: spellOutContent(message["content"]) }),
  }));
  const spelled: JsonObject = { ...body, messages: messages as JsonObject[] };
  if (body["system"] !== undefined) spelled["system"] = blocks(body["system"]) as JsonObject[];
  if (body["stream"] === false) delete spelled["stream"];
  if (body["tools"] !== undefined && (body["tools"] as unknown[]).length === 0) delete spelled["tools"];
  return spelled;
}

function spellOutResult(block: JsonObject, blocks: (content: unknown) => unknown): JsonObject {
  const { is_error: isError, ...rest } = block;
  const result: JsonObject = { ...rest, content: blocks(block["content"]) as JsonObject[] };
  return isError === true ? { ...result, is_error: true } : result;
}

const REQUESTS = listRecordings({ surface: "anthropic" }).flatMap((row) =>
  readRecording(row.file).flatMap(({ request, response }, index) =>
    request?.body === null || request === null || response.status >= 400
      ? []
      : [{ name: `${row.file} ${index + 1}`, body: request.body }],
  ),
);

test("the recorded requests are there", () => {
  expect(REQUESTS.length).toBeGreaterThanOrEqual(18);
});

test.each(REQUESTS)("$name comes back as it was sent", ({ body }) => {
  const { body: again, dropped } = anthropicMessages.request.encode(anthropicMessages.request.decode(body), FACTS);
  expect(again).toEqual(spellOut(body));
  expect(dropped).toEqual([]);
});

// What another format's request looks like here, and the names of what it loses.

import { describe, expect, test } from "bun:test";
import type { Json, JsonObject, Message, Part, Request } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };
const USER: JsonObject = { role: "user", content: "hi" };
const PNG = "iVBORw0KGgo=";
const MARK: JsonObject = { type: "ephemeral" };

/** A request as another format's client would have made it. */
function foreign(fields: Partial<Request>, facts: Partial<ModelFacts> = {}): { body: JsonObject; dropped: string[] } {
  const request: Request = {
    model: "gpt",
    messages: [{ role: "user", parts: [{ type: "text", text: "hi" }] }],
    tools: [],
    stream: false,
    extra: { "anthropic-messages": {} },
    ...fields,
  };
  return openaiChat.request.encode(request, { ...FACTS, ...facts });
}

function foreignMessages(...messages: Message[]): { messages: Json; dropped: string[] } {
  const { body, dropped } = foreign({ messages });
  return { messages: body["messages"] ?? null, dropped };
}

function effort(reasoning: Request["reasoning"] & object): Json | undefined {
  return foreign({ reasoning }).body["reasoning_effort"];
}

function result(callId: string, content: (Part & { type: "text" | "media" })[], isError = false): Part {
  return { type: "tool-result", callId, content, isError };
}

function document(source: { url: string } | { base64: string }, mediaType: string | null): Part {
  return { type: "media", kind: "document", source, mediaType };
}

describe("parameters", () => {
  test("lose what only the other format can say, by name", () => {
    const extra = { "anthropic-messages": { defer_loading: true } };
    const { body, dropped } = foreign({
      topK: 5,
      tools: [{ name: "f", description: null, parameters: null, strict: null, extra }],
      extra: { "anthropic-messages": { context_management: { edits: [] }, container: null, thinking: {} } },
    });
    expect(body).toEqual({ model: "gpt", messages: [USER], tools: [{ type: "function", function: { name: "f" } }] });
    expect(dropped.sort()).toEqual(["context_management", "defer_loading", "top_k"]);
  });

  test("an output limit that this model does not know is cut to the model's, and reported", () => {
    const limited = foreign({ maxOutputTokens: 64_000 }, { maxOutputTokens: 16_384 });
    expect(limited).toMatchObject({ body: { max_completion_tokens: 16_384 }, dropped: ["max_tokens"] });
    const free = foreign({ maxOutputTokens: 64_000 });
    expect(free).toMatchObject({ body: { max_completion_tokens: 64_000 }, dropped: [] });
    const own = openaiChat.request.decode({ model: "gpt", messages: [USER], max_tokens: 64_000 });
    const kept = openaiChat.request.encode(own, { ...FACTS, maxOutputTokens: 16_384 });
    expect(kept).toMatchObject({ body: { max_tokens: 64_000 }, dropped: [] });
  });

  test("budgets are told as efforts, and models that do not reason hear nothing", () => {
    expect([1024, 8192, 32_000].map((budgetTokens) => effort({ budgetTokens }))).toEqual(["low", "medium", "high"]);
    expect([effort({ effort: "minimal" }), effort({ effort: "max" })]).toEqual(["low", "high"]);
    const known = (wanted: Request["reasoning"] & object): Json | undefined =>
      foreign({ reasoning: wanted }, { efforts: ["none", "low", "medium", "high", "xhigh"] }).body["reasoning_effort"];
    expect([known({ effort: "max" }), known({ budgetTokens: 24_000 }), known({ effort: "none" })]).toEqual([
      "xhigh",
      "xhigh",
      "none",
    ]);
    expect([effort({ adaptive: true }), effort({ effort: "none" })]).toEqual([undefined, undefined]);
    const silent = foreign({ reasoning: { effort: "low" } }, { reasoning: "none" });
    expect(silent).toEqual({ body: { model: "gpt", messages: [USER] }, dropped: ["reasoning_effort"] });
  });

  test("a choice among no tools is left out, and reported where it forced one", () => {
    const loose = foreign({ toolChoice: { type: "auto" }, parallelToolCalls: false });
    expect(loose).toEqual({ body: { model: "gpt", messages: [USER] }, dropped: [] });
    expect(foreign({ toolChoice: { type: "required" } }).dropped).toEqual(["tool_choice"]);
  });
});

describe("messages", () => {
  test("reasoning of another vendor is dropped and reported", () => {
    const signed: Part = { type: "reasoning", text: "hm", signature: "s", extra: { "anthropic-messages": { x: 1 } } };
    expect(foreignMessages({ role: "assistant", parts: [signed, { type: "text", text: "a" }] })).toEqual({
      messages: [{ role: "assistant", content: "a" }],
      dropped: ["messages[0].content[0]"],
    });
  });

  test("results of tools stand before the user's words, each in its own message", () => {
    const call: Part = { type: "tool-call", id: "a", name: "f", arguments: "{}" };
    const question: Part = { type: "text", text: "and?" };
    const first = result("a", [{ type: "text", text: "one" }]);
    const second = result("b", [{ type: "text", text: "two" }], true);
    expect(
      foreignMessages({ role: "assistant", parts: [call] }, { role: "user", parts: [question, first, second] }),
    ).toEqual({
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "a", content: "one" },
        { role: "tool", tool_call_id: "b", content: "two" },
        { role: "user", content: "and?" },
      ],
      dropped: ["is_error"],
    });
  });

  test("pictures that tools returned are shown by the user behind all results", () => {
    const picture = { type: "media", kind: "image", source: { base64: PNG }, mediaType: "image/png" } as const;
    const shown = { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } };
    expect(
      foreignMessages(
        { role: "tool", parts: [result("a", [picture])] },
        { role: "tool", parts: [result("b", [{ type: "text", text: "b" }, picture])] },
        { role: "assistant", parts: [{ type: "text", text: "ok" }] },
      ),
    ).toEqual({
      messages: [
        { role: "tool", tool_call_id: "a", content: "The result is shown in the next message." },
        { role: "tool", tool_call_id: "b", content: "b" },
        { role: "user", content: [shown, shown] },
        { role: "assistant", content: "ok" },
      ],
      dropped: [],
    });
  });

  test("documents: PDF as a file, text as text", () => {
    const parts = [
      document({ base64: "JVBERi0=" }, "application/pdf"),
      document({ base64: btoa("plain") }, "text/plain"),
    ];
    const file = { file_data: "data:application/pdf;base64,JVBERi0=", filename: "document.pdf" };
    expect(foreignMessages({ role: "user", parts })).toEqual({
      messages: [
        {
          role: "user",
          content: [
            { type: "file", file },
            { type: "text", text: "plain" },
          ],
        },
      ],
      dropped: [],
    });
  });

  test("a document by its address is refused: without it the question is another", () => {
    const parts = [document({ url: "https://x.test/a.pdf" }, null)];
    expect(() => foreignMessages({ role: "user", parts })).toThrow("messages[0].content[0]");
  });

  test("marks and blocks of the other format do not leak", () => {
    const { messages, dropped } = foreignMessages({
      role: "user",
      parts: [
        { type: "text", text: "a", extra: { "anthropic-messages": { cache_control: MARK } } },
        { type: "text", text: "", extra: { "anthropic-messages": { block: { type: "server_tool_use" } } } },
      ],
      extra: { "anthropic-messages": { role: "system" } },
    });
    expect(messages).toEqual([{ role: "user", content: "a" }]);
    expect(dropped.sort()).toEqual(["cache_control", "messages[0].content[1]"]);
  });
});

// A canonical request as a body for the Messages API: order of the conversation, calls, media and cache marks.

import { describe, expect, test } from "bun:test";
import type { MessageCreateParams, Tool } from "@anthropic-ai/sdk/resources/messages";
import { GatewayError, type Message, type Request } from "../../../src/ir/index.ts";
import type {
  DocumentBlock,
  ImageBlock,
  RedactedThinkingBlock,
  TextBlock,
  Thinking,
  ThinkingBlock,
  ToolChoiceBody,
  ToolDefinition,
  ToolUseBlock,
} from "../../../src/wire/anthropic-messages/body.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import type { Encoded, ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: 64_000, reasoning: "budget" };
const PNG = "iVBORw0KGgoAAAANSUhEUg==";

/** What we write is what the SDK's own types take; `bun check` fails here where a shape drifts. */
type Fits<Ours extends Theirs, Theirs> = Ours;
type Content = Exclude<MessageCreateParams["messages"][number]["content"], string>[number];
export type Checked = [
  Fits<TextBlock, Content>,
  Fits<ThinkingBlock, Content>,
  Fits<RedactedThinkingBlock, Content>,
  Fits<ToolUseBlock, Content>,
  Fits<ToolChoiceBody, MessageCreateParams["tool_choice"]>,
  Fits<Thinking, MessageCreateParams["thinking"]>,
  Fits<Omit<ToolDefinition, "input_schema">, Omit<Tool, "input_schema">>,
  Fits<ImageBlock["type"], Content["type"]>,
  Fits<DocumentBlock["type"], Content["type"]>,
];

const user = (text: string): Message => ({ role: "user", parts: [{ type: "text", text }] });
const system = (text: string): Message => ({ role: "system", parts: [{ type: "text", text }] });
const assistant = (text: string): Message => ({ role: "assistant", parts: [{ type: "text", text }] });
const call = (id: string, json: string): Message => ({
  role: "assistant",
  parts: [{ type: "tool-call", id, name: "look", arguments: json }],
});
const result = (callId: string, text: string): Message => ({
  role: "tool",
  parts: [{ type: "tool-result", callId, content: [{ type: "text", text }], isError: false }],
});

function encode(change: Partial<Request>, facts: Partial<ModelFacts> = {}): Encoded {
  const request: Request = {
    model: "claude",
    messages: [user("hello")],
    tools: [],
    stream: false,
    extra: {},
    ...change,
  };
  return anthropicMessages.request.encode(request, { ...FACTS, ...facts });
}

function refusal(change: Partial<Request>): { kind: string; param: string | undefined } {
  try {
    encode(change);
  } catch (error) {
    if (error instanceof GatewayError) return { kind: error.kind, param: error.param };
    throw error;
  }
  throw new Error("it was accepted");
}

const text = (value: string): { type: string; text: string } => ({ type: "text", text: value });

describe("the order of a conversation", () => {
  test("instructions at the start become system; later ones follow them there and are reported", () => {
    const developer: Message = { ...system("two"), role: "developer" };
    const { body, dropped } = encode({
      messages: [system("one"), developer, user("hello"), system("three"), user("you")],
    });
    expect(body["system"]).toEqual([text("one"), text("two"), text("three")]);
    expect(body["messages"]).toEqual([{ role: "user", content: [text("hello"), text("you")] }]);
    expect(dropped).toEqual(["messages[3].role"]);
  });

  test("instructions alone: the last one is what the model answers", () => {
    const { body, dropped } = encode({ messages: [system("one"), system("two")] });
    expect(body["system"]).toEqual([text("one")]);
    expect(body["messages"]).toEqual([{ role: "user", content: [text("two")] }]);
    expect(dropped).toEqual(["messages[1].role"]);
  });

  test("nothing to say is refused here, not upstream", () => {
    expect(refusal({ messages: [user(" "), { role: "assistant", parts: [] }] })).toEqual({
      kind: "invalid_request",
      param: "messages",
    });
  });

  test("results come before the user's words and share one turn", () => {
    const calls: Message = { role: "assistant", parts: [...call("a", "{}").parts, ...call("b", "{}").parts] };
    const { body } = encode({ messages: [user("q"), calls, result("a", "1"), user("and"), result("b", "2")] });
    expect((body["messages"] as unknown[])[2]).toEqual({
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "a", content: [text("1")] },
        { type: "tool_result", tool_use_id: "b", content: [text("2")] },
        text("and"),
      ],
    });
  });

  test("blank text is left out, and a turn of nothing else with it", () => {
    const { body } = encode({ messages: [user("q"), assistant(" \n"), user(""), assistant("a"), user("r")] });
    expect(body["messages"]).toEqual([
      { role: "user", content: [text("q")] },
      { role: "assistant", content: [text("a")] },
      { role: "user", content: [text("r")] },
    ]);
  });

  test("an answer begun by the client loses the white space at its end, earlier ones keep it", () => {
    const { body } = encode({ messages: [user("q"), assistant("a "), user("r"), assistant(" b\n ")] });
    const messages = body["messages"] as { content: unknown }[];
    expect(messages[1]?.content).toEqual([text("a ")]);
    expect(messages[3]?.content).toEqual([text(" b")]);
  });

  test("signed thinking stands first; unsigned is left out and reported", () => {
    const turn: Message = {
      role: "assistant",
      parts: [
        ...assistant("answer").parts,
        { type: "reasoning", text: "hm", signature: "sig" },
        { type: "reasoning", text: "", encrypted: "blob" },
        { type: "reasoning", text: "unsigned" },
      ],
    };
    const { body, dropped } = encode({ messages: [user("q"), turn, user("r")] });
    expect((body["messages"] as unknown[])[1]).toEqual({
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "sig" },
        { type: "redacted_thinking", data: "blob" },
        text("answer"),
      ],
    });
    expect(dropped).toEqual(["messages[1].reasoning_content"]);
  });
});

describe("calls and results", () => {
  test("arguments become an object; text that is none is carried and reported", () => {
    const parts = [
      ...call("a", '{"x":[1,2]}').parts,
      ...call("b", "").parts,
      ...call("c", '{"x":').parts,
      ...call("d", "[1]").parts,
    ];
    const { body, dropped } = encode({ messages: [user("q"), { role: "assistant", parts }, result("a", "1")] });
    const content = (body["messages"] as { content: { input: unknown }[] }[])[1]?.content;
    expect(content?.map(({ input }) => input)).toEqual([{ x: [1, 2] }, {}, { _raw: '{"x":' }, { _raw: "[1]" }]);
    expect(dropped).toEqual([
      "messages[1].tool_calls[2].function.arguments",
      "messages[1].tool_calls[3].function.arguments",
    ]);
  });

  test("ids that Anthropic refuses change alike in call and result", () => {
    const { body } = encode({ messages: [user("q"), call("functions.look:0", "{}"), result("functions.look:0", "1")] });
    const messages = body["messages"] as { content: Record<string, unknown>[] }[];
    const id = messages[1]?.content[0]?.["id"];
    expect(id).toMatch(/^functions_look_0_[a-z0-9]+$/);
    expect(messages[2]?.content[0]?.["tool_use_id"]).toBe(id as string);
    const other = encode({ messages: [user("q"), call("functions_look:0", "{}"), result("functions_look:0", "1")] });
    expect(JSON.stringify(other.body)).not.toContain(String(id));
  });

  test("a result may hold images, an error, or nothing", () => {
    const parts: Message["parts"] = [
      {
        type: "tool-result",
        callId: "a",
        isError: true,
        content: [
          { type: "text", text: "no" },
          { type: "media", kind: "image", source: { base64: PNG }, mediaType: "image/png" },
        ],
      },
      { type: "tool-result", callId: "b", isError: false, content: [{ type: "text", text: "" }] },
    ];
    const { body } = encode({ messages: [user("q"), call("a", "{}"), { role: "tool", parts }] });
    expect((body["messages"] as { content: unknown }[])[2]?.content).toEqual([
      {
        type: "tool_result",
        tool_use_id: "a",
        content: [text("no"), { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } }],
        is_error: true,
      },
      { type: "tool_result", tool_use_id: "b" },
    ]);
  });
});

describe("media", () => {
  const media = (part: Partial<Extract<Message["parts"][number], { type: "media" }>>): Message => ({
    role: "user",
    parts: [{ type: "media", kind: "image", source: { url: "https://a.test/b.png" }, mediaType: null, ...part }],
  });
  const block = (message: Message): unknown =>
    (encode({ messages: [message] }).body["messages"] as { content: unknown[] }[])[0]?.content[0];

  test("images by URL and as data; the type is read from the data where the client gave none", () => {
    expect(block(media({}))).toEqual({ type: "image", source: { type: "url", url: "https://a.test/b.png" } });
    expect(block(media({ source: { base64: PNG } }))).toEqual({
      type: "image",
      source: { type: "base64", media_type: "image/png", data: PNG },
    });
  });

  test("a file kept at Anthropic goes back to it; the id of another provider's is refused", () => {
    const messages = [media({ source: { fileId: "file_1" } })];
    const { body } = encode({ messages, extra: { "anthropic-messages": {} } });
    expect((body["messages"] as { content: unknown[] }[])[0]?.content).toEqual([
      { type: "image", source: { type: "file", file_id: "file_1" } },
    ]);
    expect(refusal({ messages })).toEqual({ kind: "invalid_request", param: "messages[0].content[0]" });
  });

  test("documents: PDF as data, text as text", () => {
    const document = { kind: "document", filename: "a" } as const;
    const plain = Buffer.from("grüß").toString("base64");
    expect(block(media({ ...document, source: { base64: "JVBERi0x" } }))).toEqual({
      type: "document",
      source: { type: "base64", media_type: "application/pdf", data: "JVBERi0x" },
      title: "a",
    });
    expect(block(media({ ...document, source: { base64: plain }, mediaType: "text/markdown" }))).toEqual({
      type: "document",
      source: { type: "text", media_type: "text/plain", data: "grüß" },
      title: "a",
    });
  });

  test("what the model cannot read is refused by name", () => {
    const param = "messages[0].content[0]";
    const kind = "invalid_request";
    expect(refusal({ messages: [media({ kind: "audio", source: { base64: "AAAA" } })] })).toEqual({ kind, param });
    expect(refusal({ messages: [media({ source: { base64: "AAAA" } })] })).toEqual({ kind, param });
    const sheet = { kind: "document", source: { base64: "AAAA" }, mediaType: "application/vnd.ms-excel" } as const;
    expect(refusal({ messages: [media(sheet)] })).toEqual({ kind, param });
  });

  test("media in the assistant's own turn is left out and reported", () => {
    const turn: Message = { role: "assistant", parts: [...assistant("here").parts, ...media({}).parts] };
    expect(encode({ messages: [user("q"), turn, user("r")] }).dropped).toEqual(["messages[1].content[1]"]);
  });
});

describe("cache marks that clients of other formats set on Claude's behalf", () => {
  const mark = { type: "ephemeral", ttl: "1h" };
  const cache = { ttl: "1h" } as const;

  test("on parts, messages, tools and results", () => {
    const { body } = encode({
      messages: [
        { role: "system", parts: [{ type: "text", text: "s", cache }] },
        { role: "user", parts: [{ type: "text", text: "q", cache }] },
        call("a", "{}"),
        { role: "tool", parts: [{ type: "tool-result", callId: "a", content: [], isError: false, cache }] },
      ],
      tools: [{ name: "look", description: null, parameters: null, strict: null, cache }],
    });
    expect(body["system"]).toEqual([{ ...text("s"), cache_control: mark }]);
    const messages = body["messages"] as { content: Record<string, unknown>[] }[];
    expect(messages[0]?.content).toEqual([{ ...text("q"), cache_control: mark }]);
    expect(messages[2]?.content[0]?.["cache_control"]).toEqual(mark);
    expect((body["tools"] as Record<string, unknown>[])[0]?.["cache_control"]).toEqual(mark);
  });

  test("nothing else comes through from a foreign entry", () => {
    for (const cacheControl of ["yes", { type: "another" }]) {
      const foreign = { "openai-chat": { cache_control: cacheControl, detail: "high", citations: [] } };
      const { body } = encode({ messages: [{ role: "user", parts: [{ type: "text", text: "q", extra: foreign }] }] });
      expect(body["messages"]).toEqual([{ role: "user", content: [text("q")] }]);
    }
  });
});

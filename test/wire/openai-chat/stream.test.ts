// Streams from end to end: usage, how a stream may end, errors inside it, reasoning that must come back, answers of other vendors.

import { describe, expect, test } from "bun:test";
import { collect, type Event, GatewayError, type JsonObject } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { decodeStream, encodeStream } from "../replay.ts";
import { readCompletionChunks } from "../sdk.ts";

const HEAD = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_001, model: "gpt" };
const DONE = "data: [DONE]\n\n";

function frame(body: JsonObject): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

function chunk(delta: JsonObject, finish: string | null = null, index = 0): string {
  return frame({ ...HEAD, choices: [{ index, delta, finish_reason: finish }] });
}

function call(fields: JsonObject): string {
  return chunk({ tool_calls: [fields] });
}

function begin(index: number, id: string, name: string, text = ""): string {
  return call({ index, id, type: "function", function: { name, arguments: text } });
}

function decode(...frames: string[]): Event[] {
  return decodeStream(openaiChat, frames);
}

function client(includeUsage: boolean): ClientContext {
  const own: JsonObject = includeUsage ? { stream_options: { include_usage: true } } : {};
  return {
    request: { model: "asked", messages: [], tools: [], stream: true, extra: { "openai-chat": own } },
    callId: "0196a5c0-0000-7000-8000-000000000000",
    nowSeconds: 1_700_000_009,
  };
}

function parseChunks(sse: string): JsonObject[] {
  const data = sse.split("\n\n").filter((text) => text.startsWith("data: {"));
  return data.map((text): JsonObject => JSON.parse(text.slice(6)));
}

describe("usage", () => {
  const usage = {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 4 },
  };
  const wanted = {
    freshInputTokens: 6,
    cacheReadTokens: 4,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: null,
  };

  test("is read from a chunk without choices, from the last choice's chunk, and told once where it is repeated", () => {
    for (const frames of [
      [chunk({ content: "a" }, "stop"), frame({ ...HEAD, choices: [], usage })],
      [frame({ ...HEAD, choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }], usage })],
      [
        frame({ ...HEAD, choices: [{ index: 0, delta: { content: "a" } }], usage }),
        frame({ ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage }),
      ],
    ]) {
      const events = decode(...frames, DONE);
      expect(events.flatMap((event) => (event.type === "usage" ? [event.usage] : []))).toEqual([wanted]);
    }
  });

  test("counts reasoning that stands outside of the completion, and never goes below 0", () => {
    const read = (report: JsonObject): object | null =>
      collect(decode(chunk({}, "stop"), frame({ ...HEAD, choices: [], usage: report }), DONE)).response.usage;
    expect(
      read({
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 22,
        completion_tokens_details: { reasoning_tokens: 7 },
      }),
    ).toMatchObject({ outputTokens: 12, reasoningTokens: 7 });
    expect(
      read({
        prompt_tokens: 10,
        completion_tokens: 9,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 7 },
      }),
    ).toMatchObject({ outputTokens: 9, reasoningTokens: 7 });
    expect(
      read({
        prompt_tokens: 3,
        completion_tokens: 1,
        total_tokens: 4,
        prompt_tokens_details: { cached_tokens: 8, cache_write_tokens: 2 },
      }),
    ).toMatchObject({ freshInputTokens: 0, cacheReadTokens: 3, cacheWriteTokens: 0 });
    expect(
      read({
        prompt_tokens: 10,
        completion_tokens: 1,
        total_tokens: 11,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 5 },
      }),
    ).toMatchObject({ freshInputTokens: 1, cacheReadTokens: 4, cacheWriteTokens: 5 });
  });

  test("goes to the client in a last chunk without choices, and only where it was asked for", async () => {
    const events = decode(chunk({ content: "a" }, "stop"), frame({ ...HEAD, choices: [], usage }), DONE);
    const asked = parseChunks(encodeStream(openaiChat, events, client(true)));
    expect(asked.map((body) => body["usage"])).toEqual([null, null, null, { ...usage }]);
    expect(asked.at(-1)?.["choices"]).toEqual([]);
    const quiet = encodeStream(openaiChat, events, client(false));
    expect(quiet).not.toContain("usage");
    for (const body of await readCompletionChunks(quiet)) expect(body.choices.length).toBe(1);
  });
});

describe("the end of a stream", () => {
  const CUT = "The upstream's stream ended before the answer was complete.";

  function end(...frames: string[]): { finishes: number; kind: string | null; message: string | null } {
    const events = decode(...frames);
    const { error } = collect(events);
    const finishes = events.filter((event) => event.type === "finish").length;
    expect(events.at(-1)?.type).toBe("finish");
    return { finishes, kind: error?.kind ?? null, message: error?.message ?? null };
  }

  test("is clean with [DONE], and without it where every choice has finished", () => {
    const clean = { finishes: 1, kind: null, message: null };
    expect(end(chunk({ content: "a" }, "stop"), DONE)).toEqual(clean);
    expect(end(chunk({ content: "a" }, "stop"))).toEqual(clean);
    expect(end(chunk({ content: "a" }, "stop"), DONE, chunk({ content: "late" }), DONE)).toEqual(clean);
  });

  test("is an error where an answer began and did not finish, or never began", () => {
    const cut = { finishes: 1, kind: "upstream_malformed", message: CUT };
    expect(end()).toEqual(cut);
    expect(end(": ping\n\n")).toEqual(cut);
    expect(end(chunk({ content: "a" }))).toEqual(cut);
    expect(end(chunk({}, "stop"), chunk({ content: "b" }, null, 1))).toEqual(cut);
    expect(end(DONE)).toEqual(cut);
  });

  test("closes the choices of a server that forgot to say why it stopped", () => {
    const text = collect(decode(chunk({ content: "a" }), DONE));
    expect([text.error, text.response.choices[0]?.finish]).toEqual([null, "other"]);
    const tool = collect(decode(begin(0, "a", "one", "{}"), DONE));
    expect([tool.error, tool.response.choices[0]?.finish]).toEqual([null, "tool-calls"]);
  });

  test("a finish that comes twice counts once", () => {
    const events = decode(chunk({ content: "a" }, "stop"), chunk({}, "stop"), DONE);
    expect(events.filter((event) => event.type === "choice-end").length).toBe(1);
  });

  test("garbage and half a chunk are errors that keep what had come", () => {
    for (const rest of ["data: {oops\n\n", "data: [1]\n\n", "data: <html>\n\n", chunk({ content: "b" }).slice(0, 40)]) {
      const { response, error } = collect(decode(chunk({ content: "a" }), rest, chunk({ content: "c" })));
      expect(error?.kind).toBe("upstream_malformed");
      expect(response.choices[0]?.parts).toEqual([{ type: "text", text: "a" }]);
    }
  });

  test("an error of the provider inside the stream keeps its words", () => {
    const body = { error: { message: "boom", type: "server_error", code: 502, param: "x" } };
    for (const text of [
      frame(body),
      `event: error\n${frame(body)}`,
      frame({ ...HEAD, ...body, choices: [{ index: 0, delta: {}, finish_reason: "error" }] }),
    ]) {
      const events = decode(chunk({ content: "a" }), text, DONE);
      const { error } = collect(events);
      expect(error).toBeInstanceOf(GatewayError);
      expect([error?.kind, error?.message]).toEqual(["upstream_rejected", "boom"]);
      expect(error?.upstream).toEqual({
        status: null,
        type: "server_error",
        code: "502",
        param: "x",
        message: "boom",
        requestId: null,
      });
      expect(events.some((event) => event.type === "choice-end")).toBe(false);
      const sse = encodeStream(openaiChat, events, client(true));
      expect(sse.endsWith(frame({ error: { message: "boom", type: "server_error", param: "x", code: "502" } }))).toBe(
        true,
      );
      expect(sse).not.toContain("[DONE]");
    }
  });
});

describe("reasoning that must come back", () => {
  const events: Event[] = [
    { type: "start", id: "msg_1", model: "claude", createdAt: null, extra: {} },
    { type: "part-start", choice: 0, part: 0, kind: "reasoning" },
    { type: "part-delta", choice: 0, part: 0, text: "let me " },
    { type: "part-delta", choice: 0, part: 0, text: "think" },
    { type: "part-delta", choice: 0, part: 0, text: "", signature: "sig" },
    { type: "part-end", choice: 0, part: 0 },
    { type: "part-start", choice: 0, part: 1, kind: "reasoning" },
    { type: "part-delta", choice: 0, part: 1, text: "", encrypted: "sealed" },
    { type: "part-end", choice: 0, part: 1 },
    { type: "part-start", choice: 0, part: 2, kind: { toolCall: { id: "toolu_1", name: "one" } } },
    { type: "part-delta", choice: 0, part: 2, text: "{}" },
    { type: "part-end", choice: 0, part: 2 },
    { type: "choice-end", choice: 0, finish: "tool-calls" },
    { type: "finish" },
  ];

  test("is signed in details beside the plain text, and survives a tool loop", () => {
    const chunks = parseChunks(encodeStream(openaiChat, events, client(false)));
    const deltas = chunks
      .flatMap((body) => body["choices"] as JsonObject[])
      .map((choice) => choice["delta"] as JsonObject);
    expect(deltas).toEqual([
      { role: "assistant", content: "" },
      { reasoning_content: "let me " },
      { reasoning_content: "think" },
      { reasoning_details: [{ type: "reasoning.text", text: "let me think", signature: "sig", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.encrypted", data: "sealed", index: 1 }] },
      { tool_calls: [{ index: 0, id: "toolu_1", type: "function", function: { name: "one", arguments: "" } }] },
      { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
      {},
    ]);
    expect(chunks.every((body) => body["id"] === "msg_1" && body["created"] === 1_700_000_009)).toBe(true);
    const again = collect(decodeStream(openaiChat, [encodeStream(openaiChat, events, client(false))]));
    expect(again.response.choices).toEqual(collect(events).response.choices);

    const request = openaiChat.request.decode({
      model: "claude",
      messages: [
        { role: "user", content: "hi" },
        {
          role: "assistant",
          content: null,
          reasoning_content: "let me think",
          reasoning_details: deltas.flatMap((delta) => (delta["reasoning_details"] as JsonObject[] | undefined) ?? []),
        },
      ],
    });
    expect(request.messages[1]?.parts).toMatchObject([
      { type: "reasoning", text: "let me think", signature: "sig" },
      { type: "reasoning", text: "", encrypted: "sealed" },
    ]);
  });

  test("shown and sealed at once stays one part", () => {
    const both: Event[] = [
      { type: "start", id: "r", model: "m", createdAt: 1, extra: {} },
      { type: "part-start", choice: 0, part: 0, kind: "reasoning" },
      { type: "part-delta", choice: 0, part: 0, text: "sum" },
      { type: "part-delta", choice: 0, part: 0, text: "", encrypted: "sealed" },
      { type: "part-end", choice: 0, part: 0 },
      { type: "choice-end", choice: 0, finish: "stop" },
      { type: "finish" },
    ];
    const again = collect(decodeStream(openaiChat, [encodeStream(openaiChat, both, client(false))]));
    expect(again.response.choices[0]?.parts).toEqual([{ type: "reasoning", text: "sum", encrypted: "sealed" }]);
  });
});

test("an answer of another vendor that refuses is a content filter, and its alternatives each begin with their role", async () => {
  const events: Event[] = [
    {
      type: "start",
      id: "x",
      model: "m",
      createdAt: null,
      extra: { "anthropic-messages": { service_tier: "standard" } },
    },
    { type: "part-start", choice: 1, part: 0, kind: "text", extra: { "anthropic-messages": { citations: [1] } } },
    { type: "part-delta", choice: 1, part: 0, text: "a" },
    { type: "choice-end", choice: 1, finish: "refusal", extra: { "anthropic-messages": { stop_details: {} } } },
    { type: "choice-end", choice: 0, finish: "other" },
    {
      type: "usage",
      usage: { freshInputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: 1 },
    },
    { type: "finish" },
  ];
  const chunks = await readCompletionChunks(encodeStream(openaiChat, events, client(true)));
  expect(JSON.parse(JSON.stringify(chunks))).toMatchObject([
    { choices: [{ index: 1, delta: { role: "assistant", content: "" }, finish_reason: null }], usage: null },
    { choices: [{ index: 1, delta: { content: "a" } }] },
    { choices: [{ index: 1, delta: {}, finish_reason: "content_filter" }] },
    { choices: [{ index: 0, delta: { role: "assistant" } }] },
    { choices: [{ index: 0, finish_reason: "stop" }] },
    {
      choices: [],
      usage: {
        prompt_tokens: 6,
        completion_tokens: 4,
        total_tokens: 10,
        prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
    },
  ]);
  expect(JSON.stringify(chunks)).not.toMatch(/service_tier|citations|stop_details/);
});

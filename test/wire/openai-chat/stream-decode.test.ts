// Streams that no recording shows: servers that number calls sloppily, write them in turns, or send fields of their own.

import { describe, expect, test } from "bun:test";
import { collect, type Event, type JsonObject, type TokenLogprob } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { decodeStream, encodeStream } from "../replay.ts";

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

function piece(index: number, text: string): string {
  return call({ index, function: { arguments: text } });
}

function begin(index: number, id: string, name: string, text = ""): string {
  return call({ index, id, type: "function", function: { name, arguments: text } });
}

function decode(...frames: string[]): Event[] {
  return decodeStream(openaiChat, frames);
}

function calls(events: Event[]): [id: string, name: string, text: string][] {
  const parts = collect(events).response.choices[0]?.parts ?? [];
  return parts.flatMap((part) => (part.type === "tool-call" ? [[part.id, part.name, part.arguments]] : []));
}

function types(events: Event[]): string[] {
  return events.map((event) => ("part" in event ? `${event.type} ${event.part}` : event.type));
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

describe("decoding tool calls", () => {
  test("parallel calls one after the other are closed in order", () => {
    const events = decode(
      begin(0, "a", "one"),
      piece(0, '{"x":'),
      piece(0, "1}"),
      begin(1, "b", "two"),
      piece(1, "{}"),
      chunk({}, "tool_calls"),
      DONE,
    );
    expect(calls(events)).toEqual([
      ["a", "one", '{"x":1}'],
      ["b", "two", "{}"],
    ]);
    expect(types(events)).toEqual([
      "start",
      "part-start 0",
      "part-delta 0",
      "part-delta 0",
      "part-end 0",
      "part-start 1",
      "part-delta 1",
      "part-end 1",
      "choice-end",
      "finish",
    ]);
  });

  test("calls written in turns keep their own arguments, and neither is closed before its end", () => {
    const events = decode(
      begin(0, "a", "one", '{"x'),
      begin(1, "b", "two", '{"y'),
      piece(0, '":1}'),
      piece(1, '":2}'),
      chunk({}, "tool_calls"),
      DONE,
    );
    expect(calls(events)).toEqual([
      ["a", "one", '{"x":1}'],
      ["b", "two", '{"y":2}'],
    ]);
    const closed = new Set<string>();
    for (const event of types(events)) {
      if (event.startsWith("part-end")) closed.add(event.slice(-1));
      if (event.startsWith("part-delta")) expect(closed.has(event.slice(-1))).toBe(false);
    }
  });

  test("without numbers, a new id is a new call", () => {
    const events = decode(
      call({ id: "a", function: { name: "one", arguments: "" } }),
      call({ function: { arguments: '{"x":1}' } }),
      call({ id: "b", function: { name: "two", arguments: "{}" } }),
      chunk({}, "tool_calls"),
      DONE,
    );
    expect(calls(events)).toEqual([
      ["a", "one", '{"x":1}'],
      ["b", "two", "{}"],
    ]);
  });

  test("with one number for all, another id is a new call, and the same id again is not", () => {
    const events = decode(
      begin(0, "a", "one", '{"x"'),
      call({ index: 0, id: "a", function: { arguments: ":1}" } }),
      begin(0, "b", "two", "{}"),
      chunk({}, "tool_calls"),
      DONE,
    );
    expect(calls(events)).toEqual([
      ["a", "one", '{"x":1}'],
      ["b", "two", "{}"],
    ]);
  });

  test("without any id, a name after complete arguments is a new call, and ids are made up", () => {
    const events = decode(
      call({ index: 0, function: { name: "one", arguments: "{}" } }),
      call({ index: 0, function: { name: "two", arguments: { x: 1 } } }),
      chunk({}, "stop"),
      DONE,
    );
    expect(calls(events)).toEqual([
      ["call_0_chatcmpl-1", "one", "{}"],
      ["call_1_chatcmpl-1", "two", '{"x":1}'],
    ]);
  });

  test("a name that comes after the first arguments is waited for", () => {
    const events = decode(
      call({ index: 0, id: "a", function: { arguments: '{"x"' } }),
      call({ index: 0, function: { name: "one", arguments: ":1}" } }),
      chunk({}, "tool_calls"),
      DONE,
    );
    expect(calls(events)).toEqual([["a", "one", '{"x":1}']]);
  });

  test("a legacy function_call is a call, and goes out as one", () => {
    const events = decode(
      chunk({ function_call: { name: "one", arguments: "" } }),
      chunk({ function_call: { arguments: "{}" } }),
      chunk({}, "function_call"),
      DONE,
    );
    expect(calls(events).map(([, name, text]) => [name, text])).toEqual([["one", "{}"]]);
    expect(collect(events).response.choices[0]?.finish).toBe("tool-calls");
    const deltas = parseChunks(encodeStream(openaiChat, events, client(false))).flatMap((body) => body["choices"]);
    expect(deltas).toMatchObject([
      { delta: { role: "assistant" } },
      { delta: { function_call: { name: "one", arguments: "" } } },
      { delta: { function_call: { arguments: "{}" } } },
      { delta: {}, finish_reason: "function_call" },
    ]);
  });
});

describe("decoding text", () => {
  test("white space survives, empty deltas make no part", () => {
    const events = decode(
      chunk({ role: "assistant", content: "" }),
      chunk({ content: " " }),
      chunk({ content: "\n\n" }),
      chunk({ content: "\ta " }),
      chunk({}, "stop"),
      DONE,
    );
    expect(collect(events).response.choices[0]?.parts).toEqual([{ type: "text", text: " \n\n\ta " }]);
    expect(events.filter((event) => event.type === "part-start").length).toBe(1);
  });

  test("reasoning, text, refusal and alternatives stand apart", () => {
    const events = decode(
      chunk({ reasoning_content: "think" }),
      chunk({ content: "say" }),
      chunk({ content: "other" }, null, 1),
      chunk({ refusal: "no" }),
      chunk({}, "stop"),
      chunk({}, "length", 1),
      DONE,
    );
    expect(collect(events).response.choices).toEqual([
      {
        index: 0,
        parts: [
          { type: "reasoning", text: "think" },
          { type: "text", text: "say" },
        ],
        refusal: "no",
        finish: "stop",
      },
      { index: 1, parts: [{ type: "text", text: "other" }], finish: "length" },
    ]);
  });

  test("log probabilities and fields of a server's own are kept for its clients", () => {
    const token = (text: string): JsonObject => ({
      content: [{ token: text, logprob: -1, bytes: null, top_logprobs: [] }],
    });
    const events = decode(
      frame({
        ...HEAD,
        system_fingerprint: "fp",
        choices: [{ index: 0, delta: { content: "a" }, logprobs: token("a") }],
      }),
      frame({ ...HEAD, choices: [{ index: 0, delta: { content: "b" }, logprobs: token("b"), finish_reason: "stop" }] }),
      DONE,
    );
    const { response } = collect(events);
    expect(response.extra).toEqual({ "openai-chat": { system_fingerprint: "fp" } });
    const canonical = (text: string): TokenLogprob => ({ token: text, logprob: -1, bytes: null, top: [] });
    expect(response.choices).toEqual([
      {
        index: 0,
        parts: [{ type: "text", text: "ab", logprobs: [canonical("a"), canonical("b")] }],
        finish: "stop",
      },
    ]);
    const chunks = parseChunks(encodeStream(openaiChat, events, client(false)));
    expect(chunks.every((chunk) => chunk["system_fingerprint"] === "fp")).toBe(true);
    const told = chunks.flatMap(({ choices }) => (choices as { logprobs: JsonObject | null }[])[0]?.logprobs ?? []);
    expect(told).toEqual([
      { ...token("a"), refusal: null },
      { ...token("b"), refusal: null },
    ]);
  });

  test("a chunk of filter results before the answer does not begin it", () => {
    const events = decode(
      frame({ id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
      chunk({ content: "a" }, "stop"),
      DONE,
    );
    expect(events[0]).toEqual({
      type: "start",
      id: "chatcmpl-1",
      model: "gpt",
      createdAt: HEAD.created,
      extra: { "openai-chat": { prompt_filter_results: [{ prompt_index: 0 }] } },
    });
  });
});

describe("what servers say in their own places", () => {
  test("a whole message behind its deltas is not told twice", () => {
    const whole = frame({ ...HEAD, choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] });
    expect(collect(decode(chunk({ content: "Hi" }), whole, DONE)).response.choices[0]?.parts).toEqual([
      { type: "text", text: "Hi" },
    ]);
  });

  test.each<[string, JsonObject]>([
    ["beside", { x_groq: { id: "req_1", usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } } }],
    ["inside", {}],
  ])("usage %s the choice is read", (place, beside) => {
    const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
    const item = { index: 0, delta: {}, finish_reason: "stop", ...(place === "inside" ? { usage } : {}) };
    const last = frame({ ...HEAD, choices: [item], ...beside });
    expect(collect(decode(chunk({ content: "Hi" }), last, DONE)).response.usage).toMatchObject({
      freshInputTokens: 7,
      outputTokens: 2,
    });
  });

  test.each<[string, JsonObject]>([
    ["vLLM's", { object: "error", message: "out of memory", type: "InternalServerError", param: null, code: 500 }],
    ["FastAPI's", { detail: "out of memory" }],
    ["Groq's", { ...HEAD, choices: [], x_groq: { error: "out of memory" } }],
    ["MiniMax's", { choices: null, base_resp: { status_code: 1008, status_msg: "out of memory" } }],
  ])("%s error ends the stream as one, also before the mark of its end", (_, body) => {
    const { error } = collect(decode(chunk({ content: "Hi" }), frame(body), DONE));
    expect(error).toMatchObject({ kind: "upstream_rejected", message: "out of memory" });
  });

  test.each([
    ["eos", "stop"],
    ["insufficient_system_resource", "error"],
    ["sensitive", "content-filter"],
    ["network_error", "error"],
  ] as const)("the reason %s", (word, finish) => {
    expect(collect(decode(chunk({ content: "Hi" }), chunk({}, word), DONE)).response.choices[0]?.finish).toBe(finish);
  });

  test("annotations before the text are cited by it", () => {
    const annotation = { type: "url_citation", url_citation: { url: "https://a.example", title: "A" } };
    const events = decode(
      chunk({ role: "assistant", content: "", annotations: [annotation] }),
      chunk({ content: "Hi" }),
      chunk({}, "stop"),
      DONE,
    );
    const part = collect(events).response.choices[0]?.parts[0];
    expect(part).toMatchObject({ text: "Hi", citations: [{ url: "https://a.example", title: "A" }] });
  });

  test("sources beside the answer are cited by its text, and not said twice to this format's own clients", () => {
    const sources = { citations: ["https://a.example"], search_results: [{ title: "A", url: "https://a.example" }] };
    const events = decode(
      frame({ ...HEAD, ...sources, choices: [{ index: 0, delta: { content: "Hi [1]" }, finish_reason: null }] }),
      frame({ ...HEAD, ...sources, choices: [{ index: 0, delta: { content: "." }, finish_reason: "stop" }] }),
      DONE,
    );
    const part = collect(events).response.choices[0]?.parts[0];
    expect(part).toMatchObject({ text: "Hi [1].", citations: [{ url: "https://a.example", title: "A" }] });
    expect(encodeStream(openaiChat, events, client(false))).not.toContain("annotations");
  });

  test("more calls than any model makes are no answer, in one event or in many", () => {
    const call = (index: number) => ({
      index,
      id: `c${index}`,
      type: "function",
      function: { name: "f", arguments: "{}" },
    });
    const calls = Array.from({ length: 50_000 }, (_none, index) => call(index));
    const fromMs = performance.now();
    for (const frames of [[chunk({ tool_calls: calls })], calls.map((one) => chunk({ tool_calls: [one] }))]) {
      const { error } = collect(decode(...frames, chunk({}, "tool_calls"), DONE));
      expect(error).toMatchObject({ kind: "upstream_malformed" });
    }
    expect(performance.now() - fromMs).toBeLessThan(4_000);
  });
});

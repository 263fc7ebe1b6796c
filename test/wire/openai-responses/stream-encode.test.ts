// The events that a client of Responses gets: each that OpenAI sends, in its order, numbered, with ids that stay; and what OpenAI's SDK makes
// of them.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Event, GatewayError, type JsonObject, type Request } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { encodeStream, replay } from "../replay.ts";
import { DIALECTS, responses, stripExtra } from "../sample.ts";
import { readResponseEvents, readResponseStream } from "../sdk.ts";

const START: Event = { type: "start", id: "up-1", model: "claude", createdAt: null, extra: {} };
const USAGE: Event = {
  type: "usage",
  usage: { freshInputTokens: 7, cacheReadTokens: 2, cacheWriteTokens: 1, outputTokens: 5, reasoningTokens: 3 },
};
const FINISH: Event = { type: "finish" };

function client(body: JsonObject = {}): ClientContext {
  const request: Request = openaiResponses.request.decode({ model: "asked", input: "hi", stream: true, ...body });
  return {
    request,
    callId: "0196a5c0-0000-7000-8000-000000000000",
    nowSeconds: 1_700_000_000,
    requestId: "req_1",
  };
}

function part(number: number, kind: Extract<Event, { type: "part-start" }>["kind"], ...texts: string[]): Event[] {
  return [
    { type: "part-start", choice: 0, part: number, kind },
    ...texts.map((text): Event => ({ type: "part-delta", choice: 0, part: number, text })),
    { type: "part-end", choice: 0, part: number },
  ];
}

function end(finish: Extract<Event, { type: "choice-end" }>["finish"]): Event[] {
  return [{ type: "choice-end", choice: 0, finish }, USAGE, FINISH];
}

function encode(events: readonly Event[], body?: JsonObject): { text: string; events: JsonObject[]; types: string[] } {
  const text = encodeStream(openaiResponses, events, client(body));
  const parsed = text
    .split("\n\n")
    .filter((frame) => frame !== "")
    .map((frame) => {
      const [name = "", data = ""] = frame.split("\n");
      const event: JsonObject & { type: string } = JSON.parse(data.slice("data: ".length));
      expect(name).toBe(`event: ${event.type}`);
      return event;
    });
  expect(parsed.map((event) => event["sequence_number"])).toEqual(parsed.map((_, index) => index));
  return { text, events: parsed, types: parsed.map(({ type }) => type) };
}

const BEGIN = ["response.created", "response.in_progress"];
const MESSAGE = ["response.output_item.added", "response.content_part.added"];
const TEXT_END = ["response.output_text.done", "response.content_part.done"];

describe("the order of events", () => {
  test("for text, with its citations and probabilities", async () => {
    const logprobs = [{ token: "Hi", logprob: -0.1, bytes: [72, 105], top: [] }];
    const { types, text } = encode([
      START,
      { type: "part-start", choice: 0, part: 0, kind: "text" },
      { type: "part-delta", choice: 0, part: 0, text: "Hi", logprobs },
      { type: "part-delta", choice: 0, part: 0, text: " \n" },
      { type: "part-delta", choice: 0, part: 0, text: "", citations: [{ url: "https://a.test", title: "A" }] },
      { type: "part-end", choice: 0, part: 0 },
      ...end("stop"),
    ]);
    expect(types).toEqual([
      ...BEGIN,
      ...MESSAGE,
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.annotation.added",
      ...TEXT_END,
      "response.output_item.done",
      "response.completed",
    ]);
    const response = await readResponseStream(text);
    expect(response.output_text).toBe("Hi \n");
    expect(response.output).toMatchObject([
      {
        type: "message",
        status: "completed",
        content: [
          {
            annotations: [{ type: "url_citation", url: "https://a.test", title: "A", start_index: 0, end_index: 4 }],
            logprobs: [{ token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [] }],
          },
        ],
      },
    ]);
    expect(response.usage).toEqual({
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 2, cache_write_tokens: 1 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 15,
    });
  });

  test("for reasoning, a call and a call of free text", async () => {
    const { types, text, events } = encode([
      START,
      ...part(0, "reasoning", "Let me ", "see."),
      ...part(1, { toolCall: { id: "call_1", name: "look" } }, '{"a":', "1}"),
      ...part(2, { toolCall: { id: "call_2", name: "patch", custom: true } }, "*** ", "Begin"),
      ...end("tool-calls"),
    ]);
    expect(types).toEqual([
      ...BEGIN,
      "response.output_item.added",
      "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.custom_tool_call_input.delta",
      "response.custom_tool_call_input.delta",
      "response.custom_tool_call_input.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const { output } = await readResponseStream(text);
    expect(output).toMatchObject([
      { type: "reasoning", summary: [{ type: "summary_text", text: "Let me see." }] },
      { type: "function_call", call_id: "call_1", name: "look", arguments: '{"a":1}', status: "completed" },
      { type: "custom_tool_call", call_id: "call_2", name: "patch", input: "*** Begin", status: "completed" },
    ]);
    const ids = events.flatMap(({ item_id: id }) => (id === undefined ? [] : [id]));
    expect([...new Set(ids)]).toEqual(output.map(({ id }) => id ?? null));
  });

  test("for reasoning that the server showed whole", () => {
    const own = { "openai-responses": { content: false } };
    const { types, events } = encode([
      START,
      { type: "part-start", choice: 0, part: 0, kind: "reasoning", extra: own },
      { type: "part-delta", choice: 0, part: 0, text: "So." },
      { type: "part-end", choice: 0, part: 0 },
      ...end("stop"),
    ]);
    expect(types.slice(2, -1)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
    expect(events.at(-2)).toMatchObject({ item: { summary: [], content: [{ type: "reasoning_text", text: "So." }] } });
  });

  test("for a refusal", async () => {
    const { types, text } = encode([START, ...part(0, "refusal", "No", "."), ...end("stop")]);
    expect(types.slice(2)).toEqual([
      ...MESSAGE,
      "response.refusal.delta",
      "response.refusal.delta",
      "response.refusal.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect((await readResponseStream(text)).output).toMatchObject([{ content: [{ type: "refusal", refusal: "No." }] }]);
  });

  test("for an image", async () => {
    const media = { type: "media", kind: "image", source: { base64: "iVBO" }, mediaType: "image/webp" } as const;
    const { types, text } = encode([START, ...part(0, { media }), ...end("stop")]);
    expect(types.slice(2, -1)).toEqual([
      "response.output_item.added",
      "response.image_generation_call.in_progress",
      "response.image_generation_call.generating",
      "response.image_generation_call.completed",
      "response.output_item.done",
    ]);
    expect((await readResponseStream(text)).output).toMatchObject([
      { type: "image_generation_call", status: "completed", result: "iVBO", output_format: "webp" },
    ]);
  });

  test("for texts in turn with calls: a message ends where something else begins", async () => {
    const { text } = encode([
      START,
      ...part(0, "text", "One."),
      ...part(1, "text", "Two."),
      ...part(2, { toolCall: { id: "call_1", name: "look" } }, "{}"),
      ...part(3, "text", "Three."),
      ...end("tool-calls"),
    ]);
    const { output, output_text: whole } = await readResponseStream(text);
    expect(output.map(({ type }) => type)).toEqual(["message", "function_call", "message"]);
    expect(output[0]).toMatchObject({ content: [{ text: "One." }, { text: "Two." }] });
    expect(whole).toBe("One.Two.Three.");
  });

  test("for calls whose pieces come in turns", async () => {
    const open = (number: number): Event => ({
      type: "part-start",
      choice: 0,
      part: number,
      kind: { toolCall: { id: `call_${number}`, name: "look" } },
    });
    const more = (number: number, text: string): Event => ({ type: "part-delta", choice: 0, part: number, text });
    const close = (number: number): Event => ({ type: "part-end", choice: 0, part: number });
    const turns = [open(0), open(1), more(1, "[2"), more(0, "[1"), more(1, "]"), more(0, "]"), close(1), close(0)];
    const { output } = await readResponseStream(encode([START, ...turns, ...end("tool-calls")]).text);
    expect(output).toMatchObject([
      { call_id: "call_0", arguments: "[1]" },
      { call_id: "call_1", arguments: "[2]" },
    ]);
  });

  test("for an answer of nothing", () => {
    expect(encode([START, ...part(0, "text"), ...part(1, "reasoning"), ...end("stop")]).types).toEqual([
      ...BEGIN,
      "response.completed",
    ]);
  });
});

describe("the end", () => {
  test.each([
    ["length", "max_output_tokens"],
    ["content-filter", "content_filter"],
    ["refusal", "content_filter"],
  ] as const)("%s is an incomplete response", (finish, reason) => {
    const { events, types } = encode([START, ...part(0, "text", "So"), ...end(finish)]);
    expect(types.at(-1)).toBe("response.incomplete");
    expect(events.at(-1)).toMatchObject({
      response: { status: "incomplete", incomplete_details: { reason }, output: [{ status: "incomplete" }] },
    });
  });

  test("by an error is told by its event and by the failed response, with what was complete", async () => {
    const error = new GatewayError({ kind: "upstream_malformed", message: "It broke." });
    const { events, text, types } = encode([
      START,
      ...part(0, { toolCall: { id: "call_1", name: "look" } }, "{}"),
      { type: "part-start", choice: 0, part: 1, kind: "text" },
      { type: "part-delta", choice: 0, part: 1, text: "Half" },
      { type: "finish", error },
    ]);
    expect(types.slice(-2)).toEqual(["error", "response.failed"]);
    const told = { code: "upstream_malformed", message: "It broke." };
    expect(events.at(-2)).toMatchObject({ ...told, error: { ...told, request_id: "req_1" } });
    expect(events.at(-1)).toMatchObject({
      response: { id: "up-1", status: "failed", error: told, output: [{ call_id: "call_1" }] },
    });
    await expect(readResponseStream(text)).rejects.toThrow("It broke.");
  });

  test("by a limit on the rate says so in the one word that clients wait for", () => {
    const upstream = {
      status: null,
      type: "rate_limit_error",
      code: null,
      param: null,
      message: "Slow",
      requestId: null,
    };
    const error = new GatewayError({ kind: "upstream_rejected", message: "Slow", upstream });
    expect(encode([START, { type: "finish", error }]).events.at(-1)).toMatchObject({
      response: { error: { code: "rate_limit_exceeded" } },
    });
  });
});

test("the response repeats the request's settings, from the first event on", () => {
  const settings = {
    instructions: "Be brief.",
    temperature: 0.5,
    top_p: 0.9,
    max_output_tokens: 99,
    parallel_tool_calls: false,
    reasoning: { effort: "low", summary: "auto" },
    text: { format: { type: "json_object" }, verbosity: "low" },
    tool_choice: { type: "function", name: "look" },
    tools: [{ type: "function", name: "look", description: "Looks.", parameters: { type: "object" }, strict: false }],
    metadata: { a: "b" },
    store: false,
    truncation: "auto",
    max_tool_calls: 3,
    user: "u",
    safety_identifier: "s",
    prompt_cache_key: "p",
    service_tier: "flex",
    top_logprobs: 2,
  };
  const { events } = encode([START, ...part(0, "text", "Hi"), ...end("stop")], settings);
  const shown = { ...settings, object: "response", created_at: 1_700_000_000, model: "claude", error: null };
  for (const event of [events[0], events[1]]) expect(event?.["response"]).toMatchObject(shown);
  // How it was served is the provider's to say, and this one did not.
  expect(events.at(-1)?.["response"]).toMatchObject({ ...shown, service_tier: null });
});

describe("tools that other formats cannot name", () => {
  const tools = [
    {
      type: "namespace",
      name: "mcp__docs",
      description: "Documents.",
      tools: [{ type: "function", name: "search", parameters: { type: "object", properties: {} }, strict: false }],
    },
    { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: /.+/" } },
  ];

  test("a call is one of the namespace's tool again", async () => {
    const events = part(0, { toolCall: { id: "call_1", name: "mcp__docs__search" } }, "{}");
    const { output } = await readResponseStream(encode([START, ...events, ...end("tool-calls")], { tools }).text);
    expect(output).toMatchObject([{ type: "function_call", name: "search", namespace: "mcp__docs" }]);
  });

  test("a model that calls it by its short name means it all the same", async () => {
    const events = part(0, { toolCall: { id: "call_1", name: "search" } }, "{}");
    const { output } = await readResponseStream(encode([START, ...events, ...end("tool-calls")], { tools }).text);
    expect(output).toMatchObject([{ type: "function_call", name: "search", namespace: "mcp__docs" }]);
  });

  test("arguments that hold free text are the free text again, whole", async () => {
    const events = part(0, { toolCall: { id: "call_1", name: "apply_patch" } }, '{"input":"*** B', 'egin\\n"}');
    const { text, types } = encode([START, ...events, ...end("tool-calls")], { tools });
    expect(types.filter((type) => type === "response.custom_tool_call_input.delta")).toHaveLength(1);
    const { output } = await readResponseStream(text);
    expect(output).toMatchObject([{ type: "custom_tool_call", name: "apply_patch", input: "*** Begin\n" }]);
  });
});

test("a call of the client's own search among tools has its own form", async () => {
  const tools = [{ type: "tool_search", execution: "client", description: "Finds.", parameters: { type: "object" } }];
  const events = part(0, { toolCall: { id: "call_1", name: "tool_search" } }, '{"query":', '"mail"}');
  const { text, types } = encode([START, ...events, ...end("tool-calls")], { tools });
  expect(types.slice(2, -1)).toEqual(["response.output_item.added", "response.output_item.done"]);
  expect((await readResponseStream(text)).output).toMatchObject([
    {
      type: "tool_search_call",
      call_id: "call_1",
      execution: "client",
      arguments: { query: "mail" },
      status: "completed",
    },
  ]);
});

test("what another provider sealed comes back to it through the client's own items", async () => {
  const sealed = { origin: "anthropic-messages", signature: "c2ln" };
  const { text } = encode([
    START,
    { type: "part-start", choice: 0, part: 0, kind: "reasoning" },
    { type: "part-delta", choice: 0, part: 0, text: "Hm." },
    { type: "part-delta", choice: 0, part: 0, text: "", ...sealed },
    { type: "part-end", choice: 0, part: 0 },
    ...end("stop"),
  ]);
  const { output } = await readResponseStream(text);
  const input = JSON.parse(JSON.stringify(output)) as JsonObject[];
  const { messages } = openaiResponses.request.decode({ model: "m", input });
  expect(messages).toEqual([{ role: "assistant", parts: [{ type: "reasoning", text: "Hm.", ...sealed }] }]);
});

test("OpenAI's SDK hands out every event", async () => {
  const { text, types } = encode([
    START,
    ...part(0, "reasoning", "Hm."),
    ...part(1, "text", "Hi"),
    ...part(2, { toolCall: { id: "call_1", name: "look" } }, "{}"),
    ...end("tool-calls"),
  ]);
  expect((await readResponseEvents(text)).map(({ type }): string => type)).toEqual(types);
});

test("OpenAI's SDK sums any answer to what it was", async () => {
  await fc.assert(
    fc.asyncProperty(responses(DIALECTS["openai-responses"]), async (response) => {
      const sum = await readResponseStream(encodeStream(openaiResponses, replay(response), client()));
      const read = openaiResponses.response.decode(JSON.parse(JSON.stringify(sum)));
      expect(stripExtra(read)).toEqual(stripExtra(response));
    }),
    { numRuns: 50 },
  );
});

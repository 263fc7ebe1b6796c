// What is read of a stream of Responses, whole or with events left out, and how it may end.

import { describe, expect, test } from "bun:test";
import { collect, type JsonObject } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";
import { decodeStream } from "../replay.ts";

const HEAD = { id: "resp_1", object: "response", created_at: 1_700_000_001, model: "gpt", output: [] };
const USAGE = { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 5, total_tokens: 15 };

type StreamEvent = JsonObject & { type: string };

function frames(...events: StreamEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

function read(...events: StreamEvent[]): ReturnType<typeof collect> {
  return collect(decodeStream(openaiResponses, [frames(...events)]));
}

function created(): StreamEvent {
  return { type: "response.created", response: { ...HEAD, status: "in_progress" } };
}

function completed(output: JsonObject[] = [], over: JsonObject = {}): StreamEvent {
  const status = typeof over["status"] === "string" ? over["status"] : "completed";
  return { type: `response.${status}`, response: { ...HEAD, status, output, usage: USAGE, ...over } };
}

function delta(text: string, index = 0): StreamEvent {
  return { type: "response.output_text.delta", output_index: index, content_index: 0, item_id: "msg_1", delta: text };
}

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "Hello" }],
};
const CALL = { id: "fc_1", type: "function_call", call_id: "call_1", name: "look", arguments: '{"a":1}' };
const TEXT = { type: "text", text: "Hello" };
const READ_CALL = { type: "tool-call", id: "call_1", name: "look", arguments: '{"a":1}' };

describe("an answer is whole although events are missing", () => {
  test.each<[name: string, events: StreamEvent[]]>([
    ["nothing but deltas", [created(), delta("Hel"), delta("lo"), completed()]],
    [
      "deltas that stop early, and the done text",
      [created(), delta("Hel"), { ...delta(""), type: "response.output_text.done", text: "Hello" }, completed()],
    ],
    [
      "the done item alone",
      [created(), { type: "response.output_item.done", output_index: 0, item: MESSAGE }, completed()],
    ],
    [
      "deltas, and the done item again",
      [created(), delta("Hello"), { type: "response.output_item.done", output_index: 0, item: MESSAGE }, completed()],
    ],
    ["the end alone", [completed([MESSAGE])]],
  ])("text: %s", (_, events) => {
    const { response, error } = read(...events);
    expect(error).toBeNull();
    expect(response.choices).toMatchObject([{ parts: [TEXT], finish: "stop" }]);
    expect(response.choices[0]?.parts).toHaveLength(1);
  });

  const added = { type: "response.output_item.added", output_index: 0, item: { ...CALL, arguments: "" } };
  const done = { type: "response.output_item.done", output_index: 0, item: CALL };
  const pieces = ['{"a"', ":1}"].map((text) => ({
    type: "response.function_call_arguments.delta",
    output_index: 0,
    item_id: "fc_1",
    delta: text,
  }));

  test.each<[name: string, events: StreamEvent[]]>([
    ["everything", [added, ...pieces, done]],
    ["no deltas", [added, done]],
    ["the arguments in the first event already", [{ ...added, item: CALL }, done]],
    ["the done item alone", [done]],
    ["no done item", [added, ...pieces]],
  ])("calls: %s", (_, events) => {
    const { response } = read(created(), ...events, completed());
    expect(response.choices).toMatchObject([{ parts: [READ_CALL], finish: "tool-calls" }]);
  });
});

describe("events that a server does not number", () => {
  const bare = ({ output_index: _index, ...event }: StreamEvent): StreamEvent => event as StreamEvent;
  const done = { type: "response.output_item.done", output_index: 0, item: MESSAGE };

  test("belong to the item whose id they name", () => {
    const call = { type: "response.output_item.done", output_index: 1, item: CALL };
    const { response } = read(created(), ...[delta("Hel"), delta("lo"), done, call].map(bare), completed());
    expect(response.choices).toMatchObject([{ parts: [TEXT, READ_CALL], finish: "tool-calls" }]);
    expect(response.choices[0]?.parts).toHaveLength(2);
  });

  test("or to the last item", () => {
    const nameless = ({ item_id: _id, ...event }: StreamEvent): StreamEvent => event as StreamEvent;
    const { response } = read(
      created(),
      ...[delta("Hel"), delta("lo")].map((event) => nameless(bare(event))),
      completed(),
    );
    expect(response.choices).toMatchObject([{ parts: [TEXT] }]);
  });
});

describe("items that a server numbers badly", () => {
  const done = (item: JsonObject, index = 0): StreamEvent => ({
    type: "response.output_item.done",
    output_index: index,
    item,
  });
  const added = (item: JsonObject, index = 0): StreamEvent => ({
    ...done(item, index),
    type: "response.output_item.added",
  });
  const piece = (id: string): StreamEvent => ({
    type: "response.function_call_arguments.delta",
    output_index: 0,
    item_id: id,
    delta: CALL.arguments,
  });
  const OPEN_CALL = { ...CALL, arguments: "" };
  const OPEN_MESSAGE = { ...MESSAGE, content: [] };

  test.each<[string, StreamEvent[]]>([
    [
      "one place for all, one after the other",
      [added(OPEN_MESSAGE), delta("Hello"), done(MESSAGE), added(OPEN_CALL), piece("fc_1"), done(CALL)],
    ],
    [
      "one place for two that are open at once",
      [added(OPEN_MESSAGE), delta("Hel"), added(OPEN_CALL), piece("fc_1"), delta("lo"), done(CALL), done(MESSAGE, 1)],
    ],
    [
      "another id with every event",
      [
        added({ ...OPEN_MESSAGE, id: "a" }),
        { ...delta("Hello"), item_id: "b" },
        done({ ...MESSAGE, id: "c" }),
        added({ ...OPEN_CALL, id: "d" }, 1),
        { ...piece("e"), output_index: 1 },
        done({ ...CALL, id: "f" }, 1),
      ],
    ],
    [
      "one id for all",
      [
        added({ ...OPEN_MESSAGE, id: "a" }),
        { ...delta("Hello"), item_id: "a" },
        done({ ...MESSAGE, id: "a" }),
        added({ ...OPEN_CALL, id: "a" }, 1),
        { ...piece("a"), output_index: 1 },
        done({ ...CALL, id: "a" }, 1),
      ],
    ],
  ])("%s", (_name, events) => {
    const { response, error } = read(created(), ...events, completed([MESSAGE, CALL]));
    expect(error).toBeNull();
    expect(response.choices[0]?.parts).toMatchObject([TEXT, READ_CALL]);
    expect(response.choices[0]?.finish).toBe("tool-calls");
  });
});

test("summaries of one item are one part, and what is sealed is read from the item's end", () => {
  const place = { output_index: 0, item_id: "rs_1" };
  const summary = (index: number, text: string): StreamEvent => ({
    type: "response.reasoning_summary_text.delta",
    ...place,
    summary_index: index,
    delta: text,
  });
  const item = { id: "rs_1", type: "reasoning", summary: [] };
  const texts = [
    { type: "summary_text", text: "One." },
    { type: "summary_text", text: "Two." },
  ];
  const { response } = read(
    created(),
    { type: "response.output_item.added", output_index: 0, item: { ...item, encrypted_content: "draft" } },
    summary(0, "One"),
    summary(0, "."),
    summary(1, "Two."),
    {
      type: "response.output_item.done",
      output_index: 0,
      item: { ...item, summary: texts, encrypted_content: "final" },
    },
    completed(),
  );
  expect(response.choices[0]?.parts).toMatchObject([
    { type: "reasoning", text: "One.\n\nTwo.", encrypted: "rs_1|final", origin: "openai-responses" },
  ]);
});

describe("reasoning that the server shows", () => {
  const shown = (index: number, text: string): StreamEvent => ({
    type: "response.reasoning_text.delta",
    output_index: 0,
    content_index: index,
    delta: text,
  });
  const summary = (text: string): StreamEvent => ({
    type: "response.reasoning_summary_text.delta",
    output_index: 0,
    summary_index: 0,
    delta: text,
  });
  const content = ["One.", "Two."].map((text) => ({ type: "reasoning_text", text }));
  const item = { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "Counted." }], content };
  const done: StreamEvent = { type: "response.output_item.done", output_index: 0, item };

  test.each<[string, StreamEvent[], string]>([
    [
      "in several texts is one part, and nothing of it is told twice",
      [shown(0, "One."), shown(1, "Two.")],
      "One.\n\nTwo.",
    ],
    ["and sums up as well is told once", [shown(0, "One."), summary("Counted."), shown(1, "Two.")], "One.\n\nTwo."],
    ["behind the summary is told by the summary", [summary("Coun"), shown(0, "One.")], "Counted."],
  ])("%s", (_name, deltas, text) => {
    const { response } = read(created(), ...deltas, done, completed([item]));
    expect(response.choices[0]?.parts).toMatchObject([{ type: "reasoning", text }]);
  });
});

test("usage is read where an answer ends early, and where it fails", () => {
  const usage = {
    freshInputTokens: 6,
    cacheReadTokens: 4,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: null,
  };
  const reason = { incomplete_details: { reason: "max_output_tokens" } };
  const early = read(created(), delta("Hel"), completed([], { status: "incomplete", ...reason }));
  expect(early.error).toBeNull();
  expect(early.response).toMatchObject({ usage, choices: [{ finish: "length" }] });
  const failed = read(created(), completed([], { status: "failed", error: { code: "server_error", message: "No." } }));
  expect(failed.response.usage).toEqual(usage);
  expect(failed.error).toMatchObject({ kind: "upstream_rejected", upstream: { code: "server_error", message: "No." } });
});

describe("an error inside the stream", () => {
  const told = { type: "insufficient_quota", code: "insufficient_quota", message: "Pay.", param: null };
  const upstream = { status: null, type: "insufficient_quota", code: "insufficient_quota", message: "Pay." };

  test.each<[name: string, events: StreamEvent[]]>([
    [
      "under `error`, then the failed response",
      [
        { type: "error", error: told },
        completed([], { status: "failed", error: { code: "insufficient_quota", message: "Pay." } }),
      ],
    ],
    ["under `error` alone", [{ type: "error", error: told }]],
  ])("%s", (_, events) => {
    expect(read(created(), ...events).error).toMatchObject({ kind: "upstream_rejected", upstream });
  });

  test("in the words of the documentation", () => {
    const { error } = read(created(), { type: "error", code: "server_error", message: "No.", param: null });
    expect(error).toMatchObject({ upstream: { code: "server_error", message: "No.", type: null } });
  });

  test("ends it only with the failed response, so that a client of this format gets both", () => {
    const decoder = openaiResponses.stream.decode();
    const frame = (event: JsonObject): { raw: string; event: null; data: string } => {
      return { raw: "", event: null, data: JSON.stringify(event) };
    };
    expect(decoder.push(frame({ type: "error", error: told }))).toEqual([]);
    const last = decoder.push(frame(completed([], { status: "failed", error: told })));
    expect(last.at(-1)).toMatchObject({ type: "finish", error: { kind: "upstream_rejected" } });
    expect(decoder.end()).toEqual([]);
  });
});

test("what the provider ran itself is kept, and says nothing to others", () => {
  const item = { id: "ws_1", type: "web_search_call", status: "completed", action: { type: "search", query: "x" } };
  const { response } = read(
    created(),
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress" } },
    { type: "response.web_search_call.searching", output_index: 0, item_id: "ws_1" },
    { type: "response.output_item.done", output_index: 0, item },
    delta("Hello", 1),
    completed(),
  );
  expect(response.choices[0]?.parts).toMatchObject([
    { type: "text", text: "", extra: { "openai-responses": { item } } },
    TEXT,
  ]);
});

// Streams of the Messages format at their edges: missing and unknown events, errors, tools without arguments, parts that overlap.

import { describe, expect, test } from "bun:test";
import { type Event, GatewayError, type JsonObject, collect } from "../../../src/ir/index.ts";
import { formatFrame } from "../../../src/lib/sse.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { decodeStream, encodeStream } from "../replay.ts";
import { readMessageStream } from "../sdk.ts";

const CLIENT: ClientContext = {
  request: { model: "claude", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 0,
};

const START = {
  type: "message_start",
  message: { id: "msg_1", model: "claude", usage: { input_tokens: 5, output_tokens: 1 } },
};
const END = {
  type: "message_delta",
  delta: { stop_reason: "end_turn", stop_sequence: null },
  usage: { output_tokens: 9 },
};
const STOP = { type: "message_stop" };

const open = (index: number, block: JsonObject): JsonObject => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const delta = (index: number, body: JsonObject): JsonObject => ({ type: "content_block_delta", index, delta: body });
const close = (index: number): JsonObject => ({ type: "content_block_stop", index });
const said = (index: number, text: string): JsonObject => delta(index, { type: "text_delta", text });

function frames(...events: JsonObject[]): string {
  return events.map((event) => formatFrame(JSON.stringify(event), eventName(event))).join("");
}

function eventName(event: JsonObject): string {
  return typeof event["type"] === "string" ? event["type"] : "";
}

function decode(...events: JsonObject[]): Event[] {
  return decodeStream(anthropicMessages, [frames(...events)]);
}

const TEXT = [open(0, { type: "text", text: "" }), said(0, " a"), said(0, "\n"), close(0)];

describe("reading", () => {
  test("white space survives, pings and unknown events say nothing", () => {
    const events = decode(START, { type: "ping" }, ...TEXT, { type: "a_new_one", index: 0 }, END, STOP);
    const { response, error } = collect(events);
    expect(error).toBeNull();
    expect(response.choices).toEqual([{ index: 0, parts: [{ type: "text", text: " a\n" }], finish: "stop" }]);
    expect(response.usage).toMatchObject({ freshInputTokens: 5, outputTokens: 9 });
    expect(events.map(({ type }) => type)).toEqual([
      "start",
      "usage",
      "part-start",
      "part-delta",
      "part-delta",
      "part-end",
      "choice-end",
      "usage",
      "finish",
    ]);
  });

  test("a call without arguments has the arguments {}", () => {
    const call = { type: "tool_use", id: "a", name: "look", input: {} };
    const empty = delta(0, { type: "input_json_delta", partial_json: "" });
    for (const block of [
      [open(0, call), close(0)],
      [open(0, call), empty, close(0)],
    ]) {
      const { response } = collect(decode(START, ...block, END, STOP));
      expect(response.choices[0]?.parts).toEqual([{ type: "tool-call", id: "a", name: "look", arguments: "{}" }]);
    }
  });

  test("arguments that stand in the start of a block count where no delta follows", () => {
    const call = open(0, { type: "tool_use", id: "a", name: "look", input: { x: 1 } });
    const more = delta(0, { type: "input_json_delta", partial_json: '{"x":2}' });
    const read = (...events: JsonObject[]): unknown =>
      collect(decode(START, ...events, END, STOP)).response.choices[0]?.parts;
    expect(read(call, close(0))).toMatchObject([{ arguments: '{"x":1}' }]);
    expect(read(call, more, close(0))).toMatchObject([{ arguments: '{"x":2}' }]);
  });

  test("blocks and a message that were never opened or closed are read all the same", () => {
    const { response, error } = collect(
      decode(said(0, "a"), delta(1, { type: "thinking_delta", thinking: "b" }), END, STOP),
    );
    expect(error).toBeNull();
    expect(response.choices[0]?.parts).toEqual([
      { type: "text", text: "a" },
      { type: "reasoning", text: "b" },
    ]);
  });

  test("server tools and blocks to come are kept, not offered to the client as calls", () => {
    const search = { type: "server_tool_use", id: "s", name: "web_search", input: {} };
    const typed = { type: "compaction", content: "" };
    const { response } = collect(
      decode(
        START,
        open(0, search),
        delta(0, { type: "input_json_delta", partial_json: '{"query":' }),
        delta(0, { type: "input_json_delta", partial_json: '"x"}' }),
        close(0),
        open(1, typed),
        delta(1, { type: "compaction_delta", content: "so " }),
        delta(1, { type: "compaction_delta", content: "far" }),
        close(1),
        END,
        STOP,
      ),
    );
    const blocks = [
      { ...search, input: { query: "x" } },
      { type: "compaction", content: "so far" },
    ];
    expect(response.choices[0]?.parts).toEqual(
      blocks.map((block) => ({ type: "text", text: "", extra: { "anthropic-messages": { block } } })),
    );
  });

  test("counts that come again replace, counts left out stand", () => {
    const usage = { input_tokens: 61, output_tokens: 2, cache_read_input_tokens: null };
    const cached = { id: "m", model: "c", usage: { input_tokens: 43, cache_read_input_tokens: 8, output_tokens: 1 } };
    const { response } = collect(decode({ ...START, message: cached }, ...TEXT, { ...END, usage }, STOP));
    expect(response.usage).toMatchObject({ freshInputTokens: 61, cacheReadTokens: 8, outputTokens: 2 });
  });

  test("what comes twice counts once", () => {
    const again = { ...START, message: { id: "msg_2", model: "other" } };
    const events = decode(START, again, ...TEXT.slice(0, 3), open(0, { type: "text", text: "b" }), END, END, STOP);
    expect(events.filter(({ type }) => type === "start" || type === "choice-end")).toHaveLength(2);
    expect(events.filter(({ type }) => type === "part-end")).toHaveLength(2);
    const { response } = collect(events);
    expect(response.id).toBe("msg_1");
    expect(response.choices[0]?.parts).toEqual([
      { type: "text", text: " a\n" },
      { type: "text", text: "b" },
    ]);
  });

  test("an error inside the stream ends it, whatever follows", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" };
    const events = decode(START, open(0, { type: "text", text: "" }), said(0, "a"), error, END, STOP);
    expect(events.at(-1)).toMatchObject({
      type: "finish",
      error: {
        kind: "upstream_rejected",
        message: "Overloaded",
        upstream: { status: null, type: "overloaded_error", message: "Overloaded", requestId: "req_1" },
      },
    });
    expect(events.filter(({ type }) => type === "finish" || type === "choice-end")).toHaveLength(1);
  });

  test("the end: with a stop reason it is one, without it is an error", () => {
    expect(collect(decode(START, ...TEXT, END)).error).toBeNull();
    for (const events of [[], [START], [START, ...TEXT], [STOP]]) {
      expect(decode(...events).at(-1)).toMatchObject({
        type: "finish",
        error: {
          kind: "upstream_malformed",
          message: "The upstream's stream ended before the answer was complete.",
        },
      });
    }
  });

  test("a stream that ends properly but gives no reason has one anyway", () => {
    expect(collect(decode(START, ...TEXT, STOP)).response.choices[0]?.finish).toBe("other");
  });

  test("what is not JSON is an error, but the end mark of other formats is not", () => {
    const text = frames(START, ...TEXT, END);
    expect(collect(decodeStream(anthropicMessages, [`${text}data: [DONE]\n\n`])).error).toBeNull();
    const { error } = collect(decodeStream(anthropicMessages, [`${text}data: <html>\n\n`]));
    expect(error).toMatchObject({ kind: "upstream_malformed" });
  });
});

describe("writing", () => {
  const encode = (events: Event[]): string => encodeStream(anthropicMessages, events, CLIENT);
  const start: Event = { type: "start", id: "x", model: "m", createdAt: 1, extra: {} };
  const usage = {
    freshInputTokens: 5,
    cacheReadTokens: 1,
    cacheWriteTokens: 2,
    outputTokens: 9,
    reasoningTokens: null,
  };
  const call = (part: number, id: string): Event => ({
    type: "part-start",
    choice: 0,
    part,
    kind: { toolCall: { id, name: "look" } },
  });
  const piece = (part: number, text: string): Event => ({ type: "part-delta", choice: 0, part, text });
  const endOf = (part: number): Event => ({ type: "part-end", choice: 0, part });
  const text = (part: number): Event => ({ type: "part-start", choice: 0, part, kind: "text" });

  test("the frames of a short answer, byte for byte", () => {
    const answer = encode([
      start,
      text(0),
      piece(0, "hi"),
      endOf(0),
      { type: "choice-end", choice: 0, finish: "stop" },
      { type: "usage", usage },
      { type: "finish" },
    ]);
    expect(answer.split("\n\n")).toEqual([
      'event: message_start\ndata: {"type":"message_start","message":{"id":"x","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}',
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
      'event: ping\ndata: {"type":"ping"}',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}',
      'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}',
      'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":9}}',
      'event: message_stop\ndata: {"type":"message_stop"}',
      "",
    ]);
  });

  test("a prompt counted at the start is told at the start", () => {
    const early = { ...usage, outputTokens: 1 };
    const answer = encode([start, { type: "usage", usage: early }, text(0), piece(0, "a"), { type: "finish" }]);
    const first = answer.slice(0, answer.indexOf("\n\n"));
    expect(first).toContain(
      '"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":1,"output_tokens":1',
    );
  });

  test("a server tool's block comes out as it went in, its input as a delta where there is one", () => {
    const tool = { type: "server_tool_use", id: "s", name: "now", input: {} };
    const kept = (input: JsonObject): Event[] => [
      start,
      { type: "part-start", choice: 0, part: 0, kind: "text", extra: { "anthropic-messages": { block: tool } } },
      { type: "part-end", choice: 0, part: 0, extra: { "anthropic-messages": { block: { ...tool, input } } } },
      { type: "finish" },
    ];
    expect(encode(kept({}))).toContain(JSON.stringify(tool));
    expect(encode(kept({}))).not.toContain("input_json_delta");
    expect(encode(kept({ a: 1 }))).toContain(JSON.stringify({ type: "input_json_delta", partial_json: '{"a":1}' }));
  });

  test("overlapping calls are put one after another, and nothing is lost or mixed", async () => {
    const answer = encode([
      start,
      text(0),
      piece(0, "one "),
      call(1, "a"),
      call(2, "b"),
      piece(1, '{"x":'),
      piece(2, '{"y":2'),
      piece(0, "two"),
      piece(1, "1}"),
      piece(2, "}"),
      endOf(2),
      endOf(1),
      endOf(0),
      { type: "choice-end", choice: 0, finish: "tool-calls" },
      { type: "finish" },
    ]);
    const { content, stop_reason: reason } = await readMessageStream(answer);
    expect(content.map(({ type }) => type)).toEqual(["text", "tool_use", "tool_use", "text"]);
    expect(JSON.parse(JSON.stringify(content))).toMatchObject([
      { text: "one " },
      { id: "a", input: { x: 1 } },
      { id: "b", input: { y: 2 } },
      { text: "two" },
    ]);
    expect(reason).toBe("tool_use");
  });

  test("parts that nobody closed are closed; empty text is never opened", () => {
    const answer = encode([
      start,
      text(0),
      piece(0, ""),
      endOf(0),
      call(1, "a"),
      { type: "choice-end", choice: 0, finish: "tool-calls" },
      { type: "finish" },
    ]);
    expect(answer).not.toContain('"type":"text"');
    expect(answer.match(/content_block_stop","index":0/g)).toHaveLength(1);
  });

  test("thinking shown, signed and hidden", async () => {
    const answer = encode([
      start,
      { type: "part-start", choice: 0, part: 0, kind: "reasoning" },
      piece(0, "hm"),
      { type: "part-delta", choice: 0, part: 0, text: "", signature: "sig" },
      { type: "part-delta", choice: 0, part: 0, text: "", encrypted: "blob" },
      endOf(0),
      { type: "choice-end", choice: 0, finish: "stop" },
      { type: "finish" },
    ]);
    expect(answer.match(/event: content_block_\w+/g)).toEqual([
      "event: content_block_start",
      "event: content_block_delta",
      "event: content_block_delta",
      "event: content_block_stop",
      "event: content_block_start",
      "event: content_block_stop",
    ]);
    expect(JSON.parse(JSON.stringify((await readMessageStream(answer)).content))).toMatchObject([
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "redacted_thinking", data: "blob" },
    ]);
  });

  test("what another provider drew is told in a delta, where clients read texts", () => {
    const media = { type: "media", kind: "image", source: { base64: "AAAA" }, mediaType: "image/png" } as const;
    const answer = encode([
      start,
      { type: "part-start", choice: 0, part: 0, kind: { media } },
      endOf(0),
      { type: "finish" },
    ]);
    expect(answer).toContain('"content_block":{"type":"text","text":""}');
    expect(answer).toContain('"delta":{"type":"text_delta","text":"![image](data:image/png;base64,AAAA)"}');
  });

  test("a refusal in words, and only the first of several answers", () => {
    const answer = encode([
      start,
      { type: "part-start", choice: 0, part: 0, kind: "refusal" },
      piece(0, "No."),
      endOf(0),
      { type: "part-start", choice: 1, part: 0, kind: "text" },
      { type: "part-delta", choice: 1, part: 0, text: "second" },
      { type: "choice-end", choice: 0, finish: "stop" },
      { type: "choice-end", choice: 1, finish: "length" },
      { type: "finish" },
    ]);
    expect(answer).toContain('"stop_reason":"refusal"');
    expect(answer).toContain('"explanation":"No."');
    expect(answer).not.toContain("second");
  });

  test("an error is the last frame, also before anything was said", () => {
    const error = new GatewayError({ kind: "timeout", message: "Too slow." });
    const last = 'event: error\ndata: {"type":"error","error":{"type":"timeout_error","message":"Too slow."}}\n\n';
    expect(encode([{ type: "finish", error }])).toBe(last);
    const cut = encode([start, text(0), piece(0, "a"), { type: "finish", error }, text(1), { type: "finish" }]);
    expect(cut.endsWith(`${last}`)).toBe(true);
    expect(cut).not.toContain("message_stop");
  });
});

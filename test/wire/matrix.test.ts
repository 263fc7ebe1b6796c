// What clients of Chat Completions and of Messages need of every stream, whoever answered: each recorded stream of every provider's format,
// told to both. A stream that lacks one of these breaks one client or another. New formats join by their rows in the table.

import { describe, expect, test } from "bun:test";
import { type Event, type JsonObject, collect } from "../../src/ir/index.ts";
import { createFrameSplitter } from "../../src/lib/sse.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { TARGETS } from "../../src/wire/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../src/wire/type.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { decodeStream, encodeStream } from "./replay.ts";

/** The formats whose recorded streams are text. */
const SURFACES = [
  ["anthropic-messages", "anthropic"],
  ["gemini", "gemini"],
  ["openai-chat", "chat"],
  ["openai-responses", "responses"],
] as const;

function client(wantsUsage: boolean): ClientContext {
  const options = wantsUsage ? { stream_options: { include_usage: true } } : {};
  return {
    request: { model: "any", messages: [], tools: [], stream: true, extra: { "openai-chat": options } },
    callId: "0196a5c0-0000-7000-8000-000000000000",
    nowSeconds: 1_700_000_000,
  };
}

interface Recorded {
  name: string;
  events: Event[];
}

const STREAMS: Recorded[] = SURFACES.flatMap(([id, surface]) => {
  const wire = TARGETS.get(id);
  if (wire === undefined) throw new Error(`no target is called ${id}`);
  const recordings = listRecordings({ surface }).flatMap(({ file }) =>
    readRecording(file).map(({ response }, index) => ({ name: `${file} ${index + 1}`, response })),
  );
  return recordings.flatMap(({ name, response }) => {
    if (response.status !== 200 || !/^(?:event|data):/m.test(response.body)) return [];
    const events = decodeStream(wire, [response.body]);
    return collect(events).error === null ? [{ name, events }] : [];
  });
});

function framesOf(text: string): { event: string | null; data: string }[] {
  const splitter = createFrameSplitter();
  return [...splitter.push(text), ...splitter.end()].map(({ event, data }) => ({ event, data: data ?? "" }));
}

function callsOf(events: readonly Event[]): number {
  return events.filter(({ type, ...rest }) => {
    const { kind } = rest as { kind?: unknown };
    return type === "part-start" && typeof kind === "object" && kind !== null && "toolCall" in kind;
  }).length;
}

test("there are streams of every format", () => {
  expect(STREAMS.length).toBeGreaterThan(60);
});

describe.each(STREAMS)("$name", ({ events }) => {
  test("as Chat Completions", () => {
    const frames = framesOf(encodeStream(openaiChat, events, client(true)));
    expect(frames.at(-1)?.data).toBe("[DONE]");
    const chunks = frames.slice(0, -1).map(({ data }) => JSON.parse(data));
    const usage = chunks.filter((chunk) => chunk.choices.length === 0);
    // One chunk without choices, the last, and only where there is a report.
    expect(usage).toEqual(events.some(({ type }) => type === "usage") ? chunks.slice(-1) : []);
    for (const { usage: report } of usage) {
      expect(report.total_tokens).toBe(report.prompt_tokens + report.completion_tokens);
      expect(report.prompt_tokens).toBeGreaterThan(0);
    }
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
    for (const index of new Set(choices.map((choice) => choice.index))) {
      const own = choices.filter((choice) => choice.index === index);
      expect(own[0].delta.role).toBe("assistant");
      // Exactly one reason, at the very end.
      expect(own.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toHaveLength(1);
      expect(own.at(-1).finish_reason).toBeString();
      const deltas = own.flatMap((choice) => choice.delta.tool_calls ?? []);
      const opened = deltas.filter((delta) => delta.id !== undefined);
      expect(opened.map((delta) => delta.index)).toEqual(opened.map((_, position) => position));
      expect(new Set(opened.map((delta) => delta.id)).size).toBe(opened.length);
      if (opened.length > 0) expect(own.at(-1).finish_reason).toBe("tool_calls");
    }
  });

  test("as Chat Completions without usage: no chunk is without a choice", () => {
    const frames = framesOf(encodeStream(openaiChat, events, client(false))).slice(0, -1);
    for (const { data } of frames) {
      const chunk = JSON.parse(data);
      expect(chunk.choices).toHaveLength(1);
      expect(chunk).not.toHaveProperty("usage");
    }
  });

  test("as Messages", () => {
    const frames = framesOf(encodeStream(anthropicMessages, events, client(false)));
    const payloads = frames.map(({ event, data }) => {
      const payload: JsonObject & { type: string } = JSON.parse(data);
      expect(event).toBe(payload.type);
      return payload;
    });
    const ofType = (type: string): JsonObject[] => payloads.filter((payload) => payload.type === type);
    expect(payloads[0]).toMatchObject({
      type: "message_start",
      message: {
        role: "assistant",
        content: [],
        usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
      },
    });
    expect(payloads.at(-1)).toEqual({ type: "message_stop" });
    expect(payloads.at(-2)).toMatchObject({
      type: "message_delta",
      delta: { stop_reason: expect.any(String) },
      usage: { output_tokens: expect.any(Number) },
    });
    for (const type of ["message_start", "message_delta", "message_stop"]) expect(ofType(type)).toHaveLength(1);
    const indexes = ofType("content_block_start").map(({ index }) => index);
    expect(indexes).toEqual(indexes.map((_, position) => position));
    expect(ofType("content_block_stop").map(({ index }) => index)).toEqual(indexes);
    const calls = ofType("content_block_start").filter(
      ({ content_block: block }) => (block as JsonObject)["type"] === "tool_use",
    );
    expect(calls).toHaveLength(callsOf(events.filter((event) => !("choice" in event) || event.choice === 0)));
    if (calls.length > 0) expect(payloads.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
  });
});

// Every recorded answer of Anthropic through this wire's codecs: what is decoded equals a plain walk over the recording, and what is encoded
// again reads, through Anthropic's own SDK, like the recording itself.

import { describe, expect, test } from "bun:test";
import { type Json, type JsonObject, type Response, collect, isJsonObject } from "../../../src/ir/index.ts";
import { createFrameSplitter } from "../../../src/lib/sse.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import { omit } from "../../../src/wire/json-read.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { listRecordings, readRecording } from "../../fixture.ts";
import { collectStream, decodeStream, encodeStream } from "../replay.ts";
import { readMessage, readMessageStream } from "../sdk.ts";

const CLIENT: ClientContext = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 0,
};

const RECORDINGS = listRecordings({ surface: "anthropic" }).flatMap((row) =>
  readRecording(row.file).map(({ request, response }, index) => ({
    name: `${row.file} ${index + 1}`,
    request,
    response,
    isStream: response.headers["content-type"]?.includes("event-stream") === true || /^event:/m.test(response.body),
  })),
);
/** One recording holds two streams; an answer ends with its first `message_stop`. */
const STREAMS = RECORDINGS.filter(({ isStream, response }) => isStream && response.status === 200).map((recording) => ({
  ...recording,
  response: { ...recording.response, body: firstMessage(recording.response.body) },
}));
const WHOLE = RECORDINGS.filter(({ isStream, response }) => !isStream && response.status === 200);
const ERRORS = RECORDINGS.filter(({ response }) => response.status >= 400);

interface Walk {
  text: string;
  thinking: string;
  calls: { id: string; name: string; input: Json }[];
  stopReason: Json;
  inputTokens: number;
  outputTokens: number;
}

const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const count = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

function sumInput(usage: JsonObject): number {
  return (
    count(usage["input_tokens"]) + count(usage["cache_read_input_tokens"]) + count(usage["cache_creation_input_tokens"])
  );
}

function walkMessage(message: JsonObject): Walk {
  const blocks = (message["content"] as Json[]).map(object);
  const usage = object(message["usage"]);
  return {
    text: blocks.map((block) => (block["type"] === "text" ? text(block["text"]) : "")).join(""),
    thinking: blocks.map((block) => (block["type"] === "thinking" ? text(block["thinking"]) : "")).join(""),
    calls: blocks
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ id: text(block["id"]), name: text(block["name"]), input: block["input"] ?? null })),
    stopReason: message["stop_reason"] ?? null,
    inputTokens: sumInput(usage),
    outputTokens: count(usage["output_tokens"]),
  };
}

function firstMessage(body: string): string {
  const end = body.indexOf("\n\n", body.indexOf("event: message_stop"));
  return `${body.slice(0, end)}\n\n`;
}

/** Folds a stream into a message, in the simplest way that the recordings allow. */
function foldStream(body: string): JsonObject {
  const message: JsonObject = {};
  const blocks: JsonObject[] = [];
  const inputs = new Map<number, string>();
  for (const line of body.split("\n").filter((item) => item.startsWith("data:"))) {
    const data = object(JSON.parse(line.slice(5)));
    const block = blocks[count(data["index"])] ?? {};
    const delta = object(data["delta"]);
    if (data["type"] === "message_start") Object.assign(message, object(data["message"]));
    if (data["type"] === "content_block_start") blocks.push({ ...object(data["content_block"]) });
    if (delta["type"] === "text_delta") block["text"] = text(block["text"]) + text(delta["text"]);
    if (delta["type"] === "thinking_delta") block["thinking"] = text(block["thinking"]) + text(delta["thinking"]);
    if (delta["type"] === "input_json_delta") {
      const index = count(data["index"]);
      inputs.set(index, (inputs.get(index) ?? "") + text(delta["partial_json"]));
    }
    if (data["type"] !== "message_delta") continue;
    message["stop_reason"] = delta["stop_reason"] ?? null;
    if (data["context_management"] !== undefined) message["context_management"] = data["context_management"];
    message["usage"] = { ...object(message["usage"]), ...object(data["usage"]) };
  }
  for (const [index, input] of inputs) object(blocks[index])["input"] = JSON.parse(input === "" ? "{}" : input);
  return { ...message, content: blocks };
}

function walkResponse({ choices: [choice], usage }: Response): Walk {
  const parts = choice?.parts ?? [];
  const reasons = {
    stop: choice?.stopSequence === undefined ? "end_turn" : "stop_sequence",
    length: "max_tokens",
    "tool-calls": "tool_use",
    refusal: "refusal",
    "content-filter": null,
    error: null,
    other: null,
  };
  return {
    text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
    thinking: parts.map((part) => (part.type === "reasoning" ? part.text : "")).join(""),
    calls: parts
      .filter((part) => part.type === "tool-call")
      .map(({ id, name, arguments: json }) => ({ id, name, input: JSON.parse(json) })),
    stopReason: choice === undefined ? null : reasons[choice.finish],
    inputTokens: (usage?.freshInputTokens ?? 0) + (usage?.cacheReadTokens ?? 0) + (usage?.cacheWriteTokens ?? 0),
    outputTokens: usage?.outputTokens ?? 0,
  };
}

/** Counts that a recording leaves out are zero; the SDK shows them as it finds them. */
function withCounts<T extends { usage: unknown }>(message: T): T {
  const counts = { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };
  const usage = Object.entries(message.usage as Record<string, unknown>).filter(([, value]) => value !== null);
  return { ...message, usage: { ...counts, ...Object.fromEntries(usage) } };
}

test("the recordings are there", () => {
  expect(STREAMS.length).toBeGreaterThanOrEqual(15);
  expect(WHOLE.length).toBeGreaterThanOrEqual(15);
  expect(ERRORS.length).toBeGreaterThanOrEqual(2);
});

describe.each(WHOLE)("$name", ({ response: { body } }) => {
  test("decodes to what a plain walk finds", () => {
    const recorded: JsonObject = JSON.parse(body);
    expect(walkResponse(anthropicMessages.response.decode(recorded))).toEqual(walkMessage(recorded));
  });

  test("reads through the SDK as before, once decoded and encoded", async () => {
    const again = anthropicMessages.response.encode(anthropicMessages.response.decode(JSON.parse(body)), CLIENT);
    expect(withCounts(await readMessage(JSON.stringify(again)))).toEqual(withCounts(await readMessage(body)));
  });
});

describe.each(STREAMS)("$name", ({ response: { body } }) => {
  test("decodes to what a plain walk finds", () => {
    const { response, error } = collectStream(anthropicMessages, body);
    expect(error).toBeNull();
    expect(walkResponse(response)).toEqual(walkMessage(foldStream(body)));
  });

  test("reads through the SDK as before, once decoded and encoded", async () => {
    const again = encodeStream(anthropicMessages, decodeStream(anthropicMessages, [body]), CLIENT);
    expect(withCounts(await readMessageStream(again))).toEqual(withCounts(await readMessageStream(body)));
  });

  test("collects to the same answer as the whole message that the SDK sums it to", async () => {
    const whole = anthropicMessages.response.decode(await sumWithSdk(body));
    const { response } = collectStream(anthropicMessages, body);
    expect(withParsedArguments(response)).toEqual(withParsedArguments(whole));
  });

  test("is encoded in the provider's order: one block at a time, counted from 0", () => {
    const again = encodeStream(anthropicMessages, decodeStream(anthropicMessages, [body]), CLIENT);
    expect(checkOrder(again)).toBe("message_start block* message_delta message_stop");
  });
});

describe.each(ERRORS)("$name", ({ response: { status, body } }) => {
  test("keeps status, type and message of the error", () => {
    const recorded: JsonObject = JSON.parse(body);
    const error = object(recorded["error"]);
    expect(anthropicMessages.error.decode(status, recorded)).toMatchObject({
      status,
      type: text(error["type"]),
      message: text(error["message"]),
    });
  });
});

/** The message that the SDK makes of a stream, without the field that it adds and with the one that it knows in its beta only. */
async function sumWithSdk(body: string): Promise<JsonObject> {
  const sum: JsonObject = JSON.parse(JSON.stringify(await readMessageStream(body)));
  const edits = foldStream(body)["context_management"];
  return {
    ...omit(sum, ["parsed_output"]),
    content: (sum["content"] as JsonObject[]).map((block) => omit(block, ["parsed_output"])),
    ...(edits === undefined ? {} : { context_management: edits }),
  };
}

/** The SDK sums a call's input to an object, we keep its text. It knows nothing of `mcp_tool_use`, whose input it leaves empty. */
function withParsedArguments(response: Response): unknown {
  return {
    ...response,
    choices: response.choices.map((choice) => ({
      ...choice,
      parts: choice.parts.map((part) =>
        part.type === "tool-call" ? { ...part, arguments: JSON.parse(part.arguments) } : withoutMcpInput(part),
      ),
    })),
  };
}

function withoutMcpInput(part: { extra?: Response["extra"] }): unknown {
  const block = part.extra?.["anthropic-messages"]?.["block"];
  if (!isJsonObject(block) || block["type"] !== "mcp_tool_use") return part;
  return { ...part, extra: { "anthropic-messages": { block: { ...block, input: {} } } } };
}

function checkOrder(body: string): string {
  const splitter = createFrameSplitter();
  let open: Json | undefined;
  let next = 0;
  const names = [...splitter.push(body), ...splitter.end()].map(({ event, data }) => {
    const payload = object(JSON.parse(data ?? "{}"));
    expect(payload["type"]).toBe(event);
    if (event === "content_block_start") {
      expect(open).toBeUndefined();
      expect(payload["index"]).toBe(next++);
      open = payload["index"];
    }
    if (event?.startsWith("content_block_") === true) expect(payload["index"]).toBe(open);
    if (event === "content_block_stop") open = undefined;
    return event?.startsWith("content_block_") === true ? "block*" : (event ?? "");
  });
  // The provider's sign of life follows the opening of the first block.
  expect(names.indexOf("ping")).toBe(names.includes("block*") ? 2 : -1);
  const kinds = names.filter((name) => name !== "ping").filter((name, index, rest) => name !== rest[index - 1]);
  return kinds.includes("block*") ? kinds.join(" ") : kinds.join(" ").replace("message_start", "message_start block*");
}

test("a stream cut before its end is an error, and what had come is kept", () => {
  const body = STREAMS.find(({ name }) => name.includes("anthropic-text"))?.response.body ?? "";
  const events = decodeStream(anthropicMessages, [body.slice(0, body.indexOf("event: content_block_stop"))]);
  const { response, error } = collect(events);
  expect(error).toMatchObject({
    kind: "upstream_malformed",
    message: "The upstream's stream ended before the answer was complete.",
  });
  expect(response.choices[0]?.parts).toHaveLength(1);
  expect(response.usage?.freshInputTokens).toBe(12);
});

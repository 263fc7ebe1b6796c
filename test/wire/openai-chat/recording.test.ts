// Every chat recording through the codecs: nothing that a client reads of an answer is lost on the way in and out.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type JsonObject, type Usage, collect, isJsonObject } from "../../../src/ir/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { type Interaction, listRecordings, readRecording } from "../../fixture.ts";
import { cut, decodeStream, encodeStream } from "../replay.ts";
import { readCompletion, readCompletionChunks } from "../sdk.ts";

const CLIENT: ClientContext = {
  request: {
    model: "any",
    messages: [],
    tools: [],
    stream: true,
    extra: { "openai-chat": { stream_options: { include_usage: true } } },
  },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

const FACTS = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" } as const;

interface Named extends Interaction {
  name: string;
  isStream: boolean;
}

const ALL: Named[] = listRecordings({ surface: "chat" }).flatMap((row) =>
  readRecording(row.file).map((interaction, index) => ({
    ...interaction,
    name: `${row.file} ${index + 1}`,
    isStream: (interaction.response.headers["content-type"] ?? "").includes("event-stream"),
  })),
);
const ANSWERS = ALL.filter(({ isStream, response }) => !isStream && response.status === 200);
const STREAMS = ALL.filter(({ isStream }) => isStream);
const ERRORS = ALL.filter(({ response }) => response.status >= 400);
const REQUESTS = ALL.filter(
  ({ request, response }) =>
    response.status === 200 && request?.method === "POST" && request.url.includes("/chat/completions"),
);

test("there are recordings of each kind", () => {
  expect(ANSWERS.length).toBeGreaterThan(30);
  expect(STREAMS.length).toBeGreaterThan(20);
  expect(ERRORS.length).toBeGreaterThan(5);
  expect(REQUESTS.length).toBeGreaterThan(40);
});

function parse(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error("no JSON object");
  return value;
}

function object(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function list(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** Without what says nothing: nulls, empty lists and objects. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([name, inner]) => [name, prune(inner)] as const)
    .filter(([, inner]) => inner !== null && inner !== undefined)
    .filter(([, inner]) => typeof inner !== "object" || Object.keys(inner ?? {}).length > 0);
  return Object.fromEntries(entries);
}

/** Counts that a reader must be able to rely on, in whichever way the server reported them. */
function walkUsage(usage: JsonObject): Usage {
  const input = object(usage["prompt_tokens_details"]);
  const output = object(usage["completion_tokens_details"]);
  const reasoning = output["reasoning_tokens"];
  const cached = number(input["cached_tokens"]) || number(usage["prompt_cache_hit_tokens"]);
  const written = number(input["cache_write_tokens"]);
  return {
    freshInputTokens: number(usage["prompt_tokens"]) - cached - written,
    cacheReadTokens: cached,
    cacheWriteTokens: written,
    outputTokens: number(usage["total_tokens"]) - number(usage["prompt_tokens"]),
    reasoningTokens: typeof reasoning === "number" ? reasoning : null,
  };
}

function walkTier({ service_tier: tier }: JsonObject): { serviceTier?: string } {
  return typeof tier === "string" ? { serviceTier: tier } : {};
}

/** A report with reasoning counted into the completion, as OpenAI defines it. */
function settleUsage(body: JsonObject): JsonObject {
  const usage = object(body["usage"]);
  if (body["usage"] === undefined) return body;
  return {
    ...body,
    usage: { ...usage, completion_tokens: number(usage["total_tokens"]) - number(usage["prompt_tokens"]) },
  };
}

describe("whole answers", () => {
  for (const { name, response } of ANSWERS) {
    test(name, async () => {
      const body = parse(response.body);
      const decoded = openaiChat.response.decode(body);
      const encoded = openaiChat.response.encode(decoded, CLIENT);
      // Servers leave out what OpenAI always sends, and number calls that stand in order anyway.
      const calls = list(body["choices"]).flatMap((choice) => list(object(choice["message"])["tool_calls"]));
      for (const call of calls) {
        delete call["index"];
        // A call that came without an id got one.
        if (call["id"] === "") delete call["id"];
      }
      expect(prune(await readCompletion(JSON.stringify(encoded)))).toMatchObject(
        object(prune(await readCompletion(JSON.stringify(settleUsage(body))))),
      );
      const [choice] = list(body["choices"]);
      expect(decoded.choices[0]?.finish).toBe(
        { stop: "stop", length: "length", tool_calls: "tool-calls" }[string(choice?.["finish_reason"])] as "stop",
      );
      expect(decoded.usage).toEqual({ ...walkUsage(object(body["usage"])), ...walkTier(body) });
      expect(openaiChat.response.decode(encoded)).toEqual(decoded);
    });
  }
});

interface Walk {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; arguments: string }[];
  finish: string;
  usage: JsonObject | null;
  error: string | null;
}

/** The stream added up by hand, for recordings that have one choice and number their calls. */
function walk(sse: string): Walk {
  const sum: Walk = { text: "", reasoning: "", calls: [], finish: "", usage: null, error: null };
  for (const line of sse.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const chunk = parse(line.slice(6));
    if (isJsonObject(chunk["usage"])) sum.usage = chunk["usage"];
    if (isJsonObject(chunk["error"])) sum.error = string(chunk["error"]["message"]);
    const [choice = {}] = list(chunk["choices"]);
    const delta = object(choice["delta"]);
    sum.text +=
      string(delta["content"]) +
      list(delta["content"])
        .map((part) => string(part["text"]))
        .join("");
    sum.reasoning += string(delta["reasoning_content"]) || string(delta["reasoning"]);
    for (const part of list(delta["content"])) {
      sum.reasoning += list(part["thinking"])
        .map((piece) => string(piece["text"]))
        .join("");
    }
    for (const call of list(delta["tool_calls"])) {
      const known = sum.calls[number(call["index"])] ?? { id: "", name: "", arguments: "" };
      sum.calls[number(call["index"])] = known;
      const target = object(call["function"]);
      known.id ||= string(call["id"]);
      known.name ||= string(target["name"]);
      known.arguments += string(target["arguments"]);
    }
    sum.finish = string(choice["finish_reason"]) || sum.finish;
  }
  return sum;
}

describe("streams", () => {
  for (const { name, response } of STREAMS) {
    test(`${name} decodes to what a plain walk finds`, () => {
      const events = decodeStream(openaiChat, [response.body]);
      const wanted = walk(response.body);
      const { response: answer, error } = collect(events);
      const parts = answer.choices[0]?.parts ?? [];
      const join = (type: "text" | "reasoning"): string =>
        parts.map((part) => (part.type === type ? part.text : "")).join("");
      expect(join("text")).toBe(wanted.text);
      expect(join("reasoning")).toBe(wanted.reasoning);
      const calls = parts.filter((part) => part.type === "tool-call");
      expect(calls.map((call) => ({ id: call.id, name: call.name, arguments: call.arguments }))).toEqual(wanted.calls);
      const tier = walkTier({ service_tier: /"service_tier": ?"(\w+)"/.exec(response.body)?.[1] ?? null });
      expect(answer.usage).toEqual(wanted.usage === null ? null : { ...walkUsage(wanted.usage), ...tier });
      expect(error?.message ?? null).toBe(wanted.error);
      expect(events.filter((event) => event.type === "finish").length).toBe(1);
      expect(events.at(-1)?.type).toBe("finish");
      if (wanted.error !== null) return;
      expect(answer.choices[0]?.finish).toBe(
        { stop: "stop", length: "length", tool_calls: "tool-calls" }[wanted.finish] as "stop",
      );
    });

    test(`${name} gives the same events however it is cut`, () => {
      const whole = decodeStream(openaiChat, [response.body]);
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 20 }), (places) => {
          expect(decodeStream(openaiChat, cut(response.body, places))).toEqual(whole);
        }),
        { numRuns: 5 },
      );
    });

    test(`${name} reads through the SDK as before, once decoded and encoded`, async () => {
      const events = decodeStream(openaiChat, [response.body]);
      const encoded = encodeStream(openaiChat, events, CLIENT);
      const { error } = collect(events);
      if (error !== null) {
        const failure = await readCompletionChunks(encoded).catch((thrown: unknown) => thrown);
        expect(failure).toBeInstanceOf(Error);
        expect(failure).toMatchObject({ message: error.message });
        return;
      }
      const [before, after] = await Promise.all([readCompletionChunks(response.body), readCompletionChunks(encoded)]);
      expect(sumChunks(after)).toMatchObject(sumChunks(before));
      expect(new Set(after.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1);
      expect(encoded.endsWith("data: [DONE]\n\n")).toBe(true);
    });

    test(`${name} collects to the same again from its own encoding`, () => {
      const first = collect(decodeStream(openaiChat, [response.body]));
      const encoded = encodeStream(openaiChat, decodeStream(openaiChat, [response.body]), CLIENT);
      const again = collect(decodeStream(openaiChat, [encoded]));
      expect(again.response.choices).toEqual(first.response.choices);
      // An error ends a stream before the chunk that would hold the usage.
      expect(again.response.usage).toEqual(first.error === null ? first.response.usage : null);
    });
  }
});

/** What a client makes of chunks as the SDK hands them out. */
function sumChunks(chunks: readonly object[]): object {
  const last = chunks.findLast((chunk) => "id" in chunk && chunk.id !== "");
  const { text, reasoning, calls, finish, usage } = walk(
    chunks.map((chunk) => `data: ${JSON.stringify(chunk)}`).join("\n"),
  );
  const counts = usage === null ? null : prune(settleUsage({ usage }));
  return { id: object(last)["id"], model: object(last)["model"], text, reasoning, calls, finish, usage: counts };
}

describe("requests", () => {
  for (const { name, request } of REQUESTS) {
    test(name, () => {
      const body = request?.body ?? {};
      openaiChat.peek(body);
      const decoded = openaiChat.request.decode(body);
      const { body: encoded, dropped } = openaiChat.request.encode(decoded, FACTS);
      expect(dropped).toEqual([]);
      expect(normaliseRequest(encoded)).toEqual(normaliseRequest(body));
      expect(openaiChat.request.decode(encoded).messages).toEqual(decoded.messages);
    });
  }
});

/**
 * The same request in one of its spellings: no nulls, one plain text as a string, a single stop as a list, functions called so, usage asked
 * for in a stream.
 */
function normaliseRequest(body: JsonObject): unknown {
  const messages = list(body["messages"]).map((message) => {
    const [only, ...more] = list(message["content"]);
    const isPlain = more.length === 0 && only?.["type"] === "text" && Object.keys(only).length === 2;
    return isPlain ? { ...message, content: only["text"] ?? null } : message;
  });
  const stop = typeof body["stop"] === "string" ? [body["stop"]] : body["stop"];
  const options = body["stream"] === true ? { ...object(body["stream_options"]), include_usage: true } : {};
  const tools = list(body["tools"]).map((tool) => ({ type: "function", ...tool }));
  return prune({
    ...body,
    messages,
    tools,
    stop,
    stream: body["stream"] === true ? true : null,
    stream_options: options,
  });
}

describe("errors", () => {
  for (const { name, response } of ERRORS) {
    test(name, () => {
      const decoded = openaiChat.error.decode(response.status, parse(response.body));
      const outer = parse(response.body);
      const inner = isJsonObject(outer["error"]) ? outer["error"] : outer;
      expect(decoded.status).toBe(response.status);
      expect(decoded.message).toBe(string(inner["message"]));
      expect(decoded.type).toBe(string(inner["type"]) || null);
      const code = inner["code"] ?? null;
      expect(decoded.code).toBe(code === null ? null : String(code as string));
      expect(decoded.param).toBe(string(inner["param"]) || null);
    });
  }
});

// The laws that every chat wire keeps, over recorded and made-up traffic. A new wire joins by its row in `WIRES` and in `DIALECTS`.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Event,
  type Extra,
  type JsonObject,
  type Request,
  type Response,
  collect,
  isJsonObject,
} from "../../src/ir/index.ts";
import { createFrameSplitter } from "../../src/lib/sse.ts";
import { WIRES } from "../../src/wire/index.ts";
import type { ClientContext } from "../../src/wire/type.ts";
import { type Interaction, listRecordings, readRecording } from "../fixture.ts";
import { collectStream, decodeStream, encodeStream, replay } from "./replay.ts";
import { type ChatId, DIALECTS, FACTS, requests, responses, stripExtra } from "./sample.ts";
import { readCompletionStream, readGeneratedStream, readMessageStream, readResponseStream } from "./sdk.ts";

/** What the tests must know of a wire beyond its codecs. */
const KNOWN: Record<
  ChatId,
  {
    surface: string;
    /** Fields that forwarding may change. */
    declared: string[];
    /** A stream as the vendor's own SDK sums it; for recordings of that vendor. */
    sum: { provider: string; read: (body: string) => Promise<unknown> };
    /** Which of the surface's recordings are chats; all where missing. */
    isChat?: (interaction: Interaction) => boolean;
    /** Streams that the SDK's user would have to put together by other means: calls in pieces. */
    skipsSum?: string[];
  }
> = {
  "anthropic-messages": {
    surface: "anthropic",
    declared: ["model"],
    sum: { provider: "anthropic", read: readMessageStream },
  },
  gemini: {
    surface: "gemini",
    declared: [],
    sum: { provider: "gemini", read: readGeneratedStream },
    isChat: ({ request, response }) =>
      (request === null || request.url.includes("enerateContent")) && !response.body.includes('"error"'),
    skipsSum: ["gemini/ai/google-stream-no-args-tool-call.chunks.txt 1"],
  },
  "openai-chat": {
    surface: "chat",
    declared: ["model", "stream_options"],
    sum: { provider: "openai", read: readCompletionStream },
  },
  "openai-responses": {
    surface: "responses",
    declared: ["model"],
    sum: { provider: "openai", read: readResponseStream },
    isChat: ({ request }) => request === null || request.url.includes("/responses"),
  },
};

/** A client that sees everything its format can show. */
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

const CHAT_WIRES = Object.values(WIRES).flatMap((wire) => (wire.operation === "chat" ? [wire] : []));
const MARK = "leak-0451";
const RUNS = { numRuns: 100 };

test("every chat wire is under these laws", () => {
  expect(CHAT_WIRES.map(({ id }) => id).sort()).toEqual(Object.keys(DIALECTS).sort() as ChatId[]);
});

describe.each(CHAT_WIRES.map((wire) => ({ wire, name: wire.id })))("$name", ({ wire }) => {
  const id = wire.id as ChatId;
  const dialect = DIALECTS[id];
  const { isChat = () => true, skipsSum = [] } = KNOWN[id];
  const rows = listRecordings().filter(({ surface }) => surface.split(",").includes(KNOWN[id].surface));
  const recordings = rows.flatMap(({ file, provider }) =>
    readRecording(file)
      .map((interaction, index) => ({ ...interaction, provider, name: `${file} ${index + 1}` }))
      .filter(isChat),
  );
  const bodies = recordings.flatMap(({ request, response, name }) =>
    request === null || request.body === null || response.status >= 400 ? [] : [{ name, body: request.body }],
  );
  const answers = recordings.filter(({ response }) => response.status === 200);
  const streams = answers.filter((item) => isStream(item));
  const whole = answers.filter((item) => !isStream(item) && !isError(item));

  test("there are recordings of every kind", () => {
    expect(bodies.length).toBeGreaterThan(9);
    expect(streams.length).toBeGreaterThan(9);
    expect(whole.length).toBeGreaterThan(9);
  });

  describe("1: a request comes back from its own format as it went in", () => {
    const again = (request: Request): Request => {
      const reasoning = request.reasoning?.budgetTokens === undefined ? FACTS.reasoning : "budget";
      const { model, stream } = request;
      return wire.request.decode(wire.request.encode(request, { ...FACTS, reasoning }).body, { model, stream });
    };

    test("made up", () => {
      fc.assert(
        fc.property(requests(dialect), (request) => {
          const first = again(request);
          expect(stripExtra(first)).toEqual(stripExtra(request));
          expect(again(first)).toEqual(first);
          expect(wire.request.encode(request, FACTS).dropped).toEqual([]);
        }),
        RUNS,
      );
    });

    test.each(bodies)("$name", ({ body }) => {
      const request = wire.request.decode(body);
      expect(withoutUsageWish(again(request))).toEqual(withoutUsageWish(request));
    });
  });

  describe("2: an answer comes back from its own format as it went in", () => {
    test("made up, whole and as a stream", () => {
      fc.assert(
        fc.property(responses(dialect), (response) => {
          const expected = stripExtra(response);
          expect(stripExtra(wire.response.decode(wire.response.encode(response, CLIENT)))).toEqual(expected);
          const { response: streamed, error } = collectStream(wire, encodeStream(wire, replay(response), CLIENT));
          expect(error).toBeNull();
          expect(stripExtra(streamed)).toEqual(expected);
        }),
        RUNS,
      );
    });

    test.each(whole)("$name", ({ response: { body } }) => {
      const response = wire.response.decode(JSON.parse(body));
      expect(wire.response.decode(wire.response.encode(response, CLIENT))).toEqual(response);
    });

    test.each(streams)("$name", ({ response: { body } }) => {
      const events = decodeStream(wire, [body]);
      const again = collectStream(wire, encodeStream(wire, events, CLIENT));
      const { response, error } = collect(events);
      expect(again.error?.message).toBe(error?.message);
      if (error === null) expect(joinText(again.response)).toEqual(joinText(response));
    });
  });

  describe("3: own fields survive, foreign ones do not leak", () => {
    const unknown = { a: [1, { b: MARK }] };

    test.each(bodies)("own, in the request of $name", ({ body }) => {
      const marked = { ...body, x_unknown: unknown };
      expect(wire.request.encode(wire.request.decode(marked), FACTS).body["x_unknown"]).toEqual(unknown);
    });

    test.each(whole)("own, in the answer of $name", ({ response: { body } }) => {
      const marked: JsonObject = { ...JSON.parse(body), x_unknown: unknown };
      expect(wire.response.encode(wire.response.decode(marked), CLIENT)["x_unknown"]).toEqual(unknown);
    });

    const foreign: Extra = { "another-wire": { [MARK]: MARK } };

    test("foreign, in requests", () => {
      fc.assert(
        fc.property(requests(dialect), (request) => {
          const { body, dropped } = wire.request.encode(spreadExtra(request, foreign), FACTS);
          expect(JSON.stringify(body)).not.toContain(MARK);
          expect(dropped).toContain(MARK);
        }),
        RUNS,
      );
    });

    test("foreign, in answers", () => {
      fc.assert(
        fc.property(responses(dialect), (response) => {
          const marked = spreadExtra(response, foreign);
          expect(JSON.stringify(wire.response.encode(marked, CLIENT))).not.toContain(MARK);
          expect(encodeStream(wire, replay(marked), CLIENT)).not.toContain(MARK);
        }),
        RUNS,
      );
    });
  });

  describe("4: any cutting of the bytes gives the same events", () => {
    test.each(streams)("$name", ({ response: { body } }) => {
      const bytes = new TextEncoder().encode(body);
      const expected = decodeStream(wire, [body]);
      fc.assert(
        fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), (places) => {
          expect(decodeStream(wire, decodePieces(bytes, places))).toEqual(expected);
        }),
        { numRuns: 5 },
      );
    });

    test("one byte at a time", () => {
      const body = shortest(streams);
      const bytes = new TextEncoder().encode(body);
      const everywhere = Array.from({ length: bytes.length }, (_, index) => index);
      expect(decodeStream(wire, decodePieces(bytes, everywhere))).toEqual(decodeStream(wire, [body]));
    });
  });

  describe("5: exactly one finish, as the last event", () => {
    const check = (events: Event[]): void => {
      expect(events.filter(({ type }) => type === "finish")).toHaveLength(1);
      expect(events.at(-1)?.type).toBe("finish");
    };

    test.each(streams)("$name, whole and cut anywhere", ({ response: { body } }) => {
      check(decodeStream(wire, [body]));
      fc.assert(
        fc.property(fc.nat({ max: body.length }), (length) => check(decodeStream(wire, [body.slice(0, length)]))),
        { numRuns: 10 },
      );
    });

    test("garbage, and frames of garbage", () => {
      const frames = fc
        .array(fc.oneof(fc.json(), fc.string(), fc.constantFrom("[DONE]", '{"type":"error"}', '{"error":null}', "{}")))
        .map((items) => items.map((item) => `data: ${item.replaceAll(/\s/g, " ")}\n\n`).join(""));
      fc.assert(
        fc.property(fc.oneof(fc.string(), frames), (garbage) => check(decodeStream(wire, [garbage]))),
        { numRuns: 300 },
      );
    });

    test("an answer's frames in any order, some of them missing", () => {
      const splitter = createFrameSplitter();
      const frames = splitter.push(shortest(streams)).map(({ raw }) => raw);
      fc.assert(
        fc.property(fc.shuffledSubarray(frames), (mixed) => check(decodeStream(wire, [mixed.join("")]))),
        RUNS,
      );
    });

    test("what follows the finish is not read", () => {
      const decoder = wire.stream.decode();
      const frames = createFrameSplitter().push(shortest(streams));
      const once = [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
      expect(once.at(-1)?.type).toBe("finish");
      expect([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]).toEqual([]);
    });
  });

  describe("6: forwarding changes only the declared fields", () => {
    test.each(bodies)("the request of $name", ({ body }) => {
      const raw = JSON.stringify(body, null, 2);
      const forwarded: JsonObject = JSON.parse(wire.forward.request(raw, body, "another-model"));
      // Where the address names the model, nothing at all may change.
      if (KNOWN[id].declared.length > 0) expect(forwarded["model"]).toBe("another-model");
      expect(pickOthers(forwarded)).toEqual(pickOthers(body));
      const { model, stream } = body;
      if (stream !== true && typeof model === "string") expect(wire.forward.request(raw, body, model)).toBe(raw);
    });

    test.each(streams)("the answer of $name", ({ response: { body } }) => {
      const frames = createFrameSplitter().push(body);
      const forwarded = frames.map((frame) => wire.forward.frame(frame, { stream: true })).join("");
      const { response, error } = collectStream(wire, forwarded);
      const before = collectStream(wire, body);
      expect(error?.message).toBe(before.error?.message);
      expect({ ...joinText(response), usage: null }).toEqual({ ...joinText(before.response), usage: null });
    });

    function pickOthers(body: JsonObject): JsonObject {
      return Object.fromEntries(Object.entries(body).filter(([name]) => !KNOWN[id].declared.includes(name)));
    }
  });

  describe("7: a stream and its whole twin are the same answer", () => {
    const { provider, read } = KNOWN[id].sum;
    const own = streams.filter((item) => item.provider === provider && !isError(item) && !skipsSum.includes(item.name));

    test.each(own)("$name, summed by the vendor's SDK", async ({ response: { body } }) => {
      const sum: JsonObject = JSON.parse(JSON.stringify(await read(body)));
      const twin = wire.response.decode(sum);
      const { response } = collectStream(wire, body);
      expect(compare(response)).toEqual(compare(twin));
    });

    const pairs = whole.flatMap(({ name, response }) => {
      // Of several turns only one was recorded whole, and no name says which.
      const file = name.replace(/\.json \d+$/, ".chunks.txt ");
      const [twin, ...others] = own.filter((item) => item.name.startsWith(file));
      if (others.length > 0) return [];
      return twin === undefined ? [] : [{ name, body: response.body, stream: twin.response.body }];
    });

    test.each(pairs)("$name, recorded twice: the same kinds of parts and the same end", ({ body, stream }) => {
      expect(outline(collectStream(wire, stream).response)).toEqual(outline(wire.response.decode(JSON.parse(body))));
    });
  });
});

function isStream({ response }: Interaction): boolean {
  return response.headers["content-type"]?.includes("event-stream") === true || /^(?:event|data):/m.test(response.body);
}

/** An error in the place of an answer, or at the end of a stream. */
function isError({ response }: Interaction): boolean {
  return /^\{\s*"error":|^event: error$/m.test(response.body);
}

function shortest(streams: Interaction[]): string {
  const bodies = streams.map(({ response }) => response.body).sort((left, right) => left.length - right.length);
  return bodies[0] ?? "";
}

function decodePieces(bytes: Uint8Array, places: number[]): string[] {
  const decoder = new TextDecoder();
  const ends = [...places, bytes.length].sort((left, right) => left - right);
  const pieces = ends.map((end, index) => decoder.decode(bytes.subarray(ends[index - 1] ?? 0, end), { stream: true }));
  return [...pieces, decoder.decode()];
}

/** A stream's request for usage is ours to make, whatever the client asked. */
function withoutUsageWish(request: Request): unknown {
  return JSON.parse(JSON.stringify(request, (key, value: unknown) => (key === "stream_options" ? undefined : value)));
}

/** The same value with `extra` on everything that can carry it. */
function spreadExtra<T>(value: T, extra: Extra): T {
  if (Array.isArray(value)) return value.map((item: unknown) => spreadExtra(item, extra)) as T;
  if (!isJsonObject(value)) return value;
  const isCarrier = ["parts", "arguments", "callId", "messages", "choices", "parameters"].some((name) => name in value);
  const isPart = ["text", "media", "reasoning"].some(
    (type) => value["type"] === type && ("text" in value || "kind" in value),
  );
  const entries = Object.entries(value).map(([name, inner]) => [
    name,
    ["parameters", "schema", "metadata", "responseFormat"].includes(name) ? inner : spreadExtra(inner, extra),
  ]);
  return { ...Object.fromEntries(entries), ...(isCarrier || isPart ? { extra } : {}) };
}

/** Kept text blocks of one kind may be merged on the way; the words and the order of everything else may not change. */
function joinText(response: Response): object {
  const { id, model, choices, usage } = response;
  return {
    id,
    model,
    usage,
    choices: choices.map(({ parts, ...choice }) => ({
      ...stripExtra(choice),
      text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
      others: stripExtra(parts.filter((part) => part.type !== "text")),
    })),
  };
}

/** What two readings of one stream must agree on. Servers seal anew each time that they say a thing. */
function compare(response: Response): unknown {
  const plain = joinText(response);
  return JSON.parse(
    JSON.stringify(plain, (key, value: unknown) => {
      if (key === "encrypted") return "sealed";
      return key === "arguments" && typeof value === "string" ? parseArguments(value) : value;
    }),
  );
}

/** As JSON, since an SDK may have parsed them; free text as it is. */
function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function outline({ choices }: Response): unknown {
  return choices.map(({ parts, finish }) => ({
    finish,
    // What is only sealed may stand before or behind the text that it belongs to.
    kinds: parts
      .filter((part) => part.type !== "reasoning" || part.text !== "")
      .map(({ type }) => type)
      .filter((type, index, types) => type !== types[index - 1]),
  }));
}

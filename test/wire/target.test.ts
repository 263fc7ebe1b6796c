// The laws of formats that only providers speak: requests of every client become bodies that the server takes, recorded answers become canonical
// ones, streams end exactly once and say the same however they are cut, and a stream and its whole twin agree.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Event, GatewayError, type JsonObject, collect } from "../../src/ir/index.ts";
import { createFrameSplitter, formatFrame } from "../../src/lib/sse.ts";
import type { Frame } from "../../src/lib/sse.ts";
import { bedrockConverse } from "../../src/wire/bedrock-converse/index.ts";
import { cohereChat } from "../../src/wire/cohere-chat/index.ts";
import { TARGETS, WIRES } from "../../src/wire/index.ts";
import type { Encoded, ModelFacts, TargetWire, Wire } from "../../src/wire/type.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { COHERE_REQUEST, judgeCohere } from "../upstream/cohere.ts";
import { cut, decodeStream } from "./replay.ts";
import { DIALECTS, FACTS, requests } from "./sample.ts";
import { judgeConverse, readConverseLines, serializeConverse } from "./target.ts";

interface Known {
  wire: TargetWire;
  surface: string;
  families: ModelFacts["family"][];
  judge(body: JsonObject): string[] | Promise<string[]>;
  frames(text: string): Frame[];
}

const KNOWN: readonly Known[] = [
  {
    wire: bedrockConverse,
    surface: "bedrock",
    families: [undefined, "claude", "nova", "mistral", "gpt-oss"],
    async judge(body) {
      const again = await serializeConverse(body);
      expect(again).toEqual(body);
      return judgeConverse(body);
    },
    frames: readConverseLines,
  },
  {
    wire: cohereChat,
    surface: "cohere",
    families: [undefined],
    judge: (body) => judgeCohere(COHERE_REQUEST.parse(body)),
    frames: (text) => createFrameSplitter().push(text),
  },
];

/** Null where the format has no word for what is asked, which the refusal names. */
function encode(
  wire: TargetWire,
  request: Parameters<TargetWire["request"]["encode"]>[0],
  facts: ModelFacts,
): Encoded | null {
  try {
    return wire.request.encode(request, facts);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
    expect(error.param).toBeString();
    return null;
  }
}

test("every format that only providers speak is under these laws", () => {
  const clients = Object.values<Wire>(WIRES).map(({ id }): string => id);
  expect(KNOWN.map(({ wire }) => wire.id)).toEqual([...TARGETS.keys()].filter((id) => !clients.includes(id)));
});

describe.each(KNOWN.map((known) => ({ ...known, id: known.wire.id })))(
  "$id",
  ({ wire, surface, families, judge, frames }) => {
    const recordings = listRecordings({ surface }).flatMap(({ file }) =>
      readRecording(file).map((interaction, index) => ({ ...interaction, name: `${file} ${index + 1}` })),
    );
    const whole = recordings.flatMap(({ response, name }) => {
      if (response.status !== 200 || !response.headers["content-type"]?.includes("application/json")) return [];
      return [{ name, body: JSON.parse(response.body) as JsonObject }];
    });
    const streams = recordings.flatMap(({ response, name }) =>
      name.includes(".chunks.txt") ? [{ name, text: response.body }] : [],
    );

    describe.each(Object.entries(DIALECTS))("requests of %s clients", (_client, dialect) => {
      test.each(families)("for a model of the family %p are taken", async (family) => {
        let encoded = 0;
        await fc.assert(
          fc.asyncProperty(requests(dialect), async (request) => {
            const reasoning = request.reasoning?.budgetTokens === undefined ? FACTS.reasoning : "budget";
            const facts: ModelFacts = { ...FACTS, reasoning, ...(family === undefined ? {} : { family }) };
            const result = encode(wire, request, facts);
            if (result === null) return;
            encoded++;
            expect(await judge(result.body)).toEqual([]);
          }),
          { numRuns: 60 },
        );
        expect(encoded).toBeGreaterThan(10);
      });
    });

    test("there are recordings of both kinds", () => {
      expect(whole.length).toBeGreaterThan(0);
      expect(streams.length).toBeGreaterThan(0);
    });

    test.each(whole)("$name has text or calls, an end and usage", ({ body }) => {
      const { choices, usage } = wire.response.decode(body);
      expect(choices).toHaveLength(1);
      expect(choices[0]?.parts.length).toBeGreaterThan(0);
      expect(choices[0]?.finish).toBeOneOf(["stop", "tool-calls"]);
      expect(usage?.freshInputTokens).toBeGreaterThan(0);
      expect(usage?.outputTokens).toBeGreaterThan(0);
    });

    describe.each(streams)("$name", ({ text }) => {
      const recorded = frames(text);
      const events = push(wire, recorded);

      test("ends exactly once and says what a whole answer would", () => {
        expect(events.filter(({ type }) => type === "finish")).toEqual([{ type: "finish" }]);
        const { response, error } = collect(events);
        expect(error).toBeNull();
        expect(response.choices[0]?.parts.length).toBeGreaterThan(0);
        expect(response.choices[0]?.finish).toBeOneOf(["stop", "tool-calls"]);
        expect(response.usage?.outputTokens).toBeGreaterThan(0);
      });

      test("opens and closes each part once, numbered in order", () => {
        const opened = events.flatMap((event) => (event.type === "part-start" ? [event.part] : []));
        expect(opened).toEqual(opened.map((_, index) => index));
        const closed = events.flatMap((event) => (event.type === "part-end" ? [event.part] : []));
        expect(closed.toSorted((left, right) => left - right)).toEqual(opened);
      });

      test("is an error where it is cut, wherever that is", () => {
        for (let length = 0; length < recorded.length; length++) {
          const finish = push(wire, recorded.slice(0, length)).filter((event) => event.type === "finish");
          expect(finish).toHaveLength(1);
          const isWhole = push(wire, recorded.slice(0, length)).some(({ type }) => type === "choice-end");
          expect(finish[0]?.error?.kind).toBe(isWhole ? undefined : "upstream_malformed");
        }
      });

      test("says the same however it is cut", () => {
        const sse = recorded.map(({ event, data }) => formatFrame(data ?? "", event ?? undefined)).join("");
        fc.assert(
          fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
            expect(decodeStream(wire, cut(sse, places))).toEqual(events);
          }),
        );
      });
    });
  },
);

function push(wire: TargetWire, given: readonly Frame[]): Event[] {
  const decoder = wire.stream.decode();
  return [...given.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

test("a recorded stream of Converse and its whole twin are one answer", () => {
  const [stream] = readRecording("bedrock/ai/amazon-bedrock-tool-no-args.chunks.txt");
  const [twin] = readRecording("bedrock/ai/amazon-bedrock-tool-no-args.json");
  const events = push(bedrockConverse, readConverseLines(stream?.response.body ?? ""));
  expect(collect(events).response).toEqual(bedrockConverse.response.decode(JSON.parse(twin?.response.body ?? "")));
});

// Thought signatures on their way through clients of every other format and back: they must stand on the part on which Google put them,
// whole and streamed, and what other vendors signed must never reach Google.

import { describe, expect, test } from "bun:test";
import { type Json, type JsonObject, isJsonObject } from "../../../src/ir/index.ts";
import { createFrameSplitter } from "../../../src/lib/sse.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import { gemini } from "../../../src/wire/gemini/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";
import type { ChatWire, ClientContext, ModelFacts } from "../../../src/wire/type.ts";
import { decodeStream, encodeStream } from "../replay.ts";
import { readCompletionStream, readMessageStream, readResponseStream } from "../sdk.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };
const CLIENT: ClientContext = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

const FIRST = "Rmlyc3Q+sig/one==";
const SECOND = "U2Vjb25kc2ln";

/** A thought, two calls at once of which the first is signed, as Google answers. */
const CALLS = [
  { text: "Let me see.", thought: true },
  { text: "I look." },
  { functionCall: { name: "look", args: { word: "mole" } }, thoughtSignature: FIRST },
  { functionCall: { name: "look", args: { word: "vole" } } },
];
/** A signed text. */
const TEXT = [{ text: "A mole digs.", thoughtSignature: SECOND }];

function answer(parts: JsonObject[]): JsonObject {
  return {
    candidates: [{ content: { parts, role: "model" }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 },
    modelVersion: "gemini-3-pro",
    responseId: "r1",
  };
}

/** The same as Google streams it: a piece a part, the signature of a text alone at the end. */
function stream(parts: JsonObject[]): string {
  const pieces = parts.flatMap((part): JsonObject[] => {
    const { text, thoughtSignature } = part;
    if (typeof text !== "string" || thoughtSignature === undefined) return [part];
    return [{ text: text.slice(0, 4) }, { text: text.slice(4) }, { text: "", thoughtSignature }];
  });
  return pieces
    .map((part, index) => {
      const candidate = {
        content: { parts: [part], role: "model" },
        index: 0,
        ...(index === pieces.length - 1 ? { finishReason: "STOP" } : {}),
      };
      return `data: ${JSON.stringify({ ...answer([]), candidates: [candidate] })}\r\n\r\n`;
    })
    .join("");
}

interface Format {
  wire: ChatWire;
  /** The answer as the vendor's SDK sums a stream. */
  sum(body: string): Promise<unknown>;
  /** The client's next request: what it said, the answer as it came, and the results of the calls in it. */
  ask(answer: JsonObject, results: boolean): JsonObject;
}

const listOf = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : []);

const FORMATS: Record<string, Format> = {
  "anthropic-messages": {
    wire: anthropicMessages,
    sum: readMessageStream,
    ask({ content }, results) {
      const calls = listOf(content).filter(({ type }) => type === "tool_use");
      const back = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id ?? "", content: "found" }));
      const next = results ? back : [{ type: "text", text: "And now?" }];
      const messages = [
        { role: "user", content: "Look" },
        { role: "assistant", content: content ?? [] },
        { role: "user", content: next },
      ];
      return { model: "any", max_tokens: 100, messages };
    },
  },
  "openai-chat": {
    wire: openaiChat,
    sum: readCompletionStream,
    ask({ choices }, results) {
      const message = listOf(choices)[0]?.["message"] ?? {};
      const calls = isJsonObject(message) ? listOf(message["tool_calls"]) : [];
      const back = calls.map(({ id }) => ({ role: "tool", tool_call_id: id ?? "", content: "found" }));
      const next = results ? back : [{ role: "user", content: "And now?" }];
      return { model: "any", messages: [{ role: "user", content: "Look" }, message, ...next] };
    },
  },
  "openai-responses": {
    wire: openaiResponses,
    sum: readResponseStream,
    ask({ output }, results) {
      const items = listOf(output);
      const calls = items.filter(({ type }) => type === "function_call");
      const back = calls.map(({ call_id: id }) => ({
        type: "function_call_output",
        call_id: id ?? "",
        output: "found",
      }));
      const next = results ? back : [{ role: "user", content: "And now?" }];
      return { model: "any", input: [{ role: "user", content: "Look" }, ...items, ...next] };
    },
  },
};

/** The model's turn of the request that Google is sent in the end. */
function sendBack({ wire, ask }: Format, shown: JsonObject, results: boolean): JsonObject[] {
  const request = wire.request.decode(JSON.parse(JSON.stringify(ask(shown, results))));
  const { body } = gemini.request.encode(request, FACTS);
  const turn = listOf(body["contents"]).find(({ role }) => role === "model");
  return listOf(turn?.["parts"]);
}

function signatures(parts: JsonObject[]): unknown[] {
  return parts
    .filter((part) => part["thought"] !== true)
    .map(({ text, functionCall, thoughtSignature = null }) => [text ?? functionCall, thoughtSignature]);
}

describe.each(Object.entries(FORMATS))("through a client of %s", (_name, format) => {
  const { wire, sum } = format;
  const shownWhole = (parts: JsonObject[]): JsonObject =>
    wire.response.encode(gemini.response.decode(answer(parts)), CLIENT);
  const shownStreamed = async (parts: JsonObject[]): Promise<JsonObject> => {
    const text = encodeStream(wire, decodeStream(gemini, [stream(parts)]), CLIENT);
    expect(createFrameSplitter().push(text).length).toBeGreaterThan(3);
    return JSON.parse(JSON.stringify(await sum(text)));
  };
  const call = (index: number, word: string): JsonObject => ({ id: `call_${index}_r1`, name: "look", args: { word } });
  const expectedCalls = [
    ["I look.", null],
    [call(0, "mole"), FIRST],
    [call(1, "vole"), null],
  ];

  test("on a call, whole", () => {
    expect(signatures(sendBack(format, shownWhole(CALLS), true))).toEqual(expectedCalls);
  });

  test("on a call, streamed", async () => {
    expect(signatures(sendBack(format, await shownStreamed(CALLS), true))).toEqual(expectedCalls);
  });

  test("on a text, whole", () => {
    expect(signatures(sendBack(format, shownWhole(TEXT), false))).toEqual([["A mole digs.", SECOND]]);
  });

  test("on a text, streamed: on the text, or behind it as it came, where a client may be told that", async () => {
    const parts = sendBack(format, await shownStreamed(TEXT), false);
    expect(parts.map(({ text }) => (typeof text === "string" ? text : "")).join("")).toBe("A mole digs.");
    if (wire.id === "anthropic-messages") {
      // Its agents take the last block for the answer, and Google demands signatures of calls alone.
      expect(parts).toEqual([{ text: "A mole digs." }]);
      return;
    }
    expect(parts.at(-1)?.["thoughtSignature"]).toBe(SECOND);
    expect(parts.filter((part) => part["thoughtSignature"] !== undefined)).toHaveLength(1);
  });
});

test("a call that another model made says that it has no signature, the first of its turn alone; older models need none", () => {
  const call = (id: string) => ({ id, type: "function", function: { name: "look", arguments: "{}" } });
  const request = openaiChat.request.decode({
    model: "any",
    messages: [
      { role: "user", content: "Look" },
      { role: "assistant", content: null, tool_calls: [call("a"), call("b")] },
      { role: "tool", tool_call_id: "a", content: "x" },
      { role: "tool", tool_call_id: "b", content: "y" },
    ],
  });
  const read = (facts: ModelFacts): unknown[] =>
    listOf(listOf(gemini.request.encode(request, facts).body["contents"])[1]?.["parts"]).map(
      (part) => part["thoughtSignature"],
    );
  expect(read(FACTS)).toEqual(["skip_thought_signature_validator", undefined]);
  expect(read({ ...FACTS, reasoning: "budget" })).toEqual([undefined, undefined]);
});

test("what another vendor signed goes to Google as text alone", () => {
  const request = anthropicMessages.request.decode({
    model: "any",
    max_tokens: 10,
    messages: [
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "anthropic-made" },
          { type: "redacted_thinking", data: "anthropic-hid" },
          { type: "text", text: "Hi" },
        ],
      },
      { role: "user", content: "Go on" },
    ],
  });
  const { body } = gemini.request.encode(request, FACTS);
  expect(JSON.stringify(body)).not.toContain("anthropic");
  expect(listOf(body["contents"])[1]?.["parts"]).toEqual([{ text: "Hm.", thought: true }, { text: "Hi" }]);
});

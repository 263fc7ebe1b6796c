// What Google's own SDK reads of answers that this wire has written: whole, streamed, and as errors.

import { describe, expect, test } from "bun:test";
import { ApiError } from "@google/genai";
import { GatewayError, type Response } from "../../../src/ir/index.ts";
import { gemini } from "../../../src/wire/gemini/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { encodeStream, replay } from "../replay.ts";
import { readGenerated, readGeneratedChunks } from "../sdk.ts";

const CLIENT: ClientContext = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

const ANSWER: Response = {
  id: "resp-1",
  model: "gpt-5.2",
  createdAt: 1_700_000_000,
  choices: [
    {
      index: 0,
      parts: [
        { type: "reasoning", text: "Let me see.", signature: "c2ln", origin: "anthropic-messages" },
        {
          type: "text",
          text: "Grüße, 🦜 parrot",
          citations: [{ url: "https://a.test", title: "A", start: 7, end: 9 }],
        },
        { type: "tool-call", id: "call_1", name: "look", arguments: '{"word":"mole"}' },
      ],
      finish: "tool-calls",
    },
  ],
  usage: { freshInputTokens: 12, cacheReadTokens: 8, cacheWriteTokens: 0, outputTokens: 10, reasoningTokens: 4 },
  extra: {},
};

const USAGE = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 6,
  thoughtsTokenCount: 4,
  totalTokenCount: 30,
};

/** Bytes of the text, where the canonical places are UTF-16 units. */
const GROUNDING = {
  groundingChunks: [{ web: { uri: "https://a.test", title: "A" } }],
  groundingSupports: [{ segment: { startIndex: 9, endIndex: 13, text: "🦜" }, groundingChunkIndices: [0] }],
};

test("a whole answer", async () => {
  const read = await readGenerated(JSON.stringify(gemini.response.encode(ANSWER, CLIENT)));
  expect(read.text).toBe("Grüße, 🦜 parrot");
  expect(read.functionCalls).toEqual([{ id: "call_1", name: "look", args: { word: "mole" } }]);
  expect(read).toMatchObject({ responseId: "resp-1", modelVersion: "gpt-5.2", usageMetadata: USAGE });
  const [candidate] = read.candidates ?? [];
  expect(candidate?.finishReason).toBe("STOP" as never);
  expect(candidate?.groundingMetadata?.groundingSupports?.[0]?.segment?.partIndex).toBe(1);
  expect(candidate?.content?.parts?.[0]).toMatchObject({ text: "Let me see.", thought: true });
});

test("a stream: each chunk an answer of its own, with Google's line ends, and the end in the last one", async () => {
  const stream = encodeStream(gemini, replay(ANSWER), CLIENT);
  for (const frame of stream.split(/(?<=\r\n\r\n)/u)) expect(frame).toMatch(/^data: \{"candidates":.*\}\r\n\r\n$/u);
  const chunks = await readGeneratedChunks(stream);
  expect(chunks.map(({ text = "" }) => text).join("")).toBe("Grüße, 🦜 parrot");
  expect(chunks.flatMap(({ functionCalls = [] }) => functionCalls)).toEqual([
    { id: "call_1", name: "look", args: { word: "mole" } },
  ]);
  expect(chunks.every(({ responseId, modelVersion }) => responseId === "resp-1" && modelVersion === "gpt-5.2")).toBe(
    true,
  );
  expect(chunks.map(({ usageMetadata }) => usageMetadata !== undefined)).toEqual(
    chunks.map((_chunk, index) => index === chunks.length - 1),
  );
  const last = chunks.at(-1);
  expect(last).toMatchObject({
    usageMetadata: USAGE,
    candidates: [{ finishReason: "STOP", groundingMetadata: GROUNDING }],
  });
});

test("a signature of another vendor's is bytes to the SDKs, stands on the last piece of its thought, and comes back as it was", () => {
  const parts = encodeStream(gemini, replay(ANSWER), CLIENT)
    .split("\r\n\r\n")
    .flatMap((frame) => (frame === "" ? [] : JSON.parse(frame.slice("data: ".length)).candidates[0].content.parts));
  const thoughts = parts.filter((part: { thought?: boolean }) => part.thought === true);
  expect(thoughts.map((part: { text: string }) => part.text).join("")).toBe("Let me see.");
  const signature: string = thoughts.at(-1).thoughtSignature;
  expect(Buffer.from(signature, "base64").toString("base64")).toBe(signature);
  const contents = [{ role: "model", parts }];
  const [message] = gemini.request.decode({ contents }).messages;
  expect(message?.parts[0]).toEqual({
    type: "reasoning",
    text: "Let me see.",
    signature: "c2ln",
    origin: "anthropic-messages",
  });
});

describe("an error", () => {
  const error = new GatewayError({
    kind: "rate_limited",
    code: "rate_limit_exceeded",
    message: "Slow down.",
    retryAfterMs: 1_500,
  });

  test("as a body: the SDK throws with its status, and its text has what clients look for", async () => {
    const body = gemini.error.encode(error, "req_1");
    const thrown = await readGenerated(JSON.stringify(body), error.status).catch((cause: unknown) => cause);
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ status: 429 });
    expect(body).toEqual({
      error: {
        code: 429,
        message: "Slow down.",
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "RATE_LIMIT_EXCEEDED",
            domain: "tokligence",
          },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" },
          { "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId: "req_1" },
        ],
      },
    });
    expect(gemini.error.decode(429, body)).toMatchObject({ message: "Slow down.", retryAfterMs: 1_500 });
  });

  test("inside of a stream: the SDK throws while it is read", async () => {
    const stream = gemini.error.encodeFrame(error, "req_1");
    expect(await readGeneratedChunks(stream).catch((cause: unknown) => cause)).toMatchObject({ status: 429 });
  });
});

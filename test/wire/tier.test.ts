// The tier in which a provider served an answer decides its price: clients are told the one that was, and none where nobody said.

import { describe, expect, test } from "bun:test";
import { type JsonObject, type Response, isJsonObject } from "../../src/ir/index.ts";
import { TARGETS, WIRES } from "../../src/wire/index.ts";
import type { ClientContext } from "../../src/wire/type.ts";
import { decodeStream, encodeStream, replay } from "./replay.ts";

const ASKED = { model: "m", messages: [], tools: [], stream: true, serviceTier: "priority" } as const;
const CLIENT: ClientContext = {
  request: { ...ASKED, messages: [], tools: [], extra: { "openai-chat": { stream_options: { include_usage: true } } } },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};
const COUNTS = { freshInputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: null };

function answer(serviceTier?: string): Response {
  return {
    id: "a",
    model: "m",
    createdAt: 1,
    choices: [{ index: 0, parts: [{ type: "text", text: "x" }], finish: "stop" }],
    usage: serviceTier === undefined ? COUNTS : { ...COUNTS, serviceTier },
    extra: {},
  };
}

/** Where each format says it. */
const readTier: Record<"anthropic-messages" | "openai-chat" | "openai-responses", (body: JsonObject) => unknown> = {
  "anthropic-messages": ({ usage }) => (isJsonObject(usage) ? usage["service_tier"] : undefined),
  "openai-chat": ({ service_tier: tier }) => tier,
  "openai-responses": ({ service_tier: tier }) => tier,
};

const IDS = ["anthropic-messages", "openai-chat", "openai-responses"] as const;

describe.each(IDS)("%s", (id) => {
  const wire = WIRES[id];

  test("says what was served, whole and as a stream, and reads it back", () => {
    const body = wire.response.encode(answer("priority"), CLIENT);
    expect(readTier[id](body)).toBe("priority");
    expect(wire.response.decode(body).usage?.serviceTier).toBe("priority");
    const text = encodeStream(wire, replay(answer("priority")), CLIENT);
    const usage = decodeStream(wire, [text]).findLast((event) => event.type === "usage");
    expect(usage?.type === "usage" ? usage.usage.serviceTier : null).toBe("priority");
  });

  test("claims nothing that the provider did not say, whatever was asked for", () => {
    expect(readTier[id](wire.response.encode(answer(), CLIENT)) ?? null).toBeNull();
    // While an answer is under way, one format repeats what was asked for; its end tells what was.
    const last = encodeStream(wire, replay(answer()), CLIENT)
      .trim()
      .split("\n\n")
      .findLast((frame) => !frame.includes("[DONE]"));
    expect(last).not.toContain('"service_tier":"');
  });
});

test("the usual tier has each format's own word", () => {
  const words = IDS.map((id) => readTier[id](WIRES[id].response.encode(answer("default"), CLIENT)));
  expect(words).toEqual(["standard", "default", "default"]);
  const { content } = WIRES["anthropic-messages"].response.encode(answer(), CLIENT);
  const usage = { input_tokens: 1, output_tokens: 1, service_tier: "standard" };
  const message: JsonObject = { content: content ?? [], usage };
  expect(WIRES["anthropic-messages"].response.decode(message).usage?.serviceTier).toBe("default");
});

test("Converse says it beside its usage", () => {
  const body: JsonObject = {
    output: { message: { role: "assistant", content: [{ text: "x" }] } },
    stopReason: "end_turn",
    usage: { inputTokens: 1, outputTokens: 1 },
    serviceTier: { type: "flex" },
  };
  expect(TARGETS.get("bedrock-converse")?.response.decode(body).usage?.serviceTier).toBe("flex");
});

test("how reasoning is to be shown is reported where it cannot be told", () => {
  const facts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" } as const;
  const drop = (summary: string): string[] => {
    const body = { model: "m", input: "hi", reasoning: { effort: "low", summary } };
    return WIRES["openai-chat"].request.encode(WIRES["openai-responses"].request.decode(body), facts).dropped;
  };
  expect(drop("detailed")).toEqual(["reasoning_summary"]);
  expect(drop("auto")).toEqual(["reasoning_summary"]);
});

// The parameters and tools of a canonical request in a body for the Messages API, and what is reported as lost.

import { describe, expect, test } from "bun:test";
import { GatewayError, type Request } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import type { Encoded, ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: 64_000, reasoning: "budget" };

function encode(change: Partial<Request>, facts: Partial<ModelFacts> = {}): Encoded {
  const request: Request = {
    model: "claude",
    messages: [{ role: "user", parts: [{ type: "text", text: "hello" }] }],
    tools: [],
    stream: false,
    extra: {},
    ...change,
  };
  return anthropicMessages.request.encode(request, { ...FACTS, ...facts });
}

function refusal(change: Partial<Request>): { kind: string; param: string | undefined } {
  try {
    encode(change);
  } catch (error) {
    if (error instanceof GatewayError) return { kind: error.kind, param: error.param };
    throw error;
  }
  throw new Error("it was accepted");
}

describe("tools", () => {
  const tool = { name: "look", description: null, parameters: null, strict: null };

  test("definitions", () => {
    const { body, dropped } = encode({
      tools: [
        tool,
        { name: "find", description: "Finds.", parameters: { properties: { q: { type: "string" } } }, strict: true },
        { ...tool, strict: false },
      ],
    });
    expect(dropped).toEqual([]);
    expect(body["tools"]).toEqual([
      { name: "look", input_schema: { type: "object", properties: {} } },
      {
        name: "find",
        description: "Finds.",
        input_schema: { type: "object", properties: { q: { type: "string" } }, additionalProperties: false },
        strict: true,
      },
      { name: "look", input_schema: { type: "object", properties: {} } },
    ]);
  });

  test("the choice among them", () => {
    const choose = (change: Partial<Request>): unknown => encode({ tools: [tool], ...change }).body["tool_choice"];
    expect(choose({})).toBeUndefined();
    expect(choose({ toolChoice: { type: "auto" } })).toEqual({ type: "auto" });
    expect(choose({ toolChoice: { type: "none" } })).toEqual({ type: "none" });
    expect(choose({ toolChoice: { type: "required" } })).toEqual({ type: "any" });
    expect(choose({ toolChoice: { type: "tool", name: "look" } })).toEqual({ type: "tool", name: "look" });
    expect(choose({ parallelToolCalls: true })).toBeUndefined();
    expect(choose({ parallelToolCalls: false })).toEqual({ type: "auto", disable_parallel_tool_use: true });
    expect(choose({ toolChoice: { type: "auto" }, parallelToolCalls: true })).toEqual({
      type: "auto",
      disable_parallel_tool_use: false,
    });
    expect(choose({ toolChoice: { type: "required" }, parallelToolCalls: false })).toEqual({
      type: "any",
      disable_parallel_tool_use: true,
    });
    expect(choose({ toolChoice: { type: "none" }, parallelToolCalls: false })).toEqual({ type: "none" });
  });

  test("an empty list and a choice among none are left out", () => {
    const { body, dropped } = encode({ toolChoice: { type: "required" } });
    expect(body).not.toHaveProperty("tools");
    expect(body).not.toHaveProperty("tool_choice");
    expect(dropped).toEqual(["tool_choice"]);
  });
});

describe("parameters", () => {
  test("the output limit: the client's, the model's, the default", () => {
    expect(encode({ maxOutputTokens: 9 })).toMatchObject({ body: { max_tokens: 9 }, dropped: [] });
    expect(encode({ maxOutputTokens: 70_000 })).toMatchObject({
      body: { max_tokens: 64_000 },
      dropped: ["max_tokens"],
    });
    expect(encode({ maxOutputTokens: 70_000 }, { maxOutputTokens: null }).body["max_tokens"]).toBe(70_000);
    expect(encode({}).body["max_tokens"]).toBe(4096);
    expect(encode({}, { maxOutputTokens: 1000 }).body["max_tokens"]).toBe(1000);
  });

  test("stop sequences of white space are refused upstream, so they go", () => {
    expect(encode({ stop: ["\n", "END"] })).toMatchObject({ body: { stop_sequences: ["END"] }, dropped: ["stop"] });
    expect(encode({ stop: ["\n"] }).body).not.toHaveProperty("stop_sequences");
  });

  test("temperature goes to 1 only", () => {
    expect(encode({ temperature: 0.3 })).toMatchObject({ body: { temperature: 0.3 }, dropped: [] });
    expect(encode({ temperature: 1.7 })).toMatchObject({ body: { temperature: 1 }, dropped: ["temperature"] });
  });

  test("of temperature and top_p one stays, as newer models refuse both", () => {
    const sampling = (change: Partial<Request>): unknown => {
      const { body, dropped } = encode(change);
      return [body["temperature"], body["top_p"], dropped];
    };
    expect(sampling({ topP: 0.5 })).toEqual([undefined, 0.5, []]);
    expect(sampling({ temperature: 1, topP: 0.5 })).toEqual([undefined, 0.5, []]);
    expect(sampling({ temperature: 1, topP: 1 })).toEqual([1, undefined, []]);
    expect(sampling({ temperature: 0.2, topP: 1 })).toEqual([0.2, undefined, []]);
    expect(sampling({ temperature: 0.2, topP: 0.5 })).toEqual([0.2, undefined, ["top_p"]]);
    expect(sampling({ temperature: 0.2, topP: 0.5, extra: { "anthropic-messages": {} } })).toEqual([0.2, 0.5, []]);
  });

  test("several answers are refused, never made one", () => {
    expect(refusal({ choices: 2 })).toEqual({ kind: "invalid_request", param: "n" });
    expect(encode({ choices: 1 }).dropped).toEqual([]);
  });

  test("what Anthropic cannot say is reported under the client's names", () => {
    const { dropped } = encode({
      seed: 1,
      frequencyPenalty: 0.5,
      presencePenalty: 0,
      serviceTier: "flex",
      metadata: { a: "b" },
      responseFormat: { type: "json" },
      extra: {
        "openai-chat": { logit_bias: { 1: 2 }, logprobs: true, store: false, stream_options: { include_usage: true } },
      },
    });
    expect(dropped.sort()).toEqual([
      "frequency_penalty",
      "logit_bias",
      "logprobs",
      "metadata",
      "response_format",
      "seed",
      "service_tier",
    ]);
  });

  test("the rest has a place of its own", () => {
    const schema = { type: "object", properties: {} };
    const { body, dropped } = encode({
      stream: true,
      user: "u",
      topK: 5,
      serviceTier: "default",
      responseFormat: { type: "json-schema", name: "n", description: null, schema, strict: true },
    });
    expect(body).toMatchObject({
      stream: true,
      metadata: { user_id: "u" },
      top_k: 5,
      service_tier: "standard_only",
      output_config: { format: { type: "json_schema", schema } },
    });
    expect(dropped).toEqual([]);
    expect(encode({ serviceTier: "auto" }).body["service_tier"]).toBe("auto");
  });
});

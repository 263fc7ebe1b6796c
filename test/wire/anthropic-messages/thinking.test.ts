// How an effort or a budget becomes Anthropic's thinking, on models that take a budget, an effort, or neither.

import { describe, expect, test } from "bun:test";
import type { JsonObject, Message, Request } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import type { Encoded, ModelFacts } from "../../../src/wire/type.ts";

const BUDGET: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: 64_000, reasoning: "budget" };
const EFFORT: ModelFacts = { ...BUDGET, reasoning: "effort" };

const QUESTION: Message = { role: "user", parts: [{ type: "text", text: "hello" }] };
const TOOL = { name: "look", description: null, parameters: null, strict: null };

function encode(change: Partial<Request>, facts: ModelFacts): Encoded {
  const request: Request = { model: "claude", messages: [QUESTION], tools: [], stream: false, extra: {}, ...change };
  return anthropicMessages.request.encode(request, facts);
}

/** What a client of this format gets of its own body. */
function again(body: JsonObject, facts: ModelFacts): JsonObject {
  const whole = { model: "claude", max_tokens: 4096, messages: [{ role: "user", content: "hello" }], ...body };
  return anthropicMessages.request.encode(anthropicMessages.request.decode(whole), facts).body;
}

describe("an effort on a model with budgets", () => {
  test.each([
    ["minimal", 1024, 4096],
    ["low", 2048, 4096],
    ["medium", 8192, 12_288],
    ["high", 16_384, 20_480],
    ["xhigh", 24_576, 28_672],
    ["max", 32_000, 36_096],
  ] as const)("%s: a budget of %d within %d", (effort, budget, maxTokens) => {
    const { body, dropped } = encode({ reasoning: { effort } }, BUDGET);
    expect(body["thinking"]).toEqual({ type: "enabled", budget_tokens: budget });
    expect(body["max_tokens"]).toBe(maxTokens);
    expect(body).not.toHaveProperty("output_config");
    expect(dropped).toEqual([]);
  });

  test("none: nothing is asked for", () => {
    expect(encode({ reasoning: { effort: "none" } }, BUDGET).body).not.toHaveProperty("thinking");
  });

  test("where the limit cannot be raised enough, the budget shrinks; where nothing fits, it is reported", () => {
    const fit = (maxOutputTokens: number, limit: number): unknown => {
      const { body, dropped } = encode(
        { reasoning: { effort: "high" }, maxOutputTokens },
        { ...BUDGET, maxOutputTokens: limit },
      );
      return [(body["thinking"] as { budget_tokens: number } | undefined)?.budget_tokens, body["max_tokens"], dropped];
    };
    expect(fit(20_000, 64_000)).toEqual([16_384, 20_000, []]);
    // The client's own limit gives way, which it must learn.
    expect(fit(4096, 8192)).toEqual([4096, 8192, ["max_tokens"]]);
    expect(fit(4096, 4096)).toEqual([2048, 4096, []]);
    expect(fit(1500, 1500)).toEqual([1024, 1500, []]);
    expect(fit(1024, 1024)).toEqual([undefined, 1024, ["reasoning_effort"]]);
  });

  test("any budget is at least 1024 and below the limit", () => {
    for (const budgetTokens of [1, 1024, 5000, 63_999, 64_000, 200_000]) {
      for (const maxOutputTokens of [1, 1025, 4096, 64_000]) {
        const { body } = encode({ reasoning: { budgetTokens }, maxOutputTokens }, BUDGET);
        const budget = (body["thinking"] as { budget_tokens: number }).budget_tokens;
        expect(budget).toBeGreaterThanOrEqual(1024);
        expect(budget).toBeLessThan(body["max_tokens"] as number);
        expect(body["max_tokens"]).toBeLessThanOrEqual(64_000);
      }
    }
  });
});

describe("an effort on a model that decides for itself", () => {
  test.each([
    ["minimal", "low"],
    ["low", "low"],
    ["medium", "medium"],
    ["high", "high"],
    ["xhigh", "xhigh"],
    ["max", "max"],
  ] as const)("%s: adaptive thinking at %s", (effort, level) => {
    const { body, dropped } = encode({ reasoning: { effort } }, EFFORT);
    expect(body["thinking"]).toEqual({ type: "adaptive" });
    expect(body["output_config"]).toEqual({ effort: level });
    expect(body["max_tokens"]).toBe(4096);
    expect(dropped).toEqual([]);
  });

  test("a budget becomes the nearest level", () => {
    const level = (budgetTokens: number): unknown =>
      encode({ reasoning: { budgetTokens } }, EFFORT).body["output_config"];
    expect(level(1024)).toEqual({ effort: "low" });
    expect(level(8000)).toEqual({ effort: "medium" });
    expect(level(100_000)).toEqual({ effort: "max" });
  });
});

test("a model that does not reason: reported", () => {
  const { body, dropped } = encode({ reasoning: { effort: "low" } }, { ...BUDGET, reasoning: "none" });
  expect(body).not.toHaveProperty("thinking");
  expect(dropped).toEqual(["reasoning_effort"]);
});

describe("what does not go with thinking", () => {
  const reasoning = { effort: "low" } as const;

  test.each([BUDGET, EFFORT])("a forced tool or a begun answer wins over thinking", (facts) => {
    const forced = encode({ reasoning, tools: [TOOL], toolChoice: { type: "required" } }, facts);
    expect(forced.body).not.toHaveProperty("thinking");
    expect(forced.body["tool_choice"]).toEqual({ type: "any" });
    expect(forced.dropped).toEqual(["reasoning_effort"]);
    const begun: Message = { role: "assistant", parts: [{ type: "text", text: "It is" }] };
    const prefilled = encode({ reasoning, messages: [QUESTION, begun] }, facts);
    expect(prefilled.body).not.toHaveProperty("thinking");
    expect(prefilled.dropped).toEqual(["reasoning_effort"]);
  });

  test.each([BUDGET, EFFORT])("temperature, top_k and a low top_p give way to it", (facts) => {
    const { body, dropped } = encode({ reasoning, temperature: 0.5, topK: 3 }, facts);
    expect(body).toHaveProperty("thinking");
    expect(body).not.toHaveProperty("temperature");
    expect(body).not.toHaveProperty("top_k");
    expect(dropped).toEqual(["temperature", "top_k"]);
    expect(encode({ reasoning, topP: 0.5 }, facts).dropped).toEqual(["top_p"]);
    expect(encode({ reasoning, topP: 0.97 }, facts).body["top_p"]).toBe(0.97);
    expect(encode({ reasoning, temperature: 1 }, facts)).toMatchObject({ body: { temperature: 1 }, dropped: [] });
  });

  describe("a tool loop", () => {
    const call = { type: "tool-call", id: "a", name: "look", arguments: "{}" } as const;
    const answer: Message = {
      role: "tool",
      parts: [{ type: "tool-result", callId: "a", content: [], isError: false }],
    };
    const loop = (parts: Message["parts"]): Message[] => [QUESTION, { role: "assistant", parts }, answer];

    test("begun without thinking cannot go on with a budget", () => {
      expect(encode({ reasoning, messages: loop([call]) }, BUDGET)).toMatchObject({ dropped: ["reasoning_effort"] });
      expect(encode({ reasoning, messages: loop([call]) }, EFFORT)).toMatchObject({
        body: { thinking: { type: "adaptive" } },
        dropped: [],
      });
    });

    test("begun with signed thinking goes on", () => {
      const thought = { type: "reasoning", text: "hm", signature: "sig" } as const;
      expect(encode({ reasoning, messages: loop([thought, call]) }, BUDGET)).toMatchObject({
        body: { thinking: { type: "enabled" } },
        dropped: [],
      });
    });
  });
});

describe("a client of this format gets back what it said", () => {
  test.each<[JsonObject, ModelFacts]>([
    [{ thinking: { type: "enabled", budget_tokens: 2000, display: "omitted" } }, BUDGET],
    [{ thinking: { type: "enabled", budget_tokens: 2000 }, output_config: { effort: "low" } }, BUDGET],
    [{ thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "xhigh" } }, EFFORT],
    [{ thinking: { type: "adaptive" } }, EFFORT],
    [{ output_config: { effort: "low" } }, EFFORT],
    [{ output_config: { effort: "low", task_budget: { total: 5 } } }, BUDGET],
    [{ thinking: { type: "disabled" } }, EFFORT],
    [{ thinking: { type: "disabled" }, output_config: { effort: "high" } }, EFFORT],
    [{ thinking: { type: "between_tools" }, output_config: { effort: "high" } }, EFFORT],
    [{ temperature: 0.5, top_p: 0.5 }, BUDGET],
  ])("%j", (body, facts) => {
    const { model: _model, max_tokens: _limit, messages: _messages, ...rest } = again(body, facts);
    expect(rest).toEqual(body);
  });
});

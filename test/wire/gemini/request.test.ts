// Requests of generateContent as clients write them: both spellings of names, calls and results with and without ids, Google's schemas, and
// how much a model is told to think.

import { describe, expect, test } from "bun:test";
import type { JsonObject, Part, Reasoning, Request } from "../../../src/ir/index.ts";
import { gemini } from "../../../src/wire/gemini/index.ts";
import type { ModelFacts } from "../../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" };

function decode(body: JsonObject): Request {
  gemini.peek(body);
  return gemini.request.decode(body, { model: "gemini-3-pro", stream: true });
}

const user = (...parts: JsonObject[]): JsonObject => ({ role: "user", parts });
const model = (...parts: JsonObject[]): JsonObject => ({ role: "model", parts });

test("model and stream are the address's to say", () => {
  expect(gemini.peek({ contents: [user({ text: "Hi" })] }, { model: "a/b", stream: true })).toEqual({
    model: "a/b",
    stream: true,
  });
  expect(decode({ contents: [user({ text: "Hi" })] })).toMatchObject({ model: "gemini-3-pro", stream: true });
});

test("names in snake case are the same fields", () => {
  const camel = {
    systemInstruction: { parts: [{ text: "Be brief." }] },
    contents: [
      user({ inlineData: { mimeType: "image/png", data: "AAAA" } }),
      model({ functionCall: { name: "a", args: {} }, thoughtSignature: "c2ln" }),
      user({ functionResponse: { name: "a", response: { output: "x" } } }),
    ],
    tools: [{ functionDeclarations: [{ name: "a", parametersJsonSchema: { type: "object" } }] }],
    toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["a"] } },
    generationConfig: { maxOutputTokens: 5, stopSequences: ["END"], thinkingConfig: { thinkingBudget: 9 } },
  };
  const snake: JsonObject = JSON.parse(
    JSON.stringify(camel).replaceAll(/"(\w+)":/gu, (_whole, name: string) => {
      return `"${name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`)}":`;
    }),
  );
  expect(snake["generation_config"]).toBeDefined();
  expect(decode(snake)).toEqual(decode(camel));
});

test.each<[string, JsonObject[string]]>([
  ["a content", { role: "user", parts: [{ text: "Be brief." }] }],
  ["one part", { text: "Be brief." }],
  ["parts that are no list", { parts: { text: "Be brief." } }],
  ["a text", "Be brief."],
])("instructions may be %s", (_name, systemInstruction) => {
  expect(decode({ systemInstruction, contents: [user({ text: "Hi" })] }).messages[0]).toEqual({
    role: "system",
    parts: [{ type: "text", text: "Be brief." }],
  });
});

describe("a result belongs to", () => {
  const call = (name: string, id?: string): JsonObject => ({ functionCall: { name, args: {}, ...(id ? { id } : {}) } });
  const result = (name: string, output: string, id?: string): JsonObject => ({
    functionResponse: { name, response: { output }, ...(id ? { id } : {}) },
  });
  const pairs = (...contents: JsonObject[]): string[] => {
    const parts = decode({ contents }).messages.flatMap((message): Part[] => message.parts);
    const calls = parts.filter((part) => part.type === "tool-call");
    expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    return parts.flatMap((part) => {
      if (part.type !== "tool-result") return [];
      const [first] = part.content;
      const place = calls.findIndex(({ id }) => id === part.callId);
      return [`${first?.type === "text" ? first.text : ""} ${place}`];
    });
  };

  test("the call with its id", () => {
    expect(
      pairs(model(call("a", "1"), call("a", "2")), user(result("a", "two", "2"), result("a", "one", "1"))),
    ).toEqual(["two 1", "one 0"]);
  });

  test("without ids, the first open call of its name, in order, turn after turn", () => {
    const turn = [model(call("a"), call("b"), call("a")), user(result("b", "b"), result("a", "a1"), result("a", "a2"))];
    expect(pairs(...turn, ...turn)).toEqual(["b 1", "a1 0", "a2 2", "b 4", "a1 3", "a2 5"]);
  });

  test("a call without an id, where only the result has one", () => {
    expect(pairs(model(call("a")), user(result("a", "x", "made-up")))).toEqual(["x 0"]);
  });

  test("nothing, where there is no such call: it keeps its name on the way back", () => {
    const orphan = { contents: [user(result("lost", "x"))] };
    expect(pairs(user(result("lost", "x")))).toEqual(["x -1"]);
    expect(gemini.request.encode(decode(orphan), FACTS).body).toEqual(orphan);
  });
});

test("a streamed turn that comes back chunk by chunk, as Google's SDKs keep it, is one turn", () => {
  const pieces = [
    { text: "Let ", thought: true },
    { text: "me see.", thought: true, thoughtSignature: "c2ln" },
    { text: "I " },
    { text: "look." },
    { functionCall: { id: "1", name: "a", args: {} } },
    { text: "", thoughtSignature: "dGFpbA==" },
  ];
  const expected = [
    { type: "reasoning", text: "Let me see.", signature: "c2ln", origin: "gemini" },
    { type: "text", text: "I look." },
    { type: "tool-call", id: "1", name: "a", arguments: "{}" },
    { type: "reasoning", text: "", encrypted: "dGFpbA==", origin: "gemini" },
  ];
  const asChunks = decode({ contents: [user({ text: "Look" }), ...pieces.map((piece) => model(piece))] });
  expect(asChunks.messages.slice(1)).toEqual([{ role: "assistant", parts: expected } as never]);
  const asParts = decode({ contents: [user({ text: "Look" }), model(...pieces)] });
  expect(asParts.messages).toEqual(asChunks.messages);
});

test("ids of ours are the same whenever the conversation is sent again, and never reach Google", () => {
  const contents = [
    user({ text: "Look" }),
    model({ functionCall: { name: "a", args: { x: 1 } } }),
    user({ functionResponse: { name: "a", response: { output: "x" } } }),
  ];
  const longer = { contents: [...contents, model({ text: "Done" }), user({ text: "Again" })] };
  expect(decode(longer).messages.slice(0, 3)).toEqual(decode({ contents }).messages);
  expect(gemini.request.encode(decode({ contents }), FACTS).body["contents"]).toEqual([
    contents[0] ?? {},
    model({ functionCall: { name: "a", args: { x: 1 } }, thoughtSignature: "skip_thought_signature_validator" }),
    contents[2] ?? {},
  ]);
});

test("Google's schemas become standard ones", () => {
  const parameters = {
    type: "OBJECT",
    description: "All of it",
    nullable: true,
    propertyOrdering: ["second", "first"],
    properties: {
      first: { type: "STRING", enum: ["a", "b"], format: "enum", nullable: true },
      second: { type: "ARRAY", minItems: "1", maxItems: 3, items: { type: "INTEGER", format: "int64" } },
      type: { type: "STRING", example: "x", maxLength: "20", pattern: "^x" },
      either: { anyOf: [{ type: "NUMBER" }, { type: "BOOLEAN" }], nullable: true },
      nothing: { type: "TYPE_UNSPECIFIED", title: "?" },
      again: { ref: "#/defs/node" },
    },
    defs: { node: { type: "OBJECT", additionalProperties: { type: "STRING" } } },
    required: ["first"],
  };
  const [tool] = decode({
    contents: [user({ text: "Hi" })],
    tools: [{ functionDeclarations: [{ name: "a", parameters }] }],
  }).tools;
  expect(tool?.parameters).toEqual({
    type: ["object", "null"],
    description: "All of it",
    properties: {
      second: { type: "array", minItems: 1, maxItems: 3, items: { type: "integer", format: "int64" } },
      first: { type: ["string", "null"], enum: ["a", "b", null] },
      type: { type: "string", examples: ["x"], maxLength: 20, pattern: "^x" },
      either: { anyOf: [{ type: "number" }, { type: "boolean" }, { type: "null" }] },
      nothing: { title: "?" },
      again: { $ref: "#/$defs/node" },
    },
    $defs: { node: { type: "object", additionalProperties: { type: "string" } } },
    required: ["first"],
  });
  expect(Object.keys(tool?.parameters?.["properties"] ?? {}).slice(0, 2)).toEqual(["second", "first"]);
});

describe("thinking", () => {
  const asked = (thinkingConfig: JsonObject): Reasoning | undefined =>
    decode({ contents: [user({ text: "Hi" })], generationConfig: { thinkingConfig } }).reasoning;

  test.each<[JsonObject, Reasoning]>([
    [{ thinkingBudget: 0 }, { effort: "none" }],
    [
      { thinkingBudget: -1, includeThoughts: true },
      { adaptive: true, summary: "auto" },
    ],
    [{ thinkingBudget: 2048 }, { budgetTokens: 2048 }],
    [
      { thinkingLevel: "low", includeThoughts: false },
      { effort: "low", summary: "none" },
    ],
    [{ includeThoughts: true }, { adaptive: true, summary: "auto" }],
  ])("%p is understood", (config, reasoning) => {
    expect(asked(config)).toEqual(reasoning);
  });

  const told = (reasoning: Reasoning, facts: Partial<ModelFacts>, over: Partial<Request> = {}): unknown => {
    const request: Request = {
      model: "m",
      messages: [{ role: "user", parts: [{ type: "text", text: "Hi" }] }],
      tools: [],
      stream: false,
      extra: {},
      reasoning,
      ...over,
    };
    const { generationConfig } = gemini.request.encode(request, { ...FACTS, ...facts }).body;
    return (generationConfig as JsonObject | undefined)?.["thinkingConfig"];
  };
  const BUDGET = { reasoning: "budget", budget: { least: 512, most: 24_576, canStop: true } } as const;

  test.each<[Reasoning, Partial<ModelFacts>, unknown]>([
    [{ effort: "none" }, BUDGET, { thinkingBudget: 0 }],
    [{ effort: "none" }, { ...BUDGET, budget: { ...BUDGET.budget, canStop: false } }, { thinkingBudget: 512 }],
    [{ effort: "max" }, BUDGET, { thinkingBudget: 24_576, includeThoughts: true }],
    [{ budgetTokens: 100 }, BUDGET, { thinkingBudget: 512, includeThoughts: true }],
    [{ adaptive: true, summary: "none" }, BUDGET, { thinkingBudget: -1, includeThoughts: false }],
    [{ summary: "auto" }, BUDGET, undefined],
    [{ effort: "xhigh" }, { efforts: ["low", "high"] }, { thinkingLevel: "HIGH", includeThoughts: true }],
    [{ effort: "none" }, { efforts: ["low", "high"] }, { thinkingLevel: "LOW" }],
    [{ budgetTokens: 9_000 }, { efforts: ["low", "medium", "high"] }, { thinkingLevel: "HIGH", includeThoughts: true }],
    [{ adaptive: true }, {}, { includeThoughts: true }],
    [{ effort: "high" }, { reasoning: "none" }, undefined],
  ])("%p of a model with %p", (reasoning, facts, expected) => {
    expect(told(reasoning, facts)).toEqual(expected);
  });

  test("a budget leaves room for the answer below the limit that holds for both", () => {
    expect(told({ effort: "high" }, BUDGET, { maxOutputTokens: 4_000 })).toMatchObject({ thinkingBudget: 2_000 });
  });
});

test("seeds of more bits are folded the same way every time, and no penalty is no field", () => {
  const request: Request = {
    model: "m",
    messages: [{ role: "user", parts: [{ type: "text", text: "Hi" }] }],
    tools: [],
    stream: false,
    extra: {},
    seed: 2 ** 40 + 7,
    frequencyPenalty: 0,
    presencePenalty: 0,
    stop: ["", "END"],
  };
  expect(gemini.request.encode(request, FACTS).body["generationConfig"]).toEqual({ seed: 7, stopSequences: ["END"] });
});

test("a tool's name that Google would refuse is fitted, and found again in the answer", () => {
  const tools = ["1st tool", "ok"].map((name) => ({ name, description: null, parameters: null, strict: null }));
  const request: Request = {
    model: "m",
    messages: [{ role: "user", parts: [{ type: "text", text: "Hi" }] }],
    tools,
    toolChoice: { type: "tool", name: "1st tool" },
    stream: false,
    extra: {},
  };
  const { body } = gemini.request.encode(request, FACTS);
  const [first, second] =
    (body["tools"] as { functionDeclarations: { name: string }[] }[])[0]?.functionDeclarations ?? [];
  expect(first?.name).toMatch(/^[a-zA-Z_][\w.:-]{0,63}$/u);
  expect(second?.name).toBe("ok");
  expect(body["toolConfig"]).toEqual({
    functionCallingConfig: { mode: "ANY", allowedFunctionNames: [first?.name ?? ""] },
  });
});

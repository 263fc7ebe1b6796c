// What changes in a request that goes to a provider of the same format: the model's name, and nothing else but what the provider would refuse.

import { expect, test } from "bun:test";
import type { JsonObject } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";

function forward(raw: string, model: string): string {
  return openaiResponses.forward.request(raw, JSON.parse(raw), model);
}

test("the text stays as it is, but for another name of the model", () => {
  const raw = '{ "model" : "fast", "input": [ {"role":"user", "content":"tokligence. 1.0"} ], "x": 1.0 }';
  expect(forward(raw, "fast")).toBe(raw);
  expect(forward(raw, "gpt-5")).toBe(raw.replace('"fast"', '"gpt-5"'));
});

test("reasoning that another provider sealed stays behind, the server's own does not", () => {
  const said: JsonObject = { role: "user", content: "Go." };
  const own: JsonObject = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" };
  const other: JsonObject = { ...own, id: "rs_2", encrypted_content: "tokligence.anthropic-messages.s.c2ln" };
  const raw = JSON.stringify({ model: "gpt-5", input: [said, own, other, said], store: false });
  expect(JSON.parse(forward(raw, "gpt-5"))).toEqual({ model: "gpt-5", input: [said, own, said], store: false });
});

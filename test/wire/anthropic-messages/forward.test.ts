// What changes in a request that goes to a provider of the same format: the model's name, and nothing else but what the provider would refuse.

import { expect, test } from "bun:test";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";

function forward(raw: string, model: string): string {
  return anthropicMessages.forward.request(raw, JSON.parse(raw), model);
}

test("the text stays as it is, but for another name of the model", () => {
  const raw = '{ "model" : "fast", "messages": [ {"role":"user", "content":"Hi"} ], "max_tokens": 1.0 }';
  expect(forward(raw, "fast")).toBe(raw);
  expect(forward(raw, "claude-sonnet-5")).toBe(raw.replace('"fast"', '"claude-sonnet-5"'));
});

test("thinking that another format's provider sealed stays behind, signed thinking does not", () => {
  const user = { role: "user", content: "tokligence.openai-responses.e.x" };
  const text = { type: "text", text: "Hi" };
  const signed = { type: "thinking", thinking: "Hm.", signature: "c2ln" };
  const sealed = { type: "thinking", thinking: "Hm.", signature: "tokligence.openai-responses.e.gAAA" };
  const hidden = { type: "redacted_thinking", data: "tokligence.gemini.e.c2ln" };
  const answer = (...content: object[]): object => ({ role: "assistant", content });
  const messages = [user, answer(signed, text), user, answer(sealed, hidden, text), user, answer(hidden), user];
  const raw = JSON.stringify({ model: "claude-sonnet-5", max_tokens: 99, messages });
  expect(JSON.parse(forward(raw, "claude-sonnet-5"))).toEqual({
    model: "claude-sonnet-5",
    max_tokens: 99,
    messages: [user, answer(signed, text), user, answer(text), user, user],
  });
});

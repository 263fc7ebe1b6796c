// No field of a canonical request is lost without a word: every format that a provider can be spoken to in says it, reports it or refuses
// it. A new format joins by its row in the table.

import { describe, expect, test } from "bun:test";
import type { Part, Request } from "../../src/ir/index.ts";
import { TARGETS } from "../../src/wire/index.ts";
import { FACTS } from "./sample.ts";

const MODEL_FACTS = { ...FACTS, takesCacheMarks: false };

const PLAIN: Request = {
  model: "any",
  messages: [{ role: "user", parts: [{ type: "text", text: "q" }] }],
  tools: [{ name: "look", description: null, parameters: null, strict: null }],
  stream: false,
  extra: { "another-wire": {} },
};

/** Every field, saying something that does not happen anyway. */
const FIELDS: {
  [Name in keyof Required<Omit<Request, "extra" | "messages" | "model" | "stream" | "tools">>]: Partial<Request>;
} = {
  choices: { choices: 2 },
  frequencyPenalty: { frequencyPenalty: 1 },
  logprobs: { logprobs: true },
  maxOutputTokens: { maxOutputTokens: 77 },
  metadata: { metadata: { a: "b" } },
  modalities: { modalities: ["text", "audio"] },
  parallelToolCalls: { parallelToolCalls: false },
  presencePenalty: { presencePenalty: 1 },
  promptCacheKey: { promptCacheKey: "k" },
  reasoning: { reasoning: { effort: "high" } },
  responseFormat: { responseFormat: { type: "json" } },
  safetyIdentifier: { safetyIdentifier: "s" },
  seed: { seed: 7 },
  serviceTier: { serviceTier: "flex" },
  stop: { stop: ["END"] },
  temperature: { temperature: 0.25 },
  toolChoice: { toolChoice: { type: "required" } },
  topK: { topK: 7 },
  topLogprobs: { logprobs: true, topLogprobs: 3 },
  topP: { topP: 0.5 },
  user: { user: "u" },
  verbosity: { verbosity: "low" },
};

/** Parts of a question that ask something. */
const PARTS: Record<string, Part> = {
  audio: { type: "media", kind: "audio", source: { base64: "AAAA" }, mediaType: "audio/wav" },
  "a document": { type: "media", kind: "document", source: { base64: "JVBERi0=" }, mediaType: "application/pdf" },
  "a document by its address": {
    type: "media",
    kind: "document",
    source: { url: "https://a.test/b.pdf" },
    mediaType: "application/pdf",
  },
  "a file kept elsewhere": { type: "media", kind: "image", source: { fileId: "f" }, mediaType: null },
  "a marked text": { type: "text", text: "q", cache: { ttl: null } },
  "an image": { type: "media", kind: "image", source: { base64: "iVBORw0KGgo=" }, mediaType: "image/png" },
  "an image by its address": { type: "media", kind: "image", source: { url: "https://a.test/b" }, mediaType: null },
};

describe.each([...TARGETS.values()].map((wire) => ({ wire, name: wire.id })))("$name", ({ wire }) => {
  /** What the provider and the client get to hear; null where the client is told that it cannot be done. */
  const say = (change: Partial<Request>): string | null => {
    try {
      return JSON.stringify(wire.request.encode({ ...PLAIN, ...change }, MODEL_FACTS));
    } catch (error) {
      expect(error).toMatchObject({ kind: "invalid_request", param: expect.any(String) });
      return null;
    }
  };

  test.each(Object.entries(FIELDS))("%s", (_name, change) => {
    expect(say(change)).not.toBe(say({}));
  });

  test.each(Object.entries(PARTS))("%s", (_name, part) => {
    const ask = (parts: Part[]): string | null => say({ messages: [{ role: "user", parts }] });
    const question: Part = { type: "text", text: "q" };
    expect(ask([question, part])).not.toBe(ask([question]));
  });

  test("a result that is an error", () => {
    const messages = (isError: boolean): Request["messages"] => [
      ...PLAIN.messages,
      { role: "assistant", parts: [{ type: "tool-call", id: "a", name: "look", arguments: "{}" }] },
      { role: "tool", parts: [{ type: "tool-result", callId: "a", content: [{ type: "text", text: "r" }], isError }] },
    ];
    expect(say({ messages: messages(true) })).not.toBe(say({ messages: messages(false) }));
  });
});

// Requests of which the model is paid for more than their text: providers that report so are not accused of it, and those that report much more are.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readRecounts, settleRecounts } from "../recounting.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { makeTokenizerFile } from "./tokenizer-file.ts";

let rig: Rig;
let answer: unknown = {};

beforeEach(async () => {
  rig = await makeRig({
    upstream: () => Response.json(answer),
    config: (config) => ({
      ...config,
      providers: (["anthropic", "gemini", "openai"] as const).map((kind) =>
        makeProviderSettings({ name: kind, kind, baseUrl: `https://${kind}.test/v1`, apiKey: "k-0123456789" }),
      ),
      recount: { ...config.recount, isOn: true, tokenizers: [writeTokenizer(config.home)] },
    }),
  });
});
afterEach(() => rig.close());

function writeTokenizer(folder: string) {
  const file = join(folder, "tiny.json");
  writeFileSync(file, makeTokenizerFile());
  return { name: "tiny", models: ["tiny*"], file };
}

interface Case {
  path?: string;
  model: string;
  body: Record<string, unknown>;
  input: number;
  output?: number;
  /** The answer's content. */
  said?: unknown;
}

const FUNCTION = {
  name: "get_weather",
  description: "Gets the weather of a city at a given day, with wind, rain and clouds, hour by hour",
  parameters: {
    type: "object",
    properties: { city: { type: "string", description: "The city" }, day: { type: "string", description: "The day" } },
  },
};
const SCHEMA = {
  type: "object",
  properties: Object.fromEntries(
    Array.from({ length: 60 }, (_, place) => [
      `field_${place}`,
      { type: "string", description: `The value of ${place}` },
    ]),
  ),
};
const hi = [{ role: "user", content: "Hi" }];
const twoParts = ["Hi", "there"].map((text) => ({ type: "text", text }));
const image = { type: "image_url", image_url: { url: "https://pictures.test/a.png", detail: "high" } };

const THOUGHT = "First I look at what was asked for, and then at what may be left out of it. ".repeat(60);
const THINKING = [
  { type: "thinking", thinking: [{ type: "text", text: THOUGHT }] },
  { type: "text", text: "Hello." },
];
const ROWS = Array.from({ length: 200 }, (_, station) => ({ station, temperature: 20 + station / 10, valid: true }));
const SEALED = "A".repeat(8_000);

const CASES: Readonly<Record<string, Case>> = {
  "two pieces of text beside tools": {
    model: "gpt-4o",
    body: { messages: [{ role: "user", content: twoParts }], tools: [{ type: "function", function: FUNCTION }] },
    input: 9 + 75,
  },
  "two pieces of text beside an image": {
    model: "gpt-4o",
    body: {
      messages: [
        { role: "user", content: twoParts },
        { role: "user", content: [image] },
      ],
    },
    input: 13 + 765,
  },
  "instructions beside tools": {
    path: "/v1/responses",
    model: "gpt-4.1",
    body: { instructions: "Be brief.", input: "Hi", tools: [{ type: "function", ...FUNCTION }] },
    input: 15 + 75,
  },
  "an image to a model that counts many tokens for one": {
    model: "gpt-4o-mini",
    body: { messages: [{ role: "user", content: [image] }] },
    input: 7 + 2_833 + 4 * 5_667,
  },
  "a small image to a model that takes a patch for a token": {
    model: "gpt-4.1-mini",
    body: { messages: [{ role: "user", content: [image] }] },
    input: 7 + 2,
  },
  "a small image to Claude": {
    path: "/v1/messages",
    model: "claude-sonnet-4-5",
    body: {
      max_tokens: 9,
      messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "a" } }] }],
    },
    input: 7 + 4,
  },
  "a large image to Qwen": {
    model: "qwen2.5-vl-72b",
    body: { messages: [{ role: "user", content: [image] }] },
    input: 20 + 16_384,
  },
  "marks around a text by a tokenizer of the operator's": {
    path: "/v1/completions",
    model: "tiny-1",
    body: { prompt: "the" },
    input: 1 + 1,
  },
  "marks around each text of which vectors are made": {
    path: "/v1/embeddings",
    model: "tiny-1",
    body: { input: ["the", "th", "the"] },
    input: 3 + 3 * 2,
  },
  "marks around each text by a tokenizer that is not known": {
    path: "/v1/embeddings",
    model: "bge-small",
    body: { input: Array.from({ length: 200 }, () => "the") },
    input: 200 + 200 * 2,
  },
  "a prediction that did not come": {
    model: "gpt-4o",
    body: { messages: hi, prediction: { type: "content", content: "const x = 1;\n".repeat(9) } },
    input: 8,
    output: 60,
  },
  "a tool of the provider's own in a chat": {
    model: "gpt-oss-120b",
    body: { messages: hi, tools: [{ type: "browser_search" }] },
    input: 9_000,
    output: 400,
  },
  "a search that the model's name asks for": {
    model: "gpt-4o:online",
    body: { messages: hi },
    input: 3_000,
  },
  "a search of the provider's": {
    model: "qwen-max",
    body: { messages: hi, enable_search: true },
    input: 2_000,
  },
  "a schema that is not read by the model": {
    model: "mistral-large",
    body: { messages: hi, response_format: { type: "json_schema", json_schema: { name: "all", schema: SCHEMA } } },
    input: 6,
  },
  "a schema that Claude reads": {
    path: "/v1/messages",
    model: "claude-sonnet-4-5",
    body: { max_tokens: 9, messages: hi, output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    input: 1_500,
  },
  "a schema that Gemini reads": {
    path: "/v1beta/models/gemini-2.0-flash:generateContent",
    model: "gemini-2.0-flash",
    body: {
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      generationConfig: { responseMimeType: "application/json", responseSchema: SCHEMA },
    },
    input: 1_200,
  },
  "thoughts of an earlier turn that Claude reads again": {
    path: "/v1/messages",
    model: "claude-sonnet-4-5",
    body: {
      max_tokens: 9,
      thinking: { type: "enabled", budget_tokens: 2_000 },
      messages: [
        ...hi,
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: THOUGHT.slice(0, 400), signature: SEALED },
            { type: "tool_use", id: "toolu_1", name: "get_weather", input: {} },
          ],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "Rain." }] },
      ],
      tools: [{ name: "get_weather", input_schema: FUNCTION.parameters }],
    },
    input: 2_400,
  },
  "thoughts of an earlier turn that are sent back as text": {
    model: "kimi-k2-thinking",
    body: {
      messages: [
        ...hi,
        {
          role: "assistant",
          content: null,
          reasoning_content: THOUGHT,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "Rain." },
      ],
    },
    input: 1_200,
  },
  "a result of a tool that is values and hardly a text": {
    path: "/v1beta/models/gemini-2.0-flash:generateContent",
    model: "gemini-2.0-flash",
    body: {
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        { role: "model", parts: [{ functionCall: { name: "list_stations", args: {} } }] },
        { role: "user", parts: [{ functionResponse: { name: "list_stations", response: { rows: ROWS } } }] },
      ],
    },
    input: 2_900,
  },
  "thoughts in pieces, of this turn and of an earlier one": {
    model: "magistral-medium",
    body: { messages: [...hi, { role: "assistant", content: THINKING }, ...hi] },
    said: THINKING,
    input: 1_200,
    output: 1_150,
  },
  "a chat of a model that thinks now and then": { model: "gpt-5-chat-latest", body: { messages: hi }, input: 8 },
};

function makeAnswer(path: string, { input, output = 2, said = "Hello." }: Case): unknown {
  if (path === "/v1/responses") {
    const content = [{ type: "output_text", text: "Hello.", annotations: [] }];
    const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
    const item = { type: "message", id: "msg_1", role: "assistant", status: "completed", content };
    return { id: "resp_1", object: "response", status: "completed", model: "", output: [item], usage };
  }
  if (path === "/v1/completions") {
    const usage = { prompt_tokens: input, completion_tokens: 1, total_tokens: input + 1 };
    return { id: "1", object: "text_completion", choices: [{ index: 0, text: "the", finish_reason: "stop" }], usage };
  }
  if (path === "/v1/embeddings") {
    const data = [{ object: "embedding", index: 0, embedding: [0.5] }];
    return { object: "list", data, usage: { prompt_tokens: input, total_tokens: input } };
  }
  if (path === "/v1/messages") {
    const content = [{ type: "text", text: "Hello." }];
    const usage = { input_tokens: input, output_tokens: output };
    return { id: "msg_1", type: "message", role: "assistant", model: "", content, stop_reason: "end_turn", usage };
  }
  if (path.startsWith("/v1beta")) {
    const content = { role: "model", parts: [{ text: "Hello." }] };
    const usageMetadata = { promptTokenCount: input, candidatesTokenCount: output, totalTokenCount: input + output };
    return { candidates: [{ content, finishReason: "STOP", index: 0 }], usageMetadata };
  }
  const message = { role: "assistant", content: said };
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "", choices, usage };
}

async function judge(given: Case): Promise<string | null | undefined> {
  const { path = "/v1/chat/completions", model, body } = given;
  const provider = path === "/v1/messages" ? "anthropic" : path.startsWith("/v1beta") ? "gemini" : "openai";
  answer = makeAnswer(path, given);
  const asked = path.replace(model, `${provider}/${model}`);
  const named = path.startsWith("/v1beta") ? body : { model: `${provider}/${model}`, ...body };
  const response = await rig.send(asked, { body: named });
  expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 });
  await settleRecounts(rig.recounter);
  return [...(await readRecounts(rig.store)).values()].at(-1)?.verdict;
}

test.each(Object.entries(CASES))("%s is held against nobody", async (_, given) => {
  expect(await judge(given)).toBe("within");
});

test.each([
  "marks around a text by a tokenizer of the operator's",
  "marks around each text of which vectors are made",
  "two pieces of text beside tools",
  "instructions beside tools",
  "a schema that Claude reads",
  "thoughts of an earlier turn that Claude reads again",
])("%s is no reason for ten times as much", async (name) => {
  const given = CASES[name];
  if (given === undefined) throw new Error(name);
  expect(await judge({ ...given, input: 10 * given.input })).toBe("over");
});

test.each<[string, unknown]>([
  ["in one", "const x = 1;\n".repeat(9)],
  ["in pieces", [{ type: "text", text: "const x = 1;\n".repeat(9) }]],
])("what was predicted %s is no reason for a hundred times as much output", async (_, content) => {
  const given = { model: "gpt-4o", body: { messages: hi, prediction: { type: "content", content } }, input: 8 };
  expect(await judge({ ...given, output: 60 })).toBe("within");
  expect(await judge({ ...given, output: 6_000 })).toBe("over");
});

test("of sealed thoughts, no token is less than a byte", async () => {
  const given = CASES["thoughts of an earlier turn that Claude reads again"];
  if (given === undefined) throw new Error("There is no such case.");
  expect(await judge({ ...given, input: 0.75 * SEALED.length + 3_000 })).toBe("over");
});

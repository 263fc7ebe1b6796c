// The scripted providers themselves: their vendors' SDKs get along with them, and each refuses what its vendor refuses.

import { describe, expect, test } from "bun:test";
import { anthropicMessages, anthropicRunner } from "../client/anthropic-messages.ts";
import { gemini, geminiChat } from "../client/gemini.ts";
import { openaiChat } from "../client/openai-chat.ts";
import { openaiResponses, openaiStoredResponses } from "../client/openai-responses.ts";
import { expectHeard, SCENARIOS } from "../client/scenario.ts";
import type { Client } from "../client/seen.ts";
import { makeStrictMessages } from "./anthropic-messages.ts";
import { makeStrictBedrock } from "./bedrock.ts";
import { makeStrictGemini } from "./gemini.ts";
import { makeStrictChat } from "./openai-chat.ts";
import { makeStrictResponses } from "./openai-responses.ts";
import { UPSTREAM_KEY } from "./openai.ts";
import { REASONING } from "./script.ts";
import type { StrictUpstream } from "./strict.ts";

const PAIRS: readonly [
  name: string,
  make: () => StrictUpstream,
  client: Client,
  model: string,
  shown: string | null,
][] = [
  ["anthropic", makeStrictMessages, anthropicMessages, "claude-sonnet-5-5", REASONING],
  ["anthropic of yesterday", makeStrictMessages, anthropicMessages, "claude-haiku-4-5", REASONING],
  ["anthropic's runner", makeStrictMessages, anthropicRunner, "claude-sonnet-5-5", REASONING],
  ["gemini", makeStrictGemini, gemini, "gemini-3-pro", REASONING],
  ["gemini's chat", makeStrictGemini, geminiChat, "gemini-3-pro", REASONING],
  ["gemini of yesterday", makeStrictGemini, gemini, "gemini-2.5-flash", REASONING],
  ["openai chat", makeStrictChat, openaiChat, "gpt-5.1", null],
  ["openai responses", makeStrictResponses, openaiResponses, "gpt-5.4", REASONING],
  ["openai stored responses", makeStrictResponses, openaiStoredResponses, "gpt-5.4", REASONING],
];

describe.each(PAIRS)("%s's own SDK, without a gateway", (_, make, client, model, shown) => {
  for (const [scenario, { says, hears, tools }] of Object.entries(SCENARIOS)) {
    test.each([false, true])(`${scenario}, streamed: %p`, async (stream) => {
      const upstream = make();
      const fetch = Object.assign(
        (input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit) =>
          upstream.fetch(input instanceof Request ? new Request(input, init) : new Request(String(input), init)),
        { preconnect: () => undefined },
      );
      for (const reasoning of [false, true]) {
        const turns = await client({ fetch, token: UPSTREAM_KEY, model, stream, reasoning, tools, says });
        expectHeard(turns, hears, reasoning ? shown : null);
      }
      expect(upstream.refusals).toEqual([]);
    });
  }
});

interface Ask {
  path: string;
  headers: Record<string, string>;
  /** What is taken. */
  body: Record<string, unknown>;
}

const user = (content: unknown) => ({ role: "user", content });
const weather = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const bearer = { authorization: `Bearer ${UPSTREAM_KEY}` };

const ASKS = {
  anthropic: {
    path: "/v1/messages",
    headers: { "x-api-key": UPSTREAM_KEY, "anthropic-version": "2023-06-01" },
    body: { model: "claude-sonnet-4-5", max_tokens: 4_000, messages: [user("hi")] },
  },
  bedrock: {
    path: "/model/anthropic.claude-sonnet-4-5-v1%3A0/converse",
    headers: bearer,
    body: { messages: [user([{ text: "hi" }])], inferenceConfig: { maxTokens: 4_000 } },
  },
  chat: { path: "/v1/chat/completions", headers: bearer, body: { model: "gpt-4.1", messages: [user("hi")] } },
  gemini: {
    path: "/v1beta/models/gemini-3-pro:generateContent",
    headers: { "x-goog-api-key": UPSTREAM_KEY },
    body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
  },
  responses: { path: "/v1/responses", headers: bearer, body: { model: "gpt-5.4", input: "hi", store: false } },
} as const satisfies Record<string, Ask>;

const MAKERS: Record<keyof typeof ASKS, () => StrictUpstream> = {
  anthropic: makeStrictMessages,
  bedrock: makeStrictBedrock,
  chat: makeStrictChat,
  gemini: makeStrictGemini,
  responses: makeStrictResponses,
};

async function ask(name: keyof typeof ASKS, over: Partial<Ask>): Promise<{ status: number; text: string }> {
  const { path, headers, body }: Ask = { ...ASKS[name], ...over };
  const request = new Request(`http://strict.test${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...ASKS[name].body, ...body }),
  });
  const response = await MAKERS[name]().fetch(request);
  return { status: response.status, text: await response.text() };
}

test.each(Object.keys(MAKERS) as (keyof typeof MAKERS)[])(
  "%s takes a plain request, and none without its key",
  async (name) => {
    expect((await ask(name, {})).status).toBe(200);
    expect((await ask(name, { headers: {} })).status).toBeGreaterThanOrEqual(400);
  },
);

const anthropicTool = { name: "look_up", input_schema: weather };
const anthropicCall = { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "look_up", input: {} }] };
const anthropicResult = { type: "tool_result", tool_use_id: "toolu_1", content: "rain" };
const chatTool = { type: "function", function: { name: "look_up", parameters: weather } };
const chatCall = {
  role: "assistant",
  content: null,
  tool_calls: [{ id: "call_1", type: "function", function: { name: "look_up", arguments: "{}" } }],
};
const geminiTool = (parameters: unknown) => [{ functionDeclarations: [{ name: "look_up", parameters }] }];
const geminiCall = { role: "model", parts: [{ functionCall: { name: "look_up", args: {} } }] };
const geminiResult = { role: "user", parts: [{ functionResponse: { name: "look_up", response: { output: "rain" } } }] };
const said = { role: "user", parts: [{ text: "hi" }] };
const converseTool = { tools: [{ toolSpec: { name: "look_up", inputSchema: { json: weather } } }] };
const converseCall = { role: "assistant", content: [{ toolUse: { toolUseId: "t1", name: "look_up", input: {} } }] };
const converseResult = user([{ toolResult: { toolUseId: "t1", content: [{ text: "rain" }] } }]);
const responsesCall = { type: "function_call", call_id: "call_1", name: "look_up", arguments: "{}" };

test.each<[name: keyof typeof ASKS, body: Record<string, unknown>, said: string]>([
  ["anthropic", { max_tokens: undefined }, "max_tokens: Field required"],
  ["anthropic", { seed: 1 }, "seed: Extra inputs are not permitted"],
  ["anthropic", { messages: [{ ...user("hi"), name: "x" }] }, "messages.0.name: Extra inputs are not permitted"],
  ["anthropic", { messages: [user([{ type: "text", text: "" }])] }, "text content blocks must be non-empty"],
  ["anthropic", { messages: [{ role: "assistant", content: "hi" }] }, "first message must use"],
  ["anthropic", { messages: [user("hi"), { role: "assistant", content: "Once" }] }, "prefill"],
  ["anthropic", { messages: [user("hi"), anthropicCall, user("and?")] }, "without `tool_result` blocks"],
  ["anthropic", { messages: [user([anthropicResult])] }, "unexpected `tool_use_id`"],
  [
    "anthropic",
    { messages: [user("hi"), anthropicCall, user([{ type: "text", text: "so:" }, anthropicResult])] },
    "immediately after",
  ],
  ["anthropic", { tool_choice: { type: "any" } }, "while providing tools"],
  ["anthropic", { tools: [{ name: "a.b", input_schema: weather }] }, "tools.0.name"],
  ["anthropic", { tools: [{ name: "a", input_schema: {} }] }, "tools.0.input_schema.type"],
  ["anthropic", { thinking: { type: "enabled", budget_tokens: 4_000 } }, "greater than `thinking.budget_tokens`"],
  ["anthropic", { thinking: { type: "adaptive" } }, "not supported on this model"],
  ["anthropic", { model: "claude-sonnet-5-5", temperature: 0.5 }, "deprecated for this model"],
  ["anthropic", { thinking: { type: "enabled", budget_tokens: 2_000 }, temperature: 0 }, "may only be set to 1"],
  [
    "anthropic",
    {
      thinking: { type: "enabled", budget_tokens: 2_000 },
      tools: [anthropicTool],
      messages: [user("hi"), anthropicCall, user([anthropicResult])],
    },
    "must start with a thinking block",
  ],
  [
    "anthropic",
    {
      messages: [
        user("hi"),
        { role: "assistant", content: [{ type: "thinking", thinking: "so", signature: "x" }] },
        user("and?"),
      ],
    },
    "Invalid `signature`",
  ],
  ["bedrock", { seed: 1 }, "seed: Extra inputs are not permitted"],
  ["bedrock", { messages: [user("hi")] }, "messages[0].content"],
  ["bedrock", { messages: [user([{ text: " " }])] }, "is blank"],
  ["bedrock", { messages: [user([{ text: "a" }]), user([{ text: "b" }])] }, "must alternate"],
  ["bedrock", { messages: [user([{ text: "hi" }]), converseCall, converseResult] }, "toolConfig field must be defined"],
  [
    "bedrock",
    { toolConfig: converseTool, messages: [user([{ text: "hi" }]), converseCall, user([{ text: "?" }])] },
    "Expected toolResult",
  ],
  ["bedrock", { toolConfig: { tools: [] } }, "toolConfig.tools"],
  ["bedrock", { additionalModelRequestFields: { seed: 1 } }, "seed: Extra inputs"],
  ["chat", { seed: "x" }, "Invalid value for 'seed'"],
  ["chat", { search_parameters: {} }, "Unknown parameter: 'search_parameters'"],
  ["chat", { messages: [{ ...user("hi"), cache_control: {} }] }, "Unknown parameter: 'messages[0].cache_control'"],
  ["chat", { tools: [] }, "Invalid value for 'tools'"],
  ["chat", { tool_choice: "auto" }, "only allowed when 'tools' are specified"],
  ["chat", { stream_options: { include_usage: true } }, "only allowed when 'stream' is enabled"],
  ["chat", { reasoning_effort: "low" }, "reasoning_effort"],
  ["chat", { model: "gpt-5", max_tokens: 5 }, "'max_tokens' is not supported with this model"],
  ["chat", { model: "gpt-5", temperature: 0 }, "'temperature' does not support 0"],
  ["chat", { metadata: { a: "b" } }, "only allowed when 'store' is enabled"],
  ["chat", { messages: [user("hi"), chatCall, user("and?")] }, "did not have response messages: call_1"],
  ["chat", { messages: [user("hi"), { role: "tool", tool_call_id: "call_1", content: "x" }] }, "must be a response to"],
  [
    "chat",
    {
      tools: [
        {
          ...chatTool,
          function: { ...chatTool.function, strict: true, parameters: { ...weather, additionalProperties: true } },
        },
      ],
    },
    "'additionalProperties'",
  ],
  ["gemini", { messages: [] }, 'Unknown name \\"messages\\"'],
  ["gemini", { tools: geminiTool(weather) }, 'Unknown name \\"additionalProperties\\"'],
  ["gemini", { tools: geminiTool({ type: "object", properties: {} }) }, "non-empty for OBJECT"],
  ["gemini", { tools: geminiTool({ type: "object", properties: { a: { type: "array" } } }) }, "items: missing field"],
  ["gemini", { contents: [{ role: "assistant", parts: [{ text: "hi" }] }] }, "contents[0].role"],
  ["gemini", { contents: [{ role: "user", parts: [] }] }, "must not be empty"],
  ["gemini", { contents: [{ role: "user", parts: [{}] }] }, "required oneof field"],
  ["gemini", { contents: [said, geminiCall, geminiResult] }, "missing a thought_signature"],
  ["gemini", { contents: [said, geminiCall, said] }, "number of function response parts"],
  [
    "gemini",
    { contents: [said, { role: "model", parts: [{ text: "x", thoughtSignature: "AAAA" }] }, said] },
    "Thought signature is not valid",
  ],
  ["gemini", { generationConfig: { responseSchema: { type: "string" } } }, "response_mime_type"],
  ["responses", { messages: [] }, "Unknown parameter: 'messages'"],
  ["responses", { reasoning: { effort: "low" }, temperature: 0 }, "'temperature' is not supported"],
  ["responses", { max_output_tokens: 5 }, "max_output_tokens"],
  ["responses", { previous_response_id: "resp_0" }, "previous_response_not_found"],
  [
    "responses",
    { input: [{ role: "assistant", content: [{ type: "input_text", text: "x" }] }] },
    "input[0].content[0].type",
  ],
  ["responses", { input: [user("hi"), responsesCall] }, "No tool output found"],
  ["responses", { input: [{ ...responsesCall, id: "call_1" }] }, "begins with 'fc'"],
  ["responses", { input: [{ type: "function_call_output", call_id: "call_1", output: "x" }] }, "No tool call found"],
  ["responses", { input: [{ type: "reasoning", id: "rs_1", summary: [] }, user("hi")] }, "Items are not persisted"],
  [
    "responses",
    { input: [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" }, user("hi")] },
    "could not be verified",
  ],
])("%s refuses %j", async (name, body, words) => {
  const { status, text } = await ask(name, { body });
  expect({ status: status < 500 ? Math.floor(status / 100) : status, text }).toEqual({
    status: 4,
    text: expect.stringContaining(words),
  });
});

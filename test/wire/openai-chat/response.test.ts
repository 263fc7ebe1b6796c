// Whole answers: what compatible servers send beside OpenAI's own fields, and what answers of other vendors look like here.

import { describe, expect, test } from "bun:test";
import type OpenAI from "openai";
import {
  type FinishReason,
  GatewayError,
  type Json,
  type JsonObject,
  type Response,
  isJsonObject,
} from "../../../src/ir/index.ts";
import type {
  AnswerMessage,
  CustomCall,
  FinishWord,
  FunctionCall,
  FunctionTool,
  ToolCallDelta,
  UsageBody,
} from "../../../src/wire/openai-chat/body.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";

const CLIENT: ClientContext = {
  request: { model: "asked", messages: [], tools: [], stream: false, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_009,
};

const HEAD = { id: "chatcmpl-1", object: "chat.completion", created: 1_700_000_001, model: "gpt" };

function answer(message: JsonObject, fields: JsonObject = {}): JsonObject {
  return {
    ...HEAD,
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop", ...fields }],
  };
}

function parts(message: JsonObject): object[] {
  return openaiChat.response.decode(answer(message)).choices[0]?.parts ?? [];
}

/** The message of the answer's first choice. */
function encodeMessage(response: Response): JsonObject {
  const { choices } = openaiChat.response.encode(response, CLIENT);
  const [choice] = Array.isArray(choices) ? choices.filter(isJsonObject) : [];
  return isJsonObject(choice?.["message"]) ? choice["message"] : {};
}

/** The answer's message after decoding and encoding it. */
function again(body: JsonObject): JsonObject {
  return encodeMessage(openaiChat.response.decode(body));
}

function failure(body: JsonObject): GatewayError {
  try {
    openaiChat.response.decode(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
  }
  throw new Error("it was read");
}

describe("decode", () => {
  test("reasoning in each spelling, which comes out as it went in", () => {
    const details = [
      { type: "reasoning.text", text: "because", signature: "s", format: "f", index: 0 },
      { type: "reasoning.encrypted", data: "d", id: "r", index: 1 },
      { type: "reasoning.summary", summary: "short", index: 2 },
    ];
    for (const [message, text] of [
      [{ content: "a", reasoning_content: "because" }, "because"],
      [{ content: "a", reasoning: "because" }, "because"],
      [{ content: "a", reasoning_details: details }, "becauseshort"],
      [{ content: "a", reasoning: "becauseshort", reasoning_details: details }, "becauseshort"],
      [
        {
          content: [
            { type: "thinking", thinking: [{ type: "text", text: "because" }] },
            { type: "text", text: "a" },
          ],
        },
        "because",
      ],
    ] satisfies [JsonObject, string][]) {
      const { choices } = openaiChat.response.decode(answer(message));
      const found = choices[0]?.parts.map((part) => (part.type === "reasoning" ? part.text : "")).join("");
      expect(found).toBe(text);
      expect(again(answer(message))).toEqual({ role: "assistant", refusal: null, ...message });
    }
    expect(parts({ content: null, reasoning_details: details })).toMatchObject([
      { text: "because", signature: "s" },
      { text: "", encrypted: "d" },
      { text: "short" },
    ]);
    expect(parts({ content: "a", reasoning_content: "because" })).toEqual([
      { type: "reasoning", text: "because" },
      { type: "text", text: "a" },
    ]);
  });

  test("calls, also without ids, with arguments as objects, custom and legacy", () => {
    const calls: JsonObject[] = [
      { id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } },
      { type: "function", function: { name: "g", arguments: { y: 2 } } },
      { id: "c", type: "custom", custom: { name: "h", input: "raw" } },
    ];
    expect(parts({ content: null, tool_calls: calls })).toMatchObject([
      { type: "tool-call", id: "a", name: "f", arguments: '{"x":1}' },
      { type: "tool-call", id: "call_1_chatcmpl-1", name: "g", arguments: '{"y":2}' },
      { type: "tool-call", id: "c", name: "h", arguments: "raw" },
    ]);
    const named = calls.filter((call) => call["id"] !== undefined);
    const message = { role: "assistant", content: null, refusal: null, tool_calls: named };
    expect(again(answer(message))).toEqual(message);
    const legacy = { content: null, function_call: { name: "f", arguments: "{}" } };
    expect(parts(legacy)).toMatchObject([{ type: "tool-call", name: "f", arguments: "{}" }]);
    expect(again(answer(legacy))).toEqual({ role: "assistant", refusal: null, ...legacy });
  });

  test("refusal, annotations, audio, images and logprobs come out as they went in", () => {
    const message = {
      role: "assistant",
      content: null,
      refusal: "no",
      annotations: [{ type: "url_citation" }],
      audio: { id: "a", data: "x" },
      images: [{ type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }],
    };
    const body = {
      ...answer(message, { logprobs: { content: [] } }),
      service_tier: "default",
      system_fingerprint: null,
    };
    const decoded = openaiChat.response.decode(body);
    expect(decoded.choices[0]).toMatchObject({ refusal: "no", finish: "stop" });
    expect(openaiChat.response.encode(decoded, CLIENT)).toEqual(body);
  });

  test("every reason to finish, and the server's own word where OpenAI has none", () => {
    const words: Record<string, FinishReason> = {
      stop: "stop",
      length: "length",
      model_length: "length",
      tool_calls: "tool-calls",
      function_call: "tool-calls",
      content_filter: "content-filter",
      error: "error",
      insufficient_system_resource: "error",
      repetition: "other",
    };
    for (const [word, finish] of Object.entries(words)) {
      const body = answer({ content: "a" }, { finish_reason: word });
      const decoded = openaiChat.response.decode(body);
      expect(decoded.choices[0]?.finish).toBe(finish);
      expect(openaiChat.response.encode(decoded, CLIENT)).toMatchObject({ choices: [{ finish_reason: word }] });
    }
    expect(openaiChat.response.decode(answer({ content: "a" }, { finish_reason: null })).choices[0]?.finish).toBe(
      "other",
    );
  });

  test("an error with status 200 is an error, and so is an answer without choices", () => {
    const rejected = failure({ error: { message: "boom", code: 429 } });
    expect([rejected.kind, rejected.message, rejected.upstream?.code]).toEqual(["upstream_rejected", "boom", "429"]);
    expect(failure({ ok: true }).kind).toBe("upstream_malformed");
    const report = { choices: null, base_resp: { status_code: 1008, status_msg: "insufficient balance" } };
    expect(failure(report)).toMatchObject({ kind: "upstream_rejected", message: "insufficient balance" });
  });

  test("sources beside the answer are cited by its text, and come out as they went in", () => {
    const sources = { citations: ["https://a.example"], search_results: [{ title: "A", url: "https://a.example" }] };
    const body = { ...answer({ content: "Hi [1]" }), ...sources };
    const decoded = openaiChat.response.decode(body);
    expect(decoded.choices[0]?.parts).toMatchObject([{ citations: [{ url: "https://a.example", title: "A" }] }]);
    const encoded = openaiChat.response.encode(decoded, CLIENT);
    expect(encoded).toMatchObject(sources);
    expect(JSON.stringify(encoded)).not.toContain("annotations");
  });
});

describe("encode, for another vendor's answer", () => {
  const foreign: Response = {
    id: "msg_1",
    model: "claude",
    createdAt: null,
    choices: [
      {
        index: 0,
        parts: [
          { type: "reasoning", text: "hm", signature: "s" },
          { type: "reasoning", text: "", encrypted: "e" },
          { type: "text", text: "a", extra: { "anthropic-messages": { citations: [] } } },
          { type: "text", text: "b" },
          { type: "tool-call", id: "toolu_1", name: "f", arguments: "{}" },
        ],
        finish: "tool-calls",
        extra: { "anthropic-messages": { stop_details: null } },
      },
    ],
    usage: { freshInputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, reasoningTokens: null },
    extra: { "anthropic-messages": { usage: { service_tier: "standard" } } },
  };

  test("is what OpenAI's clients read", () => {
    expect(openaiChat.response.encode(foreign, CLIENT)).toEqual({
      id: "msg_1",
      object: "chat.completion",
      created: 1_700_000_009,
      model: "claude",
      choices: [
        {
          index: 0,
          logprobs: null,
          message: {
            role: "assistant",
            content: "ab",
            refusal: null,
            reasoning_content: "hm",
            reasoning_details: [
              { type: "reasoning.text", text: "hm", signature: "s", index: 0 },
              { type: "reasoning.encrypted", data: "e", index: 1 },
            ],
            tool_calls: [{ id: "toolu_1", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: {
        prompt_tokens: 6,
        completion_tokens: 4,
        total_tokens: 10,
        prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 },
      },
    });
  });

  test("ends in a word that OpenAI has", () => {
    const finish = (reason: FinishReason): Json | undefined => {
      const body = openaiChat.response.encode(
        { ...foreign, choices: [{ index: 0, parts: [], finish: reason }] },
        CLIENT,
      );
      const [choice] = body["choices"] as JsonObject[];
      return choice?.["finish_reason"];
    };
    const reasons: FinishReason[] = ["stop", "length", "tool-calls", "content-filter", "refusal", "error", "other"];
    expect(reasons.map(finish)).toEqual([
      "stop",
      "length",
      "tool_calls",
      "content_filter",
      "content_filter",
      "stop",
      "stop",
    ]);
  });

  test('says "" where there is no text and nothing in its place, null where a call or a refusal is', () => {
    const content = (fields: Partial<Response["choices"][number]>): Json | undefined => {
      const choice: Response["choices"][number] = { index: 0, parts: [], finish: "stop", ...fields };
      return encodeMessage({ ...foreign, choices: [choice] })["content"];
    };
    expect(content({})).toBe("");
    expect(content({ refusal: "no" })).toBeNull();
    expect(content({ parts: [{ type: "tool-call", id: "a", name: "f", arguments: "" }] })).toBeNull();
  });

  test("has no usage where none was reported", () => {
    expect(openaiChat.response.encode({ ...foreign, usage: null }, CLIENT)).not.toHaveProperty("usage");
  });
});

/** Compiles only where the shapes we write are shapes that OpenAI's own types read. */
type Writes<Ours extends Theirs, Theirs> = [Ours, Theirs];
type Chunk = OpenAI.ChatCompletionChunk.Choice.Delta;
type Checked = [
  Writes<FunctionCall, OpenAI.ChatCompletionMessageFunctionToolCall>,
  Writes<CustomCall, OpenAI.ChatCompletionMessageCustomToolCall>,
  Writes<FunctionTool, { type: "function"; function: Omit<OpenAI.FunctionDefinition, "parameters"> }>,
  Writes<AnswerMessage, OpenAI.ChatCompletionMessage>,
  Writes<FinishWord, OpenAI.ChatCompletion.Choice["finish_reason"]>,
  Writes<UsageBody, OpenAI.CompletionUsage>,
  Writes<ToolCallDelta, NonNullable<Chunk["tool_calls"]>[number]>,
];

test("the shapes that we write are those of OpenAI's own types", () => {
  const usage: Checked[5][0] = {
    prompt_tokens: 1,
    completion_tokens: 1,
    total_tokens: 2,
    prompt_tokens_details: { cached_tokens: 0 },
  };
  const decoded = openaiChat.response.decode({ ...answer({ content: "a" }), usage });
  expect(openaiChat.response.encode(decoded, CLIENT)["usage"]).toEqual(usage);
});

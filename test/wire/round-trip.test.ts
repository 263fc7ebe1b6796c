// Reasoning that one provider signed or sealed, through a client of the other format and back: the provider gets its blocks as it made them,
// whole answers and streams alike. The client keeps what it is shown of a message, as agents do.

import { describe, expect, test } from "bun:test";
import { type Choice, type JsonObject, collect } from "../../src/ir/index.ts";
import { createFrameSplitter } from "../../src/lib/sse.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import type { ClientContext, ModelFacts } from "../../src/wire/type.ts";
import { decodeStream, encodeStream, replay } from "./replay.ts";

const CLIENT: ClientContext = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};
const FACTS: ModelFacts = {
  defaultMaxOutputTokens: 4096,
  maxOutputTokens: null,
  reasoning: "effort",
  returnsReasoning: "details",
};

const QUESTION = { role: "user", content: "Go" };

describe("Anthropic's thinking through a client of Chat Completions", () => {
  const content: JsonObject[] = [
    { type: "thinking", thinking: "Six times\nseven.", signature: "c2lnbmF0dXJl" },
    { type: "redacted_thinking", data: "c2VhbGVk" },
    { type: "text", text: "Looking." },
    { type: "tool_use", id: "toolu_1", name: "look", input: { q: "mole" } },
  ];
  const answer: JsonObject = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content,
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  };

  /** What the provider is sent of the assistant's turn, once the client has sent its message back. */
  const sendBack = (message: JsonObject): unknown => {
    const body = {
      model: "claude",
      messages: [QUESTION, message, { role: "tool", tool_call_id: "toolu_1", content: "a digger" }],
      tools: [{ type: "function", function: { name: "look" } }],
    };
    const encoded = anthropicMessages.request.encode(openaiChat.request.decode(body), FACTS);
    expect(encoded.dropped).toEqual([]);
    return (encoded.body["messages"] as JsonObject[])[1]?.["content"];
  };

  test("whole", () => {
    const shown = openaiChat.response.encode(anthropicMessages.response.decode(answer), CLIENT);
    const [choice] = shown["choices"] as { message: JsonObject }[];
    expect(sendBack(choice?.message ?? {})).toEqual(content);
  });

  test("streamed, its pieces put together as clients do", () => {
    const events = replay(anthropicMessages.response.decode(answer));
    expect(sendBack(sumChunks(encodeStream(openaiChat, events, CLIENT)))).toEqual(content);
  });
});

/** Joins the deltas of a stream: texts by name, calls by index, details as they come. */
function sumChunks(text: string): JsonObject {
  const message: Record<string, string> = {};
  const details: JsonObject[] = [];
  const calls: { id?: string; type?: string; function: { name: string; arguments: string } }[] = [];
  for (const { data } of createFrameSplitter().push(text)) {
    if (data === null || data === "[DONE]") continue;
    const { delta } = JSON.parse(data).choices[0];
    for (const name of ["content", "reasoning_content"]) message[name] = (message[name] ?? "") + (delta[name] ?? "");
    details.push(...(delta.reasoning_details ?? []));
    for (const { index, id, type, function: target } of delta.tool_calls ?? []) {
      const call = (calls[index] ??= { id, type, function: { name: target.name, arguments: "" } });
      call.function.arguments += target.arguments;
    }
  }
  return { role: "assistant", ...message, reasoning_details: details, tool_calls: calls as unknown as JsonObject[] };
}

describe("a chat provider's sealed reasoning through a client of Messages", () => {
  const details: JsonObject[] = [
    { type: "reasoning.text", text: "Hm.", signature: "Z2Vt", format: "google-gemini-v1", index: 0 },
    { type: "reasoning.encrypted", data: "c2VhbGVk", format: "openai-responses-v1", id: "rs_1", index: 1 },
  ];
  const completion: JsonObject = {
    id: "c1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Yes.", reasoning: "Hm.", reasoning_details: details },
        finish_reason: "stop",
      },
    ],
  };

  /** The signatures and seals of what the provider is sent back. */
  const sendBack = (content: JsonObject[]): unknown => {
    const messages = [QUESTION, { role: "assistant", content }, QUESTION] as JsonObject[];
    const request = anthropicMessages.request.decode({ model: "m", max_tokens: 9, messages });
    const { body } = openaiChat.request.encode(request, FACTS);
    const sent = (body["messages"] as JsonObject[])[1]?.["reasoning_details"] as JsonObject[];
    return sent.map(({ type, format, signature, data }) => ({ type, format, signature, data }));
  };
  const wanted = details.map(({ type, format, signature, data }) => ({ type, format, signature, data }));

  test("whole", () => {
    const shown = anthropicMessages.response.encode(openaiChat.response.decode(completion), CLIENT);
    expect(sendBack(shown["content"] as JsonObject[])).toEqual(wanted);
  });

  test("never reaches Anthropic itself, which did not make it", () => {
    const shown = anthropicMessages.response.encode(openaiChat.response.decode(completion), CLIENT);
    const messages = [
      QUESTION,
      { role: "assistant", content: shown["content"] as JsonObject[] },
      QUESTION,
    ] as JsonObject[];
    const request = anthropicMessages.request.decode({ model: "m", max_tokens: 9, messages });
    const { body } = anthropicMessages.request.encode(request, FACTS);
    expect(JSON.stringify(body)).not.toContain("tokligence.");
    expect(JSON.stringify(body)).not.toContain("Z2Vt");
  });

  test("streamed", () => {
    const text = encodeStream(anthropicMessages, replay(openaiChat.response.decode(completion)), CLIENT);
    const again = anthropicMessages.response.encode(
      { ...openaiChat.response.decode(completion), choices: collectChoices(text) },
      CLIENT,
    );
    expect(sendBack(again["content"] as JsonObject[])).toEqual(wanted);
  });
});

function collectChoices(text: string): Choice[] {
  const events = decodeStream(anthropicMessages, [text]);
  return collect(events).response.choices;
}

// What targets leave out of a request is named by its place in the client's message, over all formats that are foreign to the client.

import { describe, expect, test } from "bun:test";
import { GatewayError, type JsonObject } from "../../src/ir/index.ts";
import { TARGETS, WIRES } from "../../src/wire/index.ts";
import type { ModelFacts, WireId } from "../../src/wire/type.ts";

const FACTS: ModelFacts = { defaultMaxOutputTokens: 1000, maxOutputTokens: null, reasoning: "none" };

const SEARCH: JsonObject = { type: "web_search_20250305", name: "web_search" };

const SEARCHED: JsonObject[] = [
  { type: "thinking", thinking: "t", signature: "S" },
  { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
  {
    type: "web_search_tool_result",
    tool_use_id: "srvtoolu_1",
    content: [{ type: "web_search_result", url: "https://a.example", title: "A", encrypted_content: "E" }],
  },
  {
    type: "text",
    text: "ok",
    citations: [
      {
        type: "web_search_result_location",
        url: "https://a.example",
        title: "A",
        cited_text: "c",
        encrypted_index: "I",
      },
    ],
  },
];

function encode(target: WireId, fields: JsonObject): string[] {
  const wire = WIRES["anthropic-messages"];
  const body: JsonObject = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "x" }], ...fields };
  return TARGETS.get(target)?.request.encode(wire.request.decode(body, wire.peek(body)), FACTS).dropped ?? [];
}

const FOREIGN = [...TARGETS.keys()].filter((id) => id !== "anthropic-messages");

describe.each(FOREIGN)("of a conversation with Anthropic's server tools, %s", (target) => {
  test("leaves out the blocks of the server and says where they stood", () => {
    const dropped = encode(target, {
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content: SEARCHED },
        { role: "user", content: "y" },
      ],
    });
    expect(dropped).toContain("messages[1].content[1]");
    expect(dropped).toContain("messages[1].content[2]");
    // Responses alone has citations in what was said before.
    expect(dropped.some((path) => path.endsWith("citations"))).toBe(target !== "openai-responses");
  });

  test("refuses to call one of them in any case", () => {
    const ask = (): unknown => encode(target, { tools: [SEARCH], tool_choice: { type: "tool", name: "web_search" } });
    expect(ask).toThrow(GatewayError);
    expect(ask).toThrow(/web_search/);
  });
});

describe("how closely an image is looked at", () => {
  const look = (target: WireId): { body: string; dropped: string[] } => {
    const wire = WIRES["openai-chat"];
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "low" } };
    const body: JsonObject = { model: "m", messages: [{ role: "user", content: [image] }] };
    const encoded = TARGETS.get(target)?.request.encode(wire.request.decode(body, wire.peek(body)), FACTS);
    return { body: JSON.stringify(encoded?.body), dropped: encoded?.dropped ?? [] };
  };

  test.each<WireId>(["cohere-chat", "openai-chat", "openai-responses"])("goes along to %s", (target) => {
    expect(look(target)).toEqual({ body: expect.stringContaining('"detail":"low"'), dropped: [] });
  });

  test.each<WireId>(["anthropic-messages", "bedrock-converse", "gemini"])(
    "is named where %s cannot say it",
    (target) => {
      expect(look(target).dropped).toEqual(["messages[0].content[0].image_url.detail"]);
    },
  );

  test("comes from Responses, too", () => {
    const wire = WIRES["openai-responses"];
    const image = { type: "input_image", image_url: "data:image/png;base64,aGk=", detail: "high" };
    const body: JsonObject = { model: "m", input: [{ role: "user", content: [image] }] };
    const request = wire.request.decode(body, wire.peek(body));
    const said = { type: "image_url", image_url: { detail: "high", url: "data:image/png;base64,aGk=" } };
    expect(WIRES["openai-chat"].request.encode(request, FACTS)).toMatchObject({
      body: { messages: [{ content: [said] }] },
      dropped: [],
    });
  });
});

describe("functions in OpenAI's older spelling", () => {
  const wire = WIRES["openai-chat"];
  const body: JsonObject = {
    model: "m",
    messages: [
      { role: "user", content: "x" },
      { role: "assistant", content: null, function_call: { name: "look", arguments: "{}" } },
      { role: "function", name: "look", content: "a mole" },
    ],
    functions: [{ name: "look", parameters: { type: "object", properties: {} } }],
  };

  test.each([...TARGETS.keys()].filter((id) => id !== "openai-chat"))("are tools of %s: none is left out", (target) => {
    const encoded = TARGETS.get(target)?.request.encode(wire.request.decode(body, wire.peek(body)), FACTS);
    expect(JSON.stringify(encoded?.body)).toContain("look");
    // One call at a time, as the older spelling has it, not every format can ask for.
    expect(encoded?.dropped.filter((name) => name !== "parallel_tool_calls")).toEqual([]);
  });
});

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

/** What a chat target leaves out, of a client of Chat Completions. */
function encodeChat(target: WireId, fields: JsonObject): { body: string; dropped: string[] } {
  const wire = WIRES["openai-chat"];
  const body: JsonObject = { model: "m", messages: [{ role: "user", content: "x" }], ...fields };
  const encoded = TARGETS.get(target)?.request.encode(wire.request.decode(body, wire.peek(body)), FACTS);
  return { body: JSON.stringify(encoded?.body), dropped: encoded?.dropped ?? [] };
}

describe.each([...TARGETS.keys()].filter((id) => id !== "openai-chat"))(
  "of a chat client's own fields, %s",
  (target) => {
    test.each<[string, JsonObject]>([
      ["a text", { messages: [{ role: "user", content: [{ type: "text", text: "x", hint: "h" }] }] }],
      ["a tool", { tools: [{ type: "function", function: { name: "look", parameters: {}, hint: "h" } }] }],
      [
        "a call",
        {
          messages: [
            { role: "user", content: "x" },
            {
              role: "assistant",
              tool_calls: [{ id: "c", type: "function", function: { name: "look", arguments: "{}" }, hint: "h" }],
            },
          ],
        },
      ],
      [
        "a result's text",
        {
          messages: [
            { role: "user", content: "x" },
            {
              role: "assistant",
              tool_calls: [{ id: "c", type: "function", function: { name: "look", arguments: "{}" } }],
            },
            { role: "tool", tool_call_id: "c", content: [{ type: "text", text: "x", hint: "h" }] },
          ],
        },
      ],
    ])("names those of %s", (_place, fields) => {
      const { body, dropped } = encodeChat(target, fields);
      expect(body).not.toContain("hint");
      expect(dropped).toEqual([expect.stringMatching(/\bhint$/u)]);
    });

    test.each<[string, JsonObject]>([
      ["a refusal's words", { role: "assistant", content: "x", refusal: "No!" }],
      ["a refusal among the content", { role: "assistant", content: [{ type: "refusal", refusal: "No!" }] }],
    ])("names none of %s, which it says", (_place, said) => {
      const { body, dropped } = encodeChat(target, { messages: [{ role: "user", content: "x" }, said] });
      expect(body).toContain("No!");
      expect(dropped).toEqual([]);
    });

    test("says or names what describes the answer's form", () => {
      const form = { name: "n", description: "A mole.", schema: { type: "object", additionalProperties: false } };
      const { body, dropped } = encodeChat(target, { response_format: { type: "json_schema", json_schema: form } });
      const isNamed = dropped.some((name) => name.startsWith("response_format"));
      expect(body.includes("A mole.") || isNamed).toBe(true);
    });
  },
);

test("Google is told the thoughts of a chat client, and they are not named as left out", () => {
  const said = { role: "assistant", content: "x", reasoning_content: "Hm." };
  const { body, dropped } = encodeChat("gemini", { messages: [{ role: "user", content: "x" }, said] });
  expect(body).toContain("Hm.");
  expect(dropped).toEqual([]);
});

test("results of calls that have one id, as some servers give it, are Google's by the tool that was called", () => {
  const call = (name: string): JsonObject[] => [
    { role: "assistant", tool_calls: [{ id: "0", type: "function", function: { name, arguments: "{}" } }] },
    { role: "tool", tool_call_id: "0", content: `of ${name}` },
  ];
  const { body } = encodeChat("gemini", {
    messages: [{ role: "user", content: "x" }, ...call("look"), ...call("find")],
  });
  expect(body).toContain('"name":"look","response":{"output":"of look"}');
  expect(body).toContain('"name":"find","response":{"output":"of find"}');
});

test.each([...TARGETS.keys()].filter((id) => id !== "openai-responses"))(
  "%s is not asked for alternatives of probabilities that a Responses client did not ask for",
  (target) => {
    const wire = WIRES["openai-responses"];
    const body: JsonObject = { model: "m", input: "x", top_logprobs: 3 };
    const encoded = TARGETS.get(target)?.request.encode(wire.request.decode(body, wire.peek(body)), FACTS);
    expect(JSON.stringify(encoded?.body)).not.toMatch(/logprobs/iu);
    expect(encoded?.dropped).toEqual([]);
  },
);

// The built-in model in a tool loop, through the gateway: it calls the tools that the user spells out, and answers with their results.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type Rig, makeRig } from "../rig.ts";

const TOOLS: OpenAI.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "look_up",
      parameters: {
        type: "object",
        properties: {
          city: { type: "string" },
          days: { type: "integer", minimum: 3 },
          unit: { enum: ["C", "F"] },
          exact: { type: ["null", "boolean"] },
          when: { $ref: "#/$defs/when" },
          tags: { type: "array", minItems: 2, items: { type: "string", maxLength: 4 } },
          note: { type: "string" },
        },
        required: ["city", "days", "unit", "exact", "when", "tags"],
        $defs: { when: { anyOf: [{ type: "object", properties: { at: { const: "now" } }, required: ["at"] }] } },
      },
    },
  },
  { type: "custom", custom: { name: "patch" } },
];

let rig: Rig;
let client: OpenAI;
beforeAll(async () => {
  rig = await makeRig();
  const { token } = await rig.issue();
  client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: rig.fetch });
});
afterAll(() => rig.close());

type Ask = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "model" | "stream">;

/** The same answer whole and as a stream; they must say the same. */
async function ask(body: Ask): Promise<OpenAI.ChatCompletion["choices"][number]> {
  const whole = await client.chat.completions.create({ model: "loopback", ...body });
  const streamed = await client.chat.completions
    .stream({ model: "loopback", ...body, stream_options: { include_usage: true } })
    .finalChatCompletion();
  const [choice] = whole.choices;
  const [twin] = streamed.choices;
  expect(choice?.message.tool_calls ?? []).toMatchObject(plain(twin?.message.tool_calls ?? []));
  expect(choice?.message.content).toEqual(twin?.message.content);
  expect(choice?.finish_reason).toEqual(twin?.finish_reason);
  expect(whole.usage).toEqual(streamed.usage);
  if (choice === undefined) throw new Error("no choice");
  return choice;
}

/** Without what the SDK adds. */
function plain(calls: readonly object[]): object[] {
  return calls.map((call) =>
    JSON.parse(JSON.stringify(call, (name, value) => (name.startsWith("parsed") ? undefined : value))),
  );
}

const user = (content: string) => ({ role: "user" as const, content });

describe("a tool loop", () => {
  test("the words call:NAME {…} call the tool, as many at once as there are", async () => {
    const { message, finish_reason } = await ask({
      tools: TOOLS,
      messages: [user('Please call:look_up {"city":"Rome {","n":{"a":1}} and call:look_up and call:nothing {"a":1}.')],
    });
    expect(finish_reason).toBe("tool_calls");
    expect(message.content).toBeNull();
    expect(message.tool_calls).toEqual([
      {
        id: "call_loopback_1",
        type: "function",
        function: { name: "look_up", arguments: '{"city":"Rome {","n":{"a":1}}' },
      },
      { id: "call_loopback_2", type: "function", function: { name: "look_up", arguments: "{}" } },
    ]);
  });

  test("arguments may come with their quotes escaped, as some command lines hand them on", async () => {
    const { message } = await ask({
      tools: TOOLS,
      messages: [user('"call:look_up {\\"city\\":\\"a \\\\\\"b\\\\\\"\\"}"')],
    });
    const [call] = message.tool_calls ?? [];
    expect(call?.type === "function" ? JSON.parse(call.function.arguments) : null).toEqual({ city: 'a "b"' });
  });

  test("results are answered, also where more text follows them, and ids are not used twice", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [user('call:look_up {"city":"Rome"}')];
    const first = await ask({ tools: TOOLS, messages });
    messages.push(first.message, { role: "tool", tool_call_id: "call_loopback_1", content: "sunny" });
    expect((await ask({ tools: TOOLS, messages })).message.content).toBe("[loopback] sunny");
    messages.push(user("(a reminder)"));
    const second = await ask({ tools: TOOLS, messages });
    expect([second.message.content, second.finish_reason]).toEqual(["[loopback] sunny", "stop"]);
    messages.push(second.message, user("again call:look_up"));
    const [call] = (await ask({ tools: TOOLS, messages })).message.tool_calls ?? [];
    expect(call?.id).toBe("call_loopback_2");
  });

  test("a tool of free text gets the rest of the line", async () => {
    const { message } = await ask({ tools: TOOLS, messages: [user("call:patch *** Begin\nmore")] });
    expect(message.tool_calls).toEqual([
      { id: "call_loopback_1", type: "custom", custom: { name: "patch", input: "*** Begin" } },
    ]);
  });

  test.each<[string, Partial<Ask>, number]>([
    ["none may be called", { tool_choice: "none" }, 0],
    ["only one at a time may be called", { parallel_tool_calls: false }, 1],
    [
      "others alone may be called",
      {
        tool_choice: {
          type: "allowed_tools",
          allowed_tools: { mode: "auto", tools: [{ type: "custom", custom: { name: "patch" } }] },
        },
      },
      0,
    ],
    ["no tools are declared", { tools: [] }, 0],
  ])("where %s, it is so", async (_, over, count) => {
    const { message } = await ask({ tools: TOOLS, messages: [user("call:look_up call:look_up")], ...over });
    expect(message.tool_calls?.length ?? 0).toBe(count);
    if (count === 0) expect(message.content).toBe("[loopback] call:look_up call:look_up");
  });

  test("a tool that must be called is called with what fits its schema", async () => {
    const { message } = await ask({
      tools: TOOLS,
      tool_choice: { type: "function", function: { name: "look_up" } },
      messages: [user("Hello")],
    });
    const [call] = message.tool_calls ?? [];
    expect(call?.type === "function" ? JSON.parse(call.function.arguments) : null).toEqual({
      city: "[loopback] Hello",
      days: 3,
      unit: "C",
      exact: false,
      when: { at: "now" },
      tags: ["[loo", "[loo"],
    });
  });
});

describe("what else a model may be asked for", () => {
  test("JSON by a schema, or any", async () => {
    const schema = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
    const format = { type: "json_schema" as const, json_schema: { name: "t", schema } };
    expect((await ask({ messages: [user("Hi")], response_format: format })).message.content).toBe(
      '{"title":"[loopback] Hi"}',
    );
    expect((await ask({ messages: [user("Hi")], response_format: { type: "json_object" } })).message.content).toBe(
      '{"text":"[loopback] Hi"}',
    );
  });

  test("reasoning, counted as such", async () => {
    const { choices, usage } = await client.chat.completions.create({
      model: "loopback",
      reasoning_effort: "low",
      messages: [user("Hi")],
    });
    expect(choices[0]?.message).toMatchObject({
      content: "[loopback] Hi",
      reasoning_content: "The last message says what to answer.",
    });
    expect(usage).toMatchObject({ completion_tokens: 14, completion_tokens_details: { reasoning_tokens: 10 } });
  });
});

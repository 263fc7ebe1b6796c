// What is left out is named by the client's own places, wherever its format numbers parts and tools otherwise than we do.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** Read as Chat's or as Messages'. */
const ANSWER = {
  id: "a",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "Hi" }],
  stop_reason: "end_turn",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: {},
};

async function listDropped(path: string, body: object): Promise<string[]> {
  rig = await makeRig({ upstream: () => Response.json(ANSWER) });
  const response = await rig.send(path, { body });
  expect(rig.calls).toHaveLength(1);
  return response.headers.get("x-tokligence-dropped")?.split(", ") ?? [];
}

const RESULT = { type: "tool_result", tool_use_id: "b" };

test("Messages: beside a header for Anthropic's books, tools of its own, and results side by side", async () => {
  const dropped = await listDropped("/v1/messages", {
    model: "gpt-4o",
    max_tokens: 9,
    system: [
      { type: "text", text: "x-anthropic-billing-header: x" },
      { type: "text", text: "Be short.", cache_control: { type: "ephemeral", scope: "global" } },
    ],
    tools: [
      { type: "web_search_20250305", name: "web_search" },
      { name: "look", input_schema: { type: "object" }, strict: true },
    ],
    messages: [
      { role: "user", content: "Hello" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "Well." },
          { type: "server_tool_use", id: "s", name: "web_search", input: {} },
          { type: "tool_use", id: "a", name: "look", input: {} },
          { type: "tool_use", id: "b", name: "look", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "a", content: "nothing" },
          {
            ...RESULT,
            content: [
              { type: "text", text: "x" },
              { type: "tool_reference", tool_name: "y" },
            ],
          },
        ],
      },
    ],
  });
  expect(dropped).toEqual(
    expect.arrayContaining([
      "tools[0]",
      "tools[1].strict",
      "messages[1].content[1]",
      "messages[2].content[1].content[1]",
    ]),
  );
});

test("Responses: where several items are one turn, and a tool stands behind tools of OpenAI's", async () => {
  const dropped = await listDropped("/v1/responses", {
    model: "claude-sonnet-4-5",
    tools: [
      { type: "web_search" },
      {
        type: "namespace",
        name: "n",
        tools: [{ type: "function", name: "look", parameters: {}, defer_loading: true }],
      },
      { type: "function", name: "see", parameters: {}, defer_loading: true },
    ],
    input: [
      { role: "user", content: "Hello" },
      { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] },
      { role: "assistant", phase: "commentary", content: [{ type: "output_text", text: "Well." }] },
      { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "x" } },
      { role: "user", content: "Go on." },
    ],
  });
  expect(dropped).toEqual([
    "input[1]",
    "input[2].content[0].phase",
    "input[3]",
    "tools[1].tools[0].defer_loading",
    "tools[2].defer_loading",
    "tools[0]",
  ]);
});

test("Google's: where a signature is a part for us, and declarations are grouped", async () => {
  const dropped = await listDropped("/v1beta/models/claude-sonnet-4-5:generateContent", {
    tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: "a" }, { name: "b", behavior: "BLOCKING" }] }],
    contents: [
      { role: "user", parts: [{ text: "Hello" }] },
      {
        role: "model",
        parts: [
          { text: "Well.", thoughtSignature: "c2ln" },
          { executableCode: { language: "PYTHON", code: "1" } },
          { functionCall: { name: "a", args: {} }, thoughtSignature: "c2ln" },
        ],
      },
      { role: "user", parts: [{ functionResponse: { name: "a", response: { output: "x" } } }] },
    ],
  });
  expect(dropped).toEqual(
    expect.arrayContaining(["contents[1].parts[1]", "tools[1].functionDeclarations[1].behavior", "tools[0]"]),
  );
  expect(dropped.filter((name) => /parts\[[3-9]\]/.test(name))).toEqual([]);
});

describe("what a tool brought, and what this model cannot be shown, is refused by its place", () => {
  const url = "https://a.test/b.pdf";

  test("Messages", async () => {
    rig = await makeRig();
    const document = { type: "document", source: { type: "url", url } };
    const response = await rig.send("/v1/messages", {
      body: {
        model: "gpt-4o",
        max_tokens: 9,
        messages: [
          { role: "user", content: "Hello" },
          {
            role: "assistant",
            content: ["a", "b"].map((id) => ({ type: "tool_use", id, name: "look", input: {} })),
          },
          {
            role: "user",
            content: [
              { type: "tool_result", tool_use_id: "a", content: "x" },
              { ...RESULT, content: [{ type: "text", text: "x" }, document] },
            ],
          },
        ],
      },
    });
    const { error } = await readJson(response);
    expect([response.status, error.message]).toEqual([
      400,
      "messages[2].content[1].content[1]: this model cannot read a document by its address. Send its data.",
    ]);
  });

  test("Google's", async () => {
    rig = await makeRig();
    const parts = [{ fileData: { mimeType: "application/pdf", fileUri: url } }];
    const response = await rig.send("/v1beta/models/gpt-4o:generateContent", {
      body: {
        contents: [
          { role: "user", parts: [{ text: "Hello" }] },
          { role: "model", parts: [{ functionCall: { name: "look", args: {} } }] },
          { role: "user", parts: [{ functionResponse: { name: "look", response: { output: "x" }, parts } }] },
        ],
      },
    });
    const { error } = await readJson(response);
    expect(error.message).toStartWith("contents[2].parts[0].functionResponse.parts[0]: ");
  });
});

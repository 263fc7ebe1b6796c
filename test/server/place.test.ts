// What is left out or refused is told by its place in the client's own request, however we number its messages.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close());

const DONE = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "any",
  choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const THOUGHT = { type: "thinking", thinking: "hm", signature: "c2ln" };
const RESULTS = [
  { type: "tool_result", tool_use_id: "a", content: "1" },
  { type: "tool_result", tool_use_id: "b", content: "2" },
  { type: "text", text: "go on" },
];
const CALLS = ["a", "b"].map((id) => ({ type: "tool_use", id, name: "f", input: {} }));

const CASES = [
  {
    path: "/v1/messages",
    body: {
      model: "local/any",
      max_tokens: 9,
      system: "be brief",
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: CALLS },
        { role: "user", content: RESULTS },
        { role: "assistant", content: [THOUGHT, { type: "text", text: "done" }] },
        { role: "user", content: "more" },
      ],
    },
    lost: "messages[3].content[0]",
  },
  {
    path: "/v1beta/models/local/any:generateContent",
    body: {
      systemInstruction: { parts: [{ text: "be brief" }] },
      contents: [
        { role: "user", parts: [{ text: "hi" }] },
        { role: "model", parts: [{ text: "hm", thought: true }, { text: "hello" }] },
        { role: "user", parts: [{ text: "more" }] },
      ],
    },
    lost: "contents[1].parts[0]",
  },
  {
    path: "/v1/responses",
    body: {
      model: "local/any",
      instructions: "be brief",
      input: [
        { role: "user", content: "hi" },
        { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: "c2VhbA" },
        { role: "assistant", content: [{ type: "output_text", text: "hello" }] },
        { role: "user", content: "more" },
      ],
    },
    lost: "input[1]",
  },
];

test.each(CASES)("$path: what is left out", async ({ path, body, lost }) => {
  rig = await makeRig({ upstream: () => Response.json(DONE) });
  const response = await rig.send(path, { body });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-tokligence-dropped")?.split(", ")).toContain(lost);
  expect((await rig.row()).dropped).toContain(lost);
});

const [, GOOGLES, RESPONSES] = CASES;

test.each([
  { path: "/v1beta/models/claude-x:generateContent", body: { ...GOOGLES?.body }, named: "contents[1].parts[0]" },
  { path: "/v1/responses", body: { ...RESPONSES?.body, model: "claude-x" }, named: "input[1]" },
  {
    path: "/v1/chat/completions",
    body: {
      model: "claude-x",
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: "hello", reasoning_content: "hm" },
        { role: "user", content: "more" },
      ],
    },
    named: "messages[1].reasoning_content",
  },
])("$path: thoughts are named by what the client has of them", async ({ path, body, named }) => {
  rig = await makeRig();
  const response = await rig.send(path, { body, headers: { "x-tokligence-strict": "true" } });
  expect(response.status).toBe(400);
  expect((await readJson(response)).error.message).toContain(`cannot be told '${named}'`);
});

test("what is refused", async () => {
  rig = await makeRig({ upstream: () => Response.json(DONE) });
  const file = { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } };
  const body = { model: "local/any", max_tokens: 9, system: "x", messages: [{ role: "user", content: [file] }] };
  const response = await rig.send("/v1/messages", { body });
  expect(response.status).toBe(400);
  expect((await readJson(response)).error.message).toStartWith("messages[0].content[0]: ");
});

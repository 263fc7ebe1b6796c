// The header that says which version of a format a body is in: the client's where its body is forwarded, ours where we wrote the body.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Rig, makeRig } from "../rig.ts";

const ANSWER = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5-5",
  content: [{ type: "text", text: "hi" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 1 },
};

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig({ upstream: () => Response.json(ANSWER) });
});
afterAll(() => rig.close());

const BODY = { model: "claude-sonnet-5-5", max_tokens: 9, messages: [{ role: "user", content: "hi" }] };

test.each([
  ["/v1/messages", { "anthropic-version": "2026-10-21" }, "2026-10-21"],
  ["/v1/messages", {}, "2023-06-01"],
  ["/v1/chat/completions", { "anthropic-version": "2026-10-21" }, "2023-06-01"],
])("%s with %j is sent as %s", async (path, headers, sent) => {
  const response = await rig.send(path, { body: BODY, headers });
  expect(response.status).toBe(200);
  expect(rig.calls.at(-1)?.headers.get("anthropic-version")).toBe(sent);
});

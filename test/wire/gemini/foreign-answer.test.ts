// What other formats' providers say in ways that Google has no word for, as Google's clients get it.

import { expect, test } from "bun:test";
import { GatewayError, type JsonObject } from "../../../src/ir/index.ts";
import { WIRES } from "../../../src/wire/index.ts";

const { gemini } = WIRES;

test.each([
  ["rate_limit_exceeded", 429, "RESOURCE_EXHAUSTED"],
  ["overloaded_error", 503, "UNAVAILABLE"],
  ["invalid_request_error", 400, "INVALID_ARGUMENT"],
  ["server_error", 502, "INTERNAL"],
])("an error %s inside a stream has the code of what it means", (word, code, status) => {
  const upstream = { status: null, type: word, code: null, param: null, message: "m", requestId: null };
  const error = new GatewayError({ kind: "upstream_rejected", message: "m", upstream });
  const frame = gemini.error.encodeFrame(error, "");
  expect(JSON.parse(frame.slice("data: ".length))).toEqual({ error: { code, status, message: "m" } });
});

test("a block that only another format has leaves no empty text behind", () => {
  const answer: JsonObject = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [
      { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "q" } },
      { type: "text", text: "ok" },
    ],
    stop_reason: "end_turn",
    usage: { input_tokens: 1, output_tokens: 1 },
  };
  const encoded = gemini.response.encode(WIRES["anthropic-messages"].response.decode(answer), {
    request: { model: "m", messages: [], tools: [], stream: false, extra: {} },
    callId: "0196a5c0-0000-7000-8000-000000000000",
    nowSeconds: 1_700_000_009,
  });
  expect(encoded).toMatchObject({ candidates: [{ content: { parts: [{ text: "ok" }] } }] });
});

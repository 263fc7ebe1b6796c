// Errors in OpenAI's shape: the words for each kind, and everything that upstreams and the proxies before them answer with.

import { describe, expect, test } from "bun:test";
import { ERROR_KINDS, type ErrorKind, GatewayError, type JsonObject } from "../../../src/ir/index.ts";
import { WIRES } from "../../../src/wire/index.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import { readCompletion, readCompletionChunks } from "../sdk.ts";

const WORDS: Record<Exclude<ErrorKind, "upstream_rejected">, [type: string, code: string | null]> = {
  invalid_request: ["invalid_request_error", null],
  unauthenticated: ["invalid_request_error", "invalid_api_key"],
  forbidden: ["permission_error", "permission_denied"],
  not_found: ["invalid_request_error", "not_found"],
  conflict: ["invalid_request_error", "conflict"],
  too_large: ["invalid_request_error", "request_too_large"],
  rate_limited: ["requests", "rate_limit_exceeded"],
  quota_exceeded: ["insufficient_quota", "insufficient_quota"],
  blocked: ["invalid_request_error", "content_policy_violation"],
  upstream_unavailable: ["server_error", "upstream_unavailable"],
  upstream_malformed: ["server_error", "upstream_malformed"],
  not_configured: ["server_error", "provider_not_configured"],
  timeout: ["server_error", "upstream_timeout"],
  overloaded: ["server_error", "overloaded"],
  cancelled: ["server_error", "cancelled"],
  internal: ["server_error", "internal_error"],
};

describe("encode", () => {
  test("every kind has its type and code", () => {
    expect(Object.keys({ ...WORDS, upstream_rejected: [] }).sort()).toEqual(Object.keys(ERROR_KINDS).sort());
    for (const [kind, [type, code]] of Object.entries(WORDS)) {
      const error = new GatewayError({ kind: kind as ErrorKind, message: "why" });
      expect(openaiChat.error.encode(error, "req_1")).toEqual({
        error: { message: "why", type, param: null, code, request_id: "req_1" },
      });
    }
  });

  test("an error's own code and param stand", () => {
    const error = new GatewayError({ kind: "not_found", message: "why", code: "model_not_found", param: "model" });
    expect(openaiChat.error.encode(error, "")).toEqual({
      error: { message: "why", type: "invalid_request_error", param: "model", code: "model_not_found" },
    });
  });

  test("an upstream's own error keeps its message, and its type and code where they are OpenAI's words", () => {
    const upstream = {
      status: 529,
      type: "overloaded_error",
      code: null,
      param: null,
      message: "Overloaded",
      requestId: "x",
    };
    const error = new GatewayError({ kind: "upstream_rejected", message: "Overloaded", upstream });
    expect(openaiChat.error.encode(error, "req_1")).toEqual({
      error: { message: "Overloaded", type: "server_error", param: null, code: "overloaded", request_id: "req_1" },
    });
    const untyped = (status: number | null): unknown => {
      const bare = { ...upstream, type: null, status };
      return openaiChat.error.encode(new GatewayError({ kind: "upstream_rejected", message: "x", upstream: bare }), "")[
        "error"
      ];
    };
    expect([untyped(422), untyped(429), untyped(500), untyped(null)]).toMatchObject([
      { type: "invalid_request_error" },
      { type: "requests" },
      { type: "server_error" },
      { type: "server_error" },
    ]);
  });

  test("the SDK raises on it, whole and in a stream", async () => {
    const error = new GatewayError({
      kind: "not_found",
      message: "No such model.",
      code: "model_not_found",
      param: "model",
    });
    const body = JSON.stringify(openaiChat.error.encode(error, "req_1"));
    const wanted = { code: "model_not_found", param: "model", type: "invalid_request_error" };
    const whole = await readCompletion(body, 404).catch((thrown: unknown) => thrown);
    expect(whole).toBeInstanceOf(Error);
    expect(whole).toMatchObject({ status: 404, message: "404 No such model.", ...wanted });
    const streamed = await readCompletionChunks(openaiChat.error.encodeFrame(error, "req_1")).catch(
      (thrown: unknown) => thrown,
    );
    expect(streamed).toBeInstanceOf(Error);
    expect(streamed).toMatchObject(wanted);
  });

  test("embeddings share it", () => {
    expect(WIRES["openai-embeddings"].error).toEqual(openaiChat.error);
  });
});

const NONE = { status: 400, type: null, code: null, param: null, requestId: null };

const BODIES: [name: string, body: JsonObject | string, wanted: object][] = [
  [
    "OpenAI's shape",
    { error: { message: "m", type: "t", code: "c", param: "p" }, request_id: "r" },
    { ...NONE, message: "m", type: "t", code: "c", param: "p", requestId: "r" },
  ],
  ["numbers as codes", { error: { message: "m", code: 429 } }, { ...NONE, message: "m", code: "429" }],
  ["error as text", { error: "m", type: "t" }, { ...NONE, message: "m", type: "t" }],
  ["message alone", { message: "m", type: "t", code: "3000" }, { ...NONE, message: "m", type: "t", code: "3000" }],
  ["detail as text", { detail: "m" }, { ...NONE, message: "m" }],
  [
    "detail as a list",
    {
      detail: [
        { loc: ["body", "messages", 0], msg: "field required", type: "t" },
        { loc: [], msg: "n" },
      ],
    },
    { ...NONE, message: "body.messages.0: field required; n" },
  ],
  ["an array", JSON.stringify([{ error: { message: "m", code: 400 } }]), { ...NONE, message: "m", code: "400" }],
  ["JSON as text", '{"error":{"message":"m"}}', { ...NONE, message: "m" }],
  [
    "an HTML page",
    "<html><head><title>t</title></head><script>var a = '<b>';</script><body><h1>502 Bad\nGateway</h1><hr>nginx</body></html>",
    { ...NONE, message: "HTTP 400 with a body that is not JSON: 502 Bad Gateway nginx" },
  ],
  [
    "plain text",
    "upstream connect error",
    { ...NONE, message: "HTTP 400 with a body that is not JSON: upstream connect error" },
  ],
  ["nothing", "", { ...NONE, message: "HTTP 400 with a body that is not JSON." }],
  [
    "an object that says nothing",
    { ok: false },
    { ...NONE, message: 'HTTP 400 with an error that says nothing more: {"ok":false}' },
  ],
];

describe("decode", () => {
  for (const [name, body, wanted] of BODIES) {
    test(name, () =>
      expect(openaiChat.error.decode(400, body)).toEqual(wanted as ReturnType<typeof openaiChat.error.decode>),
    );
  }

  test("a long page is cut to what a person reads", () => {
    const { message } = openaiChat.error.decode(502, `<p>${"word ".repeat(100_000)}</p>`);
    expect(message.startsWith("HTTP 502 with a body that is not JSON: word word")).toBe(true);
    expect(message.length).toBeLessThan(260);
  });

  test("a page made to be slow to search is not", () => {
    const started = performance.now();
    openaiChat.error.decode(502, "<script".repeat(200_000));
    openaiChat.error.decode(502, "<".repeat(1_000_000));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

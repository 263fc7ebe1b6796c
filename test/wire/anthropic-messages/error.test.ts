// Errors of the Messages format in both directions.

import { describe, expect, test } from "bun:test";
import { ERROR_KINDS, type ErrorKind, GatewayError, type UpstreamError } from "../../../src/ir/index.ts";
import { anthropicMessages } from "../../../src/wire/anthropic-messages/index.ts";
import { readMessage } from "../sdk.ts";

const errors = anthropicMessages.error;
const NOTHING: UpstreamError = { status: 500, type: null, code: null, param: null, message: "", requestId: null };

describe("reading", () => {
  test("Anthropic's own shape, with its details", () => {
    expect(
      errors.decode(529, {
        type: "error",
        error: { type: "overloaded_error", message: "Overloaded" },
        request_id: "req_1",
      }),
    ).toEqual({ ...NOTHING, status: 529, type: "overloaded_error", message: "Overloaded", requestId: "req_1" });
    const error = { type: "invalid_request_error", message: "no", details: { error_code: "thread_not_found" } };
    expect(errors.decode(400, { type: "error", error })).toMatchObject({ code: "thread_not_found" });
  });

  test("what imitations make of it", () => {
    expect(errors.decode(500, { error: "broken" })).toEqual({ ...NOTHING, message: "broken" });
    expect(errors.decode(500, { message: "broken" }).message).toBe("broken");
    expect(errors.decode(500, { error: { message: "m", code: "c", param: "p" } })).toMatchObject({
      code: "c",
      param: "p",
    });
  });

  test("bodies that are none: the visible text, shortened", () => {
    const page = "<html><style>p{}</style><h1>502 Bad\n Gateway</h1><script>alert(1)</script>nginx</html>";
    expect(errors.decode(502, page).message).toBe(
      "The upstream answered HTTP 502 with an error in an unknown form: 502 Bad Gateway nginx",
    );
    expect(errors.decode(502, "").message).toBe("The upstream answered HTTP 502 with an error without a message.");
    expect(errors.decode(502, "x".repeat(5000)).message.length).toBeLessThan(300);
    expect(errors.decode(null, { error: {} }).message).toContain("The upstream's stream reported an error");
  });
});

describe("writing", () => {
  const types = {
    blocked: "invalid_request_error",
    cancelled: "api_error",
    conflict: "invalid_request_error",
    forbidden: "permission_error",
    internal: "api_error",
    invalid_request: "invalid_request_error",
    not_configured: "api_error",
    not_found: "not_found_error",
    overloaded: "overloaded_error",
    quota_exceeded: "rate_limit_error",
    rate_limited: "rate_limit_error",
    timeout: "timeout_error",
    too_large: "request_too_large",
    unauthenticated: "authentication_error",
    upstream_malformed: "api_error",
    upstream_rejected: "api_error",
    upstream_unavailable: "api_error",
  } satisfies Record<ErrorKind, string>;

  test.each(Object.keys(ERROR_KINDS) as ErrorKind[])("%s", (kind) => {
    expect(errors.encode(new GatewayError({ kind, message: "m" }), "req_1")).toEqual({
      type: "error",
      error: { type: types[kind], message: "m" },
      request_id: "req_1",
    });
  });

  test.each([
    ["overloaded_error", 529, "overloaded_error"],
    ["billing_error", null, "billing_error"],
    ["server_error", 529, "overloaded_error"],
    ["insufficient_quota", 429, "billing_error"],
    ["server_error", 404, "not_found_error"],
    ["invalid_request_error", 422, "invalid_request_error"],
    [null, 401, "authentication_error"],
    [null, 402, "billing_error"],
    [null, 418, "invalid_request_error"],
    [null, 500, "api_error"],
    ["server_error", null, "api_error"],
  ] as const)("an upstream's %s with status %p is %s", (type, status, expected) => {
    const upstream = { ...NOTHING, type, status, message: "as said" };
    const error = new GatewayError({ kind: "upstream_rejected", message: "as said", upstream });
    expect(errors.encode(error, "req_1")["error"]).toEqual({ type: expected, message: "as said" });
  });

  test("a code goes where Anthropic's clients look for it", () => {
    const error = new GatewayError({ kind: "invalid_request", message: "m", code: "thread_unsupported_request" });
    expect(errors.encode(error, "req_1")["error"]).toMatchObject({
      details: { error_code: "thread_unsupported_request" },
    });
  });

  test("the SDK reads the status, the type and the request's id", async () => {
    const body = errors.encode(new GatewayError({ kind: "unauthenticated", message: "No such key." }), "req_1");
    const failure = await readMessage(JSON.stringify(body), 401).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 401, type: "authentication_error", error: body });
  });

  test("in a stream it is a frame", () => {
    expect(errors.encodeFrame(new GatewayError({ kind: "overloaded", message: "m" }), "req_1")).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req_1"}\n\n',
    );
  });
});

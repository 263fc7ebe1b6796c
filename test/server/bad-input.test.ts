// Bad input, each with the exact error that its sender sees, on the chat and the embeddings surface.

import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await makeRig({
    config: (config) => ({
      ...config,
      providers: config.providers.map((provider) =>
        provider.name === "openai" ? { ...provider, apiKey: null } : provider,
      ),
    }),
  });
});
afterAll(() => rig.close());

const HELLO = [{ role: "user", content: "hi" }];

const CHAT_CASES: [name: string, body: unknown, status: number, error: Record<string, unknown>][] = [
  ["empty", "", 400, { code: "invalid_json", message: "The request body is not valid JSON: it is empty." }],
  ["not JSON", "{nope", 400, { type: "invalid_request_error", code: "invalid_json", param: null }],
  ["an array", "[]", 400, { code: "invalid_json", message: "The request body must be a JSON object." }],
  ["no model", { messages: HELLO }, 400, { param: "model", code: "missing_required_parameter" }],
  ["model of the wrong type", { model: 5, messages: HELLO }, 400, { param: "model", code: "invalid_type" }],
  ["no messages", { model: "loopback" }, 400, { param: "messages", code: "missing_required_parameter" }],
  ["empty messages", { model: "loopback", messages: [] }, 400, { param: "messages", code: "empty_array" }],
  ["messages a string", { model: "loopback", messages: "hi" }, 400, { param: "messages", code: "invalid_type" }],
  ["a message that is none", { model: "loopback", messages: [7] }, 400, { param: "messages[0]" }],
  [
    "an unknown role",
    { model: "loopback", messages: [{ role: "x", content: "" }] },
    400,
    { param: "messages[0].role", code: "invalid_value" },
  ],
  ["no content", { model: "loopback", messages: [{ role: "user" }] }, 400, { param: "messages[0].content" }],
  [
    "stream a string",
    { model: "loopback", messages: HELLO, stream: "yes" },
    400,
    { param: "stream", code: "invalid_type" },
  ],
  [
    "unknown model",
    { model: "lopback", messages: HELLO },
    404,
    {
      param: "model",
      code: "model_not_found",
      message: `The model "lopback" does not exist here or no route leads to it. Did you mean "loopback"?`,
    },
  ],
  [
    "no key for the provider",
    { model: "gpt-4o", messages: HELLO },
    503,
    {
      type: "server_error",
      code: "provider_not_configured",
      message: `Provider "openai" has no API key. Set openai_api_key or TOKLIGENCE_OPENAI_API_KEY and reload the gateway.`,
    },
  ],
];

describe("chat", () => {
  test.each(CHAT_CASES)("%s", async (_name, body, status, wanted) => {
    const response = await rig.chat(body as Record<string, unknown>);
    const text = await response.text();
    expect([response.status, text]).toEqual([status, expect.any(String)]);
    const { error } = JSON.parse(text);
    expect(error).toMatchObject(wanted);
    expect(Object.keys(error).toSorted()).toEqual(["code", "message", "param", "request_id", "type"]);
    expect(error.request_id).toBe(response.headers.get("x-request-id"));
    const [row] = await rig.rows();
    expect(row).toMatchObject({
      requestId: error.request_id,
      status,
      usageSource: "none",
      costNanos: null,
      attempts: [],
    });
  });

  test("a provider without its setting is not tried again by clients", async () => {
    const response = await rig.chat({ model: "gpt-4o", messages: HELLO });
    expect(response.headers.get("x-should-retry")).toBe("false");
  });

  test("a body over the limit, announced or not", async () => {
    const body = JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "x".repeat(1_100_000) }] });
    const announced = await rig.send("/v1/chat/completions", {
      body,
      headers: { "content-length": String(body.length) },
    });
    const silent = await rig.send("/v1/chat/completions", { body });
    for (const response of [announced, silent]) {
      expect(response.status).toBe(413);
      expect((await readJson(response)).error).toMatchObject({
        type: "invalid_request_error",
        code: "request_too_large",
      });
    }
  });

  test("a compressed body is refused with the reason", async () => {
    const response = await rig.send("/v1/chat/completions", { body: "x", headers: { "content-encoding": "gzip" } });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.code).toBe("unsupported_encoding");
  });

  test.each(["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1beta/models/loopback:generateContent"])(
    "%s: brackets without end are the sender's fault, and told at once",
    async (path) => {
      const deep = `${'{"a":'.repeat(60_000)}1${"}".repeat(60_000)}`;
      const response = await rig.send(path, { body: `{"model":"loopback","file_id":"x","metadata":${deep}}` });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("nested deeper than 256 levels");
    },
  );

  test("brackets without end are told before anything is made of them", async () => {
    for (const open of ["[", '{"a":']) {
      const body = `{"model":"loopback","x":${open.repeat(700_000 / open.length)}`;
      const response = await rig.send("/v1/chat/completions", { body });
      expect([response.status, (await readJson(response)).error.code]).toEqual([400, "nested_too_deep"]);
    }
  });

  test.each(["[]", "{}"])("more %s than fill any request are told before anything is made of them", async (empty) => {
    const config = (base: Rig["config"]) => ({ ...base, http: { ...base.http, maxBodyBytes: 10_000_000 } });
    const large = await makeRig({ config });
    const ask = (count: number): Promise<Response> =>
      large.send("/v1/chat/completions", {
        body: `{"model":"loopback","messages":[{"role":"user","content":"hi"}],"x":[${`${empty},`.repeat(count)}1]}`,
      });
    try {
      const response = await ask(2_000_000);
      expect([response.status, (await readJson(response)).error.code]).toEqual([400, "too_many_values"]);
      expect((await ask(200_000)).status).toBe(200);
    } finally {
      await large.close();
    }
  });

  test("brackets in a text are a text, however it is quoted", async () => {
    const said = `${'[{\\"'.repeat(100_000)}"[[{{`;
    const response = await rig.chat({ model: "loopback", messages: [{ role: "user", content: said }] });
    expect(response.status).toBe(200);
  });

  test("as deep as anybody nests goes through", async () => {
    const metadata = JSON.parse(`${'{"a":'.repeat(200)}1${"}".repeat(200)}`);
    expect((await rig.chat({ model: "loopback", messages: HELLO, x: metadata })).status).toBe(200);
  });

  test.each(["loopback/..", "loopback/../files/x", "loopback/a/./b"])(
    "a model's name that leads up: %s",
    async (model) => {
      const response = await rig.chat({ model, messages: HELLO });
      expect(response.status).toBe(404);
      expect((await readJson(response)).error.code).toBe("model_not_found");
    },
  );

  test("an insane request id is replaced, a sane one kept", async () => {
    const insane = await rig.chat(
      { model: "loopback", messages: HELLO },
      { headers: { "x-request-id": `a b<script>${"x".repeat(200)}` } },
    );
    expect(insane.headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    const sane = await rig.chat({ model: "loopback", messages: HELLO }, { headers: { "x-request-id": "trace:1.2-3" } });
    expect(sane.headers.get("x-request-id")).toBe("trace:1.2-3");
  });

  test("a Host that makes no address fails nowhere, and nothing is printed beside the log", async () => {
    const { token } = await rig.issue("root_admin");
    const printed = spyOn(console, "error").mockImplementation(() => undefined);
    try {
      for (const { method, path } of rig.app.routes) {
        for (const key of ["", `?key=${token}`]) {
          const place = path.replaceAll(/:\w+(?:\{\.\+\})?|\{model\}/gu, "x").replaceAll("*", "x");
          const request = new Request(`http://gateway.test${place}`, { method });
          Object.defineProperty(request, "url", { value: `http://[::1${place}${key}` });
          const { status } = await rig.app.fetch(request);
          expect([method, path, key !== "", status < 500 || status === 503]).toEqual([method, path, key !== "", true]);
        }
      }
      expect(printed).not.toHaveBeenCalled();
    } finally {
      printed.mockRestore();
    }
  });

  test("a model's name with control characters breaks no header and no log", async () => {
    const response = await rig.chat({ model: "loopback/a\r\nset-cookie: x=1", messages: HELLO });
    expect(response.status).toBe(200);
    expect(response.headers.get("set-cookie")).toBeNull();
  });
});

describe("embeddings", () => {
  test.each([
    ["no input", { model: "loopback" }, "input"],
    ["empty input", { model: "loopback", input: [] }, "input"],
    ["a mixed input", { model: "loopback", input: ["a", 1] }, undefined],
    ["an object", { model: "loopback", input: {} }, "input"],
    ["no model", { input: "a" }, "model"],
  ])("%s", async (_name, body, param) => {
    const response = await rig.send("/v1/embeddings", { body });
    expect(response.status).toBe(400);
    const { error } = await readJson(response);
    expect(error.type).toBe("invalid_request_error");
    if (param !== undefined) expect(error.param).toBe(param);
  });

  test("a provider that has none says so", async () => {
    const response = await rig.send("/v1/embeddings", { body: { model: "claude-sonnet-4-5", input: "x" } });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error).toMatchObject({ code: "unsupported_operation", param: "model" });
  });
});

describe("wrong address or method", () => {
  test.each([
    ["GET", "/v1/chat/completions"],
    ["POST", "/v1/models"],
    ["DELETE", "/v1/embeddings"],
    ["GET", "/api/v1/admin"],
  ])("%s %s", async (method, path) => {
    const response = await rig.send(path, { method });
    expect(response.status).toBe(404);
    expect((await readJson(response)).error).toMatchObject({
      code: "unknown_url",
      message: expect.stringContaining(`${method} ${path}`),
    });
  });

  test.each([
    ["POST", "/api/v1/profile", "GET, HEAD"],
    ["PUT", "/api/v1/admin/users/ada@example.com", "DELETE, GET, HEAD, PATCH"],
    ["OPTIONS", "/api/v1/admin/limits/none", "DELETE, GET, HEAD, PUT"],
    ["GET", "/api/v1/auth/login", "POST"],
  ])("%s %s, one of the gateway's own, says which methods it takes", async (method, path, allow) => {
    const response = await rig.send(path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
    expect((await readJson(response)).error).toMatchObject({
      code: "unknown_url",
      message: expect.stringContaining(`${method} ${path}. It takes `),
    });
    expect((await rig.send(path, { method, token: null })).status).toBe(401);
  });
});

// Whatever a provider offers beyond our own addresses: any method, path and body under its credentials, and nothing of the caller's own.

import { afterEach, describe, expect, test } from "bun:test";
import {
  ANTHROPIC_KEY,
  OPENAI_KEY,
  type Rig,
  type Upstream,
  makeProviderSettings,
  makeRig,
  makeStream,
  readJson,
} from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(upstream: Upstream): Promise<{ gateway: Rig; token: string }> {
  rig = await makeRig({ upstream });
  const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
  return { gateway: rig, token };
}

test.each(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])("%s goes through", async (method) => {
  const { gateway, token } = await open(
    () => new Response(method === "HEAD" ? null : "done", { status: 202, headers: { "x-own": "1" } }),
  );
  const hasBody = ["PATCH", "POST", "PUT"].includes(method);
  const response = await gateway.send("/passthrough/openai/v1/new/thing%20x?a=1&b=%C3%BC&provider=x", {
    method,
    token,
    ...(hasBody
      ? { body: "\0binary\r\n", headers: { "content-type": "application/x-own", "content-length": "9" } }
      : {}),
  });
  expect([response.status, response.headers.get("x-own")]).toEqual([202, "1"]);
  if (method !== "HEAD") expect(await response.text()).toBe("done");
  const [call] = gateway.calls;
  expect([call?.method, call?.url, call?.text]).toEqual([
    method,
    "http://openai.test/v1/new/thing%20x?a=1&b=%C3%BC",
    hasBody ? "\0binary\r\n" : "",
  ]);
  if (hasBody) expect(call?.headers.get("content-type")).toBe("application/x-own");
  expect(await gateway.row()).toMatchObject({
    endpoint: "passthrough",
    provider: "openai",
    status: 202,
    costNanos: null,
  });
});

test("headers in which the provider repeats its key come without it", async () => {
  const { gateway, token } = await open(
    () => new Response("No.", { status: 401, headers: { "www-authenticate": `Bearer ${OPENAI_KEY}`, "x-own": "1" } }),
  );
  const response = await gateway.send("/passthrough/openai/v1/new", { token });
  expect([response.status, response.headers.get("x-own")]).toEqual([401, "1"]);
  expect(response.headers.get("www-authenticate")).toBe("Bearer [redacted]");
});

test("the provider gets its own credentials, the client's headers, and none of the caller's secrets", async () => {
  const { gateway, token } = await open(() => Response.json({}, { headers: { "set-cookie": "a=b", "x-vendor": "v" } }));
  const secrets = {
    authorization: `Bearer ${token}`,
    "x-api-key": token,
    cookie: "session=1",
    "x-goog-api-key": token,
    "api-key": token,
  };
  const response = await gateway.send(`/passthrough/anthropic/v1/organizations?key=${token}&x=1`, {
    token: null,
    headers: {
      ...secrets,
      "x-vendor-beta": "1",
      "idempotency-key": "once",
      connection: "x-hop",
      "x-hop": "1",
      "x-forwarded-for": "1.2.3.4",
      // By its method it is told what a request may cost.
      "x-http-method": "POST",
      "x-http-method-override": "POST",
      "x-method-override": "POST",
    },
  });
  expect([response.status, response.headers.get("x-vendor"), response.headers.get("set-cookie")]).toEqual([
    200,
    "v",
    null,
  ]);
  const sent = gateway.calls[0];
  expect(sent?.url).toBe("http://anthropic.test/v1/organizations?x=1");
  expect(sent?.headers.get("x-api-key")).toBe(ANTHROPIC_KEY);
  expect(sent?.headers.get("x-vendor-beta")).toBe("1");
  expect(sent?.headers.get("idempotency-key")).toEndWith(":once");
  const own = ["authorization", "cookie", "x-goog-api-key", "api-key", "x-hop", "x-forwarded-for"];
  for (const name of [...own, "x-http-method", "x-http-method-override", "x-method-override"]) {
    expect([name, sent?.headers.get(name) ?? null]).toEqual([name, null]);
  }
  expect(JSON.stringify([...(sent?.headers ?? [])])).not.toContain(token);
});

describe("an answer", () => {
  test("tells what it cost in whatever format, while it goes by", async () => {
    const answers = [
      {
        model: "gpt-4o",
        usage: { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
      },
      {
        model: "m",
        usage: { input_tokens: 7, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 3 },
      },
      {
        modelVersion: "g",
        usageMetadata: {
          promptTokenCount: 20,
          candidatesTokenCount: 2,
          thoughtsTokenCount: 3,
          cachedContentTokenCount: 8,
        },
      },
      { nothing: true },
    ];
    const left = [...answers];
    const { gateway, token } = await open(({ method }) => Response.json(method === "POST" ? left.shift() : {}));
    for (const answer of answers) {
      const response = await gateway.send("/passthrough/openai/x", { token, body: {} });
      expect(await readJson(response)).toEqual(answer);
    }
    const rows = (await gateway.rows()).toReversed();
    expect(
      rows.map((row) => [
        row.modelServed,
        row.freshInputTokens,
        row.cacheReadTokens,
        row.cacheWriteTokens,
        row.outputTokens,
      ]),
    ).toEqual([
      ["gpt-4o", 6, 4, 0, 5],
      ["m", 7, 100, 3, 5],
      ["g", 12, 8, 0, 5],
      [null, null, null, null, null],
    ]);
  });

  test("is priced by the kind of its tokens, as the same answer on an address of its own", async () => {
    const answer = {
      candidates: [
        { content: { parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }] }, finishReason: "STOP" },
      ],
      usageMetadata: {
        promptTokenCount: 10,
        candidatesTokenCount: 1_290,
        totalTokenCount: 1_300,
        promptTokensDetails: [{ modality: "TEXT", tokenCount: 10 }],
        candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1_290 }],
      },
      modelVersion: "gemini-2.5-flash-image",
    };
    rig = await makeRig({
      upstream: () => Response.json(answer),
      config: (config) => ({
        ...config,
        providers: [
          ...config.providers,
          makeProviderSettings({ name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" }),
        ],
      }),
    });
    const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
    const method = "gemini-2.5-flash-image:generateContent";
    await (await rig.send(`/passthrough/google/v1beta/models/${method}`, { token, body: {} })).text();
    expect(await rig.row()).toMatchObject({
      endpoint: "passthrough",
      units: { output_image_tokens: 1_290 },
      costNanos: 10 * 300 + 1_290 * 30_000,
    });
  });

  test("that is a list of pieces, as Google streams without events, counts by its last totals", async () => {
    const piece = (text: string, candidatesTokenCount: number) => ({
      candidates: [{ content: { parts: [{ text }] } }],
      usageMetadata: { promptTokenCount: 7, candidatesTokenCount, totalTokenCount: 7 + candidatesTokenCount },
      modelVersion: "gemini-2.5-flash",
    });
    const { gateway, token } = await open(() => Response.json([piece("a", 1), piece("b", 5)]));
    await (await gateway.send("/passthrough/openai/x", { token, body: {} })).text();
    expect(await gateway.row()).toMatchObject({
      modelServed: "gemini-2.5-flash",
      freshInputTokens: 7,
      outputTokens: 5,
      usageSource: "provider",
    });
  });

  test("that is only read again costs nothing, whatever it says that it cost", async () => {
    const kept = {
      id: "resp_1",
      object: "response",
      model: "gpt-4o",
      usage: { input_tokens: 1_000, output_tokens: 10 },
    };
    const { gateway, token } = await open(({ url }) =>
      url.includes("stream") ? makeStream([`data: ${JSON.stringify(kept)}\n\n`]) : Response.json(kept),
    );
    for (const query of ["", "?stream=true"]) {
      const response = await gateway.send(`/passthrough/openai/v1/responses/resp_1${query}`, { token });
      expect(await response.text()).toContain("1000");
    }
    for (const row of await gateway.rows()) {
      expect(row).toMatchObject({ status: 200, freshInputTokens: null, costNanos: null, usageSource: "none" });
    }
    expect(await gateway.rows()).toHaveLength(2);
  });

  test("in events goes by as it came, and its last totals count", async () => {
    const frames = [
      'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":9,"output_tokens":1}}}\n\n',
      ": ping\n\n",
      'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":30}}\n\n',
      'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ];
    const { gateway, token } = await open(() => makeStream(frames));
    const response = await gateway.send("/passthrough/anthropic/v1/messages", { token, body: {} });
    expect(await response.text()).toBe(frames.join(""));
    expect(await gateway.row()).toMatchObject({
      modelServed: "m",
      freshInputTokens: 9,
      outputTokens: 30,
      usageSource: "provider",
    });
  });

  test.each([
    ["from the last event on", [{}, { prompt_tokens_details: { cached_tokens: 40 } }]],
    ["in the first alone", [{ prompt_tokens_details: { cached_tokens: 40 } }, {}]],
  ])("in events tells what came from the cache %s, and nothing is counted twice", async (_, details) => {
    const frames = details.map((known, at) => {
      const usage = { prompt_tokens: 100, completion_tokens: 1 + at, total_tokens: 101 + at, ...known };
      return `data: ${JSON.stringify({ object: "chat.completion.chunk", model: "gpt-4o", choices: [], usage })}\n\n`;
    });
    const { gateway, token } = await open(() => makeStream(frames));
    await (await gateway.send("/passthrough/openai/v1/x", { token, body: {} })).text();
    expect(await gateway.row()).toMatchObject({ freshInputTokens: 60, cacheReadTokens: 40, outputTokens: 2 });
  });

  test("that refuses comes as it is, but for secrets", async () => {
    const { gateway, token } = await open(
      () =>
        new Response(`<b>${OPENAI_KEY}</b>`, {
          status: 418,
          headers: { "content-type": "text/html", "retry-after": "9" },
        }),
    );
    const response = await gateway.send("/passthrough/openai/x", { token });
    expect([
      response.status,
      response.headers.get("content-type"),
      response.headers.get("retry-after"),
      await response.text(),
    ]).toEqual([418, "text/html", "9", "<b>[redacted]</b>"]);
    expect(await gateway.row()).toMatchObject({ status: 418, errorKind: "upstream_rejected" });
  });

  test("that sends elsewhere is handed on for the client to follow", async () => {
    const { gateway, token } = await open(
      () => new Response(null, { status: 302, headers: { location: "https://files.test/signed" } }),
    );
    const response = await gateway.send("/passthrough/openai/files/x/content", { token });
    expect([response.status, response.headers.get("location")]).toEqual([302, "https://files.test/signed"]);
  });
});

test.each(["/passthrough/openai/x", "/v1/chat/completions", "/v1/moderations"])(
  "a status that is none is the provider's failure at %s, and not ours",
  async (path) => {
    for (const status of [0, 99, 600, 999]) {
      const { gateway } = await open(() => Object.defineProperty(Response.json({}), "status", { value: status }));
      const { token } = await gateway.issue("gateway_admin");
      const body = { model: "gpt-4o", input: "x", messages: [{ role: "user", content: "x" }] };
      const response = await gateway.send(path, { token, body });
      const { error } = await readJson(response);
      expect([response.status, error.code, error.message]).toEqual([
        502,
        "upstream_malformed",
        expect.stringContaining(`Provider "openai" answered with ${status}`),
      ]);
      await rig?.close();
    }
  },
);

describe("refused is", () => {
  test.each([
    ["/passthrough/nobody/x", 400, "unknown_provider"],
    ["/passthrough/loopback/x", 400, "unsupported_operation"],
    ["/passthrough/openai/..%2f..%2fadmin", 400, "invalid_path"],
    ["/passthrough/openai/a%5c..%5cb", 400, "invalid_path"],
    ["/passthrough/openai/%zz", 400, "invalid_path"],
  ])("%s", async (path, status, code) => {
    const { gateway, token } = await open(() => Response.json({}));
    const response = await gateway.send(path, { token });
    expect([response.status, (await readJson(response)).error.code]).toEqual([status, code]);
    expect(gateway.calls).toEqual([]);
  });

  test("a body beyond the limit, whether it says so or not", async () => {
    const { gateway, token } = await open(() => Response.json({}));
    const body = "x".repeat(2 * 1024 * 1024);
    expect((await gateway.send("/passthrough/openai/x", { token, body })).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let piece = 0; piece < 32; piece++) controller.enqueue(new Uint8Array(65_536));
        controller.close();
      },
    });
    expect((await gateway.send("/passthrough/openai/x", { token, body: stream, method: "POST" })).status).toBe(413);
  });

  test("an ordinary user's key that does not name it, but no administrator's", async () => {
    const { gateway } = await open(() => Response.json({}));
    expect((await gateway.send("/passthrough/openai/x")).status).toBe(403);
    const { token } = await gateway.issue("gateway_admin");
    expect((await gateway.send("/passthrough/openai/x", { token })).status).toBe(200);
  });

  test("a WebSocket, which nobody carries, before the provider is asked", async () => {
    const { gateway, token } = await open(() => Response.json({}));
    const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    const response = await gateway.send("/passthrough/openai/v1/live", { method: "GET", token, headers });
    expect([response.status, (await readJson(response))["error"]]).toEqual([
      404,
      expect.objectContaining({ code: "unsupported_operation", message: expect.stringMatching(/^WebSockets are not/) }),
    ]);
    expect(gateway.calls).toEqual([]);
    expect(await gateway.row()).toMatchObject({ endpoint: "passthrough", status: 404 });
  });
});

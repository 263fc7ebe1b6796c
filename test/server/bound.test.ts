// How long bodies may be, on every surface: a request that is too long is refused by what it says of its length, or where it gets too long on the
// way, in the caller's own format; an answer that does not fit is given up on, and nobody is asked for it again.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { chunk } from "./failover-scene.ts";

const LIMIT = 2_000;
const LONG = "x".repeat(LIMIT);

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const OPENAI = { error: { code: "request_too_large", message: expect.stringContaining("max_body_bytes") } };

interface Surface {
  path: string;
  body: object;
  told: object;
}

const SURFACES: Record<string, Surface> = {
  chat: {
    path: "/v1/chat/completions",
    body: { model: "gpt-4o", messages: [{ role: "user", content: LONG }] },
    told: OPENAI,
  },
  completions: { path: "/v1/completions", body: { model: "gpt-4o", prompt: LONG }, told: OPENAI },
  "count of tokens": {
    path: "/v1/messages/count_tokens",
    body: { model: "gpt-4o", messages: [{ role: "user", content: LONG }] },
    told: { type: "error", error: { type: "request_too_large" } },
  },
  embeddings: { path: "/v1/embeddings", body: { model: "gpt-4o", input: LONG }, told: OPENAI },
  gemini: {
    path: "/v1beta/models/gpt-4o:generateContent",
    body: { contents: [{ parts: [{ text: LONG }] }] },
    told: { error: { code: 413 } },
  },
  messages: {
    path: "/v1/messages",
    body: { model: "gpt-4o", max_tokens: 9, messages: [{ role: "user", content: LONG }] },
    told: { type: "error", error: { type: "request_too_large" } },
  },
  moderations: { path: "/v1/moderations", body: { model: "gpt-4o", input: LONG }, told: OPENAI },
  passthrough: { path: "/passthrough/openai/v1/anything", body: { any: LONG }, told: OPENAI },
  responses: { path: "/v1/responses", body: { model: "gpt-4o", input: LONG }, told: OPENAI },
  "vector stores": { path: "/v1/vector_stores", body: { name: LONG }, told: OPENAI },
};

async function open(responseBytes = 2 ** 20, upstream = () => Response.json({})): Promise<{ rig: Rig; token: string }> {
  rig = await makeRig({
    upstream: ({ method }) => (method === "GET" ? Response.json({ data: [] }) : upstream()),
    config: (config) => ({
      ...config,
      http: { ...config.http, maxBodyBytes: LIMIT },
      caps: { ...config.caps, responseBytes },
      travel: { ...config.travel, maxAttempts: 3 },
    }),
  });
  return { rig, token: (await rig.issue("root_admin")).token };
}

/** Of what a provider keeps: first as it was made, then without end. */
test("an answer that its provider keeps is read no further than it may be long", async () => {
  const begun = { id: "resp_1", object: "response", status: "queued", background: true, output: [] };
  let pieces = 0;
  const long = (): Response => new Response(endless(() => (pieces++, " ".repeat(500))));
  rig = await makeRig({
    upstream: ({ method, url }) =>
      method === "POST" ? Response.json(begun) : url.endsWith("/resp_1") ? long() : Response.json({ data: [] }),
    config: (config) => ({ ...config, caps: { ...config.caps, responseBytes: 1_000 } }),
  });
  const body = { model: "gpt-5", input: "x", background: true };
  expect((await rig.send("/v1/responses", { body })).status).toBe(200);
  const response = await rig.send("/v1/responses/resp_1");
  expect([response.status, (await readJson(response)).error.code]).toEqual([502, "response_too_large"]);
  expect(pieces).toBeLessThan(50);
});

describe.each(Object.entries(SURFACES))("%s", (_name, { path, body, told }) => {
  test("a body that says that it is too long is not read", async () => {
    const { rig: gateway, token } = await open();
    const response = await gateway.send(path, {
      token,
      body: endless(() => {
        throw new Error("it was read");
      }),
      headers: { "content-length": String(LIMIT + 1), "content-type": "application/json" },
    });
    expect(response.status).toBe(413);
    expect(await readJson(response)).toMatchObject(told);
    expect(gateway.calls).toHaveLength(0);
  });

  test("a body that does not say so is read no further than it may be long", async () => {
    const { rig: gateway, token } = await open();
    const text = JSON.stringify(body);
    let pieces = 0;
    const response = await gateway.send(path, {
      token,
      body: endless(() => (pieces++ === 0 ? text : "x".repeat(100))),
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(413);
    expect(await readJson(response)).toMatchObject(told);
    expect(pieces).toBeLessThan(5);
    expect(gateway.calls).toHaveLength(0);
    expect(await gateway.row()).toMatchObject({ status: 413, errorKind: "too_large" });
  });
});

/** A body that never ends: `next` says each piece when it is asked for. */
function endless(next: () => string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // As over a network: else all of it would be there before anybody could say that it is enough.
        await new Promise(setImmediate);
        controller.enqueue(new TextEncoder().encode(next()));
      },
    },
    { highWaterMark: 0 },
  );
}

test("a form is held to it on its way", async () => {
  const { rig: gateway, token } = await open();
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([LONG], "long.jsonl"));
  const response = await gateway.send("/v1/files", { token, body: form });
  expect(response.status).toBe(413);
  expect(await readJson(response)).toMatchObject(OPENAI);
});

const ASKED: [string, object][] = [
  ["/v1/chat/completions", { model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] }],
  ["/v1/messages", { model: "gpt-4o", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
  ["/v1/embeddings", { model: "text-embedding-3-small", input: "Hi" }],
  ["/v1/moderations", { model: "gpt-4o", input: "Hi" }],
];

describe.each(ASKED)("an answer of %s that does not fit", (path, body) => {
  test.each([
    ["by what it says of its length", { "content-length": "5000" }],
    ["on its way", {}],
    ["unpacked, however short it was on its way", { "content-length": "100", "content-encoding": "gzip" }],
  ])("is given up on %s", async (_how, more) => {
    let pieces = 0;
    const upstream = (): Response =>
      new Response(
        endless(() => {
          pieces++;
          return " ".repeat(500);
        }),
        { headers: { "content-type": "application/json", ...more } },
      );
    const { rig: gateway, token } = await open(1_000, upstream);
    const response = await gateway.send(path, { token, body });
    expect(response.status).toBe(502);
    expect((await readJson(response)).error.message).toContain("max_response_bytes");
    expect(pieces).toBeLessThan(50);
    expect(gateway.calls).toHaveLength(1);
    expect(gateway.calls[0]?.signal.aborted).toBe(true);
    const row = await gateway.row();
    expect(row.attempts.map(({ errorKind }) => errorKind)).toEqual(["upstream_malformed"]);
    // It was made, and will be on the bill; moderations are free.
    const read = { usageSource: "estimate", freshInputTokens: 1, outputTokens: 0 };
    expect(row).toMatchObject(path === "/v1/moderations" ? { usageSource: "none" } : read);
  });
});

/** A piece of the older format. */
const completion = `data: ${JSON.stringify({ object: "text_completion", choices: [{ index: 0, text: "word " }] })}\n\n`;

const STREAMED: [string, object][] = [
  ["/v1/chat/completions", { model: "gpt-4o", stream: true, messages: [{ role: "user", content: "Hi" }] }],
  ["/v1/messages", { model: "gpt-4o", stream: true, max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }],
  ["/v1/completions", { model: "gpt-4o", stream: true, prompt: "Hi" }],
];

test.each(STREAMED)("a stream of %s that gets too long ends with an error", async (path, body) => {
  let pieces = 0;
  const upstream = (): Response =>
    new Response(
      endless(() => {
        pieces++;
        return path === "/v1/completions" ? completion : chunk({ delta: { content: "word " } });
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const { rig: gateway, token } = await open(20_000, upstream);
  const response = await gateway.send(path, { token, body });
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text).toContain("max_response_bytes");
  expect(pieces).toBeLessThan(1_000);
  expect(gateway.calls[0]?.signal.aborted).toBe(true);
  expect(await gateway.row()).toMatchObject({ errorKind: "upstream_malformed" });
});

// How long a connection may stand still: without end while a provider is waited for or a stream goes on, and as long as any other once all of the
// answer is there, so that who takes none of it fills no memory for good, and who is gone without a word holds no connection.

import { afterEach, expect, test } from "bun:test";
import { IDLE_SECONDS } from "../../src/server/index.ts";
import { type Rig, makeRig, makeStream } from "../rig.ts";
import { GOOD_STREAM, completion } from "./failover-scene.ts";

const messages = [{ role: "user", content: "hi" }];
const contents = [{ parts: [{ text: "hi" }] }];
const IMAGE = { created: 1, data: [{ b64_json: "AAAA" }] };
const GONE_AND_BACK = [0, IDLE_SECONDS];

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

interface Wish {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  token?: string;
}

/** Asks, and writes down how long the connection may stand still from then on. */
async function ask(gateway: Rig, path: string, { method = "POST", body, headers, token }: Wish) {
  const key = token ?? (await gateway.issue()).token;
  const seconds: number[] = [];
  const request = new Request(`http://gateway.test${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const response = await gateway.app.fetch(request, {
    requestIP: () => null,
    timeout: (_request, given) => void (given !== seconds.at(-1) && seconds.push(given)),
    upgrade: () => false,
  });
  return { response, seconds };
}

test.each([
  ["a whole answer", "/v1/chat/completions", { model: "loopback", messages }],
  ["a stream", "/v1/chat/completions", { model: "loopback", messages, stream: true }],
  ["another format's", "/v1/messages", { model: "loopback", messages, max_tokens: 9 }],
  ["a refusal", "/v1/messages", { model: "nowhere/none", messages, max_tokens: 9 }],
  ["an answer as one array", "/v1beta/models/loopback:streamGenerateContent", { contents }],
  ["an answer in the background", "/v1/responses", { model: "loopback", input: "hi", background: true, stream: true }],
  ["one that is looked for later", "/v1/responses", { model: "loopback", input: "hi", background: true }],
  ["what is forwarded alone", "/v1/images/generations", { model: "gpt-image-1", prompt: "hi" }],
])("%s", async (_what, path, body) => {
  rig = await makeRig({ upstream: () => Response.json(IMAGE) });
  const { response, seconds } = await ask(rig, path, { body });
  await response.text();
  expect(seconds).toEqual(GONE_AND_BACK);
});

test("a stream that goes on may be silent for as long as its provider", async () => {
  const bytes = new TextEncoder().encode(await makeStream(GOOD_STREAM).text());
  const rest = Promise.withResolvers<void>();
  async function* go() {
    yield bytes.slice(0, -40);
    await rest.promise;
    yield bytes.slice(-40);
  }
  rig = await makeRig({
    upstream: ({ method }) =>
      method === "GET"
        ? Response.json({ object: "list", data: [] })
        : new Response(go(), { headers: { "content-type": "text/event-stream" } }),
  });
  const body = { model: "openai/gpt-4o", messages, stream: true };
  const { response, seconds } = await ask(rig, "/v1/chat/completions", { body });
  const reader = response.body?.getReader();
  await reader?.read();
  expect(seconds).toEqual([0]);
  rest.resolve();
  while ((await reader?.read())?.done === false);
  expect(seconds).toEqual(GONE_AND_BACK);
});

test.each([
  ["whole", "/v1/chat/completions", { model: "openai/gpt-4o", messages }],
  ["as a stream", "/v1/chat/completions", { model: "openai/gpt-4o", messages, stream: true }],
  ["forwarded alone", "/v1/images/generations", { model: "openai/gpt-image-1", prompt: "hi" }],
])("what is shared by two, and what is given again: %s", async (_what, path, body) => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  rig = await makeRig({
    async upstream({ method, url }) {
      if (method === "GET") return Response.json({ object: "list", data: [] });
      asked.resolve();
      await answered.promise;
      if (url.includes("images")) return Response.json(IMAGE);
      return "stream" in body ? makeStream(GOOD_STREAM) : Response.json(completion("Hi"));
    },
  });
  const { token } = await rig.issue();
  const wish = { body, token, headers: { "idempotency-key": "once" } };
  const one = ask(rig, path, wish);
  await asked.promise;
  const other = ask(rig, path, wish);
  answered.resolve();
  for (const { response, seconds } of [await one, await other, await ask(rig, path, wish)]) {
    expect(response.status).toBe(200);
    await response.text();
    expect(seconds).toEqual(GONE_AND_BACK);
  }
});

test("a kept answer, looked at, followed, cancelled and removed", async () => {
  rig = await makeRig();
  const { token } = await rig.issue();
  const made = await ask(rig, "/v1/responses", { token, body: { model: "loopback", input: "hi", background: true } });
  const { id } = (await made.response.json()) as { id: string };
  const path = `/v1/responses/${id}`;
  for (const [method, address] of [
    ["GET", path],
    ["GET", `${path}?stream=true`],
    ["POST", `${path}/cancel`],
    ["DELETE", path],
    ["DELETE", path],
  ] as const) {
    const { response, seconds } = await ask(rig, address, { method, token });
    await response.text();
    expect([method, address, seconds]).toEqual([method, address, GONE_AND_BACK]);
  }
});

test.each([
  ["rows", "GET", "/api/v1/usage/export?format=csv"],
  ["changes", "GET", "/api/v1/admin/audit/export"],
  ["a test of a provider", "POST", "/api/v1/admin/providers/openai/test"],
])("%s, for an administrator", async (_what, method, path) => {
  rig = await makeRig({ upstream: () => Response.json({ object: "list", data: [] }) });
  const { token } = await rig.issue("root_admin");
  const { response, seconds } = await ask(rig, path, { method, token });
  expect(response.status).toBe(200);
  await response.text();
  expect(seconds).toEqual(GONE_AND_BACK);
});

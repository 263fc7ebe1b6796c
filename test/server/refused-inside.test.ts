// Refusals that come with status 200, in the place of a whole answer or of the stream that was asked for: they count like the status that says the same.
// And those that have a status, and no format's form.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeRig, makeStream, readJson } from "../rig.ts";
import { GOOD_STREAM } from "./failover-scene.ts";
import { openRouted, say } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const MESSAGES = [{ role: "user", content: "hi" }];
const FULL = {
  message: "This model's maximum context length is 8192 tokens.",
  type: "invalid_request_error",
  code: "context_length_exceeded",
};
const SPENT = { message: "You exceeded your current quota.", type: "insufficient_quota", code: "insufficient_quota" };
const said = (error: object) => (): Response => Response.json({ error });

describe.each([false, true])("streamed: %p", (stream) => {
  test.each<[what: string, error: object, status: number, calls: number]>([
    ["the context is full", FULL, 400, 1],
    ["there is no such model", { message: "No such model.", type: "not_found_error", code: 404 }, 404, 1],
    [
      "it is too much at once",
      { message: "Slow down.", type: "rate_limit_error", code: "rate_limit_exceeded" },
      429,
      2,
    ],
    ["it is the provider's own trouble", { message: "Broken.", type: "server_error" }, 502, 2],
  ])(
    "where %s, the client hears it as such, and it is asked again only where that helps",
    async (_, error, status, calls) => {
      const routes = { both: { match: "gpt-4o", targets: "openai, local" } };
      const gateway = await openRouted({ upstream: said(error), routes, maxAttempts: 2 });
      rig = gateway;
      const response = await gateway.chat({ model: "gpt-4o", messages: MESSAGES, stream });
      expect(response.status).toBe(status);
      expect((await readJson(response)).error).toMatchObject({ message: (error as { message: string }).message });
      expect(gateway.calls.length).toBe(calls);
      expect(await gateway.row()).toMatchObject({ status, errorKind: "upstream_rejected", usageSource: "none" });
    },
  );

  test("a full context is told to a client of another format in its words", async () => {
    const gateway = await makeRig({ upstream: said(FULL) });
    rig = gateway;
    const body = { model: "openai/gpt-4o", max_tokens: 9, messages: MESSAGES, stream };
    const response = await gateway.send("/v1/messages", { body });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.message).toContain("prompt is too long");
  });

  test("a full context is taken by who stands in for it", async () => {
    const good = (): Response => (stream ? makeStream(GOOD_STREAM) : say("from the large one"));
    const upstream: Upstream = ({ text }) => (text.includes('"large"') ? good() : said(FULL)());
    const gateway = await openRouted({
      upstream,
      routes: { small: { targets: "openai/small, openai/medium", on_context_length: "openai/large" } },
    });
    rig = gateway;
    expect((await gateway.chat({ model: "small", messages: MESSAGES, stream })).status).toBe(200);
    expect(gateway.calls.map(({ text }) => JSON.parse(text).model)).toEqual(["small", "large"]);
  });

  test("a key without quota gives way to the next one, and rests", async () => {
    const keys = ["a", "b"].map((label) => ({ label, apiKey: `sk-canary-inside-${label}`, weight: 1 }));
    const gateway = await makeRig({
      upstream: ({ headers }) => (headers.get("authorization")?.endsWith("a") === true ? said(SPENT)() : said(FULL)()),
      config: (config) => ({
        ...config,
        providers: config.providers.map((each) =>
          each.name === "openai" ? { ...each, apiKey: keys[0]?.apiKey ?? "", keys, keyStrategy: "priority" } : each,
        ),
      }),
    });
    rig = gateway;
    for (let call = 0; call < 2; call++) await gateway.chat({ model: "gpt-4o", messages: MESSAGES, stream });
    expect(gateway.calls.map(({ headers }) => headers.get("authorization")?.slice(-1))).toEqual(["a", "b", "b"]);
  });
});

test.each<[path: string, body: object, said: string, told: object]>([
  [
    "/v1/chat/completions",
    { model: "gpt-4o" },
    '{"detail":"No such address."}',
    { error: { message: "No such address." } },
  ],
  [
    "/v1/messages",
    { model: "claude-3", max_tokens: 9 },
    '{"message":"No."}',
    { type: "error", error: { message: "No." } },
  ],
  [
    "/v1/chat/completions",
    { model: "gpt-4o" },
    "{}",
    { error: { type: expect.any(String), message: expect.any(String) } },
  ],
])("%s: a refusal of no format's form is told in the client's: %j", async (path, body, text, told) => {
  const gateway = await makeRig({
    upstream: () => new Response(text, { status: 404, headers: { "content-type": "application/json" } }),
  });
  rig = gateway;
  const response = await gateway.send(path, { body: { ...body, messages: MESSAGES } });
  expect([response.status, await readJson(response)]).toMatchObject([404, told]);
});

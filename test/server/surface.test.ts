// What all formats' addresses share: the ways to send a key, what is public, strict mode, and counting tokens.

import { afterEach, describe, expect, test } from "bun:test";
import { createMemoryTries } from "../../src/identity/index.ts";
import { createEntry } from "../../src/server/entry.ts";
import { mount } from "../../src/server/mount.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const ASK = { model: "loopback", messages: [{ role: "user", content: "hi" }] };

describe("a key is taken from", () => {
  test.each(["authorization", "x-api-key", "api-key", "x-goog-api-key"])("the header %s", async (name) => {
    const gateway = await open();
    const { token } = await gateway.issue();
    const value = name === "authorization" ? `Bearer ${token}` : token;
    const init = { token: null, headers: { [name]: value } };
    expect((await gateway.chat(ASK, init)).status).toBe(200);
    expect((await gateway.chat(ASK, { ...init, headers: { [name]: `${value}x` } })).status).toBe(401);
  });

  test("the query, and it stands in no log, row or error", async () => {
    const gateway = await open({ upstream: () => Response.json({ error: { message: "no" } }, { status: 400 }) });
    const { token } = await gateway.issue();
    const path = `/v1/chat/completions?alt=sse&key=${token}`;
    expect((await gateway.send(path, { token: null, body: ASK })).status).toBe(200);
    const refused = await gateway.send(path, { token: null, body: { ...ASK, model: "gpt-4o" } });
    const missing = await gateway.send(`/v1/nowhere?key=${token}`, { token: null });
    const seen = [
      gateway.log.join("\n"),
      JSON.stringify(await gateway.rows()),
      await refused.text(),
      await missing.text(),
      JSON.stringify(gateway.calls.map(({ url, headers, text }) => [url, [...headers], text])),
    ].join("\n");
    expect(missing.status).toBe(404);
    expect(seen).not.toContain(token);
    expect((await gateway.send("/v1/chat/completions?key=", { token: null, body: ASK })).status).toBe(401);
  });
});

test.each(["/", "/api/hello"])("%s answers GET and HEAD without a key", async (path) => {
  const gateway = await open();
  expect((await gateway.send(path, { token: null })).status).toBe(200);
  expect((await gateway.send(path, { token: null, method: "HEAD" })).status).toBe(200);
});

describe("strict mode", () => {
  const body = { model: "claude-sonnet-4-5", messages: ASK.messages, seed: 7 };
  const answer = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [] };
  const upstream = () =>
    Response.json({ ...answer, stop_reason: "end_turn", usage: { input_tokens: 1, output_tokens: 1 } });

  test("off, what is left out is told in a header and on the row", async () => {
    const gateway = await open({ upstream });
    const response = await gateway.chat(body);
    expect([response.status, response.headers.get("x-tokligence-dropped")]).toEqual([200, "seed"]);
    expect((await gateway.row()).dropped).toEqual(["seed"]);
  });

  test("on by header, it is refused by name and the provider is not asked", async () => {
    const gateway = await open({ upstream });
    const response = await gateway.chat(body, { headers: { "x-tokligence-strict": "true" } });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error).toMatchObject({ code: "would_drop", param: "seed" });
    expect(gateway.calls).toEqual([]);
    expect((await gateway.row()).status).toBe(400);
  });

  test("on by key, which a header can switch off again", async () => {
    const gateway = await open({ upstream });
    const { userId } = await gateway.issue();
    const { token } = await gateway.directory.createKey({ kind: "operator" }, userId, { strict: true });
    await gateway.issue();
    expect((await gateway.chat(body, { token })).status).toBe(400);
    expect((await gateway.chat(body, { token, headers: { "x-tokligence-strict": "false" } })).status).toBe(200);
  });
});

describe("counting tokens", () => {
  const count = { model: "claude-sonnet-4-5", messages: [{ role: "user", content: "one two three four" }] };

  test.each(["/v1/messages/count_tokens", "/anthropic/v1/messages/count_tokens"])(
    "%s asks the provider that can count",
    async (path) => {
      const gateway = await open({ upstream: () => Response.json({ input_tokens: 14 }) });
      const response = await gateway.send(path, { body: count });
      expect(await readJson(response)).toEqual({ input_tokens: 14 });
      expect(gateway.calls[0]?.url).toBe("http://anthropic.test/v1/messages/count_tokens");
      expect(await gateway.row()).toMatchObject({ endpoint: "messages.count_tokens", freshInputTokens: 0 });
    },
  );

  test.each(["loopback", "gpt-nobody-has-priced", "claude-nobody-has-priced"])(
    "%s: it costs nothing, whatever the model does",
    async (model) => {
      const gateway = await open({ upstream: () => Response.json({ input_tokens: 14 }) });
      expect((await gateway.send("/v1/messages/count_tokens", { body: { ...count, model } })).status).toBe(200);
      expect(await gateway.row()).toMatchObject({ costNanos: 0, freshInputTokens: 0, outputTokens: 0 });
    },
  );

  test("elsewhere it is our estimate, and says so; longer texts count more", async () => {
    const gateway = await open();
    const ask = async (content: string) => {
      const body = { model: "gpt-4o", messages: [{ role: "user", content }] };
      return gateway.send("/v1/messages/count_tokens", { body });
    };
    const short = await ask("hello");
    expect(short.headers.get("x-tokligence-count")).toBe("estimate");
    const { input_tokens: few } = await readJson(short);
    const { input_tokens: many } = await readJson(await ask("hello ".repeat(100)));
    expect(few).toBeGreaterThan(0);
    expect(many).toBeGreaterThan(few * 20);
    expect(gateway.calls).toEqual([]);
  });
});

describe("HEAD", () => {
  test("says what GET says, and nothing that is for one alone is kept on the way", async () => {
    const gateway = await open();
    const { token } = await gateway.issue();
    for (const path of ["/api/v1/profile", "/v1/models"]) {
      const head = await gateway.send(path, { method: "HEAD", token });
      expect([path, head.status, head.headers.get("cache-control")]).toEqual([path, 200, "no-store"]);
      expect(await head.text()).toBe("");
    }
  });

  test("leaves nothing behind that would go on", async () => {
    const { ring, clock, config } = await open();
    const log: Log = { debug() {}, error() {}, info() {}, setLevel() {}, warn() {} };
    const entry = createEntry({ log, tries: createMemoryTries() }, () => config);
    let isCancelled = false;
    const cancel = (): void => void (isCancelled = true);
    const handle = () => new Response(new ReadableStream({ cancel }));
    const health = { method: "GET", path: "/health", authority: "public", handle } as const;
    const answer = mount([health], { ring, clock, log, entry, newId: () => "id" });
    const head = await answer(new Request("http://gate.test/health", { method: "HEAD" }), undefined);
    expect([head.status, head.body, isCancelled]).toEqual([200, null, true]);
  });
});

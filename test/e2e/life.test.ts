// The daemon's life: draining, reloading, keys made by another process, providers that hang.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { expectOk, issueKey, makeFolder, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

const HELLO = [{ role: "user", content: "hi" }];

function post(url: string, token: string, body: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ messages: HELLO, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function frame(over: object): string {
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...over })}\n\n`;
}

/** A stream that stops after its first words until the test lets it go on. */
function makeSlowStream(): { response: Response; finish: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* pieces(): AsyncGenerator<string> {
    yield frame({ choices: [{ index: 0, delta: { role: "assistant", content: "first" }, finish_reason: null }] });
    await promise;
    yield frame({ choices: [{ index: 0, delta: { content: " last" }, finish_reason: null }] });
    yield frame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    yield frame({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } });
    yield "data: [DONE]\n\n";
  }
  return { response: new Response(pieces(), { headers: { "content-type": "text/event-stream" } }), finish: resolve };
}

describe("SIGTERM", () => {
  test("readiness goes 503, new calls are refused, the running stream finishes and is booked, and the exit code is 0", async () => {
    const slow = makeSlowStream();
    const upstream = startUpstream(() => slow.response);
    const gateway = await serve({ config: `[provider.local]\nbase_url = ${upstream.url}/v1\n` });
    const { token } = await issueKey(gateway);
    const response = await post(gateway.url, token, { model: "local/m", stream: true });
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toContain("first");
    gateway.signal("SIGTERM");
    await waitUntil(async () => (await fetch(`${gateway.url}/health/ready`)).status === 503, "readiness to go 503");
    const refused = await post(gateway.url, token, { model: "loopback" });
    expect(refused.status).toBe(503);
    slow.finish();
    let rest = "";
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) break;
      rest += new TextDecoder().decode(piece.value);
    }
    expect(rest).toContain(" last");
    expect(rest).toEndWith("data: [DONE]\n\n");
    expect(await gateway.exited).toBe(0);
    const { entries } = JSON.parse(await expectOk(gateway.run(["usage", "logs", "--json"])));
    expect(entries.filter((entry: { streamed: boolean }) => entry.streamed)).toMatchObject([
      { status: 200, output_tokens: 2, usage_source: "provider" },
    ]);
    await gateway.stop();
    await upstream.stop();
  });

  test("the deadline cuts a stream that never ends", async () => {
    const slow = makeSlowStream();
    const upstream = startUpstream(() => slow.response);
    const gateway = await serve({
      config: `shutdown_timeout = 200ms\n[provider.local]\nbase_url = ${upstream.url}/v1\n`,
    });
    const { token } = await issueKey(gateway);
    const response = await post(gateway.url, token, { model: "local/m", stream: true });
    const reader = response.body?.getReader();
    await reader?.read();
    gateway.signal("SIGTERM");
    // It is not the client who left, and it is told so.
    let rest = "";
    for (;;) {
      const piece = await reader?.read();
      if (piece === undefined || piece.done) break;
      rest += new TextDecoder().decode(piece.value);
    }
    expect(rest).toContain("The gateway is shutting down.");
    expect(await gateway.exited).toBe(0);
    const { entries } = JSON.parse(await expectOk(gateway.run(["usage", "logs", "--json"])));
    expect(entries[0]).toMatchObject({ status: 200, error_kind: "overloaded", usage_source: "estimate" });
    await gateway.stop();
    await upstream.stop();
  });
});

test("calls that still wait for their provider when the deadline cuts them are in the books", async () => {
  const hanging = startUpstream(() => new Promise<Response>(() => undefined));
  const gateway = await serve({ config: `shutdown_timeout = 200ms\n[provider.slow]\nbase_url = ${hanging.url}/v1\n` });
  const { token } = await issueKey(gateway);
  const waiting = Array.from({ length: 40 }, () => post(gateway.url, token, { model: "slow/m" }).catch(() => null));
  await waitUntil(() => hanging.calls.length === 40, "40 calls to reach the provider");
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
  expect(new Set((await Promise.all(waiting)).map((response) => response?.status))).toEqual(new Set([503]));
  const summary = JSON.parse(await expectOk(gateway.run(["usage", "summary", "--status", "503", "--json"])));
  expect(summary.requests).toBe(40);
  await gateway.stop();
  await hanging.stop();
});

describe("a client that hangs up", () => {
  test("in the middle of a stream: the provider is told at once, and what was produced is booked", async () => {
    const slow = makeSlowStream();
    const upstream = startUpstream(() => slow.response);
    const gateway = await serve({ config: `[provider.local]\nbase_url = ${upstream.url}/v1\n` });
    const { token } = await issueKey(gateway);
    const controller = new AbortController();
    const response = await post(gateway.url, token, { model: "local/m", stream: true }, controller.signal);
    await response.body?.getReader().read();
    const left = performance.now();
    controller.abort();
    await waitUntil(() => upstream.calls[0]?.signal.aborted === true, "the provider to be told");
    expect(performance.now() - left).toBeLessThan(250);
    const readRows = async () =>
      JSON.parse(await expectOk(gateway.run(["usage", "logs", "--status", "499", "--json"]))).entries;
    await waitUntil(async () => (await readRows()).length === 1, "the row");
    expect((await readRows())[0]).toMatchObject({
      error_kind: "cancelled",
      usage_source: "estimate",
      prompt_tokens: 1,
      output_tokens: 2,
      cost_nanos: null,
    });
    await gateway.stop();
    await upstream.stop();
  });
});

describe("a new configuration", () => {
  test("a changed file and SIGHUP put it in force; a bad one changes nothing and says where", async () => {
    const gateway = await serve();
    const { token } = await issueKey(gateway);
    const file = join(gateway.folder, "config/setting.ini");
    const address = `http_address = ${new URL(gateway.url).host}\n`;
    const status = async (model: string): Promise<number> => (await post(gateway.url, token, { model })).status;
    expect(await status("house")).toBe(404);
    writeFileSync(file, `${address}[aliases]\nhouse = loopback\n`);
    await waitUntil(async () => (await status("house")) === 200, "the changed file to be in force");
    writeFileSync(file, `${address}[aliases]\nhouse = loopback\n[provider.x]\nbase_ulr = http://x\n`);
    await waitUntil(() => gateway.log().includes("base_ulr"), "the log to name the mistake");
    expect(gateway.log()).toContain("setting.ini:5");
    expect(await status("house")).toBe(200);
    writeFileSync(file, `${address}[aliases]\nvilla = loopback\n`);
    gateway.signal("SIGHUP");
    await waitUntil(async () => (await status("villa")) === 200, "SIGHUP to be obeyed");
    expect(await status("house")).toBe(404);
    await gateway.stop();
  });
});

const engines: [name: string, makeEnv: () => Promise<Record<string, string>>, isThere: boolean][] = [
  ["SQLite", async () => ({}), true],
  ["PostgreSQL", async () => ({ TOKLIGENCE_IDENTITY_PATH: await createDatabase() }), hasPostgres],
];

describe("keys changed by another process are in force within a second", () => {
  for (const [name, makeEnv, isThere] of engines) {
    test.skipIf(!isThere)(name, async () => {
      const gateway = await serve({ env: await makeEnv() });
      const { token, email, keyId } = await issueKey(gateway);
      const status = async (key: string): Promise<number> =>
        (await fetch(`${gateway.url}/v1/models`, { headers: { "x-api-key": key } })).status;
      const within = async (key: string, wanted: number): Promise<number> => {
        const start = performance.now();
        await waitUntil(async () => (await status(key)) === wanted, `${wanted}`);
        return performance.now() - start;
      };
      await expectOk(gateway.run(["admin", "users", "status", "--id", email, "--status", "suspended"]));
      expect(await within(token, 403)).toBeLessThan(1_000);
      await expectOk(gateway.run(["admin", "users", "status", "--id", email, "--status", "active"]));
      expect(await within(token, 200)).toBeLessThan(1_000);
      const rotated = JSON.parse(await expectOk(gateway.run(["admin", "api-keys", "rotate", "--id", keyId, "--json"])));
      expect(await within(rotated.token, 200)).toBeLessThan(1_000);
      expect(await status(token)).toBe(401);
      await expectOk(gateway.run(["admin", "users", "delete", "--id", email, "--hard"]));
      expect(await within(rotated.token, 401)).toBeLessThan(1_000);
      await gateway.stop();
    });
  }
});

describe("a provider that hangs", () => {
  test("300 requests that wait for it delay nobody else", async () => {
    const hanging = startUpstream(() => new Promise<Response>(() => undefined));
    const quick = startUpstream(() =>
      Response.json({
        id: "x",
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
      }),
    );
    const gateway = await serve({
      config: `[provider.slow]\nbase_url = ${hanging.url}/v1\n[provider.quick]\nbase_url = ${quick.url}/v1\n`,
    });
    const { token } = await issueKey(gateway);
    const controller = new AbortController();
    const waiting = startMany(gateway.url, token, controller.signal);
    await waitUntil(() => hanging.calls.length === 300, "300 requests to reach the hanging provider");
    for (let turn = 0; turn < 10; turn++)
      expect((await post(gateway.url, token, { model: "quick/m" })).status).toBe(200);
    expect(hanging.calls.every((call) => !call.signal.aborted)).toBe(true);
    controller.abort();
    await waiting;
    await waitUntil(
      () => hanging.calls.every((call) => call.signal.aborted),
      "the provider to be told that the clients left",
    );
    const count = async (): Promise<number> =>
      JSON.parse(await expectOk(gateway.run(["usage", "summary", "--status", "499", "--json"]))).requests;
    await waitUntil(async () => (await count()) === 300, "300 rows of cancelled requests");
    await gateway.stop();
    await hanging.stop();
    await quick.stop();
  }, 60_000);
});

/** In a process of its own: this one may have no more than 256 requests waiting, either. */
async function startMany(url: string, token: string, signal: AbortSignal): Promise<void> {
  const script = `
    const [url, token] = process.argv.slice(2);
    const body = JSON.stringify({ model: "slow/m", messages: [{ role: "user", content: "x" }] });
    const headers = { authorization: "Bearer " + token, "content-type": "application/json" };
    await Promise.all(Array.from({ length: 300 }, () => fetch(url, { method: "POST", headers, body })));`;
  const file = join(makeFolder(), "many.mjs");
  await Bun.write(file, script);
  const child = Bun.spawn([process.execPath, file, `${url}/v1/chat/completions`, token], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "1000" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  signal.addEventListener("abort", () => child.kill("SIGKILL"));
  await child.exited;
}

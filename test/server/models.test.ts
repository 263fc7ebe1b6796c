// The list of models: live from the providers, in the background, and never held up by a dead one.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const lists: Upstream = ({ url }) => {
  if (url.startsWith("http://openai.test")) {
    return Response.json({
      object: "list",
      data: [{ id: "gpt-4o", object: "model", created: 1715367049, owned_by: "system" }],
    });
  }
  if (url.startsWith("http://anthropic.test")) {
    return Response.json({
      data: [
        { type: "model", id: "claude-sonnet-4-5-20250929", display_name: "x", created_at: "2025-09-29T00:00:00Z" },
      ],
      has_more: false,
    });
  }
  return Response.json({ object: "list", data: [{ id: "llama3" }, { id: "gpt-4o" }] });
};

async function ids(gateway: Rig): Promise<string[]> {
  const body = await readJson(await gateway.send("/v1/models"));
  expect(body.object).toBe("list");
  return body.data.map((model: { id: string }) => model.id);
}

test("each provider's models, under a name that leads to it", async () => {
  const gateway = await open({ upstream: lists });
  expect((await ids(gateway)).toSorted()).toEqual([
    "claude-sonnet-4-5-20250929",
    "gpt-4o",
    "llama3",
    "local/gpt-4o",
    "loopback",
  ]);
  const one = await readJson(await gateway.send("/v1/models/gpt-4o"));
  expect(one).toEqual({ id: "gpt-4o", object: "model", created: 1715367049, owned_by: "system" });
  expect((await readJson(await gateway.send("/v1/models/local/gpt-4o"))).owned_by).toBe("local");
  const missing = await gateway.send("/v1/models/gpt-4x");
  expect(missing.status).toBe(404);
  expect((await readJson(missing)).error.message).toContain(`"gpt-4o"`);
});

test("one model is found by any name that leads to it", async () => {
  const gateway = await open({
    upstream: lists,
    config: (config) => ({ ...config, aliases: [{ pattern: "short", target: "local/llama3", origin: "t" }] }),
  });
  for (const name of ["GPT-4O", "openai/gpt-4o", "local/llama3", "LLAMA3", "short"]) {
    expect([name, (await gateway.send(`/v1/models/${name}`)).status]).toEqual([name, 200]);
  }
});

test("a provider that starts later than we do is found without waiting for the next refresh", async () => {
  let isUp = false;
  const gateway = await open({ upstream: (call) => (isUp ? lists(call) : Promise.reject(new Error("ECONNREFUSED"))) });
  expect(await ids(gateway)).toEqual(["loopback"]);
  isUp = true;
  gateway.clock.advance(5_000);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  expect(await ids(gateway)).toContain("llama3");
});

test("a reload keeps what was listed, however slow the provider is now", async () => {
  let isSlow = false;
  const gateway = await open({ upstream: (call) => (isSlow ? new Promise<Response>(() => undefined) : lists(call)) });
  expect(await ids(gateway)).toContain("llama3");
  isSlow = true;
  gateway.app.reload({ ...gateway.config, workMode: "passthrough" });
  expect(await ids(gateway)).toContain("llama3");
});

test("a model that only a list knows can be asked for", async () => {
  const gateway = await open({
    upstream: (call) =>
      call.method === "GET"
        ? lists(call)
        : Response.json({ id: "x", object: "chat.completion", created: 1, model: "llama3", choices: [] }),
  });
  await ids(gateway);
  expect((await gateway.chat({ model: "llama3", messages: [{ role: "user", content: "x" }] })).status).toBe(200);
  expect(gateway.calls[0]?.url).toBe("http://local.test/v1/chat/completions");
});

test("a provider that hangs delays the first list by the short wait only, and later ones not at all", async () => {
  const gateway = await open({
    upstream: (call) => (call.url.includes("local.test") ? new Promise<Response>(() => undefined) : lists(call)),
  });
  const first = ids(gateway);
  await new Promise(setImmediate);
  gateway.clock.advance(1_500);
  expect((await first).toSorted()).toEqual(["claude-sonnet-4-5-20250929", "gpt-4o", "loopback"]);
});

test("a dead provider's last list stays, and the log says why", async () => {
  let isDead = false;
  const gateway = await open({
    upstream: (call) => (isDead ? Promise.reject(new Error("ECONNREFUSED")) : lists(call)),
  });
  expect(await ids(gateway)).toContain("gpt-4o");
  isDead = true;
  gateway.clock.advance(600_000);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  expect(await ids(gateway)).toContain("gpt-4o");
  expect(gateway.log.join("")).toContain("could not be listed");
});

test("aliases and exact routes are listed where their provider is ready", async () => {
  const gateway = await open({
    config: (config) => ({
      ...config,
      aliases: [{ pattern: "fast", target: "loopback", origin: "t" }],
      routes: [{ pattern: "house-model", provider: "local", origin: "t" }],
    }),
  });
  const listed = await ids(gateway);
  expect(listed).toContain("fast");
  expect(listed).toContain("house-model");
});

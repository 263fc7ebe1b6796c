// The list of models: live from the providers, in the background, and never held up by a dead one.

import { afterEach, describe, expect, test } from "bun:test";
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
  expect((await readJson(missing)).error.message).toBe(
    'The model "gpt-4x" leads to provider "openai", which does not list it. Did you mean "gpt-4o"?',
  );
});

test("where a list cannot be read, nobody says that no route leads to its models", async () => {
  const gateway = await open({ upstream: () => new Response("busy", { status: 503 }) });
  const missing = await gateway.send("/v1/models/gpt-4o");
  expect([missing.status, (await readJson(missing)).error.message]).toEqual([
    404,
    'The model "gpt-4o" leads to provider "openai", whose list of models could not be read. A call may find it all the same.',
  ]);
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
        : Response.json({
            id: "x",
            model: "llama3",
            choices: [{ index: 0, message: { role: "assistant", content: "Hi" } }],
          }),
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

test("a dead provider's last list stays, the log says why, and the list that it may be short", async () => {
  let isDead = false;
  const gateway = await open({
    upstream: (call) => (isDead ? Promise.reject(new Error("ECONNREFUSED")) : lists(call)),
  });
  expect(await ids(gateway)).toContain("gpt-4o");
  const unlisted = async (token?: string) =>
    (await gateway.send("/v1/models", token === undefined ? {} : { token })).headers.get("x-tokligence-unlisted");
  expect(await unlisted()).toBeNull();
  isDead = true;
  gateway.clock.advance(600_000);
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  expect(await ids(gateway)).toContain("gpt-4o");
  expect(gateway.log.join("")).toContain("could not be listed");
  expect(await unlisted()).toBe("openai, anthropic, local");
  const { token } = await gateway.issue("gateway_user", { allowedProviders: ["local", "loopback"] });
  expect(await unlisted(token)).toBe("local");
});

test("aliases and exact routes are listed where their provider is ready", async () => {
  const gateway = await open({
    config: (config) => ({
      ...config,
      aliases: [{ pattern: "fast", target: "loopback", origin: "t" }],
      routes: [{ pattern: "house-model", targets: [{ provider: "local", model: null }], origin: "t" }],
    }),
  });
  const listed = await ids(gateway);
  expect(listed).toContain("fast");
  expect(listed).toContain("house-model");
});

describe("one address, three formats", () => {
  const versioned = { "anthropic-version": "2023-06-01" };

  test("Anthropic's, page by page", async () => {
    const gateway = await open({ upstream: lists });
    const page = async (query: string, path = "/v1/models") =>
      readJson(await gateway.send(`${path}${query}`, { headers: versioned }));
    const all = await page("?limit=1000");
    const names: string[] = all.data.map(({ id }: { id: string }) => id);
    expect(all).toMatchObject({ has_more: false, first_id: names[0], last_id: names.at(-1) });
    expect(all.data.find(({ id }: { id: string }) => id.startsWith("claude"))).toMatchObject({
      type: "model",
      id: "claude-sonnet-4-5-20250929",
      display_name: "claude-sonnet-4-5-20250929",
      created_at: "2025-09-29T00:00:00.000Z",
      max_tokens: 64_000,
    });
    const found: string[] = [];
    for (let query = "?limit=2"; ;) {
      const { data, has_more: hasMore, last_id: last } = await page(query, "/anthropic/v1/models");
      found.push(...data.map(({ id }: { id: string }) => id));
      if (hasMore !== true) break;
      query = `?limit=2&after_id=${encodeURIComponent(last)}`;
    }
    expect(found).toEqual(names);
    const last = await page(`?limit=2&before_id=${encodeURIComponent(names.at(-1) ?? "")}`);
    expect(last.data.map(({ id }: { id: string }) => id)).toEqual(names.slice(-3, -1));
    expect(last.has_more).toBe(true);
    expect(await page("/gpt-4o")).toMatchObject({ type: "model", id: "gpt-4o" });
  });

  test("Google's, page by page, told by the key's header or parameter, or by the address", async () => {
    const gateway = await open({ upstream: lists });
    const { token } = await gateway.issue();
    const byHeader = { token: null, headers: { "x-goog-api-key": token } };
    const all = await readJson(await gateway.send("/v1/models?pageSize=1000", byHeader));
    const names: string[] = all.models.map(({ name }: { name: string }) => name);
    expect(names).toContain("models/claude-sonnet-4-5-20250929");
    expect(await readJson(await gateway.send(`/v1/models?key=${token}`, { token: null }))).toEqual(all);
    expect(await readJson(await gateway.send("/v1beta/models"))).toEqual(all);
    const found: string[] = [];
    for (let query = "?pageSize=2"; ;) {
      const { models, nextPageToken } = await readJson(await gateway.send(`/v1beta/models${query}`));
      found.push(...models.map(({ name }: { name: string }) => name));
      if (nextPageToken === undefined) break;
      query = `?pageSize=2&pageToken=${nextPageToken}`;
    }
    expect(found).toEqual(names);
    expect(await readJson(await gateway.send("/v1beta/models/local/gpt-4o"))).toMatchObject({
      name: "models/local/gpt-4o",
      supportedGenerationMethods: ["generateContent", "streamGenerateContent", "countTokens"],
    });
  });

  test.each([
    ["/v1/models/nothing", versioned, { type: "error", error: { type: "not_found_error" } }],
    ["/anthropic/v1/models?limit=0", {}, { type: "error", error: { type: "invalid_request_error" } }],
    ["/anthropic/v1/models?after_id=nothing", {}, { type: "error", error: { type: "invalid_request_error" } }],
    ["/v1beta/models/nothing", {}, { error: { code: 404, status: "NOT_FOUND" } }],
    ["/v1beta/models?pageToken=nothing", {}, { error: { code: 400, status: "INVALID_ARGUMENT" } }],
    ["/v1beta/models?pageSize=-1", {}, { error: { code: 400, status: "INVALID_ARGUMENT" } }],
    ["/v1/models/nothing", {}, { error: { type: "invalid_request_error", code: "model_not_found" } }],
  ])("errors of %s %p are told in the same format", async (path, headers, error) => {
    const gateway = await open({ upstream: lists });
    expect(await readJson(await gateway.send(path, { headers }))).toMatchObject(error);
  });
});

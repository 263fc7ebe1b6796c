// Providers that are declared while the gateway runs, by HTTP: put in force as a whole, with keys that are kept encrypted, shown to nobody, and sent to no
// other host than the one that they were set for.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";
import { hostOf, say } from "./route-scene.ts";

const KEY = "sk-canary-runtime-ABCDwxyz";
const OTHER = "sk-canary-another-7777";
const PROVIDERS = "/api/v1/admin/providers";
const ACME = { type: "compatible", base_url: "https://acme.test/v1" };

let rig: Rig;
let token = "";
let upstream: Upstream = () => say("hi");
const open = async (over: Parameters<typeof makeRig>[0] = {}): Promise<void> => {
  rig = await makeRig({ upstream: (call) => upstream(call), ...over });
  token = (await rig.issue("gateway_admin")).token;
};
beforeEach(async () => {
  upstream = () => say("hi");
  await open();
});
afterEach(() => rig.close());

async function admin(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await rig.send(path, { method, token, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get("etag"), body: text === "" ? null : JSON.parse(text) };
}
const put = (name: string, body: object, headers?: Record<string, string>) =>
  admin("PUT", `${PROVIDERS}/${name}`, body, headers);
const show = async (name: string) => (await admin("GET", `${PROVIDERS}/${name}`)).body.provider;
const ask = (model: string) => rig.chat({ model, messages: [{ role: "user", content: "Hello" }] });
/** The key that the last call went with, and where. */
const lastCall = () => {
  const call = rig.calls.at(-1);
  return call === undefined ? null : `${hostOf(call.url)} ${call.headers.get("authorization") ?? "nothing"}`;
};

describe("providers of run time", () => {
  test("are in force from the next request on, listed with where they come from, and gone when they are removed", async () => {
    expect((await ask("acme/m")).status).toBe(404);
    const made = await admin("POST", PROVIDERS, {
      name: "acme",
      ...ACME,
      api_key: KEY,
      models: ["acme-*"],
      comment: "try",
    });
    expect(made).toMatchObject({
      status: 201,
      etag: '"1"',
      body: {
        provider: {
          name: "acme",
          version: 1,
          origin: "runtime",
          in_force: true,
          usable: true,
          type: "compatible",
          base_url: "https://acme.test/v1",
          fields: { ...ACME, models: "acme-*" },
          keys: [{ field: "api_key", hint: "…wxyz", origin: "runtime", sent: true, bound_to: ["https://acme.test"] }],
          comment: "try",
          state: "ok",
          findings: [],
        },
      },
    });
    expect((await ask("acme-large")).status).toBe(200);
    expect(lastCall()).toBe(`acme Bearer ${KEY}`);
    expect((await ask("acme/m")).headers.get("x-tokligence-provider")).toBe("acme");
    const { body } = await admin("GET", PROVIDERS);
    const origins = body.providers.map(({ name, origin }: { name: string; origin: string }) => [name, origin]);
    expect(origins).toEqual([
      ["acme", "runtime"],
      ["anthropic", "config"],
      ["local", "config"],
      ["loopback", "config"],
      ["openai", "config"],
    ]);
    expect((await admin("DELETE", `${PROVIDERS}/acme`)).status).toBe(204);
    expect((await ask("acme/m")).status).toBe(404);
    expect(await rig.store.providers.secrets()).toEqual([]);
    const { history } = (await admin("GET", `${PROVIDERS}/acme/history`)).body;
    expect(history).toMatchObject([
      { version: 2, deleted: true, fields: null, keys: [] },
      { version: 1, comment: "try", keys: [{ field: "api_key", hint: "…wxyz" }] },
    ]);
    expect((await admin("POST", `${PROVIDERS}/acme/rollback`, { version: 1 })).body.provider).toMatchObject({
      version: 3,
      keys: [],
    });
  });

  test("set only a key where the configuration has the rest; with more, they stand above it as a whole", async () => {
    await ask("gpt-4o");
    const before = lastCall();
    expect((await admin("PUT", `${PROVIDERS}/openai/keys`, { api_key: KEY })).body.provider).toMatchObject({
      origin: "both",
      base_url: "http://openai.test/v1",
      keys: [{ field: "api_key", bound_to: ["http://openai.test"] }],
    });
    await ask("gpt-4o");
    expect([before, lastCall()]).toEqual(["openai Bearer sk-canary-openai-0123456789", `openai Bearer ${KEY}`]);
    await put("openai", { base_url: "https://proxy.test/v1", api_key: OTHER });
    await ask("gpt-4o");
    expect(lastCall()).toBe(`proxy Bearer ${OTHER}`);
    const { provider, below } = (await admin("GET", `${PROVIDERS}/openai`)).body;
    expect(provider).toMatchObject({ origin: "runtime", base_url: "https://proxy.test/v1" });
    expect(below).toMatchObject([
      { origin: "config", in_force: false, why_not: expect.stringContaining("stands above it") },
    ]);
    await admin("DELETE", `${PROVIDERS}/openai`);
    await ask("gpt-4o");
    expect(lastCall()).toBe(before);
  });

  test("where the built-in one stands are refused, by what was said alone", async () => {
    const whole = await put("loopback", { models: "x" });
    const key = await admin("PUT", `${PROVIDERS}/loopback/keys`, { api_key: KEY });
    for (const [{ status, body }, paths] of [
      [whole, ["name"]],
      [key, ["api_key"]],
    ] as const)
      expect([status, body.errors.map(({ path }: { path: string }) => path)]).toEqual([422, [...paths]]);
    expect((await put("acme", { ...ACME, ...JSON.parse('{"__proto__":"x"}') })).body.error.param).toBe("__proto__");
  });

  test("are as many as may be by those that there are, and not by those that there were", async () => {
    const by = { comment: null, author: "operator", authorId: null, createdAt: new Date(0) };
    for (let index = 0; index < 1_000; index++) {
      const gone = { id: String(index), name: `p${index}`, version: 1, fields: null, secrets: [], ...by };
      await rig.store.providers.add(gone, { put: [], drop: [] });
    }
    expect((await put("acme", ACME)).status).toBe(201);
  });

  test("may have several keys, of which one is exchanged by its name", async () => {
    await put("acme", { ...ACME, api_keys: { eu: KEY, us: { key: OTHER, weight: 2 } } });
    await admin("PUT", `${PROVIDERS}/acme/keys`, { "api_key.eu": "sk-canary-exchanged-9" });
    expect((await show("acme")).keys).toMatchObject([
      { field: "api_key.eu", hint: "…ed-9" },
      { field: "api_key.us", hint: "…7777" },
    ]);
    const used = new Set<string | null>();
    for (let calls = 0; calls < 60; calls++) {
      await ask("acme/m");
      used.add(lastCall());
    }
    expect(used).toEqual(new Set([`acme Bearer ${OTHER}`, "acme Bearer sk-canary-exchanged-9"]));
    expect((await admin("PUT", `${PROVIDERS}/acme/keys`, { "api_key.eu": null })).status).toBe(200);
    expect((await show("acme")).keys).toHaveLength(1);
    expect((await admin("PUT", `${PROVIDERS}/acme/keys`, { "api_key.eu": null })).body.error.code).toBe(
      "key_not_found",
    );
  });

  test("keep their keys where only the rest is said anew, and let a header be a key", async () => {
    await put("acme", { ...ACME, api_key: KEY, headers: { "X-Api-Secret": "hush-hush-canary-1", "x-team": "red" } });
    await put("acme", { ...ACME, max_concurrent: 3 });
    await ask("acme/m");
    expect(lastCall()).toBe(`acme Bearer ${KEY}`);
    expect(rig.calls.at(-1)?.headers.get("x-api-secret")).toBe("hush-hush-canary-1");
    expect(rig.calls.at(-1)?.headers.get("x-team")).toBeNull();
    expect((await show("acme")).fields).toEqual({ ...ACME, max_concurrent: "3" });
  });

  test.each([
    ["acme", { type: "compatible" }, "base_url", "lacks a base_url"],
    ["acme", { ...ACME, base_url: "https://10.0.0.1/v1" }, "base_url", "this is a private network"],
    ["acme", { ...ACME, base_url: "http://acme.test/v1" }, "base_url", "must begin with https://"],
    ["acme", { ...ACME, api_key_file: "/etc/passwd" }, "api_key_file", "files of this machine"],
    ["acme", { ...ACME, api_key: "" }, "api_key", "is empty"],
    ["acme", { ...ACME, api_key: 7 }, "api_key", "must be text"],
    ["acme", { ...ACME, models: { a: 1 } }, "models", "side by side"],
    ["acme", { ...ACME, "header.x-team": KEY }, "header.x-team", "looks like a key"],
    ["acme", { ...ACME, comment: KEY }, "comment", "looks like a key"],
    ["Acme!", ACME, "name", "consists of"],
    ["groq", { type: "groq", api_key: `${KEY}\nx` }, "api_key", "no HTTP header can carry"],
  ])("%s with %j is refused, and nothing of it is kept", async (name, body, param, words) => {
    const refused = await put(encodeURIComponent(name), body);
    expect(refused.status).toBe(422);
    expect(refused.body.error).toMatchObject({ param, message: expect.stringContaining(words) });
    expect(JSON.stringify(refused.body)).not.toContain(KEY);
    expect(await rig.store.providers.list()).toEqual([]);
    expect(await rig.store.providers.secrets()).toEqual([]);
  });

  test("of two changes at once one must look again", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    expect((await put("acme", ACME, { "if-match": '"1"' })).status).toBe(200);
    expect((await put("acme", ACME, { "if-match": '"1"' })).body.error.code).toBe("provider_changed");
    expect((await admin("POST", PROVIDERS, { name: "acme", ...ACME })).body.error.code).toBe("provider_exists");
    const raced = await Promise.all(
      ["a", "b", "c"].map((end) => put("acme", { ...ACME, api_key: `${KEY}-${end}` }, { "if-match": '"2"' })),
    );
    expect(raced.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 412, 412]);
  });

  test("are changed with requests in flight, which end as they began", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    const gate = Promise.withResolvers<void>();
    upstream = async ({ headers }) => {
      if (headers.get("authorization") === `Bearer ${KEY}`) await gate.promise;
      return say(headers.get("authorization") === `Bearer ${KEY}` ? "old" : "new");
    };
    const running = ask("acme/m");
    await put("acme", { ...ACME, api_key: OTHER });
    expect((await readJson(await ask("acme/m"))).choices[0].message.content).toBe("new");
    await admin("DELETE", `${PROVIDERS}/acme`);
    gate.resolve();
    const late = await running;
    expect([late.status, (await readJson(late)).choices[0].message.content]).toEqual([200, "old"]);
  });

  test("are out of service until they are enabled, and routes may lead to them", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    await admin("PUT", "/api/v1/admin/routes/smart", { targets: "acme/m" });
    expect((await ask("smart")).status).toBe(200);
    expect((await admin("POST", `${PROVIDERS}/acme/disable`)).body.provider.state).toBe("disabled");
    expect((await ask("smart")).status).toBe(503);
    expect((await admin("POST", `${PROVIDERS}/acme/enable`)).body.provider.state).toBe("ok");
    expect((await ask("smart")).status).toBe(200);
    expect((await admin("POST", `${PROVIDERS}/nobody/disable`)).status).toBe(404);
  });

  test("outlive a reload of the configuration, which may take their ground away", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    rig.app.reload({ ...rig.config, modelsRefreshMs: 5_000 });
    await ask("acme/m");
    expect(lastCall()).toBe(`acme Bearer ${KEY}`);
  });

  test("may lead inside where the configuration allows it, and no longer once it does not", async () => {
    rig.app.reload({ ...rig.config, allowsPrivateProviders: true });
    expect((await put("mine", { type: "ollama" })).status).toBe(201);
    expect((await ask("mine/m")).status).toBe(200);
    rig.app.reload(rig.config);
    expect((await ask("mine/m")).status).toBe(404);
    expect(await show("mine")).toMatchObject({
      in_force: false,
      why_not: expect.stringContaining("this is a private network"),
    });
  });

  test("may be read, but not written, with providers:read", async () => {
    const reader = await rig.issue("gateway_admin", { scopes: ["providers:read"] });
    expect((await rig.send(PROVIDERS, { token: reader.token })).status).toBe(200);
    expect((await rig.send(`${PROVIDERS}/x`, { method: "PUT", token: reader.token, body: ACME })).status).toBe(403);
    expect((await rig.send(`${PROVIDERS}/openai/test`, { method: "POST", token: reader.token, body: {} })).status).toBe(
      403,
    );
  });
});

describe("a key that was set at run time", () => {
  test("is sent to no other host once the base URL leads there, until it is set again", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    for (const base_url of ["https://evil.test/v1", "https://acme.test:8443/v1", "https://sub.acme.test/v1"]) {
      const moved = await put("acme", { ...ACME, base_url });
      expect(moved.body.provider).toMatchObject({ in_force: true, usable: false, keys: [{ sent: false }] });
      const [finding] = moved.body.provider.findings;
      expect(finding).toBe(
        `api_key of the provider "acme" is not sent: it was set for https://acme.test, and this leads to ${new URL(base_url).origin}; set it again if it is meant to go there.`,
      );
      const calls = rig.calls.length;
      const refused = await ask("acme/m");
      expect([refused.status, (await readJson(refused)).error.message]).toEqual([503, finding]);
      expect(rig.calls).toHaveLength(calls);
      expect(rig.log.join("\n")).toContain("A provider of run time needs to be looked at");
    }
    // Another path of the same host is where it was set for.
    await put("acme", { ...ACME, base_url: "https://ACME.test:443/v2" });
    await ask("acme/m");
    expect(lastCall()).toBe(`acme Bearer ${KEY}`);
    await put("acme", { ...ACME, base_url: "https://evil.test/v1", api_key: OTHER });
    await ask("acme/m");
    expect(lastCall()).toBe(`evil Bearer ${OTHER}`);
  });

  test("is sent to no other host when the configuration leads there", async () => {
    await admin("PUT", `${PROVIDERS}/openai/keys`, { api_key: KEY });
    const moved = rig.config.providers.map((each) =>
      each.name === "openai" ? { ...each, baseUrl: "https://evil.test/v1" } : each,
    );
    rig.app.reload({ ...rig.config, providers: moved });
    const refused = await ask("gpt-4o");
    expect(refused.status).toBe(503);
    expect((await readJson(refused)).error.message).toContain(
      "it was set for http://openai.test, and this leads to https://evil.test",
    );
    expect(rig.calls).toEqual([]);
    rig.app.reload(rig.config);
    await ask("gpt-4o");
    expect(lastCall()).toBe(`openai Bearer ${KEY}`);
  });

  test("stays unsent where only one of several is meant for the host, and the others are used", async () => {
    await put("acme", { ...ACME, api_keys: { old: KEY } });
    await put("acme", { ...ACME, base_url: "https://b.test/v1", api_keys: { new: OTHER } });
    expect(await show("acme")).toMatchObject({ usable: true, keys: [{ sent: true }, { sent: false }] });
    for (let calls = 0; calls < 4; calls++) {
      await ask("acme/m");
      expect(lastCall()).toBe(`b Bearer ${OTHER}`);
    }
  });

  test("cannot be moved to another row of the table, nor to another host there", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    await put("evil", { ...ACME, base_url: "https://evil.test/v1", api_key: OTHER });
    const [acme, evil] = await rig.store.providers.secrets();
    if (acme === undefined || evil === undefined) throw new Error("two were set");
    const { keyId, nonce, ciphertext } = acme;
    await rig.store.providers.exchange(evil, { ...evil, keyId, nonce, ciphertext });
    expect(await show("evil")).toMatchObject({
      usable: false,
      why_not: expect.stringContaining("it was altered where it is kept"),
    });
    expect((await ask("evil/m")).status).toBe(503);
    expect(rig.calls).toEqual([]);
  });

  test("lies in the database encrypted, each time anew, and nowhere else", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    const [first] = await rig.store.providers.secrets();
    await put("acme", { ...ACME, api_key: KEY });
    const [second] = await rig.store.providers.secrets();
    expect(first?.nonce).not.toBe(second?.nonce as string);
    expect(first?.ciphertext).not.toBe(second?.ciphertext as string);
    expect(Buffer.from(first?.ciphertext ?? "", "base64").length).toBe(KEY.length + 16);
  });

  test("is masked in the log and in what a provider says of it", async () => {
    await put("acme", { ...ACME, api_key: "plain-looking-canary-text" });
    upstream = () => Response.json({ error: { message: "bad key plain-looking-canary-text" } }, { status: 401 });
    const refused = await (await ask("acme/m")).text();
    expect(refused).not.toContain("plain-looking-canary-text");
    await put("acme", { ...ACME, api_key: OTHER });
    expect(await (await ask("acme/m")).text()).not.toContain("plain-looking-canary-text");
    expect(rig.log.join("\n")).not.toContain("plain-looking-canary-text");
  });
});

test("every change is recorded with who made it, the keys by their ends", async () => {
  await put("acme", { ...ACME, api_key: KEY });
  await put("acme", { ...ACME, max_concurrent: 2 });
  await admin("PUT", `${PROVIDERS}/acme/keys`, { "api_key.eu": OTHER });
  await admin("POST", `${PROVIDERS}/rotate-secret`);
  await admin("POST", `${PROVIDERS}/acme/disable`);
  await admin("DELETE", `${PROVIDERS}/acme`);
  const response = await rig.send("/api/v1/admin/audit?limit=50", { token });
  const text = await response.text();
  expect(text).not.toContain(KEY);
  expect(text).not.toContain(OTHER);
  const told: { action: string; actor: string; subject_id: string; before: unknown; after: unknown }[] =
    JSON.parse(text).changes;
  const ours = told.filter(({ action }) => action.startsWith("provider.")).toReversed();
  expect(ours.map(({ action, actor }) => [action, actor])).toEqual([
    ["provider.create", "user"],
    ["provider.update", "user"],
    ["provider.update", "user"],
    ["provider.encrypt", "user"],
    ["provider.encrypt", "user"],
    ["provider.disable", "user"],
    ["provider.delete", "user"],
  ]);
  expect(ours[0]).toMatchObject({
    before: null,
    after: { fields: ACME, keys: ["api_key …wxyz"], keys_set: ["api_key"] },
  });
  expect(ours[2]).toMatchObject({ after: { keys: ["api_key …wxyz", "api_key.eu …7777"], keys_set: ["api_key.eu"] } });
});

describe("encrypting anew", () => {
  test("changes every row and nothing else, without a request that fails", async () => {
    await put("acme", { ...ACME, api_keys: { eu: KEY, us: OTHER } });
    await put("groq", { api_key: KEY });
    const before = await rig.store.providers.secrets();
    const { body } = await admin("POST", `${PROVIDERS}/rotate-secret`);
    const after = await rig.store.providers.secrets();
    expect(body).toMatchObject({ exchanged: 3, resumed: false, unreadable: [] });
    expect(after.map(({ keyId }) => keyId)).toEqual([body.encrypted_with, body.encrypted_with, body.encrypted_with]);
    expect(before.map(({ keyId }) => keyId)).not.toContain(body.encrypted_with);
    await ask("groq/m");
    expect(lastCall()).toBe(`api Bearer ${KEY}`);
    expect((await show("groq")).keys).toMatchObject([{ encrypted_with: body.encrypted_with, sent: true }]);
    await put("acme", { ...ACME, api_key: OTHER });
    expect(new Set((await rig.store.providers.secrets()).map(({ keyId }) => keyId)).size).toBe(1);
  });
});

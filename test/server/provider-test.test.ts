// Trying providers that were declared while the gateway runs, with each of their keys, and what becomes of names that lead inside.

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
const ask = (model: string) => rig.chat({ model, messages: [{ role: "user", content: "Hello" }] });

describe("trying one", () => {
  const trial = async (name: string, body: object = {}) =>
    (await admin("POST", `${PROVIDERS}/${name}/test`, body)).body;

  test("says of one that is not in force why it is not, instead of that there is none", async () => {
    const inner = { ...ACME, base_url: "https://10.0.0.1/v1" };
    rig.app.reload({ ...rig.config, allowsPrivateProviders: true });
    expect((await put("acme", inner)).status).toBe(201);
    rig.app.reload({ ...rig.config, allowsPrivateProviders: false });
    const tried = await trial("acme");
    expect(tried).toMatchObject({ provider: "acme", ok: false, keys: [{ status: "failed", http_status: null }] });
    expect(tried.keys[0].error).toContain("It is not in force: base_url: this is a private network");
    expect((await admin("POST", `${PROVIDERS}/nobody/test`, {})).status).toBe(404);
  });

  test("says of each key what came, and what to do", async () => {
    await put("acme", { ...ACME, api_keys: { good: KEY, gone: OTHER } });
    upstream = ({ headers }) => {
      rig.clock.advance(12);
      if (headers.get("authorization") !== `Bearer ${KEY}`)
        return Response.json({ error: `no ${OTHER}` }, { status: 401 });
      return Response.json({ data: [{ id: "m-1" }, { id: "m-2" }] });
    };
    const tried = await trial("acme");
    expect(tried).toMatchObject({
      provider: "acme",
      ok: false,
      keys: [
        {
          key: "gone",
          status: "failed",
          http_status: 401,
          models: null,
          remedy: expect.stringContaining("The key is refused"),
        },
        { key: "good", status: "ok", http_status: 200, models: 2, examples: ["m-1", "m-2"], error: null },
      ],
    });
    expect(JSON.stringify(tried)).not.toContain(OTHER);
  });

  test.each([
    [404, "Nothing is at that address"],
    [302, "It leads elsewhere"],
    [429, "at its limit"],
    [500, "in trouble"],
  ])("that answers %i", async (status, remedy) => {
    await put("acme", { ...ACME, api_key: KEY });
    upstream = () => new Response(null, { status, headers: { location: "https://evil.test" } });
    expect(await trial("acme")).toMatchObject({
      ok: false,
      keys: [{ http_status: status, remedy: expect.stringContaining(remedy) }],
    });
  });

  test("that nobody answers for, that lacks a key, and that lists nothing", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    upstream = () => {
      throw new Error("ECONNREFUSED");
    };
    expect(await trial("acme")).toMatchObject({ ok: false, keys: [{ http_status: null, error: "ECONNREFUSED" }] });
    // As the runtime words it, with advice for who wrote the program.
    const words = 'CERT_HAS_EXPIRED fetching "https://acme.test/v1/models"';
    upstream = () => {
      throw new Error(`${words}. For more information, pass \`verbose: true\` in the second argument to fetch()`);
    };
    expect(await trial("acme")).toMatchObject({ ok: false, keys: [{ http_status: null, error: words }] });
    await put("groq", {});
    expect(await trial("groq")).toMatchObject({
      ok: false,
      keys: [{ error: expect.stringContaining("has no API key") }],
    });
    await put("az", { type: "azure", base_url: "https://r.openai.azure.com", api_key: KEY });
    upstream = () => new Response(null, { status: 404 });
    expect(await trial("az")).toMatchObject({ ok: true, keys: [{ status: "reached", http_status: 404 }] });
    expect((await admin("POST", `${PROVIDERS}/nobody/test`, {})).status).toBe(404);
  });

  test("asks a model for one token, with a row on the books", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    expect(await trial("acme", { model: "m" })).toMatchObject({ ok: true, keys: [{ status: "ok", examples: ["m"] }] });
    expect(await rig.row()).toMatchObject({ provider: "acme", modelAsked: "m", tags: ["probe"] });
    upstream = () => Response.json({ error: { message: "gone" } }, { status: 404 });
    expect(await trial("acme", { model: "m" })).toMatchObject({
      ok: false,
      keys: [{ status: "failed", http_status: 404 }],
    });
  });

  test("says of one that was not asked, for a budget is spent, to see to that and not to its address", async () => {
    await put("acme", { ...ACME, api_key: KEY });
    await admin("POST", "/api/v1/admin/budgets", { name: "spent", limit_tokens: 0 });
    const { keys } = await trial("acme", { model: "m" });
    expect(keys).toMatchObject([{ status: "failed", http_status: null, remedy: "Do what the error says." }]);
    expect(keys[0].error).toContain('The budget "spent" of 0 tokens a month has 0 tokens left.');
    expect(rig.calls).toEqual([]);
  });
});

describe("beside them", () => {
  test("those that are added are asked for their models at once, and the others only in their time", async () => {
    const asked: string[] = [];
    const all = Promise.withResolvers<void>();
    upstream = ({ url }) => {
      asked.push(hostOf(url));
      if (asked.length === 6) all.resolve();
      return Response.json({ data: [{ id: `${hostOf(url)}-model` }] });
    };
    await rig.app.reload(rig.config);
    await put("acme", { ...ACME, api_key: KEY });
    await rig.send("/v1/models");
    asked.length = 0;
    await put("groq", { api_key: KEY });
    const { data } = await readJson(await rig.send("/v1/models"));
    const ids = data.map(({ id }: { id: string }) => id);
    expect(ids).toContain("acme-model");
    expect(asked).toEqual(["api"]);
    rig.clock.advance(rig.config.modelsRefreshMs);
    await all.promise;
    expect(asked.toSorted()).toEqual(["acme", "anthropic", "api", "api", "local", "openai"]);
  });

  test("a body that breaks off is refused without a word of it", async () => {
    const refused = await rig.send(`${PROVIDERS}/acme`, {
      method: "PUT",
      token,
      body: `{"api_key": CANARYWITHOUTQUOTES}`,
    });
    const text = await refused.text();
    expect([refused.status, text]).toEqual([400, expect.stringContaining("is not valid JSON: Unexpected identifier.")]);
    expect(text + rig.log.join("\n")).not.toContain("CANARYWITHOUTQUOTES");
  });
});

describe("names that lead inside", () => {
  test.each([
    ["10.0.0.1", "a private network"],
    ["127.0.0.1", "a private network"],
    ["169.254.169.254", "a link-local or reserved address"],
    ["::ffff:192.168.0.1", "a private network"],
    ["224.0.0.1", "a link-local or reserved address"],
  ])("as to %s are not called, nor tried", async (address, where) => {
    await rig.close();
    await open({ lookup: async (hostname) => (hostname === "acme.test" ? [address] : ["8.8.8.8"]) });
    await put("acme", { ...ACME, api_key: KEY });
    const refused = await ask("acme/m");
    expect([refused.status, (await readJson(refused)).error.message]).toEqual([
      503,
      expect.stringContaining(`leads to ${where}`),
    ]);
    expect((await admin("POST", `${PROVIDERS}/acme/test`, {})).body.keys[0].error).toContain(`leads to ${where}`);
    expect(rig.calls).toEqual([]);
  });

  test("that change what they lead to are called at what was judged, and looked up anew after a while", async () => {
    await rig.close();
    const found = ["8.8.8.8", "2606:4700::1111"];
    await open({ lookup: async () => found });
    await put("acme", { ...ACME, api_key: KEY });
    expect((await ask("acme/m")).status).toBe(200);
    found.splice(0, 2, "127.0.0.1");
    expect((await ask("acme/m")).status).toBe(200);
    expect(rig.calls.map(({ addresses }) => addresses)).toEqual([
      ["8.8.8.8", "2606:4700::1111"],
      ["8.8.8.8", "2606:4700::1111"],
    ]);
    rig.clock.advance(60_000);
    expect((await ask("acme/m")).status).toBe(503);
    // Those of the configuration go wherever their names lead.
    rig.calls.length = 0;
    await ask("local/m");
    expect(rig.calls.map(({ addresses }) => addresses)).toEqual([undefined]);
  });

  test("that cannot be looked up are not called", async () => {
    await rig.close();
    await open({ lookup: () => Promise.reject(new Error("SERVFAIL")) });
    await put("acme", { ...ACME, api_key: KEY });
    const refused = await ask("acme/m");
    expect([refused.status, (await readJson(refused)).error.message]).toEqual([
      502,
      expect.stringContaining("acme.test cannot be looked up"),
    ]);
    expect(rig.calls).toEqual([]);
  });

  test("are no way in beside a provider of the configuration that may lead there", async () => {
    await rig.close();
    await open({ lookup: async () => ["10.0.0.1"] });
    // The configuration's own is at http://local.test.
    expect((await ask("local/m")).status).toBe(200);
    await put("acme", { ...ACME, base_url: "https://local.test/v1", api_key: KEY });
    expect((await ask("acme/m")).status).toBe(503);
  });
});

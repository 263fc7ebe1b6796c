// Routes that are declared while the gateway runs, by HTTP: put in force as a whole, kept with their history, and explained with everybody who lost.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { makeRig } from "../rig.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { hostOf, openRouted, say, sayMessage } from "./route-scene.ts";

const HELLO = { model: "smart", messages: [{ role: "user", content: "Hello there" }] };
const upstream = ({ url }: { url: string }): Response => (hostOf(url) === "anthropic" ? sayMessage("hi") : say("hi"));

let rig: Rig;
let token = "";
beforeEach(async () => {
  rig = await openRouted({ upstream, routes: { smart: { targets: "openai/from-file" } } });
  token = (await rig.issue("gateway_admin")).token;
});
afterEach(() => rig.close());

const ROUTES = "/api/v1/admin/routes";
async function admin(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await rig.send(path, { method, token, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get("etag"), body: text === "" ? null : JSON.parse(text) };
}
const askedModel = async (): Promise<unknown> => {
  await rig.chat(HELLO);
  return (rig.calls.at(-1)?.body as { model: string } | undefined)?.model;
};

describe("routes of run time", () => {
  test("stand above the file's of the same name from the next request on, and give way to it when they are gone", async () => {
    expect(await askedModel()).toBe("from-file");
    const made = await admin("PUT", `${ROUTES}/smart`, { targets: "local/live", comment: "try it" });
    expect(made).toMatchObject({ status: 201, etag: '"1"', body: { route: { version: 1, comment: "try it" } } });
    expect(await askedModel()).toBe("live");
    const { body } = await admin("GET", ROUTES);
    expect(body.routes).toMatchObject([
      { name: "smart", source: "runtime", version: 1, in_force: true, fields: { targets: "local/live" } },
      { name: "smart", source: "config", in_force: false, why_not: 'the route "smart" of run time stands above it' },
    ]);
    expect(body.rules[0]).toMatchObject({ pattern: "smart", route: "smart", origin: "runtime, version 1" });
    expect((await admin("GET", "/api/v1/admin/route?model=smart")).body).toMatchObject({
      route: "smart",
      provider: "local",
      considered: [{ origin: "runtime, version 1", outcome: "chosen: exact" }],
    });
    expect((await admin("DELETE", `${ROUTES}/smart?comment=enough`)).status).toBe(204);
    expect(await askedModel()).toBe("from-file");
  });

  test("switched off, one hides the file's", async () => {
    await admin("PUT", `${ROUTES}/smart`, { targets: "openai", enabled: false });
    expect((await rig.chat(HELLO)).status).toBe(404);
  });

  test("are written in JSON as in a file", async () => {
    const { status, body } = await admin("POST", ROUTES, {
      name: "rich",
      match: ["a*", "b"],
      targets: [{ provider: "openai", model: "m", weight: 2, set: { top_p: 0.5 } }, "local weight=1"],
      strategy: "weighted",
      canary: { provider: "local", model: "new", percent: 5 },
      stream: true,
      max_attempts: 2,
      set: { temperature: 0, "generationConfig.topK": 3, service_tier: "flex" },
      header: { "x-team": "a*" },
    });
    expect(status).toBe(201);
    expect(body.route.fields).toEqual({
      match: "a*, b",
      targets: "openai/m weight=2 set.top_p=0.5, local weight=1",
      strategy: "weighted",
      canary: "local/new 5%",
      stream: "yes",
      max_attempts: "2",
      "set.temperature": "0",
      "set.generationConfig.topK": "3",
      "set.service_tier": '"flex"',
      "header.x-team": "a*",
    });
  });

  test.each([
    [{}, "targets", "a route leads somewhere"],
    [{ targets: "opnai" }, "targets", "which is no provider"],
    [{ targets: "openai", strategy: "best" }, "strategy", "is not one of"],
    [{ targets: "openai", tarjets: "x" }, "tarjets", 'did you mean "targets"'],
    [{ targets: [{ model: "m" }] }, "targets", "provider is missing"],
    [{ targets: [{ provider: "openai", model: 5 }] }, "targets", "model must be text"],
    [{ targets: [{ provider: "openai", model: "m weight=2" }] }, "targets", "model cannot hold"],
    [{ targets: [{ provider: "openai", model: "m, local" }] }, "targets", "model cannot hold"],
    [{ targets: [{ provider: "openai", keys: { eu: 1 } }] }, "targets", "keys must be"],
    [{ targets: [{ provider: "openai", set: "temperature=0" }] }, "targets", "set must be an object"],
    [{ targets: "openai#nope" }, "targets", 'the key "nope" of openai, which is not there (it has no named keys)'],
    [{ targets: "openai", canary: "local#x/m 5%" }, "canary", 'the key "x" of local, which is not there'],
    [{ targets: "openai", fields: { tarjets: "x" } }, "tarjets", 'did you mean "targets"'],
    [{ targets: "openai", fields: { match: "a\nb" } }, "match", "one line"],
    [{ targets: "openai", fields: { "set.user": "a\nb" } }, "set.user", "one line"],
    [{ targets: "openai", ...JSON.parse('{"__proto__":"x"}') }, "__proto__", "no such field"],
    [{ targets: "openai", conditions: { tools: true } }, "conditions", "no such field holds an object"],
    [{ targets: "openai\nlocal" }, "targets", "one line"],
    [{ targets: "openai", set: { model: "x" } }, "set.model", "the client's to say"],
    [{ targets: "openai", set: { user: "sk-canary-openai-0123456789" } }, "set.user", "looks like a key"],
    [{ targets: "openai", comment: "was tok_0123456789012345678901234567" }, "comment", "looks like a key"],
  ])("%j is refused by its field, and changes nothing", async (said, param, message) => {
    const { status, body } = await admin("PUT", `${ROUTES}/smart`, said);
    expect([status, body.error.param]).toEqual([422, param]);
    expect(body.error.message).toContain(message);
    expect(await askedModel()).toBe("from-file");
    expect((await admin("GET", `${ROUTES}/smart/history`)).status).toBe(404);
  });

  test("are taken as they were given out, word for word", async () => {
    const said = {
      targets: "local",
      "set.temperature": "0",
      "set.service_tier": '"flex"',
      "set.user": "plain",
      "set.stop": '"\u200b"',
    };
    const { body } = await admin("PUT", `${ROUTES}/smart`, { fields: said });
    expect(body.route.fields).toEqual(said);
    const again = await admin("PUT", `${ROUTES}/smart`, { fields: body.route.fields, comment: "the same" });
    expect(again.body.route).toMatchObject({ version: 2, fields: said, comment: "the same" });
    await rig.chat(HELLO);
    expect(rig.calls.at(-1)?.body).toMatchObject({ temperature: 0, service_tier: "flex", user: "plain" });
  });

  test("are as many as may be by those that there are, and not by those that there were", async () => {
    const add = (fields: Record<string, string> | null, index: number, version: number) => {
      const by = { comment: null, author: "operator", authorId: null, createdAt: new Date(0) };
      return rig.store.routes.add({ id: `${index}-${version}`, name: `r${index}`, version, fields, ...by });
    };
    for (let index = 0; index < 1_000; index++) await add(null, index, 1);
    expect((await admin("POST", ROUTES, { name: "fresh", targets: "local" })).status).toBe(201);
    for (let index = 1; index < 1_000; index++) await add({ targets: "local" }, index, 2);
    const full = await admin("POST", ROUTES, { name: "more", targets: "local" });
    expect([full.status, full.body.error.param]).toEqual([422, "name"]);
    expect((await admin("PUT", `${ROUTES}/fresh`, { targets: "openai" })).status).toBe(200);
    expect((await admin("POST", `${ROUTES}/r0/rollback`, { version: 1 })).status).toBe(404);
  });

  test("of two who change one at once, the second must look again", async () => {
    await admin("PUT", `${ROUTES}/smart`, { targets: "local/one" });
    expect((await admin("PUT", `${ROUTES}/smart`, { targets: "local/two" }, { "if-match": '"1"' })).status).toBe(200);
    const late = await admin("PUT", `${ROUTES}/smart`, { targets: "local/three" }, { "if-match": '"1"' });
    expect([late.status, late.body.error.code]).toEqual([412, "route_changed"]);
    expect((await admin("PUT", `${ROUTES}/smart`, { targets: "local" }, { "if-none-match": "*" })).status).toBe(412);
    expect((await admin("POST", ROUTES, { name: "smart", targets: "local" })).body.error.code).toBe("route_exists");
    expect((await admin("DELETE", `${ROUTES}/smart`, undefined, { "if-match": '"1"' })).status).toBe(412);
    expect((await admin("PUT", `${ROUTES}/smart`, { targets: "local" }, { "if-match": "new" })).status).toBe(400);
    expect(await askedModel()).toBe("two");
    const raced = await Promise.all(
      ["a", "b", "c", "d"].map((model) =>
        admin("PUT", `${ROUTES}/smart`, { targets: `local/${model}` }, { "if-match": '"2"' }),
      ),
    );
    expect(raced.filter(({ status }) => status === 412)).toHaveLength(3);
    expect(raced.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("keep every version, with who and why, and any of them can be had again", async () => {
    for (const model of ["one", "two"])
      await admin("PUT", `${ROUTES}/smart`, { targets: `local/${model}`, comment: model });
    await admin("DELETE", `${ROUTES}/smart`);
    const back = await admin("POST", `${ROUTES}/smart/rollback`, { version: 1 });
    expect(back.body.route).toMatchObject({
      version: 4,
      fields: { targets: "local/one" },
      comment: "rollback to version 1",
    });
    expect(await askedModel()).toBe("one");
    const { body } = await admin("GET", `${ROUTES}/smart/history`);
    const email = body.history[0].changed_by;
    expect(email).toContain("gateway_admin-");
    expect(body.history).toMatchObject([
      { version: 4, deleted: false },
      { version: 3, deleted: true, fields: null },
      { version: 2, comment: "two", changed_by: email },
      { version: 1, comment: "one", changed_at: new Date(rig.clock.wallMs()).toISOString() },
    ]);
    expect((await admin("POST", `${ROUTES}/smart/rollback`, { version: 9 })).status).toBe(404);
    expect((await admin("POST", `${ROUTES}/none/rollback`, { version: 1 })).status).toBe(404);
  });

  test("may be read, but not written, with routes:read", async () => {
    const reader = await rig.issue("gateway_admin", { scopes: ["routes:read"] });
    expect((await rig.send(ROUTES, { token: reader.token })).status).toBe(200);
    expect(
      (await rig.send(`${ROUTES}/x`, { method: "PUT", token: reader.token, body: { targets: "local" } })).status,
    ).toBe(403);
  });

  test("a request meets the old table or the new one, never a part of each", async () => {
    const table = (mark: string) => ({
      targets: `openai/${mark}, local/${mark}`,
      strategy: "round-robin",
      set: { user: mark },
    });
    await admin("PUT", `${ROUTES}/smart`, table("v0"));
    const changes = (async () => {
      for (let version = 1; version <= 10; version++) await admin("PUT", `${ROUTES}/smart`, table(`v${version}`));
    })();
    await Promise.all([changes, ...Array.from({ length: 60 }, () => rig.chat(HELLO))]);
    for (const { body } of rig.calls) {
      const { model, user } = body as { model: string; user: string };
      expect(user).toBe(model);
    }
  });

  test("whose provider is gone from the file are not in force, and say why; the file's of the name is", async () => {
    await admin("PUT", `${ROUTES}/smart`, { targets: "local/live" });
    rig.app.reload({ ...rig.config, providers: rig.config.providers.filter(({ name }) => name !== "local") });
    expect(await askedModel()).toBe("from-file");
    expect((await admin("GET", `${ROUTES}/smart`)).body).toMatchObject({
      route: { source: "runtime", in_force: false, why_not: expect.stringContaining("which is no provider") },
      below: [{ source: "config", in_force: true }],
    });
  });
});

describe.skipIf(!hasPostgres)("several gateways on one PostgreSQL", () => {
  test("a change at one is in force at the others a second later, without a request", async () => {
    const location = await createDatabase();
    const open = () =>
      makeRig({ upstream, config: (config) => ({ ...config, identityPath: location, ledgerPath: location }) });
    const [first, second] = [await open(), await open()];
    try {
      await second.app.live.open();
      const issued = await first.issue("gateway_admin");
      const body = { targets: "local/shared" };
      await first.send(`${ROUTES}/smart`, { method: "PUT", token: issued.token, body });
      second.clock.advance(1_000);
      // The look that the clock has begun; this one comes behind it.
      await second.app.live.refresh();
      expect(second.app.live.versions()).toMatchObject([{ name: "smart", version: 1 }]);
      expect((await second.chat(HELLO)).headers.get("x-tokligence-model")).toBe("shared");
    } finally {
      await first.close();
      await second.close();
    }
  });
});

describe("a dry run", () => {
  const dry = async (body: object) => (await admin("POST", "/api/v1/admin/route", body)).body;

  test("calls nobody, and tells of every candidate why it comes where it comes", async () => {
    await admin("PUT", `${ROUTES}/smart`, {
      targets: "local/none, openai/gpt-4o, openai/gpt-4o-mini, anthropic/claude-3-5-haiku-20241022",
      strategy: "least-cost",
      shadow: "local/shade 10%",
      canary: "local/bird 5%",
      on_context_length: "anthropic/long",
      on_refusal: "local/kind",
    });
    const body = { ...HELLO, max_tokens: 100, logit_bias: { "1": 2 } };
    const told = await dry({ body });
    expect(told).toMatchObject({ provider: "openai", upstream_model: "gpt-4o-mini", strategy: "least-cost" });
    expect(
      told.candidates.map((each: { upstream_model: string; role: string; outcome: string }) => [
        each.upstream_model,
        each.role,
        each.outcome,
      ]),
    ).toEqual([
      ["gpt-4o-mini", "target", "chosen"],
      ["claude-3-5-haiku-20241022", "target", "fallback"],
      ["gpt-4o", "target", "fallback"],
      ["none", "target", "fallback"],
      ["bird", "canary", "waits"],
      ["shade", "shadow", "waits"],
      ["long", "on_context_length", "waits"],
      ["kind", "on_refusal", "waits"],
    ]);
    expect(told.candidates[0].why).toMatch(/^first by cost: it would cost \$0\.0000/u);
    expect(told.candidates[3]).toMatchObject({ cost_usd: null, why: "number 4 by cost: its price is unknown" });
    expect(told.candidates[1].dropped).toEqual(["logit_bias"]);
    const ordered = await dry({ endpoint: "messages", model: "gpt-4o-mini", body: { ...HELLO, max_tokens: 100 } });
    expect(ordered.candidates).toMatchObject([
      { upstream_model: "gpt-4o-mini", cost_usd: expect.stringMatching(/^0\.0000/u) },
    ]);
    expect(told.request).toMatchObject({ endpoint: "chat.completions", stream: false });
    expect(rig.calls).toHaveLength(0);
    expect(await rig.rows()).toHaveLength(0);
  });

  test("tells which condition did not hold, in any format and in anybody's name", async () => {
    await admin("PUT", `${ROUTES}/long`, { match: "smart", targets: "local/long", context: ">1k" });
    await admin("PUT", `${ROUTES}/vip`, { match: "smart", targets: "local/vip", user: "ada@example.com" });
    const body = { model: "smart", max_tokens: 9, messages: HELLO.messages };
    const told = await dry({ endpoint: "/v1/messages", body });
    expect(told.considered).toMatchObject([
      { origin: "runtime, version 1", outcome: 'passed over: its condition "context" does not hold' },
      { origin: "runtime, version 1", outcome: 'passed over: its condition "user" does not hold' },
      { outcome: "chosen: exact" },
    ]);
    expect((await dry({ endpoint: "messages", body, user: "ada@example.com" })).upstream_model).toBe("vip");
    const gemini = { contents: [{ role: "user", parts: [{ text: "word ".repeat(2_000) }] }] };
    const long = await dry({ endpoint: "/v1beta/models/smart:streamGenerateContent", body: gemini });
    expect(long).toMatchObject({ upstream_model: "long", request: { stream: true } });
  });

  test("tells who cannot be told what is asked, who lacks a setting, and who is left alone", async () => {
    await admin("PUT", `${ROUTES}/smart`, { targets: "anthropic/c, openai/m", strategy: "priority" });
    const odd = await dry({ body: { ...HELLO, n: 3 } });
    expect(odd.candidates[0]).toMatchObject({ outcome: "skipped", why: expect.stringContaining("it cannot be told") });
    rig.app.reload({
      ...rig.config,
      providers: rig.config.providers.map((each) => (each.name === "anthropic" ? { ...each, apiKey: null } : each)),
    });
    const bare = await dry({ body: HELLO });
    expect(bare).toMatchObject({ provider: "openai", ready: true });
    expect(bare.candidates[1]).toMatchObject({ provider: "anthropic", outcome: "skipped", ready: false });
    expect(bare.candidates[1].why).toContain("anthropic_api_key");
  });

  test.each([
    [{ body: HELLO, endpoint: "/v1/nowhere" }, 422, "endpoint"],
    [{ endpoint: "messages" }, 422, "body"],
    [{ body: { messages: [] } }, 422, "model"],
    [{ body: HELLO, headers: { "bad name": "x" } }, 422, "headers.bad name"],
    [{ body: HELLO, headers: { "": "x" } }, 422, "headers."],
    [{ body: HELLO, headers: { "x-team": "a\nb" } }, 422, "headers.x-team"],
    [{ body: HELLO, headers: { "x-team": "名" } }, 422, "headers.x-team"],
    [{ body: { ...HELLO, model: "zzz" } }, 404, "model"],
  ])("%j is refused", async (question, status, param) => {
    const found = await admin("POST", "/api/v1/admin/route", question);
    expect([found.status, found.body.error.param]).toEqual([status, param]);
  });

  test("for a name alone tells candidates, too, and what would need a request", async () => {
    await admin("PUT", `${ROUTES}/long`, { match: "smart", targets: "local/long", context: ">1k" });
    const { body } = await admin("GET", "/api/v1/admin/route?model=smart");
    expect(body).toMatchObject({ provider: "openai", candidates: [{ provider: "openai", outcome: "chosen" }] });
    expect(body.considered[0].outcome).toBe("passed over: its conditions need a request");
  });
});

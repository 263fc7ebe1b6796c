// The reference of the gateway's addresses: it holds by the standard's own rules, names every route, and answers are what it says that they are.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { validate } from "./openapi-scene.ts";
import { matchQueries } from "../../src/server/about.ts";
import { ROUTE_PERMITS } from "../../src/server/permit.ts";
import type { Route } from "../../src/server/route.ts";

const README = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

let rig: Rig;
let root = "";
let document: Json = {};
beforeAll(async () => {
  rig = await makeRig({ config: (config) => ({ ...config, ledger: { ...config.ledger, capture: true } }) });
  root = (await rig.issue("root_admin", { name: "root" })).token;
  document = (await readJson(await rig.send("/openapi.json", { token: null }))) as Json;
});
afterAll(() => rig.close());

const ask = (method: string, path: string, body?: unknown) =>
  rig.send(path, { method, token: root, ...(body === undefined ? {} : { body }) });

test("holds by the standard's own rules", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(document["openapi"]).toStartWith("3.1");
});

test("each reference in it leads somewhere, and no two operations share a name", () => {
  const text = JSON.stringify(document);
  for (const [, kind = "", name = ""] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/gu)) {
    expect([name, document["components"][kind][name] === undefined]).toEqual([name, false]);
  }
  expect(text).not.toContain("$defs");
  const ids = listOperations().map(({ operation }) => operation["operationId"]);
  expect(new Set(ids).size).toBe(ids.length);
});

test("what stands beside the API in README's table is in it", () => {
  const said = /^\| `GET \/`(?<more>.*) \| open to all \|$/mu.exec(README)?.groups?.["more"] ?? "";
  const open = ["/", ...[...said.matchAll(/`(?<path>\/[^`]*)`/gu)].map(({ groups }) => groups?.["path"] ?? "")];
  expect(open.length).toBeGreaterThan(4);
  for (const path of [...open, "/docs", "/metrics", "/openapi.json", "/ui/"]) {
    expect([path, document["paths"][path]?.get === undefined]).toEqual([path, false]);
  }
});

describe("every route under /api/v1", () => {
  test("is in it, with the scopes and the role of the table", () => {
    const own = Object.entries(ROUTE_PERMITS).filter(([name]) => name.includes(" /api/v1/"));
    expect(own.length).toBeGreaterThan(60);
    for (const [name, permit] of own) {
      const [method = "", path = ""] = name.split(" ");
      const found = document["paths"][path.replaceAll(/:(\w+)/gu, "{$1}")]?.[method.toLowerCase()];
      expect([name, found === undefined]).toEqual([name, false]);
      const scopes = typeof permit === "object" ? permit.anyOf : [];
      const needed = permit === "public" ? [] : scopes.length === 0 ? [[]] : scopes.map((scope) => [scope]);
      expect(found.security.filter((each: Json) => each["bearer"]).map((each: Json) => each["bearer"])).toEqual(needed);
      expect(found["x-role"]).toBe(typeof permit === "object" ? permit.role : undefined);
    }
  });

  test("without a description the gateway does not start", () => {
    const bare = { method: "GET", path: "/api/v1/bare", authority: "public", handle: () => new Response() } as const;
    expect(() => matchQueries([bare satisfies Route])).toThrow("GET /api/v1/bare");
    expect(() => matchQueries([{ ...bare, path: "/v1/bare" }])).not.toThrow();
  });

  test("refuses parameters that nobody knows", async () => {
    for (const { method, path, operation } of listOperations().filter((each) => each.path.startsWith("/api/v1/"))) {
      if (operation["operationId"].startsWith("getAuthOidcCallback")) continue;
      const response = await ask(method, `${fillIn(path)}?colour=red`, method === "GET" ? undefined : {});
      const { errors } = await readJson(response);
      expect([method, path, response.status, errors?.[0]?.path]).toEqual([method, path, 422, "colour"]);
    }
  });
});

test("calls of models are in it, and where their vendors describe them", () => {
  const chat = document["paths"]["/v1/chat/completions"].post;
  expect(chat.description).toContain("https://");
  expect(chat.security).toContainEqual({ bearer: ["inference:chat"] });
  expect(document["paths"]["/v1beta/models/{model}:generateContent"].post.tags).toEqual(["Model calls"]);
  expect(document["paths"]["/v1/files/{id}"].delete).toBeDefined();
});

test("every answer to a documented GET is what is documented, and nothing more", async () => {
  const ids = await fillGateway();
  const checked: string[] = [];
  for (const { path, method, operation } of listOperations()) {
    const content = operation["responses"]["200"]?.content?.["application/json"];
    if (method !== "GET" || content === undefined || !path.startsWith("/api/v1/")) continue;
    for (const query of QUERIES[path] ?? [""]) {
      const response = await ask("GET", `${fillIn(path, ids)}${query}`);
      const body = await response.json();
      expect([path, response.status, response.status === 200 ? "" : body]).toEqual([path, 200, ""]);
      expect([path, validate(document, content.schema, body)]).toEqual([path, []]);
      checked.push(path);
    }
  }
  expect(checked.length).toBeGreaterThan(35);
});

test("whoever is signed in sees documented sessions", async () => {
  const cookie = await signIn();
  const body = await (await rig.send("/api/v1/auth/sessions", { token: null, headers: { cookie } })).json();
  expect((body as Json)["sessions"].length).toBeGreaterThan(0);
  const { schema } = document["paths"]["/api/v1/auth/sessions"].get.responses["200"].content["application/json"];
  expect(validate(document, schema, body)).toEqual([]);
  delete (body as Json)["sessions"][0].address;
  expect(validate(document, schema, body)).toHaveLength(1);
});

test("changes answer as documented, too", async () => {
  const made = await ask("POST", "/api/v1/admin/users", { email: "documented@example.com" });
  const { post } = document["paths"]["/api/v1/admin/users"];
  expect(validate(document, post.responses["201"].content["application/json"].schema, await made.json())).toEqual([]);
  const refused = await ask("POST", "/api/v1/admin/users", { email: 1 });
  const refusal = document["components"]["responses"]["422"].content["application/json"].schema;
  expect(validate(document, refusal, await refused.json())).toEqual([]);
});

describe("lists", () => {
  test("come a page at a time, and go on where one ended although what was there is gone", async () => {
    const owner = await rig.issue("root_admin");
    const list = async (query: string) =>
      (await readJson(await rig.send(`/api/v1/api-keys?${query}`, { token: owner.token }))) as Json;
    for (const name of ["a", "b", "c", "d"]) {
      await rig.send("/api/v1/api-keys", { method: "POST", token: owner.token, body: { name } });
    }
    const all = (await list(""))["api_keys"].map(({ id }: Json) => id);
    const first = await list("limit=2");
    expect(first["api_keys"].map(({ id }: Json) => id)).toEqual(all.slice(0, 2));
    const removed = all.slice(0, 2).find((id: string) => id !== owner.keyId);
    await rig.send(`/api/v1/api-keys/${removed}`, { method: "DELETE", token: owner.token });
    const rest = await list(`limit=10&cursor=${first["next_cursor"]}`);
    expect(rest["next_cursor"]).toBeNull();
    expect(all).toEqual(expect.arrayContaining(rest["api_keys"].map(({ id }: Json) => id)));
    const budgets = await ask("GET", `/api/v1/admin/budgets?cursor=${first["next_cursor"]}`);
    expect(budgets.status).toBe(422);
  });

  test.each([
    ["/api/v1/admin/budgets", "budgets", "tag=filtered", "tag=other", "tag="],
    ["/api/v1/admin/limits", "limits", "model=filtered-*&source=runtime", "source=config&model=filtered-*", "model="],
    ["/api/v1/admin/providers", "providers", "type=loopback&origin=config", "type=vllm", "type=none"],
    ["/api/v1/admin/routes", "routes", "source=runtime", "source=config", "source=nowhere"],
    ["/api/v1/api-keys", "api_keys", "tag=filtered", "tag=other", "tag="],
  ])("%s narrows by what it is asked for", async (path, name, some, none, wrong) => {
    await ask("POST", "/api/v1/admin/budgets", { name: "filtered", tag: "filtered", limit_usd: 1, period: "day" });
    await ask("PUT", "/api/v1/admin/limits/filtered", { model: "filtered-*", concurrent: 1 });
    await ask("PUT", "/api/v1/admin/routes/filtered", { match: "filtered", targets: "loopback" });
    await ask("POST", "/api/v1/api-keys", { tags: ["filtered"] });
    const list = async (query: string) => ((await readJson(await ask("GET", `${path}?${query}`))) as Json)[name];
    expect((await list("")).length).toBeGreaterThan((await list(none)).length);
    expect((await list(some)).length).toBeGreaterThan(0);
    expect(await list(none)).toEqual([]);
    expect((await ask("GET", `${path}?${wrong}`)).status).toBe(422);
  });
});

test("the page asks nobody but the gateway, and runs nothing that stands in it", async () => {
  const files = await Promise.all(
    ["/docs", "/docs/page.js", "/docs/page.css"].map((path) => rig.send(path, { token: null })),
  );
  for (const file of files) {
    expect(file.status).toBe(200);
    expect(file.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(file.headers.get("content-security-policy")).not.toContain("unsafe");
  }
  const [html = "", script = ""] = await Promise.all(files.map((file) => file.text()));
  for (const [, address = ""] of html.matchAll(/(?:href|src)="([^"]+)"/gu)) {
    expect(address).toStartWith("/");
    expect((await rig.send(address, { token: null })).status).toBe(200);
  }
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\bon\w+=|style=/u);
  expect(script).not.toMatch(/innerHTML|eval\(|document\.write/u);
});

const QUERIES: Readonly<Record<string, string[]>> = {
  "/api/v1/admin/api-keys": ["?limit=1", "?status=open"],
  "/api/v1/admin/route": ["?model=loopback"],
  "/api/v1/audit/tokens": ["", "?by=model&flagged=true"],
  "/api/v1/usage/breakdown": ["?by=model", "?by=provider,status"],
  "/api/v1/usage/logs": ["", "?user=all&limit=5"],
};

/** Something of each kind, so that lists are not empty. */
async function fillGateway(): Promise<Record<string, string>> {
  const chat = await rig.chat({ model: "loopback", messages: [{ role: "user", content: "hi" }] }, { token: root });
  expect(chat.status).toBe(200);
  const made = async (path: string, body: object, method = "POST"): Promise<Json> => {
    const response = await ask(method, path, body);
    const answer = (await response.json()) as Json;
    expect([path, [200, 201].includes(response.status) ? "" : answer]).toEqual([path, ""]);
    return answer;
  };
  const user = (await made("/api/v1/admin/users", { email: "someone@example.com" }))["user"].id;
  const key = await made(`/api/v1/admin/users/${user}/api-keys`, {
    name: "k",
    budget: { limit_usd: 3, period: "day" },
  });
  const own = await made("/api/v1/api-keys", { name: "own" });
  const budget = await made("/api/v1/admin/budgets", { name: "tokens", limit_tokens: 9_000, period: "month" });
  await made("/api/v1/admin/limits/slow", { requests_per_minute: 100, per: ["key"] }, "PUT");
  await made("/api/v1/admin/routes", {
    name: "smart",
    match: "smart",
    targets: [{ provider: "loopback", model: "x" }],
  });
  await made("/api/v1/admin/providers", {
    name: "acme",
    type: "compatible",
    base_url: "https://acme.example/v1",
    models: ["m"],
  });
  await signIn();
  const [row] = await rig.rows();
  return {
    "/api/v1/admin/api-keys/{id}": key["api_key"].id,
    "/api/v1/admin/budgets/{id}": budget["budget"].id,
    "/api/v1/admin/limits/{id}": "slow",
    "/api/v1/admin/providers/{id}": "acme",
    "/api/v1/admin/routes/{id}": "smart",
    "/api/v1/admin/users/{id}": user,
    "/api/v1/api-keys/{id}": own["api_key"].id,
    "/api/v1/usage/logs/{id}": row?.id ?? "",
  };
}

/** By a link that was handed out. */
async function signIn(): Promise<string> {
  const invited = await readJson(await ask("POST", "/api/v1/admin/users/invite", { email: "guest@example.com" }));
  const token = String(invited.link).split("#")[1];
  const entered = await rig.send("/api/v1/auth/verify", {
    body: { token, confirm: true },
    token: null,
    headers: { "sec-fetch-site": "same-origin" },
  });
  expect(entered.status).toBe(200);
  return entered.headers.get("set-cookie")?.split(";")[0] ?? "";
}

function fillIn(path: string, ids: Readonly<Record<string, string>> = {}): string {
  const [start = "", end = ""] = path.split("{id}");
  const whole = path.includes("{id}") ? `${start}${ids[`${start}{id}`] ?? "no-such-id"}${end}` : path;
  return whole.replace("{provider}", "loopback");
}

function listOperations(): { path: string; method: string; operation: Json }[] {
  return Object.entries(document["paths"] as Record<string, Json>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

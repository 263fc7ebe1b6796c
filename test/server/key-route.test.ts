// API keys by HTTP: anybody's for administrators, one's own for everybody.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { say } from "./route-scene.ts";

interface KeyJson {
  id: string;
  prefix: string;
  name: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  former: { prefix: string; ends_at: string }[];
  [field: string]: unknown;
}

let rig: Rig;
let admin = "";
beforeAll(async () => {
  rig = await makeRig({ upstream: () => say("hi") });
  admin = (await rig.issue("gateway_admin")).token;
});
afterAll(() => rig.close());

const ADMIN = "/api/v1/admin/api-keys";
const OWN = "/api/v1/api-keys";

async function ask(path: string, init: Parameters<Rig["send"]>[1] = {}) {
  const response = await rig.send(path, { token: admin, ...init });
  const body = response.status === 204 ? {} : ((await readJson(response)) as Record<string, unknown>);
  return { status: response.status, headers: response.headers, body };
}

async function create(body: object = {}, token = admin) {
  const { userId } = await rig.issue();
  const made = await ask(ADMIN, { token, body: { user: userId, ...body } });
  return { ...made, userId, key: made.body["api_key"] as KeyJson, token: made.body["token"] as string };
}

const codeOf = (body: Record<string, unknown>): unknown => (body["error"] as { code?: string }).code;
const opens = async (token: string): Promise<number> => (await rig.send("/v1/models", { token })).status;

describe("for administrators", () => {
  const LIMITS = {
    scopes: ["inference:chat"],
    strict: true,
    allowed_models: ["gpt-4o*"],
    allowed_providers: ["openai"],
    allowed_ips: ["10.0.0.0/8"],
    tags: ["team=a"],
    expires_at: "2099-01-31T00:00:00.000Z",
  };

  test("a key is made with its limits, shown without its token, changed and read again", async () => {
    const { status, headers, key, token, userId } = await create({ name: "CI", ...LIMITS });
    expect(status).toBe(201);
    expect(key).toMatchObject({ name: "CI", user_id: userId, ...LIMITS, former: [], revoked_at: null });
    expect(headers.get("location")).toBe(`${ADMIN}/${key.id}`);
    const shown = await ask(`${ADMIN}/${key.id}`);
    expect(shown.body).toEqual({ api_key: key, budgets: [] });
    expect(JSON.stringify(shown.body)).not.toContain(token);
    const bare = { name: null, scopes: null, strict: false, expires_at: null };
    const open = { allowed_models: [], allowed_providers: null, allowed_ips: [], tags: [] };
    const changed = await ask(`${ADMIN}/${key.id}`, { method: "PATCH", body: { ...bare, ...open } });
    const empty = { scopes: [], allowed_models: [], allowed_providers: [], allowed_ips: [], tags: [] };
    expect(changed.body["api_key"]).toMatchObject({ name: null, strict: false, expires_at: null, ...empty });
    expect(await opens(token)).toBe(200);
  });

  test.each([
    [{ allowed_models: ["a*b"] }, 422, "allowed_models"],
    [{ allowed_ips: ["10.0.0.0/99"] }, 422, "allowed_ips"],
    [{ tags: ["a,b"] }, 422, "tags"],
    [{ scopes: ["everything"] }, 422, "scopes"],
    [{ expires_at: "2001-01-01T00:00:00Z" }, 422, "expires_at"],
    [{ budget: { limit_usd: "much" } }, 422, null],
    [{ budget: {} }, 422, null],
    [{ unheard: 1 }, 422, null],
    [{ scopes: ["users:manage"] }, 403, "scopes"],
  ])("%j is refused with %p", async (body, status, param) => {
    const before = (await rig.directory.listKeys(null)).length;
    const made = await create(body);
    expect(made.status).toBe(status);
    if (param !== null) expect(made.body).toMatchObject({ error: { param } });
    // One of the user that was made for it.
    expect((await rig.directory.listKeys(null)).length).toBe(before + 1);
  });

  test("a change is refused to whoever has seen another state", async () => {
    const { key } = await create();
    const path = `${ADMIN}/${key.id}`;
    const etag = (await ask(path)).headers.get("etag") ?? "";
    const change = (name: string, match: string) =>
      ask(path, { method: "PATCH", body: { name }, headers: { "if-match": match } });
    const first = await change("one", etag);
    expect(first.status).toBe(200);
    const late = await change("two", etag);
    expect([late.status, codeOf(late.body)]).toEqual([412, "changed_meanwhile"]);
    expect((await change("two", first.headers.get("etag") ?? "")).status).toBe(200);
    expect((await change("three", "*")).status).toBe(200);
  });

  test("a budget comes with it, on the books of budgets", async () => {
    const { key, body } = await create({ name: "CI", budget: { limit_usd: "12.50", period: "day" } });
    expect(body["budget"]).toMatchObject({ api_key_id: key.id, period: "day" });
    const shown = await ask(`${ADMIN}/${key.id}`);
    expect(shown.body["budgets"]).toEqual([body["budget"]]);
    const { token } = await rig.issue("gateway_admin", { scopes: ["keys:manage", "inference"] });
    const denied = await create({ scopes: ["inference"], budget: { limit_usd: 1 } }, token);
    expect([denied.status, codeOf(denied.body)]).toEqual([403, "insufficient_scope"]);
  });

  test("rotation keeps the key and its rows; both tokens work until the overlap ends", async () => {
    const { key, token } = await create();
    const rotated = await ask(`${ADMIN}/${key.id}/rotate`, { body: { overlap_seconds: 60 } });
    const next = rotated.body["token"] as string;
    expect(rotated.status).toBe(201);
    const shown = rotated.body["api_key"] as KeyJson;
    expect([shown.id, shown.prefix, shown.former.map(({ prefix }) => prefix)]).toEqual([
      key.id,
      next.slice(0, 12),
      [key.prefix],
    ]);
    for (const each of [token, next])
      expect(
        (await rig.chat({ model: "gpt-4o", messages: [{ role: "user", content: "x" }] }, { token: each })).status,
      ).toBe(200);
    const rows = (await rig.rows()).filter(({ apiKeyId }) => apiKeyId === key.id);
    expect(rows).toHaveLength(2);
    rig.clock.advance(60_000);
    expect([await opens(token), await opens(next)]).toEqual([401, 200]);
    const atOnce = (await ask(`${ADMIN}/${key.id}/rotate`, { body: {} })).body["token"] as string;
    expect([await opens(next), await opens(atOnce)]).toEqual([401, 200]);
  });

  test("a revoked key stays in the list with the moment; a deleted one does not", async () => {
    const { key, token, userId } = await create();
    const revoked = await ask(`${ADMIN}/${key.id}/revoke`, { method: "POST" });
    expect(revoked.body["api_key"]).toMatchObject({
      id: key.id,
      revoked_at: new Date(rig.clock.wallMs()).toISOString(),
    });
    expect(await opens(token)).toBe(401);
    const list = async (query = "") => {
      const { body } = await ask(`${ADMIN}?user=${userId}${query}`);
      return (body["api_keys"] as KeyJson[]).map(({ id, revoked_at: at }) => [id, at !== null]);
    };
    expect(await list()).toContainEqual([key.id, true]);
    expect(await list("&status=open")).not.toContainEqual([key.id, true]);
    expect((await ask(`${ADMIN}/${key.id}`, { method: "PATCH", body: { name: "x" } })).status).toBe(409);
    expect((await ask(`${ADMIN}/${key.id}/rotate`, { body: {} })).status).toBe(409);
    expect((await ask(`${ADMIN}/${key.id}`, { method: "DELETE" })).status).toBe(204);
    expect(await list()).not.toContainEqual([key.id, true]);
    expect((await ask(`${ADMIN}/${key.id}`)).status).toBe(404);
  });

  test("many are revoked by what they have in common, after a look", async () => {
    const tag = `run=${crypto.randomUUID()}`;
    const made = [await create({ tags: [tag] }), await create({ tags: [tag, "x"] }), await create()];
    const revoke = async (body: object) => (await ask(`${ADMIN}/revoke`, { body })).body;
    expect(await revoke({ tag, dry_run: true })).toMatchObject({ dry_run: true, count: 2 });
    expect(await Promise.all(made.map(({ token }) => opens(token)))).toEqual([200, 200, 200]);
    expect(await revoke({ tag })).toMatchObject({ dry_run: false, count: 2 });
    expect(await Promise.all(made.map(({ token }) => opens(token)))).toEqual([401, 401, 200]);
    expect(await revoke({ tag })).toMatchObject({ count: 0 });
    const [, , third] = made;
    expect(await revoke({ prefix: third?.key.prefix })).toMatchObject({ count: 1 });
    expect((await ask(`${ADMIN}/revoke`, { body: {} })).status).toBe(422);
    expect((await ask(`${ADMIN}/revoke`, { body: { prefix: "tok" } })).status).toBe(422);
  });

  test("the list goes on where a page ends", async () => {
    const { userId } = await create();
    for (let turn = 0; turn < 4; turn++) await ask(ADMIN, { body: { user: userId } });
    const all: string[] = [];
    let cursor: string | null = "";
    for (let page = 0; cursor !== null && page < 9; page++) {
      const at = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await ask(`${ADMIN}?user=${userId}&limit=2${at}`);
      all.push(...(body["api_keys"] as KeyJson[]).map(({ id }) => id));
      cursor = body["next_cursor"] as string | null;
    }
    expect(all).toHaveLength(6);
    expect(new Set(all).size).toBe(6);
    for (const query of ["limit=0", "limit=x", "status=odd", "unused_since=soon"]) {
      expect([query, (await ask(`${ADMIN}?${query}`)).status]).toEqual([query, 422]);
    }
  });

  test("roots are out of an admin's reach, and so are their keys", async () => {
    const root = await rig.issue("root_admin");
    for (const [method, path, body] of [
      ["POST", ADMIN, { user: root.userId }],
      ["PATCH", `${ADMIN}/${root.keyId}`, { name: "x" }],
      ["POST", `${ADMIN}/${root.keyId}/rotate`, {}],
      ["POST", `${ADMIN}/${root.keyId}/revoke`, {}],
      ["DELETE", `${ADMIN}/${root.keyId}`, undefined],
    ] as const) {
      const answer = await ask(path, { method, ...(body === undefined ? {} : { body }) });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
    expect(await opens(root.token)).toBe(200);
  });
});

describe("of one's own", () => {
  test("are made, read, changed, rotated, revoked and deleted; another's are not there", async () => {
    const [ana, ben] = [await rig.issue(), await rig.issue()];
    const own = { token: ana.token };
    const made = await ask(OWN, { ...own, body: { name: "mine", allowed_models: ["gpt-4o"] } });
    const { id } = made.body["api_key"] as KeyJson;
    const path = `${OWN}/${id}`;
    expect((await ask(path, own)).body["api_key"]).toMatchObject({ id, allowed_models: ["gpt-4o"] });
    const calls = [
      ["GET", path, undefined],
      ["PATCH", path, { name: "x" }],
      ["POST", `${path}/rotate`, {}],
      ["POST", `${path}/revoke`, {}],
      ["DELETE", path, undefined],
    ] as const;
    const run = async (token: string) => {
      const codes: number[] = [];
      for (const [method, address, body] of calls) {
        codes.push((await ask(address, { token, method, ...(body === undefined ? {} : { body }) })).status);
      }
      return codes;
    };
    expect(await run(ben.token)).toEqual([404, 404, 404, 404, 404]);
    expect(await run(ana.token)).toEqual([200, 200, 201, 200, 204]);
  });

  test("are no wider than the key that makes them", async () => {
    const { token } = await rig.issue("gateway_user", {
      scopes: ["keys:own", "inference:chat"],
      allowedModels: ["gpt-*"],
    });
    const make = (body: object) => ask(OWN, { token, body });
    const wide = await make({ scopes: ["inference:chat"] });
    expect([wide.status, codeOf(wide.body)]).toEqual([403, "wider_than_own"]);
    expect((await make({ scopes: ["inference:chat"], allowed_models: ["gpt-4o"] })).status).toBe(201);
  });
});

// What stands behind the question mark of the gateway's own addresses: filters, each once, beside the caller's key.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { makeEntry } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { type Scene, openBrowser, openScene } from "./sign-in/scene.ts";

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

const ADMIN = "/api/v1/admin";

let scene: Scene;
let rig: Rig;
let root: Awaited<ReturnType<Rig["issue"]>>;
beforeAll(async () => {
  scene = await openScene();
  ({ rig } = scene);
  root = await rig.issue("root_admin");
  await rig.store.ledger.append([makeEntry({ userId: root.userId, apiKeyId: root.keyId })]);
});
afterAll(() => rig.close());

const ask = async (path: string, token: string | null = root.token): Promise<{ status: number; body: Json }> => {
  const response = await rig.send(path, { token });
  return { status: response.status, body: await readJson(response) };
};

describe("what stands twice", () => {
  test.each([
    [`${ADMIN}/api-keys?limit=1&limit=2`, "limit"],
    [`${ADMIN}/api-keys?tag=a&tag=b`, "tag"],
    [`${ADMIN}/audit?actor=a&actor=b`, "actor"],
    [`${ADMIN}/budgets?user_id=a&user_id=b`, "user_id"],
    [`${ADMIN}/limits?in_force=true&in_force=false`, "in_force"],
    [`${ADMIN}/users?role=gateway_user&role=root_admin`, "role"],
    ["/api/v1/audit/tokens?by=model&by=provider", "by"],
    ["/api/v1/usage/logs?model=a&model=b", "model"],
  ])("%s is refused: one of both would be left out", async (path, name) => {
    const { status, body } = await ask(path);
    expect([status, body["errors"]]).toEqual([422, [{ path: name, message: `${name} stands twice.` }]]);
  });

  test("says what is to be removed for good, and is refused before anything is", async () => {
    const { userId } = await rig.issue();
    const path = `${ADMIN}/users/${userId}`;
    const gone = await rig.send(`${path}?hard=true&hard=false`, { method: "DELETE", token: root.token });
    expect(gone.status).toBe(422);
    expect((await ask(path)).status).toBe(200);
  });

  test("is all of it meant where the reference says so", async () => {
    const { body } = await ask("/api/v1/usage/breakdown?by=model&by=provider&tag=a&tag=b");
    expect(body["by"]).toEqual(["model", "provider"]);
    const { body: reference } = await ask("/openapi.json", null);
    const { parameters } = reference["paths"]["/api/v1/usage/breakdown"].get;
    for (const name of ["by", "tag"])
      expect(parameters.find((each: Json) => each["name"] === name).schema.type).toBe("array");
  });
});

describe("a key", () => {
  const LISTS = ["audit", "budgets", "limits", "providers", "routes", "sessions", "users"].map(
    (kind) => `${ADMIN}/${kind}`,
  );

  test("opens every list from there, and is no filter", async () => {
    for (const path of [...LISTS, "/api/v1/profile", "/api/v1/usage/logs"])
      expect([path, (await ask(`${path}?key=${root.token}`, null)).status]).toEqual([path, 200]);
    const sum = await ask(`/api/v1/usage/summary?key=${root.token}`, null);
    expect(sum.body["summary"].requests).toBe(1);
    const { body } = await ask(`/api/v1/usage/summary?key=${root.token}&key=none`, null);
    expect(body["summary"].requests).toBe(0);
  });

  test("by its id is a filter, for who is signed in as well", async () => {
    const { email } = await rig.directory.getUser(root.userId);
    const invited = await rig.send(`${ADMIN}/users/invite`, { token: root.token, body: { email } });
    const [, token = ""] = ((await readJson(invited)).link as string).split("#");
    const browser = openBrowser(scene);
    expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
    for (const [id, requests] of [
      [root.keyId, 1],
      ["none", 0],
    ] as const) {
      const path = `/api/v1/usage/summary?user=all&key=${id}`;
      const response = await browser.ask(path);
      expect([response.status, (await readJson(response)).summary?.requests]).toEqual([200, requests]);
      expect((await ask(path)).body["summary"].requests).toBe(requests);
    }
  });

  test("by its id is refused where there is no such filter, and opens nothing", async () => {
    for (const path of LISTS) expect([path, (await ask(`${path}?key=${root.keyId}`)).status]).toEqual([path, 422]);
    expect((await ask(`/api/v1/usage/summary?key=${root.keyId}`, null)).status).toBe(401);
  });
});

test("what a user did is read by his id when he is gone, and by his address however it is written", async () => {
  const gone = await rig.issue();
  await rig.store.ledger.append([makeEntry({ userId: gone.userId, apiKeyId: gone.keyId })]);
  const count = async (user: string, token?: string) => {
    const { status, body } = await ask(`/api/v1/usage/summary?user=${user}`, token);
    return [status, body["summary"]?.requests];
  };
  expect(await count(gone.email.toUpperCase(), gone.token)).toEqual([200, 1]);
  expect(await count(root.userId, gone.token)).toEqual([403, undefined]);
  for (const query of ["", "?hard=true"]) {
    await rig.send(`${ADMIN}/users/${gone.userId}${query}`, { method: "DELETE", token: root.token });
    for (const id of [gone.userId, gone.userId.toUpperCase()]) expect(await count(id)).toEqual([200, 1]);
  }
  expect(await count("nobody@example.com")).toEqual([404, undefined]);
});

test("keys that are unused since no day that there is are not listed", async () => {
  for (const since of ["1", "2026-02-31", "March 7 2026", "12/25/2026", "-1"]) {
    const { status, body } = await ask(`${ADMIN}/api-keys?unused_since=${encodeURIComponent(since)}`);
    expect([since, status, body["error"]?.param]).toEqual([since, 422, "unused_since"]);
  }
  for (const since of ["2096-02-29", "2096-02-29T12:00:00Z", "2096-02-29T12:00:00%2B02:00"]) {
    const { status, body } = await ask(`${ADMIN}/api-keys?unused_since=${since}`);
    expect([since, status, body["api_keys"].length > 0]).toEqual([since, 200, true]);
  }
});

describe.each(hasPostgres ? ["sqlite", "postgres"] : ["sqlite"])("on %s", (engine) => {
  let own: Rig;
  let token = "";
  beforeAll(async () => {
    const location = engine === "postgres" ? await createDatabase() : null;
    own = await makeRig({
      config: (config) => (location === null ? config : { ...config, identityPath: location, ledgerPath: location }),
    });
    ({ token } = await own.issue("root_admin"));
  });
  afterAll(() => own.close());

  test("what no row can be called is not there", async () => {
    const { status } = await own.send("/api/v1/usage/logs/%00/payload", { token });
    expect(status).toBe(404);
  });

  test.each(["0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])(
    "keys that are unused since %s are none, for no engine knows that moment",
    async (since) => {
      const body = { unused_since: since, dry_run: true };
      const many = await own.send(`${ADMIN}/api-keys/revoke`, { token, body });
      const list = await own.send(`${ADMIN}/api-keys?unused_since=${encodeURIComponent(since)}`, { token });
      for (const answer of [many, list])
        expect([answer.status, (await readJson(answer)).error.param]).toEqual([422, "unused_since"]);
    },
  );
});

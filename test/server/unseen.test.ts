// Names that look like others, or like nothing, are refused wherever one is given, and told apart where one was kept before.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let root = "";
let key: Awaited<ReturnType<Rig["issue"]>>;
beforeAll(async () => {
  rig = await makeRig();
  root = (await rig.issue("root_admin")).token;
  key = await rig.issue();
});
afterAll(() => rig.close());

const TURNED = "nimda\u202E";
const TAGGED = "admin\u{E0041}";

const FIELDS: [name: string, method: string, path: () => string, body: (text: string) => object, param: string][] = [
  [
    "a user's name",
    "POST",
    () => "/api/v1/admin/users",
    (text) => ({ email: "n@x.io", display_name: text }),
    "display_name",
  ],
  ["a user's address", "POST", () => "/api/v1/admin/users", (text) => ({ email: `${text}@x.io` }), "email"],
  [
    "the name that a user is given",
    "PATCH",
    () => `/api/v1/admin/users/${key.userId}`,
    (text) => ({ display_name: text }),
    "display_name",
  ],
  ["a key's name", "POST", () => "/api/v1/api-keys", (text) => ({ name: text }), "name"],
  ["a key's tag", "POST", () => "/api/v1/api-keys", (text) => ({ tags: [`team=${text}`] }), "tags"],
  ["a key's model", "POST", () => "/api/v1/api-keys", (text) => ({ allowed_models: [text] }), "allowed_models"],
  ["a budget's name", "POST", () => "/api/v1/admin/budgets", (text) => ({ name: text, limit_usd: 1 }), "name"],
  [
    "a budget's model",
    "POST",
    () => "/api/v1/admin/budgets",
    (text) => ({ name: "b", model: text, limit_usd: 1 }),
    "model",
  ],
  ["a limit's model", "PUT", () => "/api/v1/admin/limits/l", (text) => ({ model: text, concurrent: 1 }), "model"],
];

describe.each([TURNED, TAGGED, "ad\u200Bmin", "\u2066admin\u2069", "ad\u061Cmin", "ad\u3164min"])("%j", (text) => {
  test.each(FIELDS)("is not %s", async (_name, method, path, body, param) => {
    const response = await rig.send(path(), { method, token: root, body: body(text) });
    expect([response.status, (await readJson(response)).error.param]).toEqual([422, param]);
  });

  test.each(["routes", "limits", "providers"])("names none of the %s", async (what) => {
    const body = what === "limits" ? { concurrent: 1 } : { match: "x", targets: ["loopback"], type: "loopback" };
    const named = what === "limits" ? body : { name: text, ...body };
    const path = what === "limits" ? `/api/v1/admin/limits/${encodeURIComponent(text)}` : `/api/v1/admin/${what}`;
    const response = await rig.send(path, { method: what === "limits" ? "PUT" : "POST", token: root, body: named });
    expect(response.status).toBe(422);
  });
});

test("what is wrong is said without it", async () => {
  const response = await rig.send("/api/v1/api-keys", { token: root, body: { name: TURNED } });
  const text = await response.text();
  expect(text).toContain("A name cannot hold control characters, or others that nobody sees: U+202E is one.");
  expect(text).not.toContain("\u202E");
});

test("letters of all scripts, and pictures made of several, are names", async () => {
  for (const name of ["می\u200Cخواهم", "👩🏽\u200D🚀 crew", "王小明", "Zoë"]) {
    expect((await rig.send("/api/v1/api-keys", { token: root, body: { name } })).status).toBe(201);
  }
});

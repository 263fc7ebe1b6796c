// What does not hold in a body: all of it is named at once, of form and of meaning, each by its field and with what would hold.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

const ADMIN = "/api/v1/admin";

let rig: Rig;
let root = "";
let user = "";
let budget = "";
let key = "";
beforeAll(async () => {
  rig = await makeRig();
  root = (await rig.issue("root_admin")).token;
  const made = async (path: string, body: object) => readJson(await ask("POST", path, body));
  user = (await made(`${ADMIN}/users`, { email: "a@example.com" })).user.id;
  budget = (await made(`${ADMIN}/budgets`, { name: "b", limit_usd: 1 })).budget.id;
  key = (await made(`${ADMIN}/api-keys`, { user, name: "k" })).api_key.id;
});
afterAll(() => rig.close());

const ask = (method: string, path: string, body?: unknown) =>
  rig.send(path, { method, token: root, ...(body === undefined ? {} : { body }) });

interface Problem {
  path: string;
  message: string;
}

async function refuse(method: string, path: string, body?: unknown): Promise<Record<string, string>> {
  const response = await ask(method, path, body);
  const { error, errors } = await readJson(response);
  expect([path, response.status]).toEqual([path, 422]);
  // The error that clients know names the first of them.
  expect(errors[0].path).toBe(error.param ?? "");
  for (const each of errors as Problem[]) {
    // None repeats where it stands, and none is the schema's own jargon.
    expect(each.message).not.toStartWith(`${each.path}:`);
    expect(each.message).not.toMatch(/^Invalid|received|expected (?:string|object|array|boolean|int)\b/u);
  }
  const found = (errors as Problem[]).map((each) => [each.path, each.message]);
  expect(new Set(found.map(([name]) => name)).size).toBe(found.length);
  return Object.fromEntries(found);
}

const KEY_FAULTS = {
  name: "x".repeat(201),
  scopes: ["chat", "admin", "nope"],
  allowed_models: ["a b", "*x*y*"],
  allowed_providers: ["!"],
  allowed_ips: ["10.0.0.0/99", "here"],
  tags: ["no tag at all !"],
  expires_at: "2001-01-01T00:00:00Z",
  budget: { limit_usd: -1, period: "fortnight" },
};
const KEY_PATHS = ["allowed_ips", "allowed_models", "allowed_providers", "expires_at", "name", "scopes", "tags"];
const BUDGET_FAULTS = {
  limit_usd: "much",
  soft_limit_usd: -1,
  mode: "maybe",
  unpriced: "perhaps",
  alert_percents: [0],
};

describe("all at once", () => {
  test.each<[string, () => string, object, string[]]>([
    [
      "POST",
      () => `${ADMIN}/users`,
      { email: "x", role: "king", display_name: "\u0000" },
      ["display_name", "email", "role"],
    ],
    [
      "PATCH",
      () => `${ADMIN}/users/${user}`,
      { email: "x", role: "king", status: "asleep", display_name: "\u0000" },
      ["display_name", "email", "role", "status"],
    ],
    [
      "POST",
      () => `${ADMIN}/users/invite`,
      { email: "x", role: "king", ttl_seconds: 1 },
      ["email", "role", "ttl_seconds"],
    ],
    [
      "POST",
      () => `${ADMIN}/users/import`,
      { users: [{ email: "good@example.com" }, { email: "x", role: "king" }, { email: "y", display_name: "\u0000" }] },
      ["users.1.email", "users.1.role", "users.2.display_name", "users.2.email"],
    ],
    [
      "POST",
      () => `${ADMIN}/api-keys`,
      { user: "admin@local", ...KEY_FAULTS },
      [...KEY_PATHS, "budget.limit_usd", "budget.period"],
    ],
    [
      "POST",
      () => `${ADMIN}/users/admin@local/api-keys`,
      KEY_FAULTS,
      [...KEY_PATHS, "budget.limit_usd", "budget.period"],
    ],
    ["PATCH", () => `${ADMIN}/api-keys/${key}`, { ...KEY_FAULTS, budget: undefined }, KEY_PATHS],
    ["POST", () => "/api/v1/api-keys", { ...KEY_FAULTS, budget: undefined }, KEY_PATHS],
    [
      "POST",
      () => `${ADMIN}/budgets`,
      { name: " ", model: "x".repeat(201), each: "team", period: "eon", time_zone: "Mars", ...BUDGET_FAULTS },
      [
        "alert_percents",
        "each",
        "limit_usd",
        "mode",
        "model",
        "name",
        "period",
        "soft_limit_usd",
        "time_zone",
        "unpriced",
      ],
    ],
    [
      "PATCH",
      () => `${ADMIN}/budgets/${budget}`,
      { name: " ", ...BUDGET_FAULTS },
      ["alert_percents", "limit_usd", "mode", "name", "soft_limit_usd", "unpriced"],
    ],
    [
      "PUT",
      () => `${ADMIN}/limits/Bad%20Name`,
      { requests_per_minute: "x", tokens_per_minute: -1, concurrent: 0, per: "planet", model: "x".repeat(201) },
      ["concurrent", "model", "name", "per", "requests_per_minute", "tokens_per_minute"],
    ],
    [
      "POST",
      () => `${ADMIN}/routes`,
      { name: "Bad Name", targets: "opnai", strategy: "best", tarjets: "x", comment: "x".repeat(501) },
      ["comment", "match", "name", "strategy", "targets", "tarjets"],
    ],
    ["PUT", () => `${ADMIN}/routes/r`, { targets: [{ model: "m" }], match: "a\nb" }, ["match", "targets"]],
    [
      "POST",
      () => `${ADMIN}/providers`,
      { name: "Bad Name", type: "x", comment: "x".repeat(501) },
      ["comment", "name", "type"],
    ],
    ["PATCH", () => `${ADMIN}/settings`, { log_level: "loud", ledger_path: "x" }, ["ledger_path", "log_level"]],
    [
      "POST",
      () => `${ADMIN}/budgets`,
      { name: "", tag: "", user: " ", limit_usd: -1 },
      ["limit_usd", "name", "tag", "user"],
    ],
    ["PUT", () => `${ADMIN}/limits/x`, { concurrent: 0, model: "", user: "" }, ["concurrent", "model", "user"]],
    ["GET", () => `${ADMIN}/users?role=king&status=asleep&email=`, {}, ["email", "role", "status"]],
    ["GET", () => `${ADMIN}/users?colour=red&size=9`, {}, ["colour", "size"]],
    [
      "GET",
      () => `${ADMIN}/api-keys?status=x&unused_since=x&limit=x&prefix=t`,
      {},
      ["limit", "status", "unused_since"],
    ],
    ["GET", () => `${ADMIN}/users?limit=0&role=king`, {}, ["limit", "role"]],
    ["GET", () => `${ADMIN}/audit?limit=0&from=then&action=`, {}, ["action", "from", "limit"]],
    ["GET", () => `${ADMIN}/audit/export?format=x&from=then`, {}, ["format", "from"]],
    ["GET", () => `${ADMIN}/limits?source=x&in_force=x&limit=0`, {}, ["in_force", "limit", "source"]],
    ["GET", () => `${ADMIN}/routes?source=x`, {}, ["source"]],
    ["GET", () => `${ADMIN}/providers?origin=x&type=x`, {}, ["origin", "type"]],
    ["GET", () => "/api/v1/usage/logs?limit=0&status=x", {}, ["limit", "status"]],
    ["GET", () => "/api/v1/usage/breakdown?by=x&tz=Mars", {}, ["by", "tz"]],
    ["GET", () => "/api/v1/usage/timeseries?bucket=x&tz=Mars", {}, ["bucket", "tz"]],
    ["GET", () => "/api/v1/usage/export?format=x&from=then", {}, ["format", "from"]],
    ["GET", () => "/api/v1/audit/tokens?by=x&flagged=x&limit=0&to=x", {}, ["by", "flagged", "limit", "to"]],
  ])("%s %p", async (method, path, body, paths) => {
    const found = await refuse(method, path(), method === "GET" ? undefined : body);
    expect(Object.keys(found).toSorted()).toEqual(paths.toSorted());
  });

  test("of form and of meaning", async () => {
    expect(await refuse("POST", `${ADMIN}/users`, { email: "x", role: 7, hat: 1 })).toEqual({
      role: "expected text, and it is a number",
      hat: "There is no such field.",
      email: '"x" is not an e-mail address such as ada@example.com.',
    });
    expect(Object.keys(await refuse("POST", `${ADMIN}/budgets`, { name: 1, limit_usd: [], period: "eon" }))).toEqual([
      "name",
      "limit_usd",
      "period",
    ]);
    expect(Object.keys(await refuse("PUT", `${ADMIN}/limits/l`, { concurrent: {}, per: "planet" }))).toEqual([
      "concurrent",
      "per",
    ]);
    expect(
      Object.keys(await refuse("PATCH", `${ADMIN}/api-keys/${key}`, { name: 1, expires_at: "x", tags: ["!"] })),
    ).toEqual(["name", "expires_at", "tags"]);
    expect(Object.keys(await refuse("POST", `${ADMIN}/routes`, { comment: 1, targets: "opnai" }))).toEqual([
      "comment",
      "name",
      "match",
      "targets",
    ]);
  });
});

describe("says what would hold", () => {
  test.each<[string, string, unknown, string]>([
    ["POST", `${ADMIN}/users`, {}, "it is missing: expected text"],
    ["POST", `${ADMIN}/users`, { email: null }, "expected text, and it is null"],
    ["POST", `${ADMIN}/users/import`, { users: [] }, "expected at least 1 entries"],
    ["POST", `${ADMIN}/users/import`, { users: {} }, "expected a list, and it is an object"],
    ["POST", `${ADMIN}/api-keys`, { user: "admin@local", strict: "yes" }, "expected true or false, and it is text"],
    [
      "POST",
      `${ADMIN}/api-keys`,
      { user: "admin@local", expires_at: "tomorrow" },
      "expected a date and time such as 2026-12-31T00:00:00Z",
    ],
    [
      "POST",
      `${ADMIN}/api-keys/revoke`,
      { unused_since: "x" },
      "expected a date and time such as 2026-12-31T00:00:00Z",
    ],
    ["POST", `${ADMIN}/budgets`, { name: "x", limit_usd: true }, "expected a number or text, and it is true"],
    ["PUT", `${ADMIN}/limits/x`, { per: 7 }, "expected text or a list, and it is a number"],
    ["PUT", `${ADMIN}/limits/x`, { concurrent: "1.5" }, '"1.5" is no whole number from 1 to 999999999999'],
    [
      "PUT",
      `${ADMIN}/limits/x`,
      { concurrent: 2 ** 53 - 1 },
      '"9007199254740991" is no whole number from 1 to 999999999999',
    ],
    [
      "PUT",
      `${ADMIN}/limits/${"x".repeat(65)}`,
      { concurrent: 1 },
      "a limit's name consists of a-z, 0-9, - and _, at most 64",
    ],
    [
      "PUT",
      `${ADMIN}/routes/${"x".repeat(65)}`,
      { targets: "loopback" },
      "A route's name consists of a-z, 0-9, - and _, at most 64",
    ],
    [
      "POST",
      `${ADMIN}/budgets`,
      { name: "x", limit_tokens: 2 ** 53 },
      "limit_tokens must be a whole number of tokens from 0 to 9007199254740991.",
    ],
    ["POST", `${ADMIN}/budgets`, { name: "x", limit_usd: 1.0000000004 }, "limit_usd has at most 9 decimals"],
    [
      "POST",
      `${ADMIN}/budgets`,
      { name: "x", limit_usd: 1, user: "" },
      "user must not be empty; without it the budget",
    ],
    [
      "POST",
      `${ADMIN}/budgets`,
      { name: "x", limit_usd: 1, api_key_id: " " },
      "api_key_id must not be empty; without it",
    ],
    ["PUT", `${ADMIN}/limits/x`, { concurrent: 1, user: "" }, "it must not be empty; without it the limit"],
    ["PUT", `${ADMIN}/limits/x`, { concurrent: 1, key: " " }, "it must not be empty; without it the limit"],
    [
      "POST",
      `${ADMIN}/routes/x/rollback`,
      { version: 1.5 },
      "expected a whole number, and it is a number with a fraction",
    ],
    ["POST", `${ADMIN}/routes/x/rollback`, { version: 0 }, "expected at least 1"],
    ["POST", `${ADMIN}/route`, { body: [] }, "expected an object, and it is a list"],
    ["POST", "/api/v1/auth/verify", { token: "x".repeat(201) }, "expected at most 200 characters"],
  ])("%s %s %j", async (method, path, body, message) => {
    const [first = ""] = Object.values(await refuse(method, path, body));
    expect(first).toStartWith(message);
  });
});

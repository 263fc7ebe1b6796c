// The gateway's own addresses by HTTP: what does not hold is told field by field, and nobody changes unawares what another has changed.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

const USERS = "/api/v1/admin/users";
const BUDGETS = "/api/v1/admin/budgets";

let rig: Rig;
let root = "";
beforeAll(async () => {
  rig = await makeRig();
  root = (await rig.issue("root_admin")).token;
});
afterAll(() => rig.close());

const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  rig.send(path, { method, token: root, headers, ...(body === undefined ? {} : { body }) });

describe("what does not hold", () => {
  test("is a 422 that names every field, beside the error that clients know", async () => {
    const response = await ask("POST", USERS, { role: 7, display_name: [], shoe_size: 44, hat: 1 });
    expect(response.status).toBe(422);
    const { error, errors } = await readJson(response);
    expect(errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      "display_name",
      "email",
      "hat",
      "role",
      "shoe_size",
    ]);
    for (const each of errors) expect(each.message).toEqual(expect.stringMatching(/\w{4}/u));
    expect(error).toMatchObject({ type: "invalid_request_error", param: "email" });
    expect(error.request_id).toBe(response.headers.get("x-request-id"));
  });

  test("names fields within fields", async () => {
    const { errors } = await readJson(
      await ask("POST", `${USERS}/import`, { users: [{ email: "a@b.example", x: 1 }] }),
    );
    expect(errors).toEqual([{ path: "users.0.x", message: "There is no such field." }]);
  });

  test("names as many as anybody reads", async () => {
    const users = Array.from({ length: 2_000 }, () => ({}));
    const { errors } = await readJson(await ask("POST", `${USERS}/import`, { users }));
    expect(errors).toHaveLength(100);
  });

  test("is told in the same way where a rule refuses it, or a query", async () => {
    const refused = await ask("POST", USERS, { email: "nonsense" });
    expect([refused.status, (await readJson(refused)).errors[0].path]).toEqual([422, "email"]);
    const query = await ask("GET", `${USERS}?role=emperor`);
    expect([query.status, (await readJson(query)).errors[0].path]).toEqual([422, "role"]);
  });

  test("is a 400 where it cannot be read at all, and in calls of models, as their clients know it", async () => {
    for (const body of ["{nope", "[]"]) {
      const response = await ask("POST", USERS, body);
      expect([response.status, (await readJson(response)).errors]).toEqual([400, undefined]);
    }
    const call = await rig.chat({ model: "loopback" });
    expect([call.status, (await readJson(call)).errors]).toEqual([400, undefined]);
  });
});

describe.each([
  ["a user", USERS, "user", { email: "seen@example.com" }, { display_name: "Ann" }],
  ["a budget", BUDGETS, "budget", { name: "seen", limit_usd: 5, period: "month" }, { limit_usd: 6 }],
])("%s", (_what, list, name, wanted, change) => {
  test("is changed and deleted by those alone who have seen its present state", async () => {
    const made = await ask("POST", list, wanted);
    const id = (await readJson(made))[name].id;
    const path = `${list}/${id}`;
    const first = made.headers.get("etag") ?? "";
    expect((await ask("GET", path)).headers.get("etag")).toBe(first);
    rig.clock.advance(5);
    const changed = await ask("PATCH", path, change, { "if-match": first });
    expect(changed.status).toBe(200);
    const second = changed.headers.get("etag") ?? "";
    expect(second).not.toBe(first);
    for (const [method, body] of [["PATCH", change], ["DELETE"]] as const) {
      const late = await ask(method, path, body, { "if-match": first });
      expect([late.status, (await readJson(late)).error.code]).toEqual([412, "changed_meanwhile"]);
    }
    expect((await ask("GET", path)).headers.get("etag")).toBe(second);
    expect((await ask("DELETE", path, undefined, { "if-match": `"x", ${second}` })).status).toBe(204);
    expect((await ask("DELETE", path, undefined, { "if-match": second })).status).toBe(204);
  });
});

test("a number that is too large to be read is no other one in what is kept", async () => {
  const path = "/api/v1/admin/routes/endless";
  for (const body of [
    '{"targets": "loopback", "set": {"temperature": 1e400}}',
    '{"targets": [{"provider": "loopback", "weight": 1E+309}]}',
    `{"targets": [{"provider": "loopback", "weight": ${"9".repeat(310)}}]}`,
  ]) {
    const refused = await ask("PUT", path, body);
    expect([refused.status, (await readJson(refused)).error.message]).toEqual([
      400,
      "The request body holds a number that is too large to be read.",
    ]);
  }
  const longest = "0.000000001";
  const kept = await ask("POST", BUDGETS, `{"name": "fine", "limit_usd": 4000000.${longest.slice(2)}}`);
  expect((await readJson(kept)).budget.limit_usd).toBe("4000000.000000001");
});

test("a field that stands twice is refused, as each reader may take another one", async () => {
  for (const body of [
    '{"name": "twice", "limit_usd": 5, "limit_usd": 5000}',
    '{"name": "twice", "limit_usd": 5, "limit\\u005fusd": 5000}',
  ]) {
    const refused = await ask("POST", BUDGETS, body);
    const { errors } = await readJson(refused);
    expect([refused.status, errors[0].path]).toEqual([422, "limit_usd"]);
    expect(errors[0].message).toContain("'limit_usd' stands more than once");
  }
});

test("what is said as it is already is no change: no record tells of it, and nobody who saw the state has to look again", async () => {
  const user = (await readJson(await ask("POST", USERS, { email: "same@example.com", display_name: "Same" }))).user;
  const key = { name: "same", scopes: ["inference"], tags: ["team=a"], expires_at: "2096-01-01T00:00:00Z" };
  const KEYS = "/api/v1/admin/api-keys";
  const made = (await readJson(await ask("POST", KEYS, { user: user.id, ...key }))).api_key;
  for (const [path, said, other] of [
    [
      `${USERS}/${user.id}`,
      { email: "SAME@example.com", display_name: " Same ", status: "active" },
      { status: "suspended" },
    ],
    [`${KEYS}/${made.id}`, { ...key, allowed_ips: null, tags: ["team=a", "team=a"] }, { tags: [] }],
  ] as const) {
    const { headers } = await ask("GET", path);
    const seen = { "if-match": headers.get("etag") ?? "" };
    const audit = async () =>
      (await readJson(await ask("GET", "/api/v1/admin/audit?limit=1"))).changes[0].seq as number;
    const before = await audit();
    rig.clock.advance(5);
    for (const body of [said, {}]) {
      const same = await ask("PATCH", path, body);
      expect([same.status, same.headers.get("etag")]).toEqual([200, seen["if-match"]]);
      expect((await ask("PATCH", path, body, { "if-match": '"x"' })).status).toBe(412);
    }
    expect(await audit()).toBe(before);
    expect((await ask("PATCH", path, other, seen)).status).toBe(200);
    expect(await audit()).toBe(before + 1);
  }
});

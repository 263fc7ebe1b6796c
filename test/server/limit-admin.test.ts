// Rate limits through the admin API: set, changed, shown with what is used of them, and lifted; who may, and what is refused.

import { describe, expect, test } from "bun:test";
import { readJson } from "../rig.ts";
import { ASK, declare, openLimited } from "./limit-scene.ts";

const PATH = "/api/v1/admin/limits";

describe("the admin API", () => {
  test("sets a limit, which is in force at once, changes and lifts it", async () => {
    const rig = await openLimited();
    const made = await rig.set("team", { requests_per_minute: 1, per: ["user", "key"] });
    expect([made.status, made.headers.get("etag")]).toEqual([201, '"1"']);
    expect((await readJson(made)).limit).toMatchObject({
      name: "team",
      requests_per_minute: 1,
      tokens_per_minute: null,
      concurrent: null,
      per: ["key", "user"],
      source: "runtime",
      in_force: true,
      version: 1,
      states: [],
    });
    const { token, keyId, userId } = await rig.issue();
    expect((await rig.chat(ASK, { token })).status).toBe(200);
    expect((await rig.chat(ASK, { token })).status).toBe(429);
    const shown = await rig.look("team");
    expect(shown.states).toEqual([
      {
        key: keyId,
        user: userId,
        requests: { limit: 1, used: 1, remaining: 0, resets_at: expect.stringMatching(/^\d{4}-/u) },
      },
    ]);
    const changed = await rig.set("team", { requests_per_minute: "3", per: "user, key" });
    expect([changed.status, changed.headers.get("etag")]).toEqual([200, '"2"']);
    // What was used in the minute that runs stays used.
    expect((await rig.look("team")).states).toMatchObject([{ requests: { limit: 3, used: 1, remaining: 2 } }]);
    expect((await rig.chat(ASK, { token })).status).toBe(200);
    const listed = await readJson(await rig.send(PATH, { token: rig.admin }));
    expect(listed.limits.map(({ name }: { name: string }) => name)).toEqual(["team"]);
    const gone = await rig.send(`${PATH}/team`, { method: "DELETE", token: rig.admin });
    expect(gone.status).toBe(204);
    expect((await rig.send(`${PATH}/team`, { token: rig.admin })).status).toBe(404);
    expect((await rig.send(`${PATH}/team`, { method: "DELETE", token: rig.admin })).status).toBe(204);
    for (let turn = 0; turn < 3; turn++) expect((await rig.chat(ASK, { token })).status).toBe(200);
  });

  test("leaves a record of each change: who made it, what there was and what there is", async () => {
    const rig = await openLimited();
    const { keyId } = await rig.issue();
    await rig.set("team", { concurrent: 1, key: keyId });
    await rig.set("team", { concurrent: 2 });
    await rig.set("team", { concurrent: 3 }, { "if-match": '"1"' });
    await rig.send(`${PATH}/team`, { method: "DELETE", token: rig.admin });
    const { changes } = await readJson(await rig.send("/api/v1/admin/audit?subject=team", { token: rig.admin }));
    const told = changes.toReversed();
    expect(told.map(({ action }: { action: string }) => action)).toEqual([
      "limit.create",
      "limit.update",
      "limit.delete",
    ]);
    expect(told[0]).toMatchObject({ actor: "user", before: null, after: { fields: { api_key_id: keyId } } });
    expect(told[1]).toMatchObject({ before: { version: 1 }, after: { version: 2, fields: { concurrent: "2" } } });
    expect(told[2]).toMatchObject({ before: { version: 2 }, after: null });
  });

  test("names users by e-mail and keys by id, who must be there", async () => {
    const rig = await openLimited();
    const { email, userId, keyId } = await rig.issue();
    expect((await readJson(await rig.set("one", { concurrent: 2, user: email.toUpperCase() }))).limit.user).toBe(
      userId,
    );
    expect((await readJson(await rig.set("two", { concurrent: 2, key: keyId }))).limit.key).toBe(keyId);
    expect((await rig.set("three", { concurrent: 2, user: "nobody@example.com" })).status).toBe(404);
    expect((await rig.set("four", { concurrent: 2, key: "nothing" })).status).toBe(404);
  });

  test("of two changes at once one must look again", async () => {
    const rig = await openLimited();
    const none = { "if-none-match": "*" };
    expect((await rig.set("a", { concurrent: 1 }, none)).status).toBe(201);
    const taken = await rig.set("a", { concurrent: 1 }, none);
    expect([taken.status, (await readJson(taken)).error.code]).toEqual([412, "limit_changed"]);
    expect((await rig.set("a", { concurrent: 2 }, { "if-match": '"1"' })).status).toBe(200);
    const stale = await rig.set("a", { concurrent: 3 }, { "if-match": '"1"' });
    expect((await readJson(stale)).error.message).toContain("It is in version 2 now.");
    const deleting = { method: "DELETE", token: rig.admin, headers: { "if-match": '"1"' } };
    expect((await rig.send(`${PATH}/a`, deleting)).status).toBe(412);
    expect((await rig.set("a", { concurrent: 3 }, { "if-match": "x" })).status).toBe(400);
  });

  const WRONG: [string, Record<string, unknown>, string][] = [
    ["nothing that is limited", { per: "key" }, "requests_per_minute"],
    ["an empty number alone", { requests_per_minute: "", concurrent: " " }, "requests_per_minute"],
    ["nought", { requests_per_minute: 0 }, "requests_per_minute"],
    ["a fraction", { tokens_per_minute: 1.5 }, "tokens_per_minute"],
    ["a negative number", { concurrent: -1 }, "concurrent"],
    ["an unknown subject", { concurrent: 1, per: ["team"] }, "per"],
    ["a control character", { concurrent: 1, model: "a\u0007" }, "model"],
  ];

  test.each(WRONG)("refuses %s, by the field", async (_what, body, param) => {
    const rig = await openLimited();
    const refused = await rig.set("x", body);
    expect([refused.status, (await readJson(refused)).error.param]).toEqual([422, param]);
  });

  test("refuses names and fields that there are not", async () => {
    const rig = await openLimited();
    for (const [param, body] of [
      ["user", { concurrent: 1, user: "nobody@example.com" }],
      ["key", { concurrent: 1, key: "none" }],
    ] as const) {
      const missing = await rig.set("x", body);
      expect([missing.status, (await readJson(missing)).error.param]).toEqual([404, param]);
    }
    expect((await rig.set("Not%20one", { concurrent: 1 })).status).toBe(422);
    expect((await rig.set("x", { concurrent: 1, burst: 2 })).status).toBe(422);
  });

  test("is for administrators", async () => {
    const rig = await openLimited();
    expect((await rig.send(PATH)).status).toBe(403);
    expect((await rig.send(`${PATH}/x`, { method: "PUT", body: { concurrent: 1 } })).status).toBe(403);
  });
});

test("what the configuration declares, it alone changes, and a reload puts in force", async () => {
  const rig = await openLimited({ limits: { all: { requests: 1 } } });
  const refused = await rig.set("all", { requests_per_minute: 5 });
  expect([refused.status, (await readJson(refused)).error.code]).toEqual([409, "limit_declared"]);
  expect((await rig.send(`${PATH}/all`, { method: "DELETE", token: rig.admin })).status).toBe(409);
  expect(await rig.look("all")).toMatchObject({ source: "config", origin: "test", version: null, in_force: true });
  expect((await rig.chat(ASK)).status).toBe(200);
  expect((await rig.chat(ASK)).status).toBe(429);
  rig.app.reload({ ...rig.config, limits: [declare("all", { requests: 2 })] });
  expect((await rig.chat(ASK)).status).toBe(200);
  rig.app.reload({ ...rig.config, limits: [] });
  expect((await rig.set("all", { requests_per_minute: 1 })).status).toBe(201);
  rig.app.reload({ ...rig.config, limits: [declare("all", { requests: 9 })] });
  const { limits } = await readJson(await rig.send(PATH, { token: rig.admin }));
  expect(limits).toMatchObject([
    { source: "config", in_force: true, requests_per_minute: 9 },
    { source: "runtime", in_force: false, why_not: "the configuration declares one of this name" },
  ]);
});

test("whose user the configuration names by e-mail is listed with those of the user", async () => {
  const rig = await openLimited();
  const { userId, email } = await rig.issue();
  rig.app.reload({ ...rig.config, limits: [declare("filed", { requests: 9, user: email })] });
  await rig.set("team", { concurrent: 1, user: userId });
  for (const [asked, names] of [
    [userId, ["filed", "team"]],
    ["019ac1f2-7a3b-7c4d-8e5f-6a7b8c9d0e1f", []],
  ] as const) {
    const { limits } = await readJson(await rig.send(`${PATH}?user_id=${asked}`, { token: rig.admin }));
    expect(limits.map(({ name }: { name: string }) => name)).toEqual(names);
  }
});

test("what another process sets is in force within a second", async () => {
  const rig = await openLimited();
  await rig.app.limits.open();
  await rig.store.limits.put(
    { name: "far", fields: { requests_per_minute: "1" } },
    { expected: undefined, at: new Date() },
  );
  rig.clock.advance(500);
  // The look that is under way is waited for.
  await rig.app.limits.refresh();
  expect((await rig.chat(ASK)).status).toBe(200);
  expect((await rig.chat(ASK)).status).toBe(429);
});

test("refusals are counted by limit", async () => {
  const rig = await openLimited({ limits: { all: { requests: 1, slots: 5 }, big: { tokens: 20, provider: "local" } } });
  for (let turn = 0; turn < 3; turn++) await rig.chat(ASK);
  const text = await (await rig.send("/metrics", { token: rig.admin })).text();
  expect(text).toContain('tokligence_rate_limit_refusals_total{limit="all",unit="requests"} 2');
  expect(text).not.toContain('limit="big"');
});

test("one that waits behind the configuration's of its name is listed once, however short the pages", async () => {
  const rig = await openLimited({ limits: { all: { requests: 1 } } });
  const put = { expected: undefined, at: new Date(0), by: undefined };
  for (const name of ["all", "zero"]) await rig.store.limits.put({ name, fields: { concurrent: "1" } }, put);
  const { token } = await rig.issue("gateway_admin");
  const seen: string[] = [];
  let cursor = "";
  do {
    const page = await readJson(await rig.send(`${PATH}?limit=1${cursor}`, { token }));
    seen.push(...page.limits.map((each: { name: string; source: string }) => `${each.name} ${each.source}`));
    cursor = page.next_cursor === null ? "" : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== "" && seen.length < 10);
  expect(seen).toEqual(["all config", "all runtime", "zero runtime"]);
});

// Limits and budgets of users who were deleted, and of keys that were revoked: told apart in lists, by HTTP and on the command line.

import { afterEach, describe, expect, test } from "bun:test";
import { type Desk, makeDesk } from "../cli/desk.ts";
import { readJson } from "../rig.ts";
import { openLimited } from "./limit-scene.ts";

interface Rule {
  name: string;
  in_force: boolean;
  why_not?: string;
}

const namesOf = (rules: readonly Rule[]): string[] => rules.map(({ name }) => name).toSorted();

describe("by HTTP", () => {
  test("they are not in force once the user is deleted or the key revoked, and can be listed by that", async () => {
    const rig = await openLimited();
    const [gone, revoked, kept] = [await rig.issue(), await rig.issue(), await rig.issue()];
    const send = (path: string, method = "GET", body?: object) =>
      rig.send(`/api/v1/admin/${path}`, { method, token: rig.admin, ...(body && { body }) });
    const subjects = {
      "key-gone": { key: revoked.keyId },
      "key-of-gone-user": { key: gone.keyId },
      "user-gone": { user: gone.email },
      "user-kept": { user: kept.email },
    };
    for (const [name, { key, user }] of Object.entries<{ key?: string; user?: string }>(subjects)) {
      expect((await rig.set(name, { concurrent: 2, key, user })).status).toBe(201);
      const budget = { name, user, api_key_id: key, limit_tokens: 5 };
      expect((await send("budgets", "POST", budget)).status).toBe(201);
    }
    const list = async (what: "budgets" | "limits", query = ""): Promise<Rule[]> =>
      (await readJson(await send(`${what}${query}`)))[what];
    for (const what of ["budgets", "limits"] as const)
      expect(namesOf(await list(what, "?in_force=true"))).toEqual(Object.keys(subjects));

    expect((await send(`users/${gone.userId}`, "DELETE")).status).toBe(204);
    expect((await send(`api-keys/${revoked.keyId}/revoke`, "POST")).status).toBe(200);
    for (const what of ["budgets", "limits"] as const) {
      expect(namesOf(await list(what))).toEqual(Object.keys(subjects));
      expect(namesOf(await list(what, "?in_force=true"))).toEqual(["user-kept"]);
      const ended = await list(what, "?in_force=false");
      expect(namesOf(ended)).toEqual(["key-gone", "key-of-gone-user", "user-gone"]);
      expect(ended.find(({ name }) => name === "user-gone")?.why_not).toContain("the user whom it is for is not there");
      expect(ended.find(({ name }) => name === "key-gone")?.why_not).toContain("opens nothing any more");
      expect((await send(`${what}?in_force=perhaps`)).status).toBe(422);
    }
    expect((await rig.look("key-gone")).in_force).toBe(false);
    expect((await readJson(await send("budgets/user-gone"))).budget).toMatchObject({ in_force: false });
    expect((await rig.chat({}, { token: revoked.token })).status).toBe(401);
  });
});

describe("on the command line", () => {
  let desk: Desk;
  afterEach(() => desk.close());

  test("likewise, without a server", async () => {
    desk = makeDesk();
    await desk.run("admin users create --email ana@example.com");
    await desk.run("admin users create --email bo@example.com");
    const { api_key: key } = await desk.read<{ api_key: { id: string } }>(
      "admin api-keys create --user bo@example.com --scopes inference",
    );
    await desk.run("admin limits set ana --concurrent 2 --user ana@example.com");
    await desk.run(["admin", "limits", "set", "bo", "--concurrent", "2", "--key", key.id]);
    await desk.run("admin limits set all --concurrent 2");
    await desk.run("admin budgets create --name ana --limit-usd 1 --user ana@example.com");
    await desk.run(["admin", "budgets", "create", "--name", "bo", "--limit-usd", "1", "--key", key.id]);
    await desk.run("admin budgets create --name all --limit-usd 1");
    await desk.run("admin users delete --id ana@example.com");
    await desk.run(["admin", "api-keys", "revoke", "--id", key.id, "--yes"]);
    for (const what of ["budgets", "limits"] as const) {
      const list = async (...flags: string[]): Promise<string[]> =>
        namesOf((await desk.read<Record<string, Rule[]>>(["admin", what, "list", ...flags]))[what] ?? []);
      expect(await list()).toEqual(["all", "ana", "bo"]);
      expect(await list("--in-force", "yes")).toEqual(["all"]);
      expect(await list("--in-force", "no")).toEqual(["ana", "bo"]);
      expect((await desk.run(["admin", what, "list"])).out).toContain("no: the user whom it is for is not there");
      expect((await desk.run(["admin", what, "list", "--in-force", "so"])).code).toBe(2);
    }
  });
});

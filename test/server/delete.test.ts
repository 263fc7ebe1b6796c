// A removal that is asked for twice: the second time it is as good as the first, whatever it was; what never was is not found. On both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

const ADMIN = "/api/v1/admin";
const SHOWN = { prefer: "return=representation" };

function describeRemovals(title: string, open: () => Promise<Rig>): void {
  describe(title, () => {
    let rig: Rig;
    let root = { token: "", userId: "" };
    beforeAll(async () => {
      rig = await open();
      root = await rig.issue("root_admin");
    });
    afterAll(() => rig.close());

    const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
      rig.send(path, { method, token: root.token, headers, ...(body === undefined ? {} : { body }) });
    const make = async (path: string, body: object, name: string, method = "POST"): Promise<Json> => {
      const made = await ask(method, path, body);
      expect([path, made.status]).toEqual([path, 201]);
      return ((await readJson(made)) as Json)[name];
    };
    const records = async (action: string): Promise<number> =>
      ((await readJson(await ask("GET", `${ADMIN}/audit?action=${action}&limit=1000`))) as Json)["changes"].length;
    const NEVER = Bun.randomUUIDv7();
    let count = 0;
    const fresh = (): string => `gone-${count++}`;

    const THINGS: [what: string, list: string, make: () => Promise<string>, action: string, name: string | null][] = [
      [
        "a budget",
        `${ADMIN}/budgets`,
        async () => (await make(`${ADMIN}/budgets`, { name: fresh(), limit_usd: 1 }, "budget"))["id"],
        "budget.delete",
        "budget",
      ],
      [
        "a budget, by its name",
        `${ADMIN}/budgets`,
        async () => (await make(`${ADMIN}/budgets`, { name: fresh(), limit_usd: 1 }, "budget"))["name"],
        "budget.delete",
        "budget",
      ],
      [
        "a key",
        `${ADMIN}/api-keys`,
        async () => (await make(`${ADMIN}/api-keys`, { user: root.userId }, "api_key"))["id"],
        "key.delete",
        "api_key",
      ],
      [
        "a limit",
        `${ADMIN}/limits`,
        async () => (await make(`${ADMIN}/limits/${fresh()}`, { concurrent: 9 }, "limit", "PUT"))["name"],
        "limit.delete",
        null,
      ],
      [
        "a provider",
        `${ADMIN}/providers`,
        async () =>
          (
            await make(
              `${ADMIN}/providers`,
              { name: fresh(), type: "compatible", base_url: "https://a.example/v1", models: ["m"] },
              "change",
            )
          )["name"],
        "provider.delete",
        "provider",
      ],
      [
        "a route",
        `${ADMIN}/routes`,
        async () =>
          (await make(`${ADMIN}/routes`, { name: fresh(), match: "x", targets: "loopback" }, "route"))["name"],
        "route.delete",
        "route",
      ],
      [
        "a user",
        `${ADMIN}/users`,
        async () => (await make(`${ADMIN}/users`, { email: `${fresh()}@example.com` }, "user"))["id"],
        "user.delete",
        "user",
      ],
      [
        "a user, by e-mail",
        `${ADMIN}/users`,
        async () => (await make(`${ADMIN}/users`, { email: `${fresh()}@example.com` }, "user"))["email"],
        "user.delete",
        "user",
      ],
      [
        "one's own key",
        "/api/v1/api-keys",
        async () => (await make("/api/v1/api-keys", {}, "api_key"))["id"],
        "key.delete",
        null,
      ],
    ];

    test.each(THINGS)("%s", async (_what, list, makeOne, action, name) => {
      const path = `${list}/${await makeOne()}`;
      const { headers } = await ask("GET", path);
      const match = { "if-match": headers.get("etag") ?? "" };
      const before = await records(action);
      const first = await ask("DELETE", path, undefined, { ...match, ...(name === null ? {} : SHOWN) });
      expect(first.status).toBe(name === null ? 204 : 200);
      const shown = name === null ? null : await first.json();
      rig.clock.advance(1_000);
      expect((await ask("DELETE", path)).status).toBe(204);
      // Whoever saw it before it was gone, and asks again, is told the same.
      expect((await ask("DELETE", path, undefined, match)).status).toBe(204);
      if (name !== null) {
        const again = await ask("DELETE", path, undefined, SHOWN);
        expect([again.status, await again.json()]).toEqual([200, shown]);
      }
      expect(await records(action)).toBe(before + 1);
      expect((await ask("GET", path)).status).toBe(404);
      for (const never of [NEVER, "never-was", "never@example.com", "%00"]) {
        expect([never, (await ask("DELETE", `${list}/${never}`)).status]).toEqual([never, 404]);
      }
    });

    test("many at once are all as good as the first, and it is recorded once", async () => {
      for (const [what, list, makeOne, action] of THINGS) {
        const path = `${list}/${await makeOne()}`;
        const before = await records(action);
        const answers = await Promise.all([1, 2, 3, 4].map(() => ask("DELETE", path)));
        expect([what, ...answers.map(({ status }) => status)]).toEqual([what, 204, 204, 204, 204]);
        expect([what, await records(action)]).toEqual([what, before + 1]);
      }
    });

    test.each([
      ["a user", `${ADMIN}/users`, "user", { email: "purged@example.com" }],
      ["a key", `${ADMIN}/api-keys`, "api_key", { user: "admin@local" }],
    ])("%s for good: at once, or after it was only marked", async (_what, list, name, body) => {
      const one = `${list}/${(await make(list, body, name))["id"]}`;
      expect((await ask("DELETE", `${one}?hard=true`)).status).toBe(204);
      // Nothing is known any more of what it was.
      for (const query of ["", "?hard=true"]) {
        expect((await ask("DELETE", `${one}${query}`, undefined, SHOWN)).status).toBe(204);
      }
      const other = `${list}/${(await make(list, body, name))["id"]}`;
      expect((await ask("DELETE", other)).status).toBe(204);
      expect((await ask("DELETE", `${other}?hard=true`, undefined, SHOWN)).status).toBe(200);
      expect((await ask("DELETE", `${other}?hard=true`, undefined, SHOWN)).status).toBe(204);
      expect((await ask("DELETE", `${list}/${NEVER}?hard=true`)).status).toBe(404);
    });

    test("a user for good by his address, and asked for again", async () => {
      const email = `purged-${crypto.randomUUID()}@example.com`;
      await make(`${ADMIN}/users`, { email }, "user");
      for (const word of [email, email, email.toUpperCase()])
        expect((await ask("DELETE", `${ADMIN}/users/${word}?hard=true`)).status).toBe(204);
      expect((await ask("DELETE", `${ADMIN}/users/not-${email}?hard=true`)).status).toBe(404);
    });

    test.each([
      ["a limit", `${ADMIN}/limits/made-again`, { concurrent: 9 }],
      ["a route", `${ADMIN}/routes/made-again`, { match: "x", targets: "loopback" }],
      [
        "a provider",
        `${ADMIN}/providers/made-again`,
        { type: "compatible", base_url: "https://a.example/v1", models: ["m"] },
      ],
    ])("%s that is made again is another: whoever saw the one before changes nothing", async (_what, path, body) => {
      const tags: string[] = [];
      for (let time = 0; time < 3; time++) {
        const made = await ask("PUT", path, body);
        expect([made.status, made.headers.get("location")]).toEqual([201, path]);
        tags.push(made.headers.get("etag") ?? "");
        for (const old of tags.slice(0, -1)) {
          expect((await ask("PUT", path, body, { "if-match": old })).status).toBe(412);
          expect((await ask("DELETE", path, undefined, { "if-match": old })).status).toBe(412);
        }
        expect((await ask("PUT", path, body, { "if-match": tags.at(-1) ?? "" })).status).toBe(200);
        expect((await ask("DELETE", path)).status).toBe(204);
      }
      expect(new Set(tags).size).toBe(3);
    });

    test("a name that is used again means what bears it now", async () => {
      const path = `${ADMIN}/users/again@example.com`;
      await make(`${ADMIN}/users`, { email: "again@example.com" }, "user");
      expect((await ask("DELETE", path)).status).toBe(204);
      const { id } = await make(`${ADMIN}/users`, { email: "again@example.com" }, "user");
      const gone = await ask("DELETE", path, undefined, SHOWN);
      expect(((await gone.json()) as Json)["user"].id).toBe(id);
    });

    test("a key that went with its owner is gone; another's is none, whether it is gone or not", async () => {
      const { id: owner } = await make(`${ADMIN}/users`, { email: "owner@example.com" }, "user");
      const { id } = await make(`${ADMIN}/api-keys`, { user: owner }, "api_key");
      expect((await ask("DELETE", `/api/v1/api-keys/${id}`)).status).toBe(404);
      await ask("DELETE", `${ADMIN}/users/${owner}`);
      expect((await ask("DELETE", `${ADMIN}/api-keys/${id}`)).status).toBe(204);
      expect((await ask("DELETE", `/api/v1/api-keys/${id}`)).status).toBe(404);
      const limited = await rig.issue("gateway_user");
      const other = await rig.send(`/api/v1/api-keys/${id}`, { method: "DELETE", token: limited.token });
      expect(other.status).toBe(404);
    });

    test("what is a root administrator's stays out of a gateway administrator's reach when it is gone", async () => {
      const admin = await rig.issue("gateway_admin");
      const other = await rig.issue("root_admin");
      await ask("DELETE", `${ADMIN}/api-keys/${other.keyId}`);
      await ask("DELETE", `${ADMIN}/users/${other.userId}`);
      for (const path of [`${ADMIN}/users/${other.userId}`, `${ADMIN}/api-keys/${other.keyId}`]) {
        for (const query of ["", "?hard=true"]) {
          const refused = await rig.send(`${path}${query}`, { method: "DELETE", token: admin.token });
          expect([path, refused.status]).toEqual([path, 403]);
        }
      }
    });

    test("sessions, by an administrator and by whoever they are", async () => {
      const enter = async (email: string): Promise<string> => {
        const invited = await readJson(await ask("POST", `${ADMIN}/users/invite`, { email }));
        const entered = await rig.send("/api/v1/auth/verify", {
          body: { token: String(invited.link).split("#")[1], confirm: true },
          token: null,
          headers: { "sec-fetch-site": "same-origin" },
        });
        return entered.headers.get("set-cookie")?.split(";")[0] ?? "";
      };
      const [cookie] = [await enter("guest@example.com"), await enter("guest@example.com")];
      const { sessions } = (await readJson(await ask("GET", `${ADMIN}/sessions?user=guest@example.com`))) as Json;
      expect(sessions).toHaveLength(2);
      for (const { id } of sessions.slice(0, 1)) {
        for (let time = 0; time < 2; time++) expect((await ask("DELETE", `${ADMIN}/sessions/${id}`)).status).toBe(204);
      }
      expect((await ask("DELETE", `${ADMIN}/sessions/${NEVER}`)).status).toBe(404);
      const other = await enter("other@example.com");
      const own = async (of: string, id: string): Promise<number> => {
        const headers = { cookie: of, "sec-fetch-site": "same-origin" };
        return (await rig.send(`/api/v1/auth/sessions/${id}`, { method: "DELETE", token: null, headers })).status;
      };
      expect(await own(other, sessions[0].id)).toBe(404);
      expect(await own(other, NEVER)).toBe(404);
      expect(await own(cookie ?? "", sessions[0].id)).toBe(204);
    });
  });
}

describeRemovals("on SQLite", () => makeRig());
if (hasPostgres) {
  describeRemovals("on PostgreSQL", async () => {
    const location = await createDatabase();
    return makeRig({ config: (config) => ({ ...config, identityPath: location, ledgerPath: location }) });
  });
}

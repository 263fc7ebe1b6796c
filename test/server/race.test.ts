// Many who change one thing at the same instant, having seen the same state of it: one of them changes it, and nobody runs over him. At one gateway on
// SQLite, and at several on one PostgreSQL.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

interface Thing {
  /** Makes one, and answers its address. */
  make: (ask: Ask) => Promise<string>;
  method: "PATCH" | "PUT";
  change: (name: string) => object;
  /** Whether it can be deleted for good as well. */
  isHard?: boolean;
  code: string;
}

type Ask = (method: string, path: string, body?: object, headers?: Record<string, string>) => Promise<Response>;

const ADMIN = "/api/v1/admin";
let count = 0;
const fresh = (): string => `raced-${count++}`;
const make = async (ask: Ask, list: string, body: object, name: string, id = "id"): Promise<string> => {
  const made = await ask("POST", list, body);
  expect([list, made.status]).toEqual([list, 201]);
  return `${list}/${((await readJson(made)) as Json)[name][id]}`;
};
const put = async (ask: Ask, path: string, body: object): Promise<string> => {
  const made = await ask("PUT", path, body);
  expect([path, made.status]).toEqual([path, 201]);
  return path;
};

const THINGS: Record<string, Thing> = {
  "a budget": {
    make: (ask) => make(ask, `${ADMIN}/budgets`, { name: fresh(), limit_usd: 5 }, "budget"),
    method: "PATCH",
    change: (name) => ({ name: `${fresh()}-${name}` }),
    code: "changed_meanwhile",
  },
  "a key": {
    make: (ask) => make(ask, `${ADMIN}/api-keys`, { user: "admin@local", name: "k" }, "api_key"),
    method: "PATCH",
    change: (name) => ({ name }),
    isHard: true,
    code: "changed_meanwhile",
  },
  "a limit": {
    make: (ask) => put(ask, `${ADMIN}/limits/${fresh()}`, { concurrent: 900 }),
    method: "PUT",
    change: (name) => ({ concurrent: 901 + Number(name) }),
    code: "limit_changed",
  },
  "a provider": {
    make: (ask) =>
      make(
        ask,
        `${ADMIN}/providers`,
        { name: fresh(), type: "compatible", base_url: "https://a.example/v1", models: ["m"] },
        "change",
        "name",
      ),
    method: "PUT",
    change: (name) => ({ type: "compatible", base_url: `https://b${name}.example/v1`, models: ["m"] }),
    code: "provider_changed",
  },
  "a route": {
    make: (ask) => make(ask, `${ADMIN}/routes`, { name: fresh(), match: "x", targets: "loopback" }, "route", "name"),
    method: "PUT",
    change: (name) => ({ match: `x${name}`, targets: "loopback" }),
    code: "route_changed",
  },
  "a user": {
    make: (ask) => make(ask, `${ADMIN}/users`, { email: `${fresh()}@example.com` }, "user"),
    method: "PATCH",
    change: (name) => ({ display_name: name }),
    isHard: true,
    code: "changed_meanwhile",
  },
  "one's own key": {
    make: (ask) => make(ask, "/api/v1/api-keys", { name: "k" }, "api_key"),
    method: "PATCH",
    change: (name) => ({ name }),
    code: "changed_meanwhile",
  },
};

const AT_ONCE = Array.from({ length: 10 }, (_, index) => index);

function describeRaces(title: string, open: () => Promise<Rig[]>): void {
  describe(title, () => {
    let rigs: Rig[] = [];
    let token = "";
    beforeAll(async () => {
      rigs = await open();
      token = (await rigs[0]?.issue("root_admin"))?.token ?? "";
      for (const rig of rigs) await rig.ring.refresh();
    });
    afterAll(async () => {
      for (const rig of rigs) await rig.close();
    });
    /** Each at another gateway than the one before. */
    const at =
      (index: number): Ask =>
      async (method, path, body, headers = {}) => {
        const rig = rigs[index % rigs.length] as Rig;
        return rig.send(path, { method, token, headers, ...(body === undefined ? {} : { body }) });
      };
    const look = async (path: string): Promise<{ etag: string; text: string }> => {
      const response = await at(0)("GET", path);
      return { etag: response.headers.get("etag") ?? "", text: await response.text() };
    };

    describe.each(Object.entries(THINGS))("%s", (_what, { make: makeOne, method, change, isHard = false, code }) => {
      test("is changed by one of those who saw the same state", async () => {
        const path = await makeOne(at(0));
        const { etag } = await look(path);
        expect(etag).toStartWith('"');
        const answers = await Promise.all(
          AT_ONCE.map((index) => at(index)(method, path, change(String(index)), { "if-match": etag })),
        );
        const winners = answers.filter(({ status }) => status === 200);
        const losers = answers.filter(({ status }) => status === 412);
        expect([winners.length, losers.length]).toEqual([1, AT_ONCE.length - 1]);
        for (const loser of losers) expect((await readJson(loser)).error.code).toBe(code);
        expect((await look(path)).etag).toBe(winners[0]?.headers.get("etag") ?? "none");
      });

      test.each(isHard ? ["", "?hard=true"] : [""])(
        "is deleted, or changed, by one of those who saw the same state (%p)",
        async (query) => {
          const path = await makeOne(at(0));
          const { etag } = await look(path);
          const headers = { "if-match": etag };
          const [gone, ...changed] = await Promise.all([
            at(1)("DELETE", `${path}${query}`, undefined, headers),
            ...AT_ONCE.map((index) => at(index)(method, path, change(String(index)), headers)),
          ]);
          const done = changed.filter(({ status }) => status === 200).length;
          expect([gone?.status, done]).toEqual(gone?.status === 204 ? [204, 0] : [412, 1]);
          for (const { status } of changed) expect([200, 404, 412]).toContain(status);
        },
      );

      test("is there still where another state was seen than the one that is to be deleted", async () => {
        const path = await makeOne(at(0));
        const { etag } = await look(path);
        const changed = await at(1)(method, path, change("7"));
        expect(changed.status).toBe(200);
        for (const query of isHard ? ["", "?hard=true"] : [""]) {
          const late = await at(0)("DELETE", `${path}${query}`, undefined, { "if-match": etag });
          expect([late.status, (await readJson(late)).error.code]).toEqual([412, code]);
        }
        expect((await look(path)).etag).toBe(changed.headers.get("etag") ?? "none");
      });
    });

    test("the settings are changed by one of those who saw the same state", async () => {
      const path = `${ADMIN}/settings`;
      const { etag } = await look(path);
      const answers = await Promise.all(
        AT_ONCE.map((index) =>
          at(index)("PATCH", path, { log_level: index % 2 === 0 ? "warn" : "error" }, { "if-match": etag }),
        ),
      );
      const statuses = answers.map(({ status }) => status).toSorted((left, right) => left - right);
      expect(statuses).toEqual([200, ...AT_ONCE.slice(1).map(() => 412)]);
    });

    test("a budget keeps one of its limits where each is taken away by another at the same instant", async () => {
      const body = { name: fresh(), limit_usd: 5, soft_limit_usd: 3 };
      const path = await make(at(0), `${ADMIN}/budgets`, body, "budget");
      const answers = await Promise.all([
        at(0)("PATCH", path, { limit_usd: null }),
        at(1)("PATCH", path, { soft_limit_usd: null }),
      ]);
      expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, 422]);
    });

    test("what is changed in any state that there is, is made by nobody where there is none", async () => {
      for (const [kind, { change, method, code }] of Object.entries(THINGS)) {
        if (method !== "PUT") continue;
        const path = `${ADMIN}/${kind.replace("a ", "")}s/${fresh()}`;
        const none = await at(0)("PUT", path, change("8"), { "if-match": "*" });
        expect([kind, none.status, (await readJson(none)).error.code]).toEqual([kind, 412, code]);
        expect((await at(0)("PUT", path, change("8"))).status).toBe(201);
        expect((await at(1)("PUT", path, change("9"), { "if-match": "*" })).status).toBe(200);
        expect((await at(0)("DELETE", path)).status).toBe(204);
        expect((await at(1)("PUT", path, change("9"), { "if-match": "*" })).status).toBe(412);
      }
    });

    test("whoever invites one whom another invites, has a link for him as well", async () => {
      const body = { email: `${fresh()}@example.com` };
      const answers = await Promise.all(AT_ONCE.map((index) => at(index)("POST", `${ADMIN}/users/invite`, body)));
      const statuses = answers.map(({ status }) => status).toSorted((left, right) => right - left);
      expect(statuses).toEqual([201, ...AT_ONCE.slice(1).map(() => 200)]);
      const links = await Promise.all(answers.map(async (answer) => (await readJson(answer)).link));
      expect(new Set(links).size).toBe(AT_ONCE.length);
    });

    test("each key of a provider is kept, however many are set at the same instant", async () => {
      const path = `${ADMIN}/providers/${fresh()}`;
      await put(at(0), path, { type: "compatible", base_url: "https://a.example/v1", models: ["m"] });
      const key = (index: number) => ({ api_keys: { [`k${index}`]: `sk-canary-raced-${index}-0123456789` } });
      const answers = await Promise.all(AT_ONCE.map((index) => at(index)("PUT", `${path}/keys`, key(index))));
      expect(answers.map(({ status }) => status)).toEqual(AT_ONCE.map(() => 200));
      const { provider } = JSON.parse((await look(path)).text) as Json;
      const fields = (provider["keys"] as Json[]).map(({ field }) => field as string);
      expect(fields.toSorted()).toEqual(AT_ONCE.map((index) => `api_key.k${index}`));
    });

    test("a change that names no state is made, whoever makes others", async () => {
      const path = await make(at(0), `${ADMIN}/users`, { email: `${fresh()}@example.com` }, "user");
      const answers = await Promise.all(AT_ONCE.map((index) => at(index)("PATCH", path, { display_name: `${index}` })));
      expect(answers.map(({ status }) => status)).toEqual(AT_ONCE.map(() => 200));
      for (const [kind, { make: makeOne, change, method }] of Object.entries(THINGS)) {
        if (method !== "PUT") continue;
        const one = await makeOne(at(0));
        const many = await Promise.all(AT_ONCE.map((index) => at(index)("PUT", one, change(String(index)))));
        expect([kind, ...many.map(({ status }) => status)]).toEqual([kind, ...AT_ONCE.map(() => 200)]);
        const tags = new Set(many.map(({ headers }) => headers.get("etag")));
        expect([kind, tags.size]).toEqual([kind, AT_ONCE.length]);
      }
      const star = await at(0)("PATCH", path, { display_name: "*" }, { "if-match": "*" });
      expect(star.status).toBe(200);
    });
  });
}

describeRaces("two gateways on one SQLite file", async () => {
  const first = await makeRig();
  const { identityPath, ledgerPath } = first.config;
  return [first, await makeRig({ config: (config) => ({ ...config, identityPath, ledgerPath }) })];
});

if (hasPostgres) {
  describeRaces("three gateways on one PostgreSQL", async () => {
    const location = await createDatabase();
    const open = () => makeRig({ config: (config) => ({ ...config, identityPath: location, ledgerPath: location }) });
    return [await open(), await open(), await open()];
  });
}

// Who may do what, generated from the table of permits and the routes: every route as everyone, every id as somebody else, every command as every role.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { COMMANDS } from "../../src/cli/index.ts";
import { type Role, ROLES, SCOPES, type Scope, createSignIn, hashToken } from "../../src/identity/index.ts";
import {
  COMMAND_PERMITS,
  type Permit,
  ROUTE_PERMITS,
  findCommandPermit,
  isPermitted,
  matchPermits,
} from "../../src/server/permit.ts";
import type { Route } from "../../src/server/route.ts";
import { listAddresses } from "../../src/wire/index.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { bindRoot, listBinding } from "./root-bound.ts";

const OPERATOR = { kind: "operator" } as const;
const ALL_SCOPES = Object.keys(SCOPES) as Scope[];

let rig: Rig;
let routes: readonly Route[] = [];
let permits: ReadonlyMap<Route, Permit> = new Map();
beforeAll(async () => {
  rig = await makeRig({
    // A text completion without a choice would be no answer, nor would be a list without its data.
    upstream: () => Response.json({ id: "made", data: [], choices: [{ index: 0, text: "Hi", finish_reason: "stop" }] }),
    config: (config) => ({ ...config, ledger: { ...config.ledger, capture: true } }),
  });
  // What signs everybody out comes last.
  const isLast = (route: Route): boolean => route.method === "DELETE" && route.path === "/api/v1/admin/sessions";
  routes = rig.app.routes.toSorted((left, right) => Number(isLast(left)) - Number(isLast(right)));
  permits = matchPermits(routes);
});
afterAll(() => rig.close());

const nameOf = (route: Route): string => `${route.method} ${route.path}`;

function fill(route: Route, id = "no-such-id"): string {
  return (
    route.path
      .replace(":provider", "openai")
      .replace(/:id\{\.\+\}|:id|\{model\}/u, id)
      .replace(/\/:[a-z_]+/gu, "/none")
      // All of them at once are worked out for seconds.
      .replace(/capabilities$/u, "capabilities?model=loopback")
  );
}

interface Sent {
  token?: string | null;
  cookie?: string;
  id?: string;
}

async function call(route: Route, { token = null, cookie, id }: Sent): Promise<[number, string | null]> {
  const body = route.method === "GET" || route.method === "DELETE" ? {} : { body: {} };
  const headers =
    cookie === undefined ? {} : { cookie: `tokligence_session=${cookie}`, "sec-fetch-site": "same-origin" };
  const response = await rig.send(fill(route, id), { method: route.method, token, headers, ...body });
  const text = await response.text();
  const code = /"code":"(\w+)"/u.exec(text)?.[1] ?? null;
  return [response.status, response.status < 400 ? null : code];
}

const guarded = (): Route[] => routes.filter((route) => route.authority !== "public");
const takesSession = (route: Route): boolean => route.path.startsWith("/api/v1/");

/** The table, read once more by other rules than the gateway's. */
function expectGate(permit: Permit | undefined, { role, scopes }: { role: Role; scopes: readonly Scope[] }): boolean {
  if (permit === undefined || permit === "public" || permit === "any-key") return permit !== undefined;
  const rank = { gateway_user: 0, gateway_admin: 1, root_admin: 2 };
  if (rank[role] < rank[permit.role]) return false;
  const covers = (held: Scope, needed: Scope): boolean =>
    held === needed ||
    (held === "inference" && needed.startsWith("inference:")) ||
    (held === "admin" && ADMINISTRATION.has(needed));
  const within = permit.anyOf.filter((needed) => role !== "gateway_user" || !ADMINISTRATION.has(needed));
  return within.some((needed) =>
    scopes.length === 0
      ? role !== "gateway_user" || needed !== "passthrough"
      : scopes.some((held) => covers(held, needed)),
  );
}

/** What only administrators hold, by what the table asks of whom. */
const ADMINISTRATION = new Set<Scope>([
  ...Object.values<Permit>(ROUTE_PERMITS).flatMap((permit) =>
    typeof permit === "object" && permit.role !== "gateway_user" ? permit.anyOf : [],
  ),
  // Opens everybody's books at addresses where others read their own.
  "ledger:read",
]);

describe("the table", () => {
  test("has a line for every route, and no line that is of no route", () => {
    const names = routes.map((route) => route.entry ?? nameOf(route));
    expect(Object.keys(ROUTE_PERMITS).filter((name) => !names.includes(name))).toEqual([]);
    const alien = { method: "GET", path: "/api/v1/alien", authority: "any-key", handle: () => new Response() } as const;
    expect(() => matchPermits([...routes, alien])).toThrow("GET /api/v1/alien has no line");
  });

  test("and a route do not contradict each other", () => {
    for (const authority of ["any-key", "public", { anyOf: ["usage:read"] }] as const) {
      const other = { method: "GET", path: "/api/v1/admin/users", authority, handle: () => new Response() } as const;
      expect(() => matchPermits([other as Route])).toThrow("GET /api/v1/admin/users says something else");
    }
  });

  test("asks for no scope that its role cannot have", () => {
    for (const [name, permit] of Object.entries<Permit>(ROUTE_PERMITS)) {
      if (typeof permit === "string") continue;
      expect([name, permit.anyOf.some((scope) => isPermitted({ role: permit.role, scopes: [scope] }, permit))]).toEqual(
        [name, true],
      );
    }
  });

  test("has a line for every command, and no line that is of no command", async () => {
    const leaves = await listCommands(COMMANDS);
    expect(leaves.length).toBeGreaterThan(50);
    expect(Object.keys(COMMAND_PERMITS).toSorted()).toEqual(leaves.toSorted());
  });
});

interface Node {
  subCommands?: unknown;
}

async function listCommands(table: unknown, path: string[] = []): Promise<string[]> {
  const names = Object.entries(table as Record<string, Node | (() => Promise<Node>)>);
  const lists = await Promise.all(
    names.map(async ([name, load]) => {
      const { subCommands } = typeof load === "function" ? await load() : load;
      return subCommands === undefined ? [[...path, name].join(" ")] : listCommands(subCommands, [...path, name]);
    }),
  );
  return lists.flat();
}

describe("every route", () => {
  test("refuses whoever is nobody, or not any more", async () => {
    const { token: expired } = await rig.issue("root_admin", { expiresAt: new Date(rig.clock.wallMs() + 1_000) });
    const [revoked, suspended] = [await rig.issue("root_admin"), await rig.issue("root_admin")];
    const signIn = createSignIn({ store: rig.store.identity, now: rig.clock.wallMs });
    const enter = async (userId: string) => {
      const user = await rig.directory.getUser(userId);
      return signIn.enter(user, { userAgent: null, address: null });
    };
    const [ended, idle, kept] = [
      await enter(suspended.userId),
      await enter(revoked.userId),
      await enter(revoked.userId),
    ];
    await signIn.endSession(kept.of.id, null);
    await rig.directory.deleteKey(OPERATOR, revoked.keyId, { hard: false });
    await rig.directory.updateUser(OPERATOR, suspended.userId, { status: "suspended" });
    await rig.issue();
    rig.clock.advance(13 * 3_600_000);
    const refused: [string, Sent, [number, string]][] = [
      ["nobody", { token: null }, [401, "invalid_api_key"]],
      ["a stranger's key", { token: "sk-foreign" }, [401, "invalid_api_key"]],
      ["an invented key", { token: `tok_${"A".repeat(43)}` }, [401, "invalid_api_key"]],
      ["an expired key", { token: expired }, [401, "invalid_api_key"]],
      ["a revoked key", { token: revoked.token }, [401, "invalid_api_key"]],
      ["a suspended user's key", { token: suspended.token }, [403, "user_suspended"]],
      ["an invented session", { cookie: "A".repeat(43) }, [401, "invalid_session"]],
      ["a suspended user's session", { cookie: ended.token }, [401, "invalid_session"]],
      ["an idle session", { cookie: idle.token }, [401, "invalid_session"]],
      ["a revoked session", { cookie: kept.token }, [401, "invalid_session"]],
    ];
    // Side by side: looks for what nobody knows are spaced, and shared by all who wait.
    const found = await Promise.all(
      guarded().flatMap((route) =>
        refused.map(async ([who, sent, [status, code]]) => {
          const isCookie = sent.cookie !== undefined;
          const expected = isCookie && !takesSession(route) ? [401] : [status];
          const answer = await call(route, sent);
          const isExact =
            answer[0] === expected[0] && (answer[1] === null || isCookie || answer[1] === code || !takesSession(route));
          return isExact ? [] : [`${nameOf(route)} as ${who}: ${answer.join(" ")}`];
        }),
      ),
    );
    expect(found.flat()).toEqual([]);
  });

  test("lets through exactly whom the table lets through: each role, by key and by session, and each with too little", async () => {
    const keys = new Map<string, string>();
    for (const role of ROLES) keys.set(role, (await rig.issue(role)).token);
    const limited = new Map<Route, string>();
    for (const route of guarded()) {
      const permit = permits.get(route);
      if (typeof permit !== "object") continue;
      const scopes = ALL_SCOPES.filter((scope) => !expectGate(permit, { role: "root_admin", scopes: [scope] }));
      const name = `limited ${permit.anyOf.join()}`;
      if (!keys.has(name)) keys.set(name, (await rig.issue("root_admin", { scopes })).token);
      limited.set(route, keys.get(name) ?? "");
    }
    const cookies = await signInMany(guarded().filter(takesSession));
    const wrong: string[] = [];
    const note = (route: Route, who: string, answer: readonly unknown[], expected: readonly unknown[]): void => {
      // Formats without a place for a code tell of the status alone.
      const isSame = answer[0] === expected[0] && (typeof answer[1] !== "string" || answer[1] === expected[1]);
      if (!isSame) wrong.push(`${nameOf(route)} as ${who}: ${answer.join(" ")}, not ${expected.join(" ")}`);
    };
    for (const route of guarded()) {
      const permit = permits.get(route);
      const sessions: [Role, number][] = [];
      // The least first: where sessions are ended, theirs end nobody else's.
      for (const role of ROLES.toReversed()) {
        const cookie = cookies.get(`${nameOf(route)} ${role}`) ?? (await anyCookie());
        sessions.push([role, (await call(route, { cookie }))[0]]);
      }
      const [through, code] = await call(route, { token: keys.get("root_admin") ?? "" });
      if ([401, 403].includes(through) || through >= 500) wrong.push(`${nameOf(route)} as root: ${through} ${code}`);
      for (const role of ROLES) {
        const isOpen = expectGate(permit, { role, scopes: [] });
        note(
          route,
          role,
          await call(route, { token: keys.get(role) ?? "" }),
          isOpen ? [through, code] : [403, nameRefusal(permit, role)],
        );
      }
      for (const [role, status] of sessions) {
        const isOpen = expectGate(permit, { role, scopes: [] });
        note(route, `session of ${role}`, [status], [takesSession(route) ? (isOpen ? through : 403) : 401]);
      }
      const token = limited.get(route);
      if (token !== undefined)
        note(route, "a root's key of other scopes", await call(route, { token }), [403, "insufficient_scope"]);
    }
    expect(wrong).toEqual([]);
  });
});

function nameRefusal(permit: Permit | undefined, role: Role): string {
  const isShort = typeof permit === "object" && ROLES.indexOf(role) > ROLES.indexOf(permit.role);
  return isShort ? "insufficient_role" : "insufficient_scope";
}

/** A user of their own for each route and role, signed in: what one call ends is nobody else's. */
async function signInMany(list: readonly Route[]): Promise<Map<string, string>> {
  const cookies = new Map<string, string>();
  const at = new Date(rig.clock.wallMs());
  const people = list.flatMap((route) => ROLES.map((role) => ({ name: `${nameOf(route)} ${role}`, role })));
  const users = people.map(({ role }, index) => ({
    id: Bun.randomUUIDv7(),
    email: `matrix-${index}@example.com`,
    role,
    displayName: null,
    status: "active" as const,
    createdAt: at,
    updatedAt: at,
  }));
  await rig.store.identity.createUsers(users);
  for (const [index, { name }] of people.entries()) cookies.set(name, await enterAs(users[index]?.id ?? ""));
  await rig.issue();
  return cookies;
}

async function enterAs(userId: string): Promise<string> {
  const token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const at = rig.clock.wallMs();
  const times = { createdAt: new Date(at), lastSeenAt: new Date(at), expiresAt: new Date(at + 86_400_000) };
  const session = { id: Bun.randomUUIDv7(), userId, ...times, userAgent: null, address: null };
  const user = await rig.store.identity.findUser(userId);
  if (user === null) throw new Error("There is no such user.");
  await rig.store.identity.createSession({ session, hash: hashToken(token) }, user);
  return token;
}

let spare: string | null = null;
async function anyCookie(): Promise<string> {
  if (spare !== null) return spare;
  spare = await enterAs((await rig.issue()).userId);
  await rig.issue();
  return spare;
}

describe("every id", () => {
  test("is unknown to whom it does not belong, and known to its owner", async () => {
    const [owner, other] = [await rig.issue(), await rig.issue()];
    const ids = await makeObjects(owner);
    // What it does away with is asked for last.
    const owned = guarded()
      .filter((route) => route.path.includes(":id") && !/passthrough|\/models/u.test(route.path))
      .filter((route) => expectGate(permits.get(route), { role: "gateway_user", scopes: [] }))
      .toSorted((left, right) => Number(left.method === "DELETE") - Number(right.method === "DELETE"));
    expect(owned.length).toBeGreaterThan(40);
    const wrong: string[] = [];
    for (const route of owned) {
      const id = ids.find(([start]) => route.path.startsWith(start))?.[1];
      if (id === undefined) throw new Error(`Say in makeObjects what has an id under ${route.path}.`);
      const [[otherStatus], [ownStatus, code]] = [
        await call(route, { token: other.token, id }),
        await call(route, { token: owner.token, id }),
      ];
      if (otherStatus !== 404) wrong.push(`${nameOf(route)} as another: ${otherStatus}`);
      if (ownStatus === 404 || ownStatus === 403) wrong.push(`${nameOf(route)} as its owner: ${ownStatus} ${code}`);
    }
    expect(wrong).toEqual([]);
  });

  test("of a root administrator is out of a gateway admin's reach", async () => {
    const [root, clerk] = [await rig.issue("root_admin"), await rig.issue("gateway_admin")];
    const session = await enterAs(root.userId);
    await rig.issue();
    const { sessions } = await readJson(
      await rig.send(`/api/v1/admin/users/${root.userId}/sessions`, { token: clerk.token }),
    );
    const at = new Date(rig.clock.wallMs());
    const account = { id: Bun.randomUUIDv7(), issuer: "https://login.example.com", subject: root.userId, email: null };
    await rig.store.identity.createIdentity({ ...account, userId: root.userId, createdAt: at, lastUsedAt: at });
    await bindRoot(rig, root);
    const acts: [string, string, object?][] = [
      ...listBinding(root),
      ["DELETE", `/api/v1/admin/identities/${account.id}`],
      ["DELETE", `/api/v1/admin/users/${root.userId}`],
      ["PATCH", `/api/v1/admin/users/${root.userId}`, { role: "gateway_user" }],
      ["PATCH", `/api/v1/admin/users/${root.userId}`, { email: "mine@example.com" }],
      ["PATCH", `/api/v1/admin/users/${clerk.userId}`, { role: "root_admin" }],
      ["POST", "/api/v1/admin/users", { email: "new-root@example.com", role: "root_admin" }],
      ["POST", "/api/v1/admin/users/invite", { email: root.email }],
      ["POST", "/api/v1/admin/users/invite", { email: "new-root@example.com", role: "root_admin" }],
      ["POST", `/api/v1/admin/users/${root.userId}/api-keys`, {}],
      ["POST", `/api/v1/admin/api-keys/${root.keyId}/rotate`, {}],
      ["DELETE", `/api/v1/admin/api-keys/${root.keyId}`],
      ["POST", `/api/v1/admin/api-keys/${root.keyId}/revoke`, {}],
      ["PATCH", `/api/v1/admin/api-keys/${root.keyId}`, { name: "mine" }],
      ["DELETE", `/api/v1/admin/users/${root.userId}/sessions`],
      ["DELETE", `/api/v1/admin/sessions?user=${root.userId}`],
      ["DELETE", `/api/v1/admin/sessions/${sessions[0].id}`],
    ];
    for (const [method, path, body] of acts) {
      const answer = await rig.send(path, { method, token: clerk.token, ...(body === undefined ? {} : { body }) });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
    expect((await rig.send("/api/v1/admin/sessions", { method: "DELETE", token: clerk.token })).status).toBe(200);
    const headers = { cookie: `tokligence_session=${session}` };
    expect((await rig.send("/api/v1/profile", { token: null, headers })).status).toBe(200);
  });
});

/** Something of the owner's under each address that takes an id; the longest address first. */
async function makeObjects({ userId, keyId, token }: { userId: string; keyId: string; token: string }) {
  const collections = [...new Map(listAddresses().map(({ path, family }) => [path, family]))];
  const createdAt = new Date(rig.clock.wallMs());
  const bound = collections.map(([path, family]) => ({
    objectId: `obj-${path.replaceAll("/", "-")}`,
    provider: "openai",
    userId,
    family,
    createdAt,
  }));
  await rig.store.bindings.bind(bound);
  const asked = { model: "loopback", input: "Hi" };
  const answer = await readJson(await rig.send("/v1/responses", { token, body: asked }));
  const { entries } = await readJson(await rig.send("/api/v1/usage/logs", { token }));
  await enterAs(userId);
  await rig.issue();
  const { sessions } = await readJson(await rig.send("/api/v1/auth/sessions", { token }));
  const spareKey = await rig.directory.createKey(OPERATOR, userId, {});
  expect(keyId).not.toBe(spareKey.key.id);
  const account = { id: Bun.randomUUIDv7(), userId, issuer: "https://login.example.com", subject: userId, email: null };
  await rig.store.identity.createIdentity({ ...account, createdAt, lastUsedAt: createdAt });
  const ids: [string, string][] = [
    ...collections.map(([path]): [string, string] => [path, `obj-${path.replaceAll("/", "-")}`]),
    ["/v1/responses", answer.id],
    ["/api/v1/api-keys", spareKey.key.id],
    ["/api/v1/auth/identities", account.id],
    ["/api/v1/auth/sessions", sessions[0].id],
    ["/api/v1/usage/logs", entries[0].id],
  ];
  return ids.toSorted(([left], [right]) => right.length - left.length);
}

describe("every command", () => {
  test("takes of each role what the route takes that does the same", () => {
    for (const [command, name] of Object.entries<string>(COMMAND_PERMITS)) {
      const permit = findCommandPermit(command.split(" "));
      if (permit === null) throw new Error(`${command} has no line`);
      if (permit === "machine") {
        expect([command, name]).toEqual([command, "machine"]);
        continue;
      }
      expect([command, permit]).toEqual([command, ROUTE_PERMITS[name as keyof typeof ROUTE_PERMITS]]);
      for (const role of ROLES) {
        for (const scopes of [[], ...ALL_SCOPES.map((scope) => [scope])]) {
          const may = expectGate(permit, { role, scopes });
          expect([command, role, scopes, isPermitted({ role, scopes }, permit)]).toEqual([command, role, scopes, may]);
        }
      }
      if (command.startsWith("admin")) expect(isPermitted({ role: "gateway_user", scopes: [] }, permit)).toBe(false);
    }
  });
});

// The record of changes by HTTP: who may read it, page by page and as a file; who signs in, and who tries to.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { verifyChanges } from "../../src/audit/index.ts";
import { ANTHROPIC_KEY, OPENAI_KEY, type Rig, makeRig, readJson } from "../rig.ts";
import { openBrowser, openScene, type Scene } from "./sign-in/scene.ts";

interface Printed {
  id: string;
  seq: number;
  at: string;
  actor: string;
  actor_id: string | null;
  actor_name: string | null;
  api_key_id: string | null;
  address: string | null;
  action: string;
  subject_id: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

let rig: Rig;
let root: Awaited<ReturnType<Rig["issue"]>>;
const open = async (): Promise<void> => {
  rig = await makeRig();
  root = await rig.issue("root_admin");
};
afterEach(() => rig.close());

async function read(query = "", token = root.token): Promise<{ changes: Printed[]; next_cursor: string | null }> {
  const response = await rig.send(`/api/v1/admin/audit${query}`, { token });
  expect(response.status).toBe(200);
  return (await response.json()) as { changes: Printed[]; next_cursor: string | null };
}

const post = (path: string, body: object, token = root.token): Promise<Response> =>
  rig.send(path, { method: "POST", token, body });

describe("reading", () => {
  beforeEach(open);

  test("names who changed what with which key, newest first, and what there was before", async () => {
    const made = await post("/api/v1/admin/users", { email: "ana@example.com", display_name: "Ana" });
    const { user } = (await made.json()) as { user: { id: string } };
    await rig.send(`/api/v1/admin/users/${user.id}`, {
      method: "PATCH",
      token: root.token,
      body: { role: "gateway_admin" },
    });
    const { changes } = await read(`?subject=ana@example.com`);
    const who = { actor: "user", actor_id: root.userId, actor_name: root.email, api_key_id: root.keyId };
    expect(changes).toMatchObject([
      { ...who, action: "user.update", subject_id: user.id },
      { ...who, action: "user.create", subject_id: user.id, before: null },
    ]);
    expect([changes[0]?.before?.["role"], changes[0]?.after?.["role"]]).toEqual(["gateway_user", "gateway_admin"]);
    expect((await read("?actor=configuration")).changes.map(({ action }) => action)).toEqual(["user.create"]);
    const own = (await read(`?actor=${root.email}`)).changes;
    expect([own.length > 1, (await read(`?actor=${root.email.toUpperCase()}`)).changes]).toEqual([true, own]);
  });

  test("goes page by page over both databases, in one order", async () => {
    for (let at = 0; at < 4; at++) {
      rig.clock.advance(1_000);
      await post("/api/v1/admin/users", { email: `u${at}@example.com` });
      await post("/api/v1/admin/budgets", { name: `b${at}`, limit_usd: 1 });
    }
    const seen: Printed[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof read>> = await read(
        `?limit=3${cursor === null ? "" : `&cursor=${cursor}`}`,
      );
      seen.push(...page.changes);
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    const times = seen.map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(seen.filter(({ action }) => action === "budget.create")).toHaveLength(4);
    const verified = await verifyChanges({
      book: rig.store.changes,
      kept: [],
      trusted: null,
      own: null,
      onProgress: () => undefined,
    });
    expect(verified.findings).toEqual([]);
    expect(verified.chains.map(({ database }) => database)).toEqual(["identity", "ledger"]);
  });

  test("is exported as JSON lines and as CSV, oldest first, also where it is long", async () => {
    const users = Array.from({ length: 600 }, (_, at) => ({ email: `many${at}@example.com` }));
    expect((await post("/api/v1/admin/users/import", { users })).status).toBe(201);
    const lines = await rig.send("/api/v1/admin/audit/export?action=user.create&actor=user", { token: root.token });
    expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
    const rows = (await lines.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Printed);
    expect(rows).toHaveLength(600);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => (rows[0]?.seq ?? 0) + at));
    const page = (await (await rig.send("/api/v1/admin/audit", { token: root.token })).json()) as { changes: object[] };
    expect(page.changes).toHaveLength(100);
    const csv = await rig.send("/api/v1/admin/audit/export?format=csv&action=user", { token: root.token });
    expect(csv.headers.get("content-disposition")).toBe('attachment; filename="audit.csv"');
    const text = await csv.text();
    expect(text.split("\r\n")[0]).toStartWith("seq,at,actor,actor_id");
  });

  test.each([
    ["limit=0", 422],
    ["limit=1001", 422],
    ["cursor=zzz", 422],
    ["from=yesterday", 422],
    ["from=2026-02-01&to=2026-01-01", 422],
    ["actor=", 422],
    ["action=nope", 422],
    ["action=user.crate", 422],
    ["action=user.", 422],
    ["colour=red", 422],
  ])("refuses %s", async (query, status) => {
    expect((await rig.send(`/api/v1/admin/audit?${query}`, { token: root.token })).status).toBe(status);
  });

  test("names what there is where an action is none, with whatever else is wrong", async () => {
    const refuse = async (path: string) => {
      const { error, errors } = await readJson(await rig.send(`/api/v1/admin/audit${path}`, { token: root.token }));
      return [error.message, (errors as { path: string }[]).map((each) => each.path).toSorted()];
    };
    expect(await refuse("?action=user.crate&limit=0")).toEqual([
      'There is no action "user.crate" (did you mean "user.create"?); use user for all of them, or user.create, user.delete, user.purge, user.update.',
      ["action", "limit"],
    ]);
    expect(await refuse("/export?action=nope")).toEqual([
      'There is no action "nope"; use auth, budget, cache, identity, import, key, ledger, limit, link, prices, provider, retention, route, session, settings, user, or one of a kind, such as user.create.',
      ["action"],
    ]);
    for (const word of ["user", "user.*", "user*", "user.create"]) {
      expect((await read(`?action=${word}`)).changes.length).toBeGreaterThan(0);
    }
  });

  test("is for administrators, and for keys that may", async () => {
    const user = await rig.issue("gateway_user");
    const reader = await rig.issue("gateway_admin", { scopes: ["audit:read"] });
    const clerk = await rig.issue("gateway_admin", { scopes: ["users:manage"] });
    const status = async (token: string): Promise<number> => (await rig.send("/api/v1/admin/audit", { token })).status;
    expect([await status(user.token), await status(reader.token), await status(clerk.token)]).toEqual([403, 200, 403]);
  });

  test("has no secret, whatever was written into what was changed", async () => {
    const secrets = [OPENAI_KEY, ANTHROPIC_KEY, `tok_${"c".repeat(43)}`, "sk-proj-canary-0123456789"];
    const tokens: string[] = [];
    for (const [at, secret] of secrets.entries()) {
      const body = { email: `canary${at}@example.com`, display_name: `Ana ${secret}` };
      const { user } = (await (await post("/api/v1/admin/users", body)).json()) as { user: { id: string } };
      const key = await post(`/api/v1/admin/users/${user.id}/api-keys`, { name: `for ${secret}` });
      tokens.push(((await key.json()) as { token: string }).token);
      await post("/api/v1/admin/budgets", { name: `budget ${secret}`, tag: secret, limit_usd: 1 });
      await rig.send(`/api/v1/admin/users/${user.id}?x=${secret}`, { method: "DELETE", token: root.token });
    }
    const exported = await rig.send("/api/v1/admin/audit/export", { token: root.token });
    const text = await exported.text();
    for (const secret of [...secrets, ...tokens, root.token]) expect(text).not.toContain(secret);
    expect(text).toContain("[redacted]");
    expect(text).not.toMatch(/"key_hash":"[0-9a-f]{64}"/u);
  });
});

describe("signing in", () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await openScene();
    ({ rig } = scene);
    root = await rig.issue("root_admin");
  });

  test("is recorded with the address; so is signing out", async () => {
    const alone = await openScene();
    const browser = openBrowser(alone);
    const entered = await browser.ask("/api/v1/auth/login", { body: { email: "admin@local" } });
    expect(entered.status).toBe(200);
    expect((await browser.ask("/api/v1/auth/logout", { method: "POST" })).status).toBe(204);
    const { changes } = await alone.rig.store.changes.page({ action: "auth" }, 10, null);
    const who = { actor: "user", actorName: "admin@local", keyId: null, address: "127.0.0.1" };
    expect(changes).toMatchObject([
      { ...who, action: "auth.sign_out", after: null },
      { ...who, action: "auth.sign_in", before: null },
    ]);
    expect(changes[0]?.subjectId).toBe(changes[1]?.subjectId ?? "none");
    expect(JSON.stringify(changes)).not.toContain([...browser.cookies.values()].join("") || "no cookie");
    await alone.rig.close();
  });

  test("in vain is, too, but not without end", async () => {
    const failed = async () => (await rig.store.changes.page({ action: "auth.sign_in_failed" }, 1_000, null)).changes;
    const knock = async (peer: string, times: number): Promise<void> => {
      for (let at = 0; at < times; at++) {
        await openBrowser(scene, { peer }).ask("/api/v1/auth/verify", { body: { token: `wrong-${at}` } });
      }
    };
    await knock("192.0.2.1", 20);
    expect(await failed()).toHaveLength(5);
    expect((await failed())[0]).toMatchObject({
      actor: "visitor",
      address: "192.0.2.1",
      after: { reason: "invalid_link" },
    });
    await knock("192.0.2.2", 1);
    expect((await failed())[0]?.after).toEqual({ reason: "invalid_link", others_before: 15 });
    for (let at = 0; at < 120; at++) await knock(`198.51.100.${at}`, 1);
    expect(await failed()).toHaveLength(100);
    scene.clock.advance(15 * 60_000);
    await knock("192.0.2.1", 1);
    expect((await failed())[0]?.after).toMatchObject({ others_before: 26 });
    expect(JSON.stringify(await failed())).not.toContain("wrong-");
  });
});

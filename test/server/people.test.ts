// Users, invitations and other people's sessions by HTTP: pages, filters, changes, links, and who stays signed in.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readJson } from "../rig.ts";
import { type Browser, type Scene, SMTP, fail, openBrowser, openScene } from "./sign-in/scene.ts";

const USERS = "/api/v1/admin/users";
const SESSIONS = "/api/v1/admin/sessions";

let scene: Scene;
let root: { token: string; userId: string };
const start = async (config?: Parameters<typeof openScene>[0]): Promise<void> => {
  scene = await openScene(config);
  root = await scene.rig.issue("root_admin");
};
beforeEach(() => start());
afterEach(() => scene.rig.close());

async function ask(method: string, path: string, body?: unknown, token = root.token) {
  const response = await scene.rig.send(path, { method, token, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

async function enter(email: string): Promise<Browser> {
  const { link } = (await ask("POST", `${USERS}/invite`, { email })).body;
  const browser = openBrowser(scene);
  const token = String(link).split("#")[1];
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
  return browser;
}

describe("a list of users", () => {
  const addresses = async (query: string): Promise<string[]> =>
    (await ask("GET", `${USERS}?${query}`)).body.users.map(({ email }: { email: string }) => email);

  test("comes in pages, oldest first, each user once", async () => {
    const names = Array.from({ length: 7 }, (_, index) => `user-${index}@example.com`);
    for (const email of names) await ask("POST", USERS, { email });
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page = await ask("GET", `${USERS}?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(page.body.users.length).toBeLessThanOrEqual(3);
      seen.push(...page.body.users.map(({ email }: { email: string }) => email));
      cursor = page.body.next_cursor;
    }
    expect(seen.slice(-7)).toEqual(names);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen[0]).toBe("admin@local");
  });

  test("is narrowed by role, status and the beginning of an address, which stands for itself", async () => {
    for (const email of ["ann@x.example", "Ann_b@x.example", "annxb@x.example", "bob@x.example"]) {
      await ask("POST", USERS, { email, role: email.startsWith("bob") ? "gateway_admin" : "gateway_user" });
    }
    const { user } = (await ask("GET", `${USERS}/ann@x.example`)).body;
    await ask("PATCH", `${USERS}/${user.id}`, { status: "suspended" });
    expect(await addresses("email=ANN")).toEqual(["ann@x.example", "ann_b@x.example", "annxb@x.example"]);
    expect(await addresses("email=ann_")).toEqual(["ann_b@x.example"]);
    expect(await addresses("email=ann%25")).toEqual([]);
    expect(await addresses("role=gateway_admin")).toEqual(["bob@x.example"]);
    expect(await addresses("status=suspended")).toEqual(["ann@x.example"]);
    expect(await addresses("status=inactive&role=gateway_user&email=a")).toEqual(["ann@x.example"]);
    expect(await addresses("status=active&role=gateway_user&email=ann")).toEqual([
      "ann_b@x.example",
      "annxb@x.example",
    ]);
    const first = await ask("GET", `${USERS}?email=a&limit=2`);
    expect(first.body.users.map(({ email }: { email: string }) => email)).toEqual(["admin@local", "ann@x.example"]);
    expect(await addresses(`email=a&cursor=${first.body.next_cursor}`)).toEqual(["ann_b@x.example", "annxb@x.example"]);
    // A cursor is of its list alone.
    expect((await ask("GET", `${USERS}?cursor=${first.body.next_cursor}`)).status).toBe(422);
  });

  test.each(["limit=0", "limit=1001", "role=king", "status=asleep", "email=", "cursor=%00", "cursor=aWQ6", "bogus=1"])(
    "refuses %s",
    async (query) => {
      expect((await ask("GET", `${USERS}?${query}`)).status).toBe(422);
    },
  );
});

describe("one user", () => {
  test("is shown by id and by address, and changes address; the old one is free", async () => {
    const { user } = (await ask("POST", USERS, { email: "ann@example.com" })).body;
    expect((await ask("GET", `${USERS}/${user.id}`)).body.user).toEqual(user);
    expect((await ask("GET", `${USERS}/ANN@example.com`)).body.user).toEqual(user);
    expect((await ask("GET", `${USERS}/nobody`)).status).toBe(404);
    const moved = await ask("PATCH", `${USERS}/${user.id}`, { email: " Anna@Example.com" });
    expect(moved.body.user).toMatchObject({ id: user.id, email: "anna@example.com" });
    expect((await ask("POST", USERS, { email: "ann@example.com" })).status).toBe(201);
    expect((await ask("PATCH", `${USERS}/${user.id}`, { email: "ann@example.com" })).status).toBe(409);
    expect((await ask("PATCH", `${USERS}/${user.id}`, { email: "nonsense" })).status).toBe(422);
  });

  test("who moves is signed in by no link that lies in the old mailbox", async () => {
    const { link, user } = (await ask("POST", `${USERS}/invite`, { email: "ann@example.com" })).body;
    await ask("PATCH", `${USERS}/${user.id}`, { email: "anna@example.com" });
    const token = String(link).split("#")[1];
    expect(await fail(await openBrowser(scene).ask("/api/v1/auth/verify", { body: { token } }))).toEqual([
      401,
      "invalid_link",
    ]);
  });

  test("of two roots who each do away with the other at once, one stays", async () => {
    const [one, two] = [await scene.rig.issue("root_admin"), await scene.rig.issue("root_admin")];
    for (const { email, userId } of await scene.rig.directory
      .listUsers()
      .then((list) => list.map((each) => ({ email: each.email, userId: each.id })))) {
      if (["admin@local"].includes(email) || userId === root.userId)
        await ask("DELETE", `${USERS}/${userId}`, undefined, one.token);
    }
    const left = await Promise.all([
      ask("PATCH", `${USERS}/${two.userId}`, { status: "suspended" }, one.token),
      ask("DELETE", `${USERS}/${one.userId}`, undefined, two.token),
      ask("PATCH", `${USERS}/${two.userId}`, { role: "gateway_user" }, one.token),
    ]);
    expect(left.filter(({ status }) => status === 409).length).toBeGreaterThanOrEqual(1);
    const users = await scene.rig.directory.listUsers();
    expect(users.filter(({ role, status }) => role === "root_admin" && status === "active")).toHaveLength(1);
  });
});

test("a change that was made without having seen the last one is refused where that is wished", async () => {
  const made = await scene.rig.send(USERS, { token: root.token, body: { email: "ann@example.com" } });
  const { user } = await readJson(made);
  const change = (etag: string, body: object) =>
    scene.rig.send(`${USERS}/${user.id}`, { method: "PATCH", token: root.token, headers: { "if-match": etag }, body });
  const first = await change(made.headers.get("etag") ?? "", { display_name: "Ann" });
  expect(first.status).toBe(200);
  expect(await fail(await change(made.headers.get("etag") ?? "", { display_name: "Anna" }))).toEqual([
    412,
    "changed_meanwhile",
  ]);
  const seen = await scene.rig.send(`${USERS}/${user.id}`, { token: root.token });
  expect(seen.headers.get("etag")).toBe(first.headers.get("etag"));
  expect((await change(seen.headers.get("etag") ?? "", { display_name: "Anna" })).status).toBe(200);
});

test("a key that is limited to users makes no administrator, and opens no door to one", async () => {
  const clerk = (await scene.rig.issue("root_admin", { scopes: ["users:manage"] })).token;
  const { email, userId } = await scene.rig.issue("gateway_admin");
  const ann = await scene.rig.issue();
  const acts: [string, string, object, number][] = [
    ["POST", USERS, { email: "a@example.com", role: "gateway_admin" }, 403],
    ["POST", `${USERS}/import`, { users: [{ email: "a@example.com", role: "gateway_admin" }] }, 403],
    ["POST", `${USERS}/invite`, { email }, 403],
    ["POST", `${USERS}/invite`, { email: "b@example.com", role: "root_admin" }, 403],
    ["PATCH", `${USERS}/${ann.userId}`, { role: "gateway_admin" }, 403],
    ["PATCH", `${USERS}/${userId}`, { email: "mine@example.com" }, 403],
    ["PATCH", `${USERS}/${userId}`, { email: email.toUpperCase(), display_name: "Bo" }, 200],
    ["PATCH", `${USERS}/${userId}`, { status: "suspended" }, 200],
    ["PATCH", `${USERS}/${ann.userId}`, { email: ann.email }, 200],
    ["POST", `${USERS}/invite`, { email: ann.email }, 200],
    ["POST", USERS, { email: "c@example.com" }, 201],
  ];
  for (const [method, path, body, status] of acts) {
    expect([path, body, (await ask(method, path, body, clerk)).status]).toEqual([path, body, status]);
  }
  const boss = (await scene.rig.issue("root_admin", { scopes: ["admin"] })).token;
  expect((await ask("POST", `${USERS}/invite`, { email: "d@example.com", role: "gateway_admin" }, boss)).status).toBe(
    201,
  );
});

describe("an invitation", () => {
  test("makes the user and answers a link, where nobody can send it; the next one ends it", async () => {
    const made = await ask("POST", `${USERS}/invite`, {
      email: "ann@example.com",
      display_name: "Ann",
      ttl_seconds: 3600,
    });
    expect([made.status, made.body.created, made.body.sent]).toEqual([201, true, false]);
    expect(made.body.user).toMatchObject({ email: "ann@example.com", role: "gateway_user", display_name: "Ann" });
    expect(Date.parse(made.body.expires_at)).toBe(scene.clock.wallMs() + 3_600_000);
    const again = await ask("POST", `${USERS}/invite`, { email: "ANN@example.com" });
    expect([again.status, again.body.created]).toEqual([200, false]);
    const use = async (link: string): Promise<number> =>
      (await openBrowser(scene).ask("/api/v1/auth/verify", { body: { token: link.split("#")[1] } })).status;
    expect(await use(made.body.link)).toBe(401);
    expect(await use(again.body.link)).toBe(200);
    expect(await use(again.body.link)).toBe(401);
  });

  test("goes by mail where there is a mail server, and then no answer holds the link", async () => {
    await scene.rig.close();
    await start((config) => ({
      ...config,
      smtp: SMTP,
      signIn: { ...config.signIn, publicUrl: "https://gate.example.com" },
    }));
    const made = await ask("POST", `${USERS}/invite`, { email: "ann@example.com" });
    expect([made.status, made.body.sent, made.body.link]).toEqual([201, true, undefined]);
    const [mail] = scene.mails;
    expect(mail?.to).toBe("ann@example.com");
    expect(mail?.notice.text).toContain("https://gate.example.com/ui/login#");
    expect(JSON.stringify(made.body)).not.toContain(scene.token());
  });

  test("is refused for another role, for one who is suspended, and for more than a week", async () => {
    const { user } = (await ask("POST", USERS, { email: "ann@example.com" })).body;
    const invite = async (body: object): Promise<number> => (await ask("POST", `${USERS}/invite`, body)).status;
    expect(await invite({ email: "ann@example.com", role: "gateway_admin" })).toBe(409);
    expect(await invite({ email: "ann@example.com", ttl_seconds: 700_000 })).toBe(422);
    expect(await invite({ email: "ann@example.com", ttl_seconds: 1 })).toBe(422);
    await ask("PATCH", `${USERS}/${user.id}`, { status: "suspended" });
    expect(await invite({ email: "ann@example.com" })).toBe(403);
  });
});

describe("a list of new users", () => {
  const users = [{ email: "one@example.com" }, { email: "broken" }, { email: "two@example.com", role: "king" }];

  test("is taken as far as it is good where that is wished, and checked only in a dry run", async () => {
    const dry = await ask("POST", `${USERS}/import`, { users, skip_invalid: true, dry_run: true });
    expect([dry.status, dry.body.created.length, dry.body.refused.length]).toEqual([200, 1, 2]);
    expect((await ask("GET", `${USERS}/one@example.com`)).status).toBe(404);
    const made = await ask("POST", `${USERS}/import`, { users, skip_invalid: true, links: true });
    expect(made.status).toBe(201);
    expect(made.body.refused).toEqual([
      { row: 2, email: "broken", reason: '"broken" is not an e-mail address such as ada@example.com.' },
      {
        row: 3,
        email: "two@example.com",
        reason: 'There is no role "king"; use root_admin, gateway_admin or gateway_user.',
      },
    ]);
    const [{ link }] = made.body.created;
    const token = String(link).split("#")[1];
    expect((await openBrowser(scene).ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
  });
});

describe("other people's sessions", () => {
  test("are listed a page at a time, of all and of one", async () => {
    for (const email of ["ann@example.com", "ann@example.com", "bob@example.com"]) await enter(email);
    const first = (await ask("GET", `${SESSIONS}?limit=2`)).body;
    expect(first.sessions.map(({ email }: { email: string }) => email)).toEqual(["bob@example.com", "ann@example.com"]);
    const second = (await ask("GET", `${SESSIONS}?limit=2&cursor=${first.next_cursor}`)).body;
    expect([second.sessions.length, second.next_cursor]).toEqual([1, null]);
    const ofAnn = (await ask("GET", `${SESSIONS}?user=ann@example.com`)).body.sessions;
    expect(ofAnn).toHaveLength(2);
    expect((await ask("GET", `${USERS}/ann@example.com/sessions`)).body.sessions).toEqual(ofAnn);
    expect(Object.keys(ofAnn[0]).toSorted()).toEqual([
      "address",
      "created_at",
      "current",
      "email",
      "expires_at",
      "id",
      "last_seen_at",
      "user_agent",
      "user_id",
    ]);
    expect((await ask("GET", `${SESSIONS}?user=nobody@example.com`)).status).toBe(404);
  });

  test("are ended one by one, by user, and all but the one from which it is asked, at once", async () => {
    const [ann, annToo, bob] = [
      await enter("ann@example.com"),
      await enter("ann@example.com"),
      await enter("bob@example.com"),
    ];
    await ask("PATCH", `${USERS}/bob@example.com`, { role: "gateway_admin" });
    expect((await bob.ask("/api/v1/profile")).status).toBe(401);
    const boss = await enter("bob@example.com");
    const isIn = async (browser: Browser): Promise<boolean> => (await browser.ask("/api/v1/profile")).status === 200;
    const [, { id }] = (await ask("GET", `${USERS}/ann@example.com/sessions`)).body.sessions;
    expect((await boss.ask(`${SESSIONS}/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await boss.ask(`${SESSIONS}/${id}`, { method: "DELETE" })).status).toBe(204);
    expect([await isIn(ann), await isIn(annToo)]).toEqual([false, true]);
    expect(await readJson(await boss.ask(`${USERS}/ann@example.com/sessions`, { method: "DELETE" }))).toEqual({
      ended: 1,
    });
    expect(await isIn(annToo)).toBe(false);
    const third = await enter("ann@example.com");
    expect(await readJson(await boss.ask(SESSIONS, { method: "DELETE" }))).toEqual({ ended: 1 });
    expect([await isIn(third), await isIn(boss)]).toEqual([false, true]);
    expect((await ask("DELETE", SESSIONS)).body).toEqual({ ended: 1 });
    expect(await isIn(boss)).toBe(false);
  });
});

// Lists that come a page at a time: all of them, as the reference tells them, refuse what is no cursor of theirs.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { makeEntry } from "../ledger/entry.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let root: Awaited<ReturnType<Rig["issue"]>>;
let lists: string[] = [];
beforeAll(async () => {
  rig = await makeRig();
  root = await rig.issue("root_admin");
  const { paths } = (await readJson(await rig.send("/openapi.json", { token: null }))) as {
    paths: Record<string, { get?: { parameters?: { name: string }[] } }>;
  };
  lists = Object.entries(paths)
    .filter(([, { get }]) => get?.parameters?.some(({ name }) => name === "cursor") === true)
    .map(([path]) => path.replace("{id}", path.includes("/users/") ? root.userId : "own"));
  await put("/api/v1/admin/routes/own", { targets: "loopback", match: "own-*" });
  await put("/api/v1/admin/providers/own", { type: "compatible", base_url: "https://acme.example.com/v1" });
});
afterAll(() => rig.close());

const put = (path: string, body: object) => rig.send(path, { method: "PUT", token: root.token, body });

test.each(["zz", "", "%00", "aWQ6"])("a cursor %p is refused by every list", async (cursor) => {
  expect(lists.length).toBeGreaterThan(10);
  for (const path of lists) {
    const response = await rig.send(`${path}?cursor=${cursor}`, { token: root.token });
    const { error } = await readJson(response);
    expect([path, response.status, error?.param]).toEqual([path, 422, "cursor"]);
    expect(error.message).toContain("give back a page's next cursor as it came");
  }
});

test("a cursor of one list is none of another", async () => {
  await rig.issue();
  const row = { userId: root.userId, apiKeyId: root.keyId };
  await rig.store.ledger.append([makeEntry(row), makeEntry(row)]);
  for (const own of ["/api/v1/admin/api-keys", "/api/v1/admin/audit", "/api/v1/admin/users", "/api/v1/usage/logs"]) {
    const first = await readJson(await rig.send(`${own}?limit=1`, { token: root.token }));
    const cursor = first.next_cursor as string;
    expect([own, cursor]).toEqual([own, expect.any(String)]);
    for (const path of lists) {
      const { status } = await rig.send(`${path}?cursor=${cursor}`, { token: root.token });
      expect([path, status]).toEqual([path, path === own ? 200 : 422]);
    }
  }
});

test("whoever removes what a page shows, and asks for the next, is told all", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g"].map((letter) => `gone-${letter}`);
  const kinds = [
    { path: "/api/v1/admin/budgets", list: "budgets", make: (name: string) => post("budgets", { name, limit_usd: 1 }) },
    {
      path: "/api/v1/admin/limits",
      list: "limits",
      make: (name: string) => put(`/api/v1/admin/limits/${name}`, { concurrent: 1000 }),
    },
    {
      path: "/api/v1/admin/routes",
      list: "routes",
      make: (name: string) => put(`/api/v1/admin/routes/${name}`, { targets: "loopback", match: name }),
    },
  ];
  for (const { path, list, make } of kinds) {
    for (const name of names) expect((await make(name)).status).toBe(201);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const query = cursor === "" ? "" : `&cursor=${cursor}`;
      const page = await readJson(await rig.send(`${path}?limit=2${query}`, { token: root.token }));
      for (const { id, name } of page[list] as { id?: string; name: string }[]) {
        seen.push(name);
        await rig.send(`${path}/${id ?? name}`, { method: "DELETE", token: root.token });
      }
      cursor = page.next_cursor as string | null;
    }
    expect([list, seen.filter((name) => names.includes(name))]).toEqual([list, names]);
  }
});

const post = (kind: string, body: object) =>
  rig.send(`/api/v1/admin/${kind}`, { method: "POST", token: root.token, body });

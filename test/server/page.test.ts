// Lists that come a page at a time: all of them, as the reference tells them, refuse what is no cursor of theirs.

import { afterAll, beforeAll, expect, test } from "bun:test";
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
  const first = await readJson(await rig.send("/api/v1/admin/api-keys?limit=1", { token: root.token }));
  const cursor = first.next_cursor as string;
  expect(cursor).toBeString();
  for (const path of lists) {
    const { status } = await rig.send(`${path}?cursor=${cursor}`, { token: root.token });
    expect([path, status]).toEqual([path, path === "/api/v1/admin/api-keys" ? 200 : 422]);
  }
});

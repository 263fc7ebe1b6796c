// Every route of the gateway's own API that is no question leaves exactly one row in the record of changes, of whoever asked, from where he asked.
// Generated from the route table: a route that nobody wrote a line for here fails.

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ChangeRow } from "../../src/lib/change.ts";
import type { Route } from "../../src/server/route.ts";
import { makeRig } from "../rig.ts";
import { CHANGES, NO_CHANGES, makeLink, type Sample, type Scene } from "./change-scene.ts";

const PEER = "203.0.113.9";

let scene: Scene;
let routes: readonly Route[] = [];
beforeAll(async () => {
  const rig = await makeRig();
  routes = rig.app.routes.filter(({ path, method }) => path.startsWith("/api/v1/") && method !== "GET");
  const { token } = await rig.issue("root_admin");
  scene = {
    rig,
    token,
    subject: () => rig.issue("gateway_user"),
    async session(userId) {
      const response = await ask(
        { method: "POST", path: "/api/v1/auth/verify" },
        { body: { token: await makeLink(rig, userId) } },
      );
      const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
      const [newest] = await rig.store.identity.listSessions(userId, {
        now: new Date(rig.clock.wallMs()),
        seenAfter: new Date(0),
      });
      return { id: newest?.id ?? "", cookie };
    },
  };
});
afterAll(() => scene.rig.close());

async function ask({ method, path }: { method: string; path: string }, sample: Sample): Promise<Response> {
  const { rig, token } = scene;
  const listener = { requestIP: () => ({ address: PEER }), timeout: () => undefined, upgrade: () => false };
  const who =
    sample.cookie === undefined ? { authorization: `Bearer ${sample.token ?? token}` } : { cookie: sample.cookie };
  const headers = { ...who, "x-request-id": `ask-${++asked}`, ...sample.headers };
  const request = new Request(`http://gateway.test${sample.path ?? path}`, {
    method,
    headers,
    ...(sample.body === undefined ? {} : { body: JSON.stringify(sample.body) }),
  });
  return rig.app.fetch(request, listener);
}

let asked = 0;

async function readRows(): Promise<ChangeRow[]> {
  return (await scene.rig.store.changes.page({}, 1_000, null)).changes;
}

test("every route is known here", () => {
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  const known = [...Object.keys(CHANGES), ...Object.keys(NO_CHANGES)];
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((name) => !names.includes(name))).toEqual([]);
});

test.each(Object.keys(CHANGES))("%s leaves a row", async (name) => {
  const [method = "", path = ""] = name.split(" ");
  const { make, action } = CHANGES[name] ?? { make: () => ({}), action: "" };
  const sample = await make(scene);
  const before = new Set((await readRows()).map(({ id }) => id));
  const response = await ask({ method, path }, sample);
  expect([response.status < 300, await response.text()]).toEqual([true, expect.any(String)]);
  const rows = (await readRows()).filter(({ id }) => !before.has(id));
  expect(rows.map((row) => row.action)).toEqual([action].flat());
  for (const row of rows) expect(row).toMatchObject({ actor: "user", address: PEER, requestId: `ask-${asked}` });
  expect(rows[0]?.actorName).toContain("@");
  expect(rows[0]?.at).toEqual(new Date(scene.rig.clock.wallMs()));
});

test("no row has a secret of what was changed", async () => {
  expect(JSON.stringify(await readRows())).not.toMatch(/canary|tok_[\w-]{20}/u);
});

test.each(Object.keys(CHANGES))("%s leaves none where it is refused", async (name) => {
  const [method = "", path = ""] = name.split(" ");
  const { token } = await scene.rig.issue("gateway_user", { scopes: ["inference"] });
  const before = new Set((await readRows()).map(({ id }) => id));
  const nothing = path.replace(":provider", "openai").replace(":id", "none");
  const response = await ask({ method, path: nothing }, { token, body: { token: "none" } });
  await response.text();
  const rows = (await readRows()).filter(({ id }) => !before.has(id));
  expect(rows.map(({ action }) => action).filter((action) => action !== "auth.sign_in_failed")).toEqual([]);
});

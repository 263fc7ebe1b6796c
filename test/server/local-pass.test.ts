// Who shows a pass of the local key gets in from this machine itself, through no proxy, at the API alone, and as somebody who is an administrator still.

import { afterEach, expect, test } from "bun:test";
import { findLocalKey } from "../../src/cli/local-key.ts";
import { makePass } from "../../src/identity/index.ts";
import { PASS_HEADER } from "../../src/server/index.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

async function open(): Promise<{ gateway: Rig; root: string }> {
  const gateway = await makeRig();
  rig = gateway;
  const root = await gateway.directory.findRoot();
  return { gateway, root: root?.id ?? "" };
}

interface Knock {
  userId: string;
  path?: string;
  method?: string;
  peer?: string;
  headers?: Record<string, string>;
}

async function knock(gateway: Rig, { userId, path = "/api/v1/admin/limits", ...more }: Knock): Promise<Response> {
  const { method = "GET", peer = "127.0.0.1", headers = {} } = more;
  const key = findLocalKey(gateway.config);
  if (key === null) throw new Error("There is no local key.");
  const pass = makePass(key, { userId, name: "ana" }, { method, target: path, now: Date.now() });
  const request = new Request(`http://gateway.test${path}`, { method, headers: { [PASS_HEADER]: pass, ...headers } });
  const listener = { requestIP: () => ({ address: peer }), timeout: () => undefined, upgrade: () => false };
  return gateway.app.fetch(request, listener);
}

test.each(["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])("it opens from %s", async (peer) => {
  const { gateway, root } = await open();
  expect((await knock(gateway, { userId: root, peer })).status).toBe(200);
});

test("what is done with it is the operator's, by the name that the machine has for him", async () => {
  const { gateway, root } = await open();
  const path = "/api/v1/admin/health/providers/loopback/disable";
  expect((await knock(gateway, { userId: root, method: "POST", path })).status).toBe(200);
  const answer = await knock(gateway, { userId: root, path: "/api/v1/admin/audit?action=provider.disable" });
  expect(await readJson(answer)).toMatchObject({
    changes: [{ actor: "operator", actor_id: null, actor_name: "ana", address: "127.0.0.1" }],
  });
});

const FAR: [string, Partial<Knock>][] = [
  ["another machine", { peer: "192.0.2.1" }],
  ["a proxy here", { headers: { "x-forwarded-for": "192.0.2.1" } }],
  ["another kind of proxy", { headers: { via: "1.1 front" } }],
];

test.each(FAR)("it is refused from %s", async (_, from) => {
  const { gateway, root } = await open();
  const refused = await knock(gateway, { userId: root, ...from });
  expect([refused.status, await readJson(refused)]).toMatchObject([401, { error: { code: "invalid_pass" } }]);
});

test("it opens no model route, and nothing for somebody who is no root administrator, or is unknown", async () => {
  const { gateway, root } = await open();
  expect((await knock(gateway, { userId: root, path: "/v1/models" })).status).toBe(401);
  const { userId } = await gateway.issue("gateway_admin");
  for (const other of [userId, "nobody", ""]) expect((await knock(gateway, { userId: other })).status).toBe(401);
});

// Removals by HTTP: nothing is answered, or what is gone to whoever asks for it; a row goes with `hard` alone, and not on an unclear word.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig;
let token = "";
beforeAll(async () => {
  rig = await makeRig();
  ({ token } = await rig.issue("root_admin"));
});
afterAll(() => rig.close());

const remove = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  rig.send(path, { method: "DELETE", token, headers });
const PREFER = { prefer: "respond-async, return=representation" };

test("a user and a key are gone with their rows where that is said, and told where that is asked", async () => {
  const { userId, keyId, email } = await rig.issue();
  const key = `/api/v1/admin/api-keys/${keyId}`;
  const user = `/api/v1/admin/users/${userId}`;
  for (const path of [key, user]) {
    expect((await remove(`${path}?hard=maybe`)).status).toBe(422);
    expect((await remove(`${path}?hrad=true`)).status).toBe(422);
    expect((await rig.send(path, { token })).status).toBe(200);
  }
  const goneKey = await remove(`${key}?hard=true`, PREFER);
  expect([goneKey.status, goneKey.headers.get("preference-applied")]).toEqual([200, "return=representation"]);
  expect(await goneKey.json()).toMatchObject({ api_key: { id: keyId, user_id: userId } });
  expect(await rig.store.identity.findKey(keyId)).toBeNull();
  expect(await (await remove(user, PREFER)).json()).toMatchObject({ user: { id: userId, email } });
  const bare = await rig.issue();
  const quiet = await remove(`/api/v1/admin/users/${bare.userId}?hard=true`);
  expect([quiet.status, await quiet.text()]).toEqual([204, ""]);
});

test("nobody removes rows who may not manage them", async () => {
  const [victim, other] = [await rig.issue(), await rig.issue()];
  for (const path of [`users/${victim.userId}`, `api-keys/${victim.keyId}`]) {
    const refused = await rig.send(`/api/v1/admin/${path}?hard=true`, { method: "DELETE", token: other.token });
    expect(refused.status).toBe(403);
  }
  const root = await rig.issue("root_admin");
  const { token: admin } = await rig.issue("gateway_admin");
  const reach = await rig.send(`/api/v1/admin/users/${root.userId}?hard=true`, { method: "DELETE", token: admin });
  expect(reach.status).toBe(403);
});

// What else ends with its key or its user: requests that wait at the door, and files that are read out piece by piece.

import { expect, test } from "bun:test";
import type { ChangeBook } from "../../src/audit/index.ts";
import { makeChangeRoutes } from "../../src/server/admin/change.ts";
import { createReader } from "../../src/server/index.ts";
import type { LedgerReader } from "../../src/server/reader/reader.ts";
import { makeUsageRoutes } from "../../src/server/usage.ts";
import { makeRig } from "../rig.ts";
import { say } from "./route-scene.ts";

const OPERATOR = { kind: "operator" } as const;
const HELLO = [{ role: "user", content: "Tell me a story." }];

test("those that wait for a place at the door end, and take none", async () => {
  const held = Promise.withResolvers<Response>();
  const rig = await makeRig({
    upstream: ({ method }) => (method === "GET" ? Response.json({ data: [] }) : held.promise),
    config: (config) => ({ ...config, caps: { ...config.caps, total: 1 } }),
  });
  const key = await rig.issue();
  const first = rig.chat({ model: "local/m", messages: HELLO });
  while (rig.calls.length === 0) await new Promise(setImmediate);
  const waiting = [
    rig.chat({ model: "local/m", messages: HELLO }, { token: key.token }),
    rig.send("/v1/moderations", { body: { model: "local/m", input: "x" }, token: key.token }),
  ];
  for (let round = 0; round < 20; round++) await new Promise(setImmediate);
  await rig.directory.updateUser(OPERATOR, key.userId, { status: "suspended" });
  await rig.ring.refresh();
  for (const response of await Promise.all(waiting)) {
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('"code":"user_suspended"');
  }
  held.resolve(say("Hi"));
  expect((await first).status).toBe(200);
  expect(rig.calls).toHaveLength(1);
  await rig.close();
});

test("an export goes no further", async () => {
  const rig = await makeRig();
  const key = await rig.issue("root_admin");
  let pieces = 0;
  const endless: LedgerReader = {
    ...createReader(rig.store),
    async exportPiece() {
      pieces++;
      return { bytes: new TextEncoder().encode("row\n"), rows: 1, nextCursor: "more" };
    },
  };
  const changes: ChangeBook = {
    ...rig.store.changes,
    async readOldest() {
      pieces++;
      return { ...(await rig.store.changes.readOldest({}, 1, null)), nextCursor: "more" };
    },
  };
  const parts = { ring: rig.ring, rights: rig.ring, directory: rig.directory, now: rig.clock.wallMs };
  const routes = [
    ...makeUsageRoutes({ ...parts, reader: endless }),
    ...makeChangeRoutes({ ...parts, changes, nowMs: rig.clock.wallMs }),
  ].filter(({ path }) => path.endsWith("/export"));
  expect(routes).toHaveLength(2);
  for (const route of routes) {
    const { key: own, token } = await rig.directory.createKey(OPERATOR, key.userId, {});
    await rig.ring.refresh();
    const request = new Request(`http://gateway.test${route.path}?format=jsonl`);
    const query = new URL(request.url).searchParams;
    const caller = rig.ring.resolve(token);
    const response = await route.handle({ request, query, caller, keepOpen: () => undefined } as never);
    const reader = response.body?.getReader();
    await reader?.read();
    await rig.directory.revokeKey(OPERATOR, own.id);
    await rig.ring.refresh();
    // What was read ahead is there.
    const taken = pieces;
    const readOn = async (): Promise<void> => {
      for (let read = 0; read <= taken; read++) await reader?.read();
    };
    expect(readOn()).rejects.toThrow("This API key was revoked");
    await new Promise(setImmediate);
    expect(pieces).toBeLessThanOrEqual(taken + 1);
    pieces = 0;
  }
  await rig.close();
});

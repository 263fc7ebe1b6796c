// Budgets and what providers work on behind everybody's back: whoever's is spent makes no more of it, and stops, reads and deletes what he has.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const KINDS = [
  ["/v1/batches", "batch_1", "/cancel", {}],
  ["/v1/messages/batches", "msgbatch_1", "/cancel", { "anthropic-version": "2023-06-01" }],
  ["/v1/fine_tuning/jobs", "ftjob_1", "/pause", {}],
] as const;

test.each(KINDS)("%s", async (path, id, stop, headers) => {
  rig = await makeRig({ upstream: () => Response.json({ id, object: "thing" }) });
  const { send, issue } = rig;
  const made = await send(path, { headers, body: { endpoint: "/v1/chat/completions" } });
  expect(made.status).toBe(200);
  const { token } = await issue("gateway_admin");
  expect((await send("/api/v1/admin/budgets", { token, body: { name: "all", limit_usd: 1 } })).status).toBe(201);
  // What it will cost nobody knows, and a hard limit lets nothing such through.
  const refused = await send(path, { headers, body: { endpoint: "/v1/chat/completions" } });
  expect(refused.status).toBeGreaterThanOrEqual(400);
  const stopped = await send(`${path}/${id}${stop}`, { method: "POST", headers });
  expect([stopped.status, await readJson(stopped)]).toEqual([200, { id, object: "thing" }]);
  expect((await send(`${path}/${id}`, { headers })).status).toBe(200);
});

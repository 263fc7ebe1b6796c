// Health, draining and a new configuration, without a port.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}
const HELLO = { model: "loopback", messages: [{ role: "user", content: "hi" }] };

test("ready says what is checked; draining turns it off and refuses new model calls with a way out", async () => {
  const gateway = await open();
  const ready = await gateway.send("/health/ready", { token: null });
  expect([ready.status, await readJson(ready)]).toEqual([
    200,
    { status: "ready", checks: { database: "ok", draining: "ok", ledger: "ok", providers: "ok" } },
  ]);
  gateway.app.drain();
  const after = await gateway.send("/health/ready", { token: null });
  expect([after.status, (await readJson(after)).checks.draining]).toEqual([503, "failed"]);
  expect((await gateway.send("/health/live", { token: null })).status).toBe(200);
  const refused = await gateway.chat(HELLO);
  expect(refused.status).toBe(503);
  expect((await readJson(refused)).error.code).toBe("shutting_down");
  expect(refused.headers.get("retry-after")).toBe("1");
});

test("version", async () => {
  const gateway = await open();
  expect(await readJson(await gateway.send("/version", { token: null }))).toEqual({
    version: "0.0.0-test",
    commit: "test",
  });
});

test("a new configuration is in force as a whole for the next request", async () => {
  const gateway = await open();
  expect((await gateway.chat({ ...HELLO, model: "house" })).status).toBe(404);
  gateway.app.reload({ ...gateway.config, aliases: [{ pattern: "house", target: "loopback", origin: "t" }] });
  expect((await gateway.chat({ ...HELLO, model: "house" })).status).toBe(200);
  gateway.app.reload({ ...gateway.config, http: { ...gateway.config.http, maxBodyBytes: 10 } });
  expect((await gateway.chat(HELLO)).status).toBe(413);
});

test("a row of the log is one line of JSON with the request's id, and no secret", async () => {
  const gateway = await open({
    upstream: () => Promise.reject(Object.assign(new Error("tok_canarycanarycanarycanary"), { code: "ECONNRESET" })),
  });
  const response = await gateway.chat({ ...HELLO, model: "gpt-4o" }, { headers: { "x-request-id": "find-me" } });
  expect(response.status).toBe(502);
  const line = gateway.log.find((each) => each.includes("find-me"));
  expect(JSON.parse(line ?? "")).toMatchObject({
    level: "warn",
    request_id: "find-me",
    kind: "upstream_unavailable",
    status: 502,
  });
  expect(gateway.log.join("")).not.toContain("canarycanary");
});

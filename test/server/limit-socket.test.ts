// Rate limits and WebSocket sessions: a session has its place among requests at once for as long as it lasts, and each of its answers uses requests
// and tokens.

import { afterEach, expect, test } from "bun:test";
import { readJson } from "../rig.ts";
import { type Scene, UPGRADE, closeScene, connect, open, speak, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

async function openLimited(limit: Record<string, unknown>): Promise<Scene & { used(unit: string): Promise<number> }> {
  const scene = await open(speak);
  const { token } = await scene.rig.issue("gateway_admin");
  const path = "/api/v1/admin/limits/all";
  expect((await scene.rig.send(path, { method: "PUT", body: limit, token })).status).toBe(201);
  return {
    ...scene,
    async used(unit) {
      const answer = await readJson(await scene.rig.send(path, { token }));
      return answer.limit.states[0][unit].used;
    },
  };
}

const handshake = (scene: Scene): Promise<Response> => scene.rig.send("/v1/realtime?model=voice", { headers: UPGRADE });

test("a session keeps its place to its end", async () => {
  const scene = await openLimited({ concurrent: 1 });
  const client = connect(scene);
  client.socket.addEventListener("open", () => client.say({ type: "response.create" }));
  await client.until((one) => one.events().some(({ type }) => type === "response.done"));
  expect(await scene.used("concurrent")).toBe(1);
  const refused = await handshake(scene);
  expect([refused.status, (await readJson(refused)).error.code]).toEqual([429, "rate_limit_exceeded"]);
  client.socket.close();
  while ((await scene.used("concurrent")) > 0) await new Promise(setImmediate);
});

test("its answers count as requests and by their tokens, and the one beyond a limit ends it", async () => {
  const scene = await openLimited({ requests_per_minute: 3, tokens_per_minute: 100_000 });
  const client = connect(scene);
  client.socket.addEventListener("open", () => client.say({ type: "response.create" }));
  await client.until((one) => one.events().some(({ type }) => type === "response.done"));
  await untilRows(scene.rig, 1);
  // The handshake, and an answer of 150 tokens.
  expect([await scene.used("requests"), await scene.used("tokens")]).toEqual([2, 150]);
  client.say({ type: "response.create" });
  await untilRows(scene.rig, 2);
  client.say({ type: "response.create" });
  await client.until((one) => one.events().some(({ type }) => type === "error"));
  expect(client.events().at(-1)).toMatchObject({
    type: "error",
    status: 429,
    error: { type: "requests", code: "rate_limit_exceeded" },
  });
  await client.until(({ closing }) => closing !== null);
  expect(client.closing).toMatchObject({ code: 1008, reason: "A limit is used up." });
  expect((await handshake(scene)).status).toBe(429);
  // It was the limit that ended the last one, not its client.
  const rows = await untilRows(scene.rig, 4);
  expect(rows.map(({ status, errorKind }) => [status, errorKind])).toEqual([
    [200, null],
    [200, null],
    [429, "rate_limited"],
    [429, "rate_limited"],
  ]);
});

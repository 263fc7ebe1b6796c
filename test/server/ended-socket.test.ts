// Sessions over sockets whose key or user is no more: both ends are closed, with a code and a word, and what was under way is on the books.

import { afterEach, describe, expect, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { type Client, closeScene, connect, open } from "./socket-scene.ts";

afterEach(closeScene);

const OPERATOR = { kind: "operator" } as const;

function begin(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
  if (typeof data !== "string" || JSON.parse(data).type !== "response.create") return;
  const send = (event: object): void => void socket.send(JSON.stringify(event));
  send({ type: "response.created", response: { id: "resp_1", object: "realtime.response", model: "gpt-realtime" } });
  send({ type: "response.output_text.delta", response_id: "resp_1", delta: "abcdefghijklmnop" });
}

const hasClosed = ({ closing }: Client): boolean => closing !== null;

test.each(["/realtime?model=voice", "/responses"])("a session at %s ends with its key", async (path) => {
  const scene = await open(begin);
  const key = await scene.rig.issue();
  const client = connect({ ...scene, token: key.token }, path);
  await client.until(({ messages }) => messages.length === 1);
  client.say({ type: "response.create", model: "gpt-4o" });
  await client.until(({ messages }) => messages.length === 3);
  await scene.rig.directory.revokeKey(OPERATOR, key.keyId);
  await scene.rig.ring.refresh();
  await client.until(hasClosed);
  expect(client.closing).toEqual({
    code: 1008,
    reason: "This API key was revoked. Ask an administrator for a new one.",
  });
  expect(client.events().at(-1)).toMatchObject({ type: "error", status: 401, error: { code: "invalid_api_key" } });
  while (scene.closed.length === 0) await new Promise(setImmediate);
  while ((await scene.rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await scene.rig.row()).toMatchObject({
    status: 200,
    errorKind: "unauthenticated",
    outputTokens: 4,
    attempts: [{ errorKind: "cancelled" }],
  });
});

test("a session in which nothing was asked yet ends with its user", async () => {
  const scene = await open(begin);
  const key = await scene.rig.issue();
  const client = connect({ ...scene, token: key.token });
  await client.until(({ messages }) => messages.length === 1);
  await scene.rig.directory.updateUser(OPERATOR, key.userId, { status: "suspended" });
  await scene.rig.ring.refresh();
  await client.until(hasClosed);
  expect(client.closing?.code).toBe(1008);
  while ((await scene.rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await scene.rig.row()).toMatchObject({ status: 101, errorKind: "forbidden", outputTokens: null });
});

test("others' sessions go on, and so does one whose key only got another name", async () => {
  const scene = await open(begin);
  const [key, other] = [await scene.rig.issue(), await scene.rig.issue()];
  const client = connect({ ...scene, token: key.token });
  await client.until(({ messages }) => messages.length === 1);
  await scene.rig.directory.revokeKey(OPERATOR, other.keyId);
  await scene.rig.directory.updateKey(OPERATOR, key.keyId, { name: "another" });
  await scene.rig.ring.refresh();
  client.say({ type: "response.create" });
  await client.until(({ messages }) => messages.length === 3);
  expect(client.closing).toBeNull();
});

describe("a session by a key that is changed", () => {
  const CHANGES: Record<string, (rig: Rig, key: Awaited<ReturnType<Rig["issue"]>>) => Promise<unknown>> = {
    "to other scopes": ({ directory }, { keyId }) =>
      directory.updateKey(OPERATOR, keyId, { scopes: ["inference:chat"] }),
    "to other models": ({ directory }, { keyId }) =>
      directory.updateKey(OPERATOR, keyId, { allowedModels: ["gpt-4o"] }),
    "to other addresses": ({ directory }, { keyId }) =>
      directory.updateKey(OPERATOR, keyId, { allowedIps: ["192.0.2.0/24"] }),
    "to another role of its owner": ({ directory }, { userId }) =>
      directory.updateUser(OPERATOR, userId, { role: "gateway_admin" }),
  };

  test.each(Object.entries(CHANGES))("%s ends: whoever still may connects again", async (_name, change) => {
    const scene = await open(begin);
    const key = await scene.rig.issue("gateway_user", { allowedModels: ["*"] });
    const client = connect({ ...scene, token: key.token });
    await client.until(({ messages }) => messages.length === 1);
    await change(scene.rig, key);
    await scene.rig.ring.refresh();
    await client.until(hasClosed);
    expect(client.closing).toEqual({
      code: 1008,
      reason: "What this API key may do was changed meanwhile. Connect again.",
    });
    expect(client.events().at(-1)).toMatchObject({ type: "error", status: 403, error: { code: "rights_changed" } });
  });

  test("to what it was, or while others are removed for good, goes on", async () => {
    const scene = await open(begin);
    const wish = { allowedModels: ["voice", "gpt-realtime"], scopes: ["inference"] } as const;
    const key = await scene.rig.issue("gateway_user", wish);
    const other = await scene.rig.issue();
    const client = connect({ ...scene, token: key.token });
    await client.until(({ messages }) => messages.length === 1);
    await scene.rig.directory.updateKey(OPERATOR, key.keyId, { ...wish, tags: ["team=a"] });
    await scene.rig.directory.deleteUser(OPERATOR, other.userId, { hard: true });
    await scene.rig.ring.refresh();
    client.say({ type: "response.create" });
    await client.until(({ messages }) => messages.length === 3);
    expect(client.closing).toBeNull();
  });
});

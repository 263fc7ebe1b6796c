// What a key is limited to holds in sessions over sockets: when they are opened, and for each message that names a model.

import { afterEach, expect, test } from "bun:test";
import type { KeyWish } from "../../src/identity/index.ts";
import { type Scene, closeScene, connect, open } from "./socket-scene.ts";

afterEach(closeScene);

const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

async function openLimited(wish: KeyWish): Promise<Scene> {
  const scene = await open();
  const { token } = await scene.rig.issue("gateway_user", wish);
  return { ...scene, token };
}

test.each([
  [{ allowedModels: ["voice"] }, "/v1/realtime?model=gpt-realtime", "model_not_allowed"],
  [{ allowedModels: ["gpt-4o"] }, "/v1/realtime?model=voice", "model_not_allowed"],
  [{ allowedModels: ["gpt-4o"] }, "/v1/realtime", "model_not_allowed"],
  [{ allowedProviders: ["anthropic"] }, "/v1/realtime?model=voice", "provider_not_allowed"],
  [{ allowedProviders: ["anthropic"] }, "/v1/responses?provider=openai", "provider_not_allowed"],
])("a session with %j at %s is refused before the provider hears of it", async (wish, path, code) => {
  const { rig, token, handshakes } = await openLimited(wish);
  const response = await rig.send(path, { token, headers: UPGRADE });
  expect([response.status, JSON.parse(await response.text())]).toMatchObject([403, { error: { code } }]);
  expect(handshakes).toEqual([]);
  expect(await rig.row()).toMatchObject({ status: 403, errorKind: "forbidden" });
});

test("a message that names another model goes no further than here", async () => {
  const scene = await openLimited({ allowedModels: ["voice", "gpt-4o-transcribe"] });
  const client = connect(scene);
  await client.until(({ messages }) => messages.length === 1);
  const update = (model: string) => ({
    type: "session.update",
    session: { audio: { input: { transcription: { model } } } },
  });
  client.say(update("whisper-1"));
  await client.until(({ messages }) => messages.length === 2);
  expect(client.events()[1]).toMatchObject({ type: "error", status: 403, error: { code: "model_not_allowed" } });
  client.say(update("gpt-4o-transcribe"));
  client.say({ type: "input_audio_buffer.append", audio: "AAAA" });
  await client.until(({ messages }) => messages.length === 4);
  expect(scene.received.map(String).map((text) => JSON.parse(text).type)).toEqual([
    "session.update",
    "input_audio_buffer.append",
  ]);
});

test("each answer that is asked for names a model that is allowed", async () => {
  const scene = await openLimited({ allowedModels: ["gpt-4o"] });
  const client = connect(scene, "/responses");
  await client.until(({ messages }) => messages.length === 1);
  client.say({ type: "response.create", model: "gpt-4o-mini", input: "Hello" });
  client.say({ type: "response.create", input: "Hello" });
  client.say({
    type: "response.create",
    model: "gpt-4o",
    input: "Hello",
    tools: [{ type: "image_generation", model: "gpt-image-1" }],
  });
  await client.until(({ messages }) => messages.length === 4);
  for (const event of client.events().slice(1)) {
    expect(event).toMatchObject({ type: "error", status: 403, error: { code: "model_not_allowed" } });
  }
  expect(scene.received).toEqual([]);
});

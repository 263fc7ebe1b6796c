// What is heard and written down in a session is another model's work than its answers: it is booked, and priced, as the model's that the session names.

import { afterEach, expect, test } from "bun:test";
import { type Event, closeScene, connect, open, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

const USAGE = {
  type: "tokens",
  total_tokens: 59,
  input_tokens: 14,
  input_token_details: { text_tokens: 4, audio_tokens: 10 },
  output_tokens: 45,
};
const COST_NANOS = 4 * 2_500 + 10 * 6_000 + 45 * 10_000;

const NOW = { audio: { input: { transcription: { model: "gpt-4o-transcribe" } } } };
const BEFORE = { input_audio_transcription: { model: "gpt-4o-transcribe" } };

/** As the real one does: what a session is set to, it says; what it hears, it writes down. */
function listen(type: string, session: object) {
  return (data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void => {
    const send = (event: Event): void => void socket.send(JSON.stringify(event));
    if (JSON.parse(String(data)).type === "session.update") return send({ type, session });
    send({
      type: "conversation.item.input_audio_transcription.completed",
      item_id: "i",
      transcript: "hi",
      usage: USAGE,
    });
  };
}

test.each([
  ["session.updated", NOW],
  ["session.created", NOW],
  ["session.updated", BEFORE],
  ["transcription_session.updated", BEFORE],
])("%s %j", async (type, session) => {
  const scene = await open(listen(type, session));
  const client = connect(scene);
  client.socket.addEventListener("open", () => {
    client.say({ type: "session.update", session });
    client.say({ type: "input_audio_buffer.commit" });
  });
  await client.until(({ messages }) => messages.length === 3);
  client.socket.close();
  const [row] = await untilRows(scene.rig, 1);
  expect(row).toMatchObject({
    endpoint: "realtime.transcription",
    modelAsked: "gpt-4o-transcribe",
    freshInputTokens: 14,
    outputTokens: 45,
    costNanos: COST_NANOS,
  });
  expect(row?.attempts[0]).toMatchObject({ provider: "openai", model: "gpt-4o-transcribe" });
});

test("of a session that names no such model, nobody knows what that costs: it is not the answers' price", async () => {
  const scene = await open(listen("session.updated", { audio: { input: { transcription: null } } }));
  const client = connect(scene);
  client.socket.addEventListener("open", () => {
    client.say({ type: "session.update", session: {} });
    client.say({ type: "input_audio_buffer.commit" });
  });
  await client.until(({ messages }) => messages.length === 3);
  client.socket.close();
  expect(await untilRows(scene.rig, 1)).toMatchObject([
    { endpoint: "realtime.transcription", freshInputTokens: 14, costNanos: null },
  ]);
});

test("a key in the listener's place is refused, and one that the provider tells of is not kept", async () => {
  let token = "";
  const tell = (model: string): object => ({ audio: { input: { transcription: { model } } } });
  const scene = await open((data, socket) => listen("session.updated", tell(token))(data, socket));
  ({ token } = scene);
  const client = connect(scene);
  client.socket.addEventListener("open", () => {
    client.say({ type: "session.update", session: tell(token) });
    client.say({ type: "session.update", session: tell("gpt-4o-transcribe") });
    client.say({ type: "input_audio_buffer.commit" });
  });
  await client.until(({ messages }) => messages.length === 4);
  client.socket.close();
  expect(client.events()).toContainEqual(expect.objectContaining({ type: "error", status: 400 }));
  expect(scene.received.join()).not.toContain(token);
  const rows = await untilRows(scene.rig, 1);
  expect(rows.map(({ endpoint, modelAsked }) => [endpoint, modelAsked])).toEqual([["realtime.transcription", ""]]);
  expect(JSON.stringify(rows)).not.toContain(token);
});

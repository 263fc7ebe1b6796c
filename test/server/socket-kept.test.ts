// Answers of a session are their owner's afterwards, too, as those that came over HTTP are.

import { afterEach, expect, test } from "bun:test";
import { readJson } from "../rig.ts";
import { type Client, type Event, closeScene, connect, open } from "./socket-scene.ts";

afterEach(closeScene);

/** Answers each message with what it asks for: `resp_1`, `resp_2` … */
function makeProvider() {
  let count = 0;
  return (data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void => {
    const { input, model } = JSON.parse(String(data));
    const send = (event: Event): void => void socket.send(JSON.stringify(event));
    if (input === "never") return;
    if (input === "bad") return send({ type: "error", status: 400, error: { message: "no" } });
    const id = `resp_${++count}`;
    const response = { id, object: "response", status: "in_progress", model: `${model}-2024-11-20`, output: [] };
    send({ type: "response.created", response });
    const message = { type: "message", id: `msg_${count}`, role: "assistant", status: "completed" };
    const output = [{ ...message, content: [{ type: "output_text", text: `To ${input}.` }] }];
    const usage = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    send({ type: "response.completed", response: { ...response, status: "completed", output, usage } });
  };
}

async function say(client: Client, more: Record<string, unknown>): Promise<Event | undefined> {
  const before = client.messages.length;
  client.say({ type: "response.create", model: "gpt-4o", ...more });
  const isEnd = ({ type }: Event): boolean => type === "response.completed" || type === "error";
  await client.until(() => client.events().slice(before).some(isEnd));
  return client.events().at(-1);
}

async function enter(scene: Parameters<typeof connect>[0]): Promise<Client> {
  const client = connect(scene, "/responses");
  await client.until(({ messages }) => messages.length === 1);
  return client;
}

test("an answer is shown, with what it was asked, and gone on from over HTTP and in another session", async () => {
  const scene = await open(makeProvider());
  const { rig, token } = scene;
  const first = await enter(scene);
  await say(first, { input: "bad" });
  await say(first, { input: "one" });
  await say(first, { input: "two", previous_response_id: "resp_1" });
  first.socket.close();
  const shown = await readJson(await rig.send("/v1/responses/resp_2", { token }));
  expect(shown).toMatchObject({ id: "resp_2", status: "completed", output: [{ content: [{ text: "To two." }] }] });
  const items = await readJson(await rig.send("/v1/responses/resp_2/input_items", { token }));
  expect(items.data).toMatchObject([{ role: "user", content: [{ text: "two" }] }]);
  const second = await enter(scene);
  expect(await say(second, { input: "three", previous_response_id: "resp_2" })).toMatchObject({
    type: "response.completed",
  });
  second.socket.close();
  const ask = { model: "gpt-4o", input: "four", previous_response_id: "resp_2" };
  expect((await rig.send("/v1/responses", { body: ask, token })).status).toBe(200);
  expect(rig.calls.at(-1)?.body).toMatchObject({ input: "four", previous_response_id: "resp_2" });
});

test("another's is not there, nor is one that was not to be kept", async () => {
  const scene = await open(makeProvider());
  const { rig, token } = scene;
  const client = await enter(scene);
  await say(client, { input: "one" });
  await say(client, { input: "two", store: false });
  // As long as the session lasts, its provider knows it.
  expect(await say(client, { input: "three", store: false, previous_response_id: "resp_2" })).toMatchObject({
    type: "response.completed",
  });
  client.socket.close();
  expect((await rig.send("/v1/responses/resp_2", { token })).status).toBe(404);
  const stranger = (await rig.issue()).token;
  expect((await rig.send("/v1/responses/resp_1", { token: stranger })).status).toBe(404);
  const other = await enter({ ...scene, token: stranger });
  const refusal = await say(other, { input: "x", previous_response_id: "resp_1" });
  expect(refusal).toMatchObject({ type: "error", error: { code: "previous_response_not_found" } });
  other.socket.close();
});

test("one that is not to be kept is not, though another that was asked for before it never begins", async () => {
  const scene = await open(makeProvider());
  const { rig, token } = scene;
  const client = await enter(scene);
  client.say({ type: "response.create", model: "gpt-4o", input: "never" });
  await say(client, { model: "gpt-5", input: "one", store: false });
  expect((await rig.send("/v1/responses/resp_1", { token })).status).toBe(404);
  await say(client, { model: "gpt-5", input: "two" });
  expect((await rig.send("/v1/responses/resp_2", { token })).status).toBe(200);
  client.socket.close();
});

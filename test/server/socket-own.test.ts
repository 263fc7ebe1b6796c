// What a session may name of what a provider keeps: what it made itself, and what its owner had over HTTP, wherever in a message that stands.

import { afterEach, expect, test } from "bun:test";
import { type Event, closeScene, connect, open } from "./socket-scene.ts";

afterEach(closeScene);

const COMPLETED = {
  type: "response.completed",
  response: {
    id: "resp_ws",
    status: "completed",
    model: "gpt-4o",
    output: [{ type: "message", id: "msg_ws", role: "assistant", content: [] }],
    usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  },
};

const respond = (_data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void =>
  void socket.send(JSON.stringify(COMPLETED));

const ask = (more: Record<string, unknown>): Event => ({
  type: "response.create",
  model: "gpt-4o",
  input: "x",
  ...more,
});
const naming = (id: string): Event => ask({ input: [{ type: "item_reference", id }] });

test("another's answers and items are named in no way, and the session goes on", async () => {
  const scene = await open(respond);
  const { token } = await scene.rig.issue();
  const body = { model: "gpt-4o", input: "hi" };
  expect((await scene.rig.send("/v1/responses", { body, token })).status).toBe(200);
  const refused = [
    naming("msg_http"),
    ask({ input: [{ id: "msg_http" }] }),
    ask({ response: { input: [{ type: "item_reference", id: "msg_http" }] } }),
    ask({ response: {}, previous_response_id: "resp_http" }),
    ask({ response: { previous_response_id: "resp_http" } }),
  ];
  const client = connect(scene, "/responses");
  await client.until(({ messages }) => messages.length === 1);
  for (const message of refused) client.say(message);
  client.say(ask({}));
  await client.until(({ messages }) => messages.length === 2 + refused.length);
  expect(client.events().map(({ type }) => type)).toEqual([
    "session.created",
    ...refused.map(() => "error"),
    "response.completed",
  ]);
  expect(scene.received).toHaveLength(1);
  // Its own it may name, and so may whoever had the other.
  client.say(naming("msg_ws"));
  await client.until(({ messages }) => messages.length === 3 + refused.length);
  client.socket.close();
  const owner = connect({ ...scene, token }, "/responses");
  await owner.until(({ messages }) => messages.length === 1);
  owner.say(naming("msg_http"));
  await owner.until(({ messages }) => messages.length === 2);
  expect(owner.events()[1]?.type).toBe("response.completed");
  expect(scene.received).toHaveLength(3);
  owner.socket.close();
});

test("what cannot be read as others may read it reaches nobody, and the session goes on", async () => {
  const scene = await open(respond);
  const client = connect(scene, "/responses");
  await client.until(({ messages }) => messages.length === 1);
  const said = JSON.stringify(naming("msg_http"));
  const unread = [
    `\uFEFF${said}`,
    said.replace("{", '{"temperature":NaN,'),
    `${said},`,
    said.replace("{", `{"x":${"[".repeat(700_000)}`),
    said.replace("{", `{"x":${"[".repeat(300)}${"]".repeat(300)},`),
  ];
  for (const message of unread) client.socket.send(message);
  client.say(ask({}));
  await client.until(({ messages }) => messages.length === 2 + unread.length);
  const codes = client.events().map(({ type, error }) => (error as { code?: string } | undefined)?.code ?? type);
  expect(codes).toEqual([
    "session.created",
    "invalid_json",
    "invalid_json",
    "invalid_json",
    "nested_too_deep",
    "nested_too_deep",
    "response.completed",
  ]);
  expect(scene.received).toHaveLength(1);
  client.socket.close();
});

test("what is said in bytes is looked at like what is said in text, and booked", async () => {
  const scene = await open((_data, socket) => void socket.send(Buffer.from(JSON.stringify(COMPLETED))));
  const client = connect(scene, "/responses");
  await client.until(({ messages }) => messages.length === 1);
  client.socket.send(Buffer.from(JSON.stringify(naming("msg_http"))));
  client.socket.send(Buffer.from(`\uFEFF${JSON.stringify(naming("msg_http"))}`));
  client.socket.send(Buffer.from(` ${JSON.stringify(naming("msg_http")).replace("{", '{"x":NaN,')}`));
  client.socket.send(Buffer.from(JSON.stringify(ask({}))));
  await client.until(({ messages }) => messages.length === 5);
  expect(scene.received).toHaveLength(1);
  client.socket.close();
  const rows = await scene.rig.rows();
  expect(
    rows.map(({ endpoint, freshInputTokens, outputTokens }) => [endpoint, freshInputTokens, outputTokens]),
  ).toContainEqual(["responses", 1, 1]);
});

// What was asked for in a session and got no whole answer: it is on the books with the model that was asked for, waited for by a shutdown, and told
// from what the client itself broke off.

import { afterEach, describe, expect, test } from "bun:test";
import { type Client, type Event, type Scene, closeScene, connect, open, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

const ask = (model: string, input = "hi"): Event => ({ type: "response.create", model, input });
const usage = { input_tokens: 10, output_tokens: 4, total_tokens: 14 };

/** Answers what says so, breaks off at what says that, and is silent otherwise. */
function respond(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
  const { input, model } = JSON.parse(String(data));
  if (input === "break off") return socket.close(1012, "restarting");
  if (input !== "answer") return;
  const send = (event: Event): void => void socket.send(JSON.stringify(event));
  send({ type: "response.created", response: { id: "resp_1", model } });
  send({ type: "response.completed", response: { id: "resp_1", model, status: "completed", output: [], usage } });
}

async function begin(scene: Scene, path = "/responses"): Promise<Client> {
  const client = connect(scene, path);
  await client.until(({ messages, closing }) => messages.length === 1 || closing !== null);
  return client;
}

describe("what was asked for is on the books", () => {
  test("where its client goes before the answer begins, also after others", async () => {
    const scene = await open(respond);
    const client = await begin(scene);
    client.say(ask("gpt-4o", "answer"));
    client.say(ask("gpt-4o-mini"));
    await client.until(({ messages }) => messages.length === 3);
    while (scene.received.length < 2) await new Promise(setImmediate);
    client.socket.close();
    const rows = await untilRows(scene.rig, 2);
    expect(rows.map(({ modelAsked, status, errorKind }) => [modelAsked, status, errorKind])).toEqual([
      ["gpt-4o", 200, null],
      ["gpt-4o-mini", 499, "cancelled"],
    ]);
    expect(rows[1]).toMatchObject({ endpoint: "responses", costNanos: null, attempts: [{ model: "gpt-4o-mini" }] });
  });

  test("where its provider goes", async () => {
    const scene = await open(respond);
    const client = await begin(scene);
    client.say(ask("gpt-4o", "break off"));
    await client.until(({ closing }) => closing !== null);
    expect(client.closing).toEqual({ code: 1012, reason: "restarting" });
    const rows = await untilRows(scene.rig, 1);
    expect(rows).toMatchObject([{ modelAsked: "gpt-4o", status: 502, errorKind: "upstream_malformed" }]);
  });

  test("and announced before it is asked for", async () => {
    const seen: (string | undefined)[] = [];
    const scene = await open((data, socket) => {
      seen.push(JSON.stringify(listAnnounced()));
      respond(data, socket);
    });
    const listAnnounced = () => scene.rig.ledger.figures().openIntents;
    const client = await begin(scene);
    client.say(ask("gpt-4o", "answer"));
    await client.until(({ messages }) => messages.length === 3);
    // What is asked for, and no session beside it.
    expect(seen).toEqual(["1"]);
    expect(listAnnounced()).toBe(0);
    client.socket.close();
  });
});

test("an answer whose end is told twice is on the books once", async () => {
  const scene = await open((_data, socket) => {
    const send = (type: string, more: object): void =>
      void socket.send(JSON.stringify({ type, response: { id: "resp_1", model: "gpt-realtime", ...more } }));
    send("response.created", {});
    send("response.cancelled", {});
    send("response.done", { status: "cancelled", usage });
    send("response.done", { status: "cancelled", usage });
  });
  const client = await begin(scene, "/realtime?model=voice");
  client.say({ type: "response.create" });
  await client.until(({ messages }) => messages.length === 5);
  client.socket.close();
  while (scene.closed.length === 0) await new Promise(setImmediate);
  expect(await scene.rig.rows()).toMatchObject([{ status: 200, freshInputTokens: 10, outputTokens: 4 }]);
});

test("a session whose answers are on the books leaves nothing open beside them", async () => {
  const scene = await open((data, socket) => {
    if (String(data).includes("response.create")) respond(JSON.stringify(ask("gpt-realtime", "answer")), socket);
  });
  const client = await begin(scene, "/realtime?model=voice");
  expect(scene.rig.ledger.figures().openIntents).toBe(1);
  client.say({ type: "response.create" });
  await client.until(({ messages }) => messages.length === 3);
  await untilRows(scene.rig, 1);
  expect(scene.rig.ledger.figures().openIntents).toBe(0);
  client.socket.close();
});

test("what a session has reserved is there for its first answer", async () => {
  const scene = await open(respond);
  const { token } = await scene.rig.issue("gateway_admin");
  const body = { name: "one", limit_tokens: 100 };
  expect((await scene.rig.send("/api/v1/admin/budgets", { body, token })).status).toBe(201);
  const client = await begin(scene, "/responses?model=gpt-4o");
  client.say(ask("gpt-4o", "answer"));
  await client.until((one) => one.events().some(({ type }) => type === "error" || type === "response.completed"));
  expect(client.events().map(({ type }) => type)).toEqual([
    "session.created",
    "response.created",
    "response.completed",
  ]);
  client.socket.close();
});

describe("a gateway that shuts down", () => {
  test("waits for what was asked for, and takes no more", async () => {
    const sockets: Bun.ServerWebSocket<unknown>[] = [];
    const scene = await open((_data, socket) => void sockets.push(socket));
    const client = await begin(scene);
    client.say(ask("gpt-4o"));
    while (sockets.length === 0) await new Promise(setImmediate);
    scene.rig.app.drain();
    client.say(ask("gpt-4o-mini"));
    await client.until(({ messages, closing }) => messages.length === 2 || closing !== null);
    expect(client.closing).toBeNull();
    expect(client.events()[1]).toMatchObject({ type: "error", status: 503, error: { code: "shutting_down" } });
    const [socket] = sockets;
    if (socket !== undefined) respond(JSON.stringify(ask("gpt-4o", "answer")), socket);
    await client.until(({ closing }) => closing !== null);
    expect([client.events().at(-1)?.type, client.closing?.code]).toEqual(["response.completed", 1001]);
    expect(sockets).toHaveLength(1);
    const rows = await untilRows(scene.rig, 1);
    expect(rows).toMatchObject([{ modelAsked: "gpt-4o", status: 200, outputTokens: 4 }]);
  });

  test("takes no more answers of sound, either", async () => {
    const scene = await open((_data, socket) => {
      socket.send(JSON.stringify({ type: "response.created", response: { id: "r" } }));
    });
    const client = await begin(scene, "/realtime?model=voice");
    client.say({ type: "response.create" });
    await client.until(({ messages }) => messages.length === 2);
    scene.rig.app.drain();
    client.say({ type: "input_audio_buffer.append", audio: "AAAA" });
    client.say({ type: "response.create" });
    await client.until((one) => one.events().some(({ type }) => type === "error"));
    expect(client.closing).toBeNull();
    expect(scene.received.map((data) => JSON.parse(String(data)).type)).toEqual([
      "response.create",
      "input_audio_buffer.append",
    ]);
  });
});

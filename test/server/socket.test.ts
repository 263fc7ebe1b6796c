// Realtime sessions: carried both ways in order and within bounds, each answer on the books before its last event is told.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { OPENAI_KEY, readJson } from "../rig.ts";
import { Client, UPGRADE, USAGE, closeScene, connect, open, speak, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

describe("a realtime session", () => {
  test("carries text and bytes both ways, under the provider's credentials and the model's own name", async () => {
    const scene = await open();
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    expect(client.events()[0]).toMatchObject({ type: "session.created" });
    client.socket.send('{"type":"input_audio_buffer.append","audio":"AAAA"}');
    client.socket.send(new Uint8Array([1, 2, 3]));
    await client.until(({ messages }) => messages.length === 3);
    expect(client.messages[1]).toBe('{"type":"input_audio_buffer.append","audio":"AAAA"}');
    expect(new Uint8Array(client.messages[2] as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
    const [handshake] = scene.handshakes;
    expect(new URL(handshake?.url ?? "").search).toBe("?model=gpt-realtime");
    expect(handshake?.headers.get("authorization")).toBe(`Bearer ${OPENAI_KEY}`);
    expect(JSON.stringify([...(handshake?.headers ?? [])])).not.toContain(scene.token);
    client.socket.close(4000, "done");
    await client.until(({ closing }) => closing !== null);
    const [row] = await untilRows(scene.rig, 1);
    expect(scene.closed).toEqual([[4000, "done"]]);
    // Nothing was answered: the session itself is on the books.
    expect(row).toMatchObject({
      endpoint: "realtime",
      status: 101,
      modelAsked: "voice",
      provider: "openai",
      freshInputTokens: null,
    });
  });

  test("books each answer by kind of token, before its last event is told", async () => {
    const scene = await open(speak);
    const client = connect(scene);
    client.socket.addEventListener("open", () => client.say({ type: "response.create" }));
    await client.until((one) => one.events().some(({ type }) => type === "response.done"));
    expect(client.events().map(({ type }) => type)).toEqual([
      "session.created",
      "response.created",
      "response.output_audio.delta",
      "response.done",
    ]);
    expect(await scene.rig.row()).toMatchObject({
      endpoint: "realtime",
      modelAsked: "voice",
      modelServed: "gpt-realtime",
      freshInputTokens: 80,
      cacheReadTokens: 20,
      outputTokens: 50,
      units: { input_audio_tokens: 70, output_audio_tokens: 40 },
      usageSource: "provider",
      streamed: true,
      status: 200,
      // $4 text in, $32 sound in, $0.40 cached, $16 text out, $64 sound out a million.
      costNanos: 10 * 4_000 + 70 * 32_000 + 20 * 400 + 10 * 16_000 + 40 * 64_000,
    });
    client.say({ type: "response.create" });
    expect(await untilRows(scene.rig, 2)).toHaveLength(2);
    client.socket.close();
  });

  test("ends where no budget has room for another answer, and is not opened once one is spent", async () => {
    const scene = await open(speak);
    const admin = await scene.rig.issue("gateway_admin");
    const create = async (body: Record<string, unknown>): Promise<void> => {
      expect((await scene.rig.send("/api/v1/admin/budgets", { body, token: admin.token })).status).toBe(201);
    };
    await create({ name: "voices", limit_tokens: 140 });
    const client = connect(scene);
    client.socket.addEventListener("open", () => client.say({ type: "response.create" }));
    await client.until((one) => one.events().some(({ type }) => type === "response.done"));
    // 150 are spent.
    client.say({ type: "response.create" });
    await client.until((one) => one.events().some(({ type }) => type === "error"));
    expect(client.events().at(-1)).toMatchObject({ type: "error", status: 429, error: { code: "insufficient_quota" } });
    await client.until(({ closing }) => closing !== null);
    expect(client.closing?.code).toBe(1008);
    const refused = await scene.rig.send("/v1/realtime?model=voice", { headers: UPGRADE });
    expect(refused.status).toBe(429);
    const { budget } = await readJson(await scene.rig.send("/api/v1/admin/budgets/voices", { token: admin.token }));
    expect(budget.state).toMatchObject({ spent_tokens: 150, reserved_tokens: 0 });
  });

  test("carries empty messages both ways", async () => {
    const scene = await open();
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    client.socket.send("");
    client.socket.send(new Uint8Array());
    client.socket.send("{}");
    await client.until(({ messages, closing }) => messages.length === 4 || closing !== null);
    expect(client.closing).toBeNull();
    expect(client.messages.slice(1)).toEqual(["", new ArrayBuffer(0), "{}"]);
    client.socket.close();
  });

  test("a browser's key among the sub-protocols opens it, and goes no further", async () => {
    const scene = await open();
    const client = new Client(`${scene.url}/realtime?model=voice`, {
      protocols: ["realtime", `openai-insecure-api-key.${scene.token}`, "openai-beta.realtime-v1"],
    });
    await client.until(({ messages }) => messages.length === 1);
    expect(client.socket.protocol).toBe("realtime");
    expect(scene.handshakes[0]?.headers.get("sec-websocket-protocol")).toBe("realtime, openai-beta.realtime-v1");
    client.socket.close();
  });

  test("that the provider ends, ends with its code; what it had begun is on the books as unknown", async () => {
    const scene = await open((_data, socket) => {
      socket.send(JSON.stringify({ type: "response.created", response: { id: "resp_1" } }));
      socket.close(4008, "too long");
    });
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    client.say({ type: "response.create" });
    await client.until(({ closing }) => closing !== null);
    expect(client.closing).toEqual({ code: 4008, reason: "too long" });
    const [row] = await untilRows(scene.rig, 1);
    expect(row).toMatchObject({
      errorKind: "upstream_malformed",
      freshInputTokens: null,
      outputTokens: null,
      costNanos: null,
    });
  });

  test("whose client goes in the middle of an answer is booked as cancelled", async () => {
    const scene = await open(
      (_data, socket) => void socket.send(JSON.stringify({ type: "response.created", response: { id: "r" } })),
    );
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    client.say({ type: "response.create" });
    await client.until(({ messages }) => messages.length === 2);
    (client.socket as WebSocket & { terminate(): void }).terminate();
    const [row] = await untilRows(scene.rig, 1);
    expect(row).toMatchObject({ status: 499, errorKind: "cancelled", outputTokens: null });
  });

  test("that is cut books what was said, and what was asked in words, by our own count", async () => {
    const scene = await open((data, socket) => {
      if (!String(data).includes("response.create")) return;
      socket.send(JSON.stringify({ type: "response.created", response: { id: "r", model: "gpt-realtime" } }));
      socket.send(JSON.stringify({ type: "response.output_text.delta", response_id: "r", delta: "abcdefgh" }));
      const call = { type: "response.function_call_arguments.delta", response_id: "r", delta: '{"a":1}' };
      socket.send(JSON.stringify(call));
    });
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    client.say({ type: "session.update", session: { type: "realtime", instructions: "Be brief." } });
    client.say({ type: "input_audio_buffer.append", audio: "A".repeat(4_000) });
    const content = [{ type: "input_text", text: "Tell me a story." }];
    client.say({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    client.say({ type: "response.create" });
    await client.until(({ messages }) => messages.length === 4);
    const leftMs = performance.now();
    client.socket.close();
    while (scene.closed.length === 0) await new Promise(setImmediate);
    expect(performance.now() - leftMs).toBeLessThan(250);
    const [row] = await untilRows(scene.rig, 1);
    // 25 letters of question, 15 of answer.
    expect(row).toMatchObject({
      status: 499,
      errorKind: "cancelled",
      usageSource: "estimate",
      freshInputTokens: 7,
      outputTokens: 4,
    });
  });

  test("transcriptions inside it are counted apart", async () => {
    const heard = {
      type: "conversation.item.input_audio_transcription.completed",
      item_id: "i",
      transcript: "hi",
      usage: { type: "duration", seconds: 3 },
    };
    const scene = await open((_data, socket) => void socket.send(JSON.stringify(heard)));
    const client = connect(scene);
    client.socket.addEventListener("open", () => client.say({ type: "input_audio_buffer.commit" }));
    await client.until(({ messages }) => messages.length === 2);
    expect(await scene.rig.row()).toMatchObject({
      endpoint: "realtime.transcription",
      units: { audio_seconds: 3 },
      outputTokens: null,
    });
    client.socket.close();
  });

  test("another owner's file is not named in it", async () => {
    const scene = await open();
    const owner = await scene.rig.issue();
    const sdk = new OpenAI({ apiKey: owner.token, baseURL: "http://gateway.test/v1", fetch: scene.rig.fetch });
    const file = await sdk.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "user_data" });
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    client.say({ type: "conversation.item.create", item: { content: [{ type: "input_image", file_id: file.id }] } });
    client.say({ type: "behind" });
    await client.until(({ messages }) => messages.length === 3);
    expect(client.events()[1]).toMatchObject({ type: "error", status: 404, error: { code: "object_not_found" } });
    expect(scene.received).toEqual(['{"type":"behind"}']);
    client.socket.close();
  });

  test("a client that does not read holds the provider back, and nothing is lost", async () => {
    const piece = "x".repeat(1_000_000);
    let sent = 0;
    const scene = await open((_data, socket) => {
      const pour = (): void => {
        while (sent < 60) {
          sent++;
          if (socket.send(`${sent} ${piece}`) < 0) return void setImmediate(pour);
        }
      };
      pour();
    });
    const client = connect(scene);
    await client.until(({ messages }) => messages.length === 1);
    (client.socket as WebSocket & { pause(): void }).pause();
    client.say({ type: "pour" });
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(client.messages.length).toBe(1);
    (client.socket as WebSocket & { resume(): void }).resume();
    await client.until(({ messages, closing }) => messages.length === 61 || closing !== null);
    const numbers = client.messages
      .slice(1)
      .map((data) => Number(/^\d+/u.exec(typeof data === "string" ? data : "")?.[0]));
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    client.socket.close();
  });
});

test("a gateway that shuts down ends idle sessions at once and the others after their answer", async () => {
  const sockets: Bun.ServerWebSocket<unknown>[] = [];
  const scene = await open((_data, socket) => {
    sockets.push(socket);
    socket.send(JSON.stringify({ type: "response.created", response: { id: "r" } }));
  });
  const [idle, busy] = [connect(scene), connect(scene)];
  await idle.until(({ messages }) => messages.length === 1);
  await busy.until(({ messages }) => messages.length === 1);
  busy.say({ type: "response.create" });
  await busy.until(({ messages }) => messages.length === 2);
  scene.rig.app.drain();
  await idle.until(({ closing }) => closing !== null);
  expect([idle.closing?.code, busy.closing]).toEqual([1001, null]);
  sockets[0]?.send(JSON.stringify({ type: "response.done", response: { id: "r", usage: USAGE } }));
  await busy.until(({ closing }) => closing !== null);
  expect(busy.events().at(-1)?.type).toBe("response.done");
  expect(busy.closing?.code).toBe(1001);
});

test("and one that was about to begin, as soon as it has", async () => {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const scene = await open(speak, undefined, ready);
  const late = connect(scene);
  await late.until(() => scene.handshakes.length === 1);
  scene.rig.app.drain();
  resolve();
  await late.until(({ closing }) => closing !== null);
  expect([late.opened, late.closing?.code]).toEqual([true, 1001]);
  const [row] = await untilRows(scene.rig, 1);
  expect(row).toMatchObject({ status: 101, errorKind: null });
});

test("where the books cannot be written, the last event is not told and the session ends", async () => {
  const scene = await open(speak, () => {
    throw new Error("disk full");
  });
  const client = connect(scene);
  client.socket.addEventListener("open", () => client.say({ type: "response.create" }));
  await client.until(({ closing }) => closing !== null);
  expect(client.closing?.code).toBe(1011);
  expect(client.events().map(({ type }) => type)).not.toContain("response.done");
});

// Sessions that are refused as plain HTTP, so that clients fall back, and Responses over a WebSocket.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { makeRig, readJson } from "../rig.ts";
import { type Event, UPGRADE, closeScene, connect, open, untilRows } from "./socket-scene.ts";

afterEach(closeScene);

describe("a session is refused in plain HTTP", () => {
  test.each([
    ["/v1/realtime?model=claude-sonnet-4-5", 404, "unsupported_operation"],
    ["/v1/responses?provider=anthropic", 404, "unsupported_operation"],
    ["/v1/realtime?model=gpt-refuse", 403, "websocket_refused"],
    // A server that knows no WebSocket there.
    ["/v1/realtime?model=gpt-plain-200", 404, "unsupported_operation"],
    ["/v1/realtime?model=gpt-plain-405", 404, "unsupported_operation"],
    ["/v1/realtime?model=gpt-plain-426", 404, "unsupported_operation"],
    ["/v1/realtime?model=gpt-plain-503", 503, "websocket_refused"],
  ])("%s", async (path, status, code) => {
    const { rig } = await open();
    const response = await rig.send(path, { headers: UPGRADE });
    expect(response.status).toBe(status);
    expect(JSON.parse(await response.text())).toMatchObject({ error: { code } });
    expect(await rig.row()).toMatchObject({ status, usageSource: "none" });
  });

  test.each(["/v1/realtime?model=voice", "/v1/responses"])("%s without an upgrade is no address", async (path) => {
    const { rig } = await open();
    expect((await rig.send(path)).status).toBe(404);
  });

  test.each([
    ["of another version", { "sec-websocket-version": "8" }],
    ["without a version", { "sec-websocket-version": "" }],
    ["without a key of its own", { "sec-websocket-key": "" }],
    ["with a key that is too short", { "sec-websocket-key": "AAAA" }],
  ])("a handshake %s, before any provider is asked", async (_name, headers) => {
    const scene = await open();
    const url = `${scene.url.replace("ws:", "http:")}/realtime?model=voice`;
    const token = { authorization: `Bearer ${scene.token}` };
    const response = await fetch(url, { headers: { ...UPGRADE, ...headers, ...token } });
    expect([response.status, (await readJson(response)).error.code]).toEqual([400, "invalid_handshake"]);
    expect(scene.handshakes).toHaveLength(0);
  });

  test("where nobody offers it, so that a client goes on over HTTP", async () => {
    const rig = await makeRig({
      config: (config) => ({ ...config, providers: config.providers.filter(({ name }) => name !== "openai") }),
    });
    const response = await rig.send("/v1/responses", { headers: UPGRADE });
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/json;charset=utf-8"]);
    await rig.close();
  });

  test("where its only provider has no key yet", async () => {
    const rig = await makeRig({
      config: (config) => ({
        ...config,
        providers: config.providers.map((each) => (each.name === "openai" ? { ...each, apiKey: null } : each)),
      }),
    });
    for (const path of ["/v1/responses", "/v1/realtime?model=gpt-realtime"]) {
      const response = await rig.send(path, { headers: UPGRADE });
      expect(response.status).toBe(404);
      expect(JSON.parse(await response.text()).error.message).toContain('"openai" has no API key');
    }
    await rig.close();
  });

  test("where nobody listens, and the log says what was tried and how it failed", async () => {
    const rig = await makeRig({
      config: (config) => ({
        ...config,
        providers: config.providers.map((each) =>
          each.name === "openai" ? { ...each, baseUrl: "http://127.0.0.1:1/v1" } : each,
        ),
      }),
    });
    expect((await rig.send("/v1/realtime?model=gpt-realtime", { headers: UPGRADE })).status).toBe(502);
    expect(rig.log.join("")).toContain("ECONNREFUSED");
    await rig.close();
  });

  test("without a key, or with a stranger's", async () => {
    const { rig } = await open();
    for (const protocols of ["realtime", "realtime, openai-insecure-api-key.tok_strange"]) {
      const headers = { ...UPGRADE, "sec-websocket-protocol": protocols };
      expect((await rig.send("/v1/realtime?model=voice", { headers, token: null })).status).toBe(401);
    }
  });
});

describe("Responses over a WebSocket", () => {
  function respond(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
    const body = JSON.parse(String(data));
    const response = {
      id: `resp_${body.model}`,
      object: "response",
      model: body.model,
      status: "completed",
      output: [],
    };
    const send = (event: Event): void => void socket.send(JSON.stringify(event));
    send({ type: "response.created", sequence_number: 0, response: { ...response, status: "in_progress" } });
    const usage = {
      input_tokens: 10,
      output_tokens: 4,
      total_tokens: 14,
      input_tokens_details: { cached_tokens: 6 },
      output_tokens_details: { reasoning_tokens: 3 },
    };
    send({ type: "response.completed", sequence_number: 1, response: { ...response, usage } });
  }

  test("by the SDK: answered, counted, and continued within its session", async () => {
    const scene = await open(respond);
    const client = new OpenAI({ apiKey: scene.token, baseURL: scene.url.replace("ws:", "http:") });
    const socket = new ResponsesWS(client);
    const events: string[] = [];
    const done = Promise.withResolvers<void>();
    socket.on("event", (event) => {
      events.push(event.type);
      if (event.type === "response.completed") done.resolve();
      if (event.type === "error") done.reject(new Error(JSON.stringify(event)));
    });
    socket.send({ type: "response.create", model: "gpt-4o", input: "hi" } as never);
    await done.promise;
    expect(events.filter((type) => type.startsWith("response"))).toEqual(["response.created", "response.completed"]);
    const [row] = await untilRows(scene.rig, 1);
    expect(row).toMatchObject({
      endpoint: "responses",
      modelServed: "gpt-4o",
      freshInputTokens: 4,
      cacheReadTokens: 6,
      outputTokens: 4,
      reasoningTokens: 3,
      costNanos: 4 * 2_500 + 6 * 1_250 + 4 * 10_000,
    });
    socket.close();
  });

  test("a model of another provider, or another session's answer, is refused in it, and it goes on", async () => {
    const scene = await open(respond);
    const client = connect(scene, "/responses");
    await client.until(({ messages }) => messages.length === 1);
    client.say({ type: "response.create", model: "claude-sonnet-4-5", input: "x" });
    client.say({ type: "response.create", model: "gpt-4o", input: "x", previous_response_id: "resp_other" });
    client.say({ type: "response.create", model: "openai/gpt-4o", input: "x" });
    await client.until(({ messages }) => messages.length === 5);
    client.say({ type: "response.create", model: "gpt-4o", input: "x", previous_response_id: "resp_gpt-4o" });
    await client.until(({ messages }) => messages.length === 7);
    const told = client
      .events()
      .slice(1)
      .map((event) => [event.type, (event["error"] as Event | undefined)?.["code"]]);
    expect(told).toEqual([
      ["error", "model_elsewhere"],
      ["error", "previous_response_not_found"],
      ["response.created", undefined],
      ["response.completed", undefined],
      ["response.created", undefined],
      ["response.completed", undefined],
    ]);
    expect(scene.received.map((data) => JSON.parse(String(data)).model)).toEqual(["gpt-4o", "gpt-4o"]);
    client.socket.close();
  });

  test("goes on from an answer that its owner had over HTTP, and from nobody else's", async () => {
    const scene = await open(respond);
    const { token } = await scene.rig.issue();
    const made = async (owner: string) =>
      (await scene.rig.send("/v1/responses", { body: { model: "gpt-4o", input: "hi" }, token: owner })).status;
    expect(await made(token)).toBe(200);
    const ask = { type: "response.create", model: "gpt-4o", input: "x", previous_response_id: "resp_http" };
    const client = connect(scene, "/responses");
    await client.until(({ messages }) => messages.length === 1);
    client.say(ask);
    await client.until(({ messages }) => messages.length === 2);
    expect(client.events()[1]).toMatchObject({ type: "error", error: { code: "previous_response_not_found" } });
    client.socket.close();
    const owner = connect({ ...scene, token }, "/responses");
    await owner.until(({ messages }) => messages.length === 1);
    owner.say(ask);
    await owner.until(({ messages }) => messages.length === 3);
    expect(owner.events().at(-1)).toMatchObject({ type: "response.completed" });
    owner.socket.close();
  });
});

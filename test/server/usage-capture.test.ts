// What callers file their calls under, and the text of calls, kept where the operator asked for it and shown to whom it belongs.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeRig, makeStream, readJson } from "../rig.ts";

const HELLO = [{ role: "user", content: "a canary in the prompt" }];
const ANSWER = {
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "a canary in the answer" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
};

const open: Rig[] = [];
const start = async (init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> => {
  const rig = await makeRig({ upstream: () => Response.json(ANSWER), ...init });
  open.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

describe("tags", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await makeRig({ upstream: () => Response.json(ANSWER) });
  });
  afterAll(() => rig.close());

  const chat = (tags: string): Promise<Response> =>
    rig.chat({ model: "gpt-4o", messages: HELLO }, { headers: { "x-tokligence-tags": tags } });

  test.each([
    ["team=a,env=prod", ["team=a", "env=prod"]],
    [" team=a , team=a,, env=two words ", ["team=a", "env=two words"]],
    ["urgent", ["urgent"]],
    ["cost-center=a=b/c", ["cost-center=a=b/c"]],
    ["", null],
    [" , ", null],
    [
      Array.from({ length: 16 }, (_, index) => `t${index}`).join(),
      Array.from({ length: 16 }, (_, index) => `t${index}`),
    ],
    [`${"n".repeat(64)}=${"v".repeat(128)}`, [`${"n".repeat(64)}=${"v".repeat(128)}`]],
  ])("%p are on the row", async (header, expected) => {
    expect((await chat(header)).status).toBe(200);
    expect((await rig.rows())[0]?.tags ?? null).toEqual(expected);
    expect(rig.calls.at(-1)?.headers.has("x-tokligence-tags")).toBeFalse();
  });

  test.each([
    "=a",
    "team name=a",
    `${"n".repeat(65)}=a`,
    `n=${"v".repeat(129)}`,
    "t=\u00e9",
    Array.from({ length: 17 }, (_, index) => `t${index}`).join(),
  ])("%p is refused, before the provider is asked", async (header) => {
    const asked = rig.calls.length;
    const response = await chat(header);
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.param).toBe("x-tokligence-tags");
    expect(rig.calls).toHaveLength(asked);
    expect((await rig.rows())[0]).toMatchObject({ status: 400, tags: null });
  });

  test("of other calls too", async () => {
    const headers = { "x-tokligence-tags": "team=rest" };
    await rig.send("/v1/moderations", { body: { model: "gpt-4o", input: "x" }, headers });
    expect((await rig.rows())[0]?.tags).toEqual(["team=rest"]);
  });
});

describe("captured text", () => {
  const on = { config: (config: Rig["config"]) => ({ ...config, ledger: { ...config.ledger, capture: true } }) };

  const readPayload = async (rig: Rig, token?: string) => {
    const [row] = await rig.rows();
    const response = await rig.send(`/api/v1/usage/logs/${row?.id}/payload`, token === undefined ? {} : { token });
    return { status: response.status, body: await readJson(response) };
  };

  test("is not kept unless the operator asked for it", async () => {
    const rig = await start();
    await rig.chat({ model: "gpt-4o", messages: HELLO });
    expect((await readPayload(rig)).status).toBe(404);
  });

  test("is what the provider was sent and answered, for the row's own user and for administrators", async () => {
    const rig = await start(on);
    await rig.chat({ model: "gpt-4o", messages: HELLO });
    const { status, body } = await readPayload(rig);
    expect(status).toBe(200);
    expect(JSON.parse(body.request).messages).toEqual(HELLO);
    expect(JSON.parse(body.response)).toEqual(ANSWER);
    expect(body.id).toBe((await rig.row()).id);
    expect((await readPayload(rig, (await rig.issue("gateway_admin")).token)).status).toBe(200);
    const other = await readPayload(rig, (await rig.issue()).token);
    expect(other.status).toBe(404);
    expect(JSON.stringify(other.body)).not.toContain("canary");
    const [row] = await rig.rows();
    expect((await rig.send(`/api/v1/usage/logs/${row?.id}/payload`, { token: null })).status).toBe(401);
    const narrow = await rig.issue("gateway_admin", { scopes: ["inference"] });
    expect((await readPayload(rig, narrow.token)).status).toBe(403);
  });

  test("of a stream is every byte that came, cut in the middle of a letter or not", async () => {
    const frames = [
      `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"höre 🦊"},"finish_reason":null}]}\n\n`,
      `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
    ];
    const bytes = new TextEncoder().encode(frames.join(""));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, index) =>
      bytes.slice(index * 3, index * 3 + 3),
    );
    const rig = await start({ ...on, upstream: () => makeBytes(pieces) });
    await (await rig.chat({ model: "gpt-4o", stream: true, messages: HELLO })).text();
    expect((await readPayload(rig)).body.response).toBe(frames.join(""));
  });

  test("is bounded, and says where it was cut", async () => {
    const rig = await start({ ...on, upstream: () => makeStream(["data: ", "x".repeat(1_000_000), "\n\n"]) });
    await (
      await rig.chat({ model: "gpt-4o", stream: true, messages: [{ role: "user", content: "y".repeat(600_000) }] })
    ).text();
    const { body } = await readPayload(rig);
    for (const text of [body.request, body.response]) {
      expect(text.length).toBeLessThan(263_000);
      expect(text).toEndWith("[cut here: what follows was not captured]");
    }
  });

  test("that cannot be written costs nobody an answer", async () => {
    const rig = await start(on);
    rig.store.ledger.putPayloads = () => Promise.reject(new Error("no room"));
    expect((await rig.chat({ model: "gpt-4o", messages: HELLO })).status).toBe(200);
    expect(await rig.rows()).toHaveLength(1);
  });
});

function makeBytes(pieces: readonly Uint8Array[]): Response {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

// Exactly one true row a call, whatever the upstream does: the cases in which a row was once lost, doubled or wrong.

import { afterEach, describe, expect, test } from "bun:test";
import { OPENAI_KEY, type Rig, makeRig, makeStream, readJson } from "../rig.ts";
import { isFirst, openFleet, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const HELLO = [{ role: "user", content: "Hello there" }];
const ANSWER = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
};

function chunk(over: object): string {
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...over })}\n\n`;
}
const WORDS = chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "Hi" }, finish_reason: null }] });
const STOP = chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });

describe("usage that nobody reported", () => {
  test("is estimated also where our own decoder would refuse the request that the upstream took", async () => {
    const odd = { model: "local/m", messages: HELLO, max_tokens: -1, reasoning_effort: "unheard-of" };
    const { chat, rows } = await open({
      upstream: ({ body }) =>
        (body as { stream?: boolean }).stream === true
          ? makeStream([WORDS, STOP, "data: [DONE]\n\n"])
          : Response.json(ANSWER),
    });
    expect((await chat(odd)).status).toBe(200);
    const streamed = await (await chat({ ...odd, stream: true })).text();
    expect(streamed).toEndWith("data: [DONE]\n\n");
    expect((await rows()).map((row) => [row.status, row.usageSource, row.outputTokens])).toEqual([
      [200, "estimate", 1],
      [200, "estimate", 1],
    ]);
  });

  test("is not taken from an empty report, as if it were nothing", async () => {
    const { chat, row } = await open({ upstream: () => Response.json({ ...ANSWER, usage: {} }) });
    await chat({ model: "gpt-4o", messages: HELLO });
    expect(await row()).toMatchObject({ usageSource: "estimate", outputTokens: 1 });
  });
});

test("what each of several attempts used is told as the row tells it, to the part", async () => {
  const usage = {
    input_tokens: 20,
    cache_creation_input_tokens: 7,
    cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 5 },
    output_tokens: 30,
    server_tool_use: { web_search_requests: 1 },
    service_tier: "priority",
  };
  const message = { id: "m", type: "message", role: "assistant", model: "claude-sonnet-4-5", stop_reason: "end_turn" };
  rig = await openFleet(
    ({ url }) =>
      isFirst(url)
        ? refusal(503)
        : Response.json({ ...message, content: [{ type: "text", text: "Hi" }], stop_sequence: null, usage }),
    { others: [{ provider: "anthropic", model: "claude-sonnet-4-5" }] },
  );
  await rig.chat({ model: "gpt-4o", messages: HELLO });
  const { entries } = await readJson(await rig.send("/api/v1/usage/logs", {}));
  const { attempts, ...row } = entries[0];
  expect(attempts[1].usage).toMatchObject({ long_cache_write_tokens: 5, units: { web_search_requests: 1 } });
  expect(row).toMatchObject(attempts[1].usage);
});

test("a client that leaves with the last piece in hand leaves one row with one attempt", async () => {
  const controller = new AbortController();
  const { chat, rows } = await open({
    upstream: () =>
      makeStream([
        WORDS,
        STOP,
        chunk({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
        "data: [DONE]\n\n",
      ]),
  });
  const response = await chat({ model: "gpt-4o", stream: true, messages: HELLO }, { signal: controller.signal });
  const reader = response.body?.getReader();
  await reader?.read();
  controller.abort();
  await reader?.read().catch(() => undefined);
  while ((await rows()).length === 0) await new Promise(setImmediate);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  expect((await rows()).map((row) => row.attempts.length)).toEqual([1]);
});

describe("secrets that an upstream quotes", () => {
  const message = `Incorrect API key provided: ${OPENAI_KEY}.`;
  test("in an error with status 200", async () => {
    const { chat } = await open({ upstream: () => Response.json({ error: { message, type: "x" } }) });
    expect(await (await chat({ model: "gpt-4o", messages: HELLO })).text()).not.toContain("canary");
  });
  test("in an error inside a stream", async () => {
    const { chat, log } = await open({
      upstream: () => makeStream([WORDS, `data: ${JSON.stringify({ error: { message } })}\n\n`]),
    });
    const text = await (await chat({ model: "gpt-4o", stream: true, messages: HELLO })).text();
    expect(text).toContain("Incorrect API key provided");
    expect(text + log.join("")).not.toContain("canary");
  });
  test("at the edge of what is shown of a body that is no JSON", async () => {
    for (let pad = 150; pad < 200; pad += 7) {
      const gateway = await makeRig({
        upstream: () => new Response(`${"x".repeat(pad)} ${OPENAI_KEY}`, { status: 401 }),
      });
      const text = await (await gateway.chat({ model: "gpt-4o", messages: HELLO })).text();
      expect(text).not.toContain(OPENAI_KEY.slice(0, 12));
      await gateway.close();
    }
  });
});

describe("a forwarded stream that breaks", () => {
  test.each([
    ["in the middle of a frame", [WORDS, `data: {"id":"c1","cho`]],
    ["with a frame that is no JSON", [WORDS, "data: <html>\n\n"]],
  ])("%s ends in an error that the client can read", async (_name, pieces) => {
    const { chat, row, log } = await open({ upstream: () => makeStream(pieces) });
    const text = await (await chat({ model: "gpt-4o", stream: true, messages: HELLO })).text();
    const last = text.trimEnd().split("\n\n").at(-1) ?? "";
    expect(JSON.parse(last.slice(6))).toMatchObject({ error: { code: "upstream_malformed" } });
    expect(await row()).toMatchObject({ errorKind: "upstream_malformed", usageSource: "estimate" });
    expect(log.join("")).toContain("upstream_malformed");
  });
  test("without a blank line at its end is still one good frame", async () => {
    const { chat } = await open({ upstream: () => makeStream([WORDS, STOP.trimEnd()]) });
    const text = await (await chat({ model: "loopback/x", stream: true, messages: HELLO })).text();
    expect(text).toEndWith("data: [DONE]\n\n");
    const cut = await (await chat({ model: "local/m", stream: true, messages: HELLO })).text();
    for (const frame of cut.trimEnd().split("\n\n")) if (frame.startsWith("data: {")) JSON.parse(frame.slice(6));
  });
});

test("a status that is none becomes 502, in JSON", async () => {
  const { chat, row } = await open({
    upstream: () =>
      new Proxy(Response.json({ error: { message: "odd" } }, { status: 500 }), {
        get: (target, name) =>
          name === "status" ? 999 : name === "text" ? () => target.text() : Reflect.get(target, name, target),
      }),
  });
  const response = await chat({ model: "claude-sonnet-4-5", messages: HELLO });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("answered with 999");
  expect((await row()).status).toBe(502);
});

test.each([
  `{"model":"gpt-4","model":"gpt-4o","messages":[{"role":"user","content":"x"}]}`,
  `{"model":"gpt-4o","Model":"gpt-4","messages":[{"role":"user","content":"x"}]}`,
  `{"model":"gpt-4o","mod\\u0065l":"gpt-4o","messages":[{"role":"user","content":"x"}]}`,
  `{"stream":true,"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"stream":false}`,
  `{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"previous_response_id":"resp_a","previous_response_id":null}`,
])("a decisive field that stands twice is refused: %s", async (body) => {
  const { send, calls } = await open({ upstream: () => Response.json(ANSWER) });
  const response = await send("/v1/chat/completions", { body });
  expect(response.status).toBe(400);
  expect((await readJson(response)).error.code).toBe("repeated_field");
  expect(calls).toHaveLength(0);
});

test("the same names deeper down are nobody's business", async () => {
  const { chat } = await open({ upstream: () => Response.json(ANSWER) });
  const tools = [
    {
      type: "function",
      function: { name: "f", parameters: { type: "object", properties: { model: {}, stream: {} } } },
    },
  ];
  expect((await chat({ model: "gpt-4o", messages: HELLO, tools, metadata: { model: "x" } })).status).toBe(200);
});

test("the loopback does not grow what it is sent", async () => {
  const { chat, send } = await open();
  expect((await chat({ model: "loopback", messages: HELLO, n: 9 })).status).toBe(400);
  const inputs = Array.from({ length: 2_000 }, () => "a");
  expect((await send("/v1/embeddings", { body: { model: "loopback", input: inputs } })).status).toBe(400);
  const long = await chat({
    model: "loopback",
    stream: true,
    messages: [{ role: "user", content: "word ".repeat(20_000) }],
  });
  const text = await long.text();
  expect(text.split("\n\n").length).toBeLessThan(2_100);
  const words = text
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: {"))
    .map((frame) => JSON.parse(frame.slice(6)).choices[0].delta.content ?? "");
  expect(words.join("")).toBe(`[loopback] ${"word ".repeat(20_000).trim()}`);
});

// A key that stands where a name belongs, by a slip of its client's, is on no row, in no log, in no answer, and at no provider.

import { afterEach, describe, expect, test } from "bun:test";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig, makeStream } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(): Promise<{ gateway: Rig; token: string }> {
  const one = makeProviderSettings({ name: "one", kind: "compatible", baseUrl: "http://one.test/v1" });
  rig = await makeRig({
    upstream: () => Response.json({ data: [], choices: [] }),
    config: (config) => ({ ...config, providers: [...config.providers, one] }),
  });
  const { token } = await rig.issue("root_admin");
  return { gateway: rig, token };
}

const FOREIGN = [
  "sk-proj-0123456789abcdefghij",
  "sk-ant-api03-0123456789abcdefghij",
  "gsk_0123456789abcdefghij",
  "xai-0123456789abcdefghijABCDEFGHIJ",
  "AIzaSy0123456789abcdefghijABCDEFGHIJ012",
];
const MESSAGES = [{ role: "user", content: "Hi" }];

const PLACES: [string, (model: string) => { path: string; body: unknown; headers?: Record<string, string> }][] = [
  ["chat", (model) => ({ path: "/v1/chat/completions", body: { model, messages: MESSAGES } })],
  ["messages", (model) => ({ path: "/v1/messages", body: { model, messages: MESSAGES, max_tokens: 9 } })],
  ["responses", (model) => ({ path: "/v1/responses", body: { model, input: "Hi" } })],
  [
    "gemini",
    (model) => ({ path: `/v1beta/models/${model}:generateContent`, body: { contents: [{ parts: [{ text: "Hi" }] }] } }),
  ],
  ["embeddings", (model) => ({ path: "/v1/embeddings", body: { model, input: "Hi" } })],
  [
    "named chat",
    (model) => ({
      path: "/v1/chat/completions",
      body: { model, messages: MESSAGES },
      headers: { "idempotency-key": "a" },
    }),
  ],
  [
    "named images",
    (model) => ({ path: "/v1/images/generations", body: { model, prompt: "x" }, headers: { "idempotency-key": "a" } }),
  ],
  ["images", (model) => ({ path: "/v1/images/generations", body: { model, prompt: "x" } })],
  [
    "speech of a provider that is named",
    (model) => ({ path: "/v1/audio/speech?provider=one", body: { model, input: "x" } }),
  ],
  [
    "a form",
    (model) => {
      const form = new FormData();
      form.set("model", model);
      form.set("file", new Blob(["x"]), "a.wav");
      return { path: "/v1/audio/transcriptions", body: form };
    },
  ],
  ["what passes through", (model) => ({ path: "/passthrough/one/v1/chat/completions", body: { model } })],
  ["an address that passes through", (model) => ({ path: `/passthrough/one/model/${model}/invoke`, body: {} })],
];

/** All that is left of a request, wherever. */
async function collectTraces({ calls, log, rows }: Rig, response: Response): Promise<string> {
  const told = [await response.text(), JSON.stringify([...response.headers])];
  return [...told, JSON.stringify(await rows()), ...log, ...calls.map(({ url, text }) => url + text)].join("\n");
}

describe.each(PLACES)("as the model of %s", (_place, ask) => {
  test.each(["the caller's own key", ...FOREIGN.slice(0, 1)])("%s", async (which) => {
    const { gateway, token } = await open();
    const key = FOREIGN.includes(which) ? which : token;
    const { path, body, headers } = ask(key);
    const response = await gateway.send(path, { body, token, ...(headers === undefined ? {} : { headers }) });
    expect(response.status).toBe(400);
    const traces = await collectTraces(gateway, response);
    expect(traces).toContain("looks like an API key");
    expect(traces).not.toContain(key);
    expect(await gateway.row()).toMatchObject({ modelAsked: "", status: 400, attempts: [] });
    expect(gateway.calls).toEqual([]);
  });
});

test.each(["the caller's own key", ...FOREIGN])("as a request's id, another one is made: %s", async (which) => {
  const { gateway, token } = await open();
  const key = FOREIGN.includes(which) ? which : token;
  const headers = { "x-request-id": key };
  const response = await gateway.chat({ model: "loopback", messages: MESSAGES }, { headers, token });
  expect(response.status).toBe(200);
  expect(await collectTraces(gateway, response)).not.toContain(key);
});

test("as the model behind a provider's name, in whatever form", async () => {
  const { gateway, token } = await open();
  for (const key of [token, ...FOREIGN]) {
    const response = await gateway.chat({ model: `one/${key}`, messages: MESSAGES }, { token });
    expect([key, response.status]).toEqual([key, 400]);
    expect(await collectTraces(gateway, response)).not.toContain(key);
  }
});

test("as a tag", async () => {
  const { gateway, token: key } = await open();
  const token = key;
  for (const tag of [`team=${key}`, key]) {
    const headers = { "x-tokligence-tags": tag };
    const response = await gateway.chat({ model: "loopback", messages: MESSAGES }, { headers, token });
    expect(response.status).toBe(400);
    expect(await collectTraces(gateway, response)).not.toContain(key);
  }
});

test("names that only begin like keys are names", async () => {
  const { gateway, token } = await open();
  for (const model of [
    "xai-grok-4-fast-reasoning",
    "sk-small",
    "sk-hynix-of-a-long-name",
    "task-sk-of-a-long-name-with-words",
    "tok_one",
  ]) {
    const response = await gateway.chat({ model: `one/${model}`, messages: MESSAGES }, { token });
    expect([model, gateway.calls.at(-1)?.body]).toEqual([model, expect.objectContaining({ model })]);
    await response.text();
  }
});

test("as what a provider repeats in its report of usage, whole and streamed", async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8, account: OPENAI_KEY, caller: "" };
  const choice = { index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" };
  const answer = { id: "c", object: "chat.completion", created: 1, model: "gpt-4o", choices: [choice], usage };
  const chunk = { ...answer, object: "chat.completion.chunk", choices: [{ ...choice, delta: { content: "Hi" } }] };
  const gateway = await makeRig({
    upstream: ({ text }) =>
      text.includes('"stream":true')
        ? makeStream([`data: ${JSON.stringify(chunk)}\n\n`, "data: [DONE]\n\n"])
        : Response.json(answer),
  });
  rig = gateway;
  const { token } = await gateway.issue();
  usage.caller = token;
  for (const stream of [false, true]) {
    await (await gateway.chat({ model: "gpt-4o", messages: MESSAGES, stream }, { token })).text();
  }
  const rows = await gateway.rows();
  expect(rows.map(({ attempts }) => JSON.parse(attempts[0]?.usageRaw ?? "").total_tokens)).toEqual([8, 8]);
  expect(JSON.stringify(rows)).not.toContain(OPENAI_KEY);
  expect(JSON.stringify(rows)).not.toContain(token);
});

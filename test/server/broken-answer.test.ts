// Answers that the provider itself calls failed: no client takes one for an answer that is complete.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type Upstream, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";

const KEY = "AIza-test-key-of-the-provider-itself-0";

let rig: Rig | null = null;
afterEach(() => rig?.close());

async function open(upstream: Upstream): Promise<Rig> {
  const settings = { name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: KEY } as const;
  rig = await makeRig({
    upstream,
    config: (config) => ({ ...config, providers: [...config.providers, makeProviderSettings(settings)] }),
  });
  return rig;
}

const SAID = "Malformed function call: print(default_api.look(at=";
const MALFORMED = {
  candidates: [
    {
      content: { role: "model", parts: [] },
      finishReason: "MALFORMED_FUNCTION_CALL",
      finishMessage: SAID,
      index: 0,
    },
  ],
  usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
  modelVersion: "gemini-3-pro-preview",
};
const ASKED = {
  "/v1/chat/completions": { messages: [{ role: "user", content: "hi" }] },
  "/v1/messages": { max_tokens: 9, messages: [{ role: "user", content: "hi" }] },
};

for (const [path, body] of Object.entries(ASKED)) {
  test(`${path}: a call that nobody can read is an error, and is booked`, async () => {
    const { send, row } = await open(() => Response.json(MALFORMED));
    const response = await send(path, { body: { ...body, model: "google/gemini-3-pro-preview" } });
    expect(response.status).toBe(502);
    const { error } = await readJson(response);
    expect(error.message).toContain("ended its answer in an error");
    expect(error.message).toContain(`MALFORMED_FUNCTION_CALL: ${SAID}`);
    expect(await row()).toMatchObject({ status: 502, freshInputTokens: 5, errorKind: "upstream_malformed" });
  });

  test(`${path}: in a stream, too`, async () => {
    const { send, row } = await open(() => makeStream([`data: ${JSON.stringify(MALFORMED)}\r\n\r\n`]));
    const asked = { ...body, model: "google/gemini-3-pro-preview", stream: true };
    const response = await send(path, { body: asked });
    expect(response.status).toBe(502);
    const { error } = await readJson(response);
    expect(error.message).toContain("ended its answer in an error");
    expect(error.message).toContain(`MALFORMED_FUNCTION_CALL: ${SAID}`);
    expect(await row()).toMatchObject({ status: 502, freshInputTokens: 5, errorKind: "upstream_malformed" });
  });

  test(`${path}: in a stream that has said something, it ends with an error`, async () => {
    const said = { ...MALFORMED, candidates: [{ content: { role: "model", parts: [{ text: "I" }] }, index: 0 }] };
    const { send, row } = await open(() =>
      makeStream([said, MALFORMED].map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`)),
    );
    const asked = { ...body, model: "google/gemini-3-pro-preview", stream: true };
    const text = await (await send(path, { body: asked })).text();
    expect(text).toContain("ended its answer in an error");
    expect(text).toContain(SAID);
    expect(text).not.toMatch(/"(?:finish_reason|stop_reason)":"/);
    expect(await row()).toMatchObject({ status: 200, errorKind: "upstream_malformed", usageSource: "provider" });
  });
}

test.each([false, true])("/v1/responses, which has a word for it: the error says why (stream: %p)", async (stream) => {
  const { send } = await open(({ url }) =>
    url.includes(":stream") ? makeStream([`data: ${JSON.stringify(MALFORMED)}\r\n\r\n`]) : Response.json(MALFORMED),
  );
  const response = await send("/v1/responses", { body: { model: "google/gemini-3-pro-preview", input: "hi", stream } });
  const text = await response.text();
  expect(text).toContain('"status":"failed"');
  expect(text).toContain(`MALFORMED_FUNCTION_CALL: ${SAID}`);
});

test.each([false, true])("/v1/responses, streamed: %p, tells why, and no key that is said there", async (stream) => {
  const said = { ...MALFORMED.candidates[0], finishMessage: `${SAID} ${KEY}` };
  const broken = { ...MALFORMED, candidates: [said] };
  const { send } = await open(() =>
    stream ? makeStream([`data: ${JSON.stringify(broken)}\r\n\r\n`]) : Response.json(broken),
  );
  const asked = { model: "google/gemini-3-pro-preview", input: "hi", stream };
  const text = await (await send("/v1/responses", { body: asked })).text();
  expect(text).toContain("MALFORMED_FUNCTION_CALL: Malformed function call");
  expect(text).not.toContain(KEY);
});

test("a server's own word for an error, in the middle of a forwarded stream, is told as one", async () => {
  const start =
    'data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"He"}}]}\n\n';
  const bare = 'data: {"object":"error","message":"out of memory","code":500}\n\n';
  const { send } = await open(() => makeStream([start, bare]));
  const body = { model: "local/any", stream: true, messages: [{ role: "user", content: "hi" }] };
  const text = await (await send("/v1/chat/completions", { body })).text();
  expect(text).toStartWith(start + bare);
  const last = JSON.parse(
    text
      .slice(start.length + bare.length)
      .replace(/^data: /, "")
      .split("\n\n")[0] ?? "",
  );
  expect(last.error.message).toBe("out of memory");
});

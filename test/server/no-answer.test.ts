// Answers with status 200 that are none, where no chat is: the client hears what came instead, and the row says that it failed.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type Upstream, makeProviderSettings, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(upstream: Upstream): Promise<Rig> {
  const google = makeProviderSettings({
    name: "google",
    kind: "gemini",
    baseUrl: "http://google.test",
    apiKey: "AIza",
  });
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 1 },
      providers: [...config.providers, google],
    }),
  });
  return rig;
}

const MESSAGES = [{ role: "user", content: "hi" }];
const CONTENTS = [{ role: "user", parts: [{ text: "hi" }] }];
const COUNTS: [path: string, body: object][] = [
  ["/v1/messages/count_tokens", { model: "claude-sonnet-4-5", messages: MESSAGES }],
  ["/v1/responses/input_tokens", { model: "gpt-4o", input: "hi" }],
  ["/v1beta/models/google%2Fgemini-3-pro:countTokens", { contents: CONTENTS }],
];
const VECTORS: [path: string, body: object][] = [
  ["/v1/embeddings", { model: "text-embedding-3-small", input: "hi" }],
  ["/v1beta/models/google%2Fgemini-embedding-001:embedContent", { content: CONTENTS[0] }],
];
const broken = (text: string, type = "application/json"): Response => {
  const begun = new TextEncoder().encode(text);
  const pull = (controller: ReadableStreamDefaultController): void => controller.error(new Error("reset"));
  const source = { start: (controller: ReadableStreamDefaultController) => controller.enqueue(begun), pull };
  const stream = new ReadableStream(source, { highWaterMark: 0 });
  return new Response(stream, { headers: { "content-type": type } });
};

const page = () => new Response("<html>Welcome</html>", { headers: { "content-type": "text/html" } });

test.each([...COUNTS, ...VECTORS])("%s: a page for people", async (path, body) => {
  const { send, row } = await open(page);
  const response = await send(path, { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("not JSON (text/html). Check its base URL.");
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_malformed" });
});

test.each([...COUNTS, ...VECTORS])("%s: an error is told in the provider's words", async (path, body) => {
  const { send, row } = await open(() => Response.json({ error: { message: "Out of capacity.", code: 500 } }));
  const response = await send(path, { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("Out of capacity.");
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_rejected" });
});

test.each([...COUNTS, ...VECTORS])("%s: something else", async (path, body) => {
  const { send, row } = await open(() => Response.json({ code: 1 }));
  expect((await send(path, { body })).status).toBe(502);
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_malformed", costNanos: null });
});

test("Google leaves a count of nought out", async () => {
  const [path, body] = COUNTS[2] ?? ["", {}];
  const { send, row } = await open(() => Response.json({}));
  expect((await send(path, { body })).status).toBe(200);
  expect((await row()).status).toBe(200);
});

const CALLS: [path: string, body: object][] = [
  ["/v1/audio/transcriptions", { model: "openai/whisper-1" }],
  ["/v1/completions", { model: "openai/gpt-3.5-turbo-instruct", prompt: "hi" }],
  ["/v1/images/generations", { model: "openai/gpt-image-1", prompt: "hi" }],
  ["/v1/moderations", { model: "openai/omni-moderation-latest", input: "hi" }],
];

test.each(CALLS)("%s: an error is told in the provider's words, and costs nothing", async (path, body) => {
  const { send, row } = await open(() => Response.json({ error: { message: "Out of capacity.", type: "busy" } }));
  const response = await send(path, { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toBe("Out of capacity.");
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_rejected", usageSource: "none" });
});

test.each(CALLS)("%s: a success that has no answer is none", async (path, body) => {
  const { send, row } = await open(() => new Response(null, { status: 204 }));
  const response = await send(path, { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error).toMatchObject({ code: "answer_empty" });
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_malformed", usageSource: "none" });
});

test("an answer that says of an error that there is none is one", async () => {
  const { send } = await open(() => Response.json({ results: [], error: null }));
  expect((await send("/v1/moderations", { body: { input: "hi" } })).status).toBe(200);
});

test.each<[string, object, string]>([
  // As of one that was cut, its input was read at least.
  ["/v1/chat/completions", { model: "gpt-4o", messages: MESSAGES }, "estimate"],
  ["/v1/moderations", { model: "openai/omni-moderation-latest", input: "hi" }, "none"],
])("%s: one that breaks off says so, not that nobody could be reached", async (path, body, usageSource) => {
  const { send, row } = await open(() => broken('{"id":'));
  const response = await send(path, { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("broke off in the middle of its answer");
  expect(await row()).toMatchObject({ status: 502, errorKind: "upstream_unavailable", usageSource });
});

test.each<[string, object]>([
  ["/v1/chat/completions", { model: "gpt-4o", messages: MESSAGES }],
  ["/v1/messages", { model: "gpt-4o", max_tokens: 9, messages: MESSAGES }],
  ["/v1/completions", { model: "openai/gpt-3.5-turbo-instruct", prompt: "hi" }],
])("%s: a stream that breaks off before its first output has had its input read", async (path, body) => {
  const { send, row } = await open(() => broken(": here\n\n", "text/event-stream"));
  const response = await send(path, { body: { ...body, stream: true } });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("broke off in the middle of its answer");
  expect(await row()).toMatchObject({
    errorKind: "upstream_malformed",
    usageSource: "estimate",
    freshInputTokens: 1,
    outputTokens: 0,
    costNanos: expect.any(Number),
  });
});

test.each([
  ["ECONNREFUSED", "could not be reached"],
  ["ECONNRESET", "closed the connection before it answered"],
  ["Malformed_HTTP_Response", "its answer is not HTTP"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "nobody known vouches for"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "NODE_EXTRA_CA_CERTS"],
  ["CERT_HAS_EXPIRED", "time is not now"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "of another host"],
  ["EPROTO", "does not speak TLS"],
  ["ENOTFOUND", "nobody knows its host's name"],
  ["ERR_PROXY_TUNNEL", "https_proxy"],
  ["ERR_PROXY_ECONNREFUSED", "Check that the proxy runs"],
])("%s: whoever was reached is not said to be out of reach", async (code, said) => {
  const { chat } = await open(() => Promise.reject(Object.assign(new Error("no"), { code })));
  const response = await chat({ model: "gpt-4o", messages: MESSAGES });
  expect([response.status, (await readJson(response)).error.message]).toEqual([502, expect.stringContaining(said)]);
});

test.each(["EMFILE", "ENFILE"])("%s: what the gateway itself lacks is held against no provider", async (code) => {
  const { chat, log, rows } = await open(() => Promise.reject(Object.assign(new Error("no"), { code })));
  for (let call = 0; call < 8; call++) {
    const response = await chat({ model: "gpt-4o", messages: MESSAGES });
    const { error } = await readJson(response);
    expect([response.status, error.code]).toEqual([503, "too_many_open_files"]);
    expect(error.message).toContain("ulimit -n");
  }
  expect((await rows())[0]).toMatchObject({ status: 503, errorKind: "overloaded" });
  expect(log.join("\n")).not.toContain("left alone");
});

test("a refusal whose end did not come before its client left costs nothing", async () => {
  const reading = Promise.withResolvers<void>();
  const { send, rows } = await open(({ signal }) => {
    const start = (controller: ReadableStreamDefaultController): void =>
      signal.addEventListener("abort", () => controller.error(signal.reason));
    const source = { start, pull: () => reading.resolve() };
    return new Response(new ReadableStream(source, { highWaterMark: 0 }), { status: 500 });
  });
  const client = new AbortController();
  const body = { model: "gpt-4o", messages: MESSAGES };
  const pending = send("/v1/chat/completions", { body, signal: client.signal });
  await reading.promise;
  client.abort();
  await pending;
  const [row] = await rows();
  expect(row).toMatchObject({ status: 499, usageSource: "none", costNanos: null, attempts: [{ status: 500 }] });
});

test("a form whose boundary nobody named is told so", async () => {
  const { send, row } = await open(page);
  const headers = { "content-type": "multipart/form-data" };
  const response = await send("/v1/audio/transcriptions", {
    body: '--x\r\nContent-Disposition: form-data; name="model"',
    headers,
  });
  expect(response.status).toBe(400);
  expect((await readJson(response)).error).toMatchObject({ code: "invalid_form" });
  expect(await row()).toMatchObject({ status: 400, errorKind: "invalid_request" });
});

/** One that keeps a file, and answers as it is told from then on. */
async function keepFile(answer: () => Response) {
  let isKept = false;
  const gateway = await open(({ method }) => {
    if (isKept) return answer();
    return Response.json(method === "GET" ? { data: [] } : { id: "file-1", object: "file" });
  });
  expect((await gateway.send("/v1/files", { body: { purpose: "batch" } })).status).toBe(200);
  isKept = true;
  return gateway;
}

test.each<[string, () => Response]>([
  ["a page", page],
  ["nothing", () => Response.json(null)],
  ["something else", () => Response.json({ ok: true })],
])("a list that is %s is no empty one", async (_what, answer) => {
  const { send, rows } = await keepFile(answer);
  const response = await send("/v1/files", { method: "GET" });
  expect(response.status).toBe(502);
  expect((await rows())[0]).toMatchObject({ status: 502, errorKind: "upstream_malformed" });
});

test("what is kept is told as an object, or not at all", async () => {
  const { send } = await keepFile(() => Response.json(null));
  expect((await send("/v1/files/file-1", { method: "GET" })).status).toBe(502);
});

test("a batch whose file breaks off is the provider's fault", async () => {
  const { send, rows } = await keepFile(() => broken('{"custom_id":"a"}\n{'));
  const body = { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" };
  const response = await send("/v1/batches", { body });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error.message).toContain("broke off in the middle of its answer");
  expect((await rows())[0]).toMatchObject({ status: 502, errorKind: "upstream_unavailable" });
});

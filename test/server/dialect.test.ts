// What holds for every format that clients speak: what is left out is told, whole or streamed; an address that is none is refused in the
// format of its neighbours; a key in the query is nowhere to be read.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type UpstreamCall, makeRig, makeStream, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const CLAUDE = "claude-sonnet-4-5";

function sse(events: readonly object[]): Response {
  const frames = events.map(
    (event) => `${"type" in event ? `event: ${String(event.type)}\n` : ""}data: ${JSON.stringify(event)}\n\n`,
  );
  return makeStream(frames);
}

/** Two providers, each in its own format, whole or streamed as it is asked. */
function answer({ url, body }: UpstreamCall): Response {
  const isStream = (body as { stream?: boolean }).stream === true;
  if (!url.includes("anthropic")) {
    const head = { id: "chatcmpl-1", created: 1, model: "gpt-4o" };
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    const whole = { index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" };
    if (!isStream) return Response.json({ ...head, object: "chat.completion", choices: [whole], usage });
    const delta = { index: 0, delta: { role: "assistant", content: "Hi" }, finish_reason: "stop" };
    const chunk = { ...head, object: "chat.completion.chunk", choices: [delta] };
    return sse([chunk, { ...chunk, choices: [], usage }]);
  }
  const message = { id: "msg_1", type: "message", role: "assistant", model: CLAUDE, content: [] };
  const usage = { input_tokens: 3, output_tokens: 2 };
  if (!isStream) {
    return Response.json({ ...message, content: [{ type: "text", text: "Hi" }], stop_reason: "end_turn", usage });
  }
  return sse([
    { type: "message_start", message: { ...message, usage } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage },
    { type: "message_stop" },
  ]);
}

const TURN = { role: "user", content: "hi" };
const CHAT_MODEL = "local/any";
const CONTENTS = [{ role: "user", parts: [{ text: "hi" }] }];

/** Each format with something that the other side cannot be told, and the address of a stream where it is another. */
const CASES = [
  { path: "/v1/chat/completions", body: { model: CLAUDE, messages: [TURN], seed: 7 }, lost: "seed" },
  { path: "/v1/responses", body: { model: CLAUDE, input: "hi", prompt_cache_key: "k" }, lost: "prompt_cache_key" },
  { path: "/v1/messages", body: { model: CHAT_MODEL, max_tokens: 9, messages: [TURN], top_k: 4 }, lost: "top_k" },
  {
    path: `/v1beta/models/${CLAUDE}:generateContent`,
    stream: `/v1beta/models/${CLAUDE}:streamGenerateContent?alt=sse`,
    body: { contents: CONTENTS, generationConfig: { seed: 7 } },
    lost: "generationConfig.seed",
  },
];

describe.each(CASES)("$path", ({ path, stream, body, lost }) => {
  test.each([false, true])("tells what it leaves out, in a header and on the row (streamed: %p)", async (isStream) => {
    const gateway = await open({ upstream: answer });
    const address = isStream ? (stream ?? path) : path;
    const asked = isStream && stream === undefined ? { ...body, stream: true } : body;
    const response = await gateway.send(address, { body: asked });
    expect(await response.text()).toContain("Hi");
    expect(response.headers.get("content-type")).toStartWith(isStream ? "text/event-stream" : "application/json");
    const row = await gateway.row();
    expect(row.dropped).toContain(lost);
    expect(response.headers.get("x-tokligence-dropped")).toBe(row.dropped.join(", "));
    expect(row).toMatchObject({ streamed: isStream, status: 200, freshInputTokens: 3, outputTokens: 2 });
  });

  test("refuses instead in strict mode, in its own words", async () => {
    const gateway = await open({ upstream: answer });
    const response = await gateway.send(path, { body, headers: { "x-tokligence-strict": "1" } });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.message).toContain(`'${lost}'`);
    expect(gateway.calls).toEqual([]);
  });
});

describe("an address that is none is refused in the format of its neighbours", () => {
  test.each([
    ["/v1/messages/nothing", (body: { type: string }) => body.type === "error"],
    ["/anthropic/v1/nothing", (body: { type: string }) => body.type === "error"],
    ["/v1beta/nothing", (body: { error: { status: string } }) => body.error.status === "NOT_FOUND"],
    ["/v1beta/models/x:dream", (body: { error: { status: string } }) => body.error.status === "NOT_FOUND"],
    ["/v1/nothing", (body: { error: { code: string } }) => body.error.code === "unknown_url"],
    ["/v1/models/", (body: { error: { code: string } }) => body.error.code === "unknown_url"],
    ["/v1/chat/nothing", (body: { error: { code: string } }) => body.error.code === "unknown_url"],
    ["/nothing", (body: { error: { code: string } }) => body.error.code === "unknown_url"],
  ])("%s", async (path, isRight) => {
    const gateway = await open();
    const known = await gateway.send(path, { method: "POST", body: {} });
    expect([path, known.status, isRight((await readJson(known)) as never)]).toEqual([path, 404, true]);
    const unknown = await gateway.send(path, { method: "POST", body: {}, token: null });
    expect(unknown.status).toBe(401);
  });

  test("and where nothing tells, by the headers", async () => {
    const gateway = await open();
    const response = await gateway.send("/v1/nothing", { headers: { "anthropic-version": "2023-06-01" } });
    expect((await readJson(response)).type).toBe("error");
  });

  test.each([
    ["GET", "/v1/cachedContents", "Unknown request URL"],
    // Google's, too, in a form of its own: the list would be read as an empty one.
    ["GET", "/v1/files", "/passthrough/{provider}"],
    ["GET", "/v1/batches", "/passthrough/{provider}"],
    ["DELETE", "/v1/files/file-1", "/passthrough/{provider}"],
  ])("as %s %s is by Google's own client", async (method, path, expected) => {
    const gateway = await open();
    const response = await gateway.send(path, { method, headers: { "x-goog-api-client": "google-genai-sdk/3.6.1" } });
    const { error } = await readJson(response);
    expect([response.status, error.code, error.status]).toEqual([404, 404, "NOT_FOUND"]);
    expect(error.message).toContain(expected);
    expect(gateway.calls).toEqual([]);
  });
});

test("a key in the query stands in no log, row, header or upstream call, whatever becomes of the request", async () => {
  const gateway = await open({
    upstream: (call) => (call.url.includes("openai") ? Response.json({}, { status: 500 }) : answer(call)),
  });
  const { token } = await gateway.issue();
  const key = `key=${token}`;
  const asks: [string, object | undefined][] = [
    [`/v1beta/models/loopback:generateContent?${key}`, { contents: CONTENTS }],
    [`/v1beta/models/loopback:streamGenerateContent?alt=sse&${key}`, { contents: CONTENTS }],
    [`/v1beta/models/loopback:streamGenerateContent?${key}`, { contents: CONTENTS }],
    [`/v1beta/models/gpt-4o:generateContent?${key}`, { contents: CONTENTS }],
    [`/v1beta/models/loopback:countTokens?${key}`, { contents: CONTENTS }],
    [`/v1beta/models/loopback:dream?${key}`, {}],
    [`/v1beta/models?${key}`, undefined],
    [`/v1/responses?${key}`, { model: CLAUDE, input: "hi" }],
    [`/v1/responses/resp_none?stream=true&${key}`, undefined],
    [`/v1/capabilities?surface=none&${key}`, undefined],
  ];
  const seen: string[] = [];
  for (const [path, body] of asks) {
    const response = await gateway.send(path, { token: null, ...(body === undefined ? {} : { body }) });
    expect([path, response.status]).not.toEqual([path, 401]);
    seen.push(await response.text(), JSON.stringify([...response.headers]));
  }
  seen.push(gateway.log.join("\n"), JSON.stringify(await gateway.rows()));
  seen.push(JSON.stringify(gateway.calls.map(({ url, headers, text }) => [url, [...headers], text])));
  expect(seen.join("\n")).not.toContain(token);
});

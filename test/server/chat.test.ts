// Chat through the whole gateway: forwarded and translated, streamed and not, each with its row in the books.

import { afterEach, describe, expect, test } from "bun:test";
import { ANTHROPIC_KEY, OPENAI_KEY, type Rig, type Upstream, makeRig, makeStream, readJson } from "../rig.ts";

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
const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_750_000_000,
  model: "gpt-4o-2024-08-06",
  choices: [
    { index: 0, message: { role: "assistant", content: "Hi!", refusal: null }, logprobs: null, finish_reason: "stop" },
  ],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
  system_fingerprint: "fp_1",
  a_field_of_tomorrow: { kept: true },
};

function chunk(over: object): string {
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o-2024-08-06", ...over })}\n\n`;
}
const TEXT_STREAM = [
  chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }], usage: null }),
  chunk({ choices: [{ index: 0, delta: { content: "Hi" }, finish_reason: null }], usage: null }),
  chunk({ choices: [{ index: 0, delta: { content: " you" }, finish_reason: null }], usage: null }),
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null }),
];
const USAGE_CHUNK = chunk({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } });
const DONE = "data: [DONE]\n\n";

describe("loopback", () => {
  test("echoes the last user message, counts, and costs nothing", async () => {
    const { chat, row } = await open();
    const response = await chat({ model: "loopback", messages: [{ role: "system", content: "x" }, ...HELLO] });
    expect(response.status).toBe(200);
    const body = await readJson(response);
    expect(body.choices[0].message.content).toBe("[loopback] Hello there");
    expect(body.usage.total_tokens).toBe(body.usage.prompt_tokens + body.usage.completion_tokens);
    expect(response.headers.get("x-tokligence-cost-usd")).toBe("0");
    expect(await row()).toMatchObject({
      endpoint: "chat.completions",
      modelAsked: "loopback",
      modelServed: "loopback",
      provider: "loopback",
      status: 200,
      costNanos: 0,
      priceSource: "free",
      usageSource: "provider",
      outputTokens: body.usage.completion_tokens,
      streamed: false,
    });
  });

  test("streams the same text, ends with [DONE], and is booked the same", async () => {
    const { chat, rows } = await open();
    const whole = await readJson(await chat({ model: "loopback", messages: HELLO }));
    const response = await chat({ model: "loopback", stream: true, messages: HELLO });
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    const frames = (await response.text()).split("\n\n").filter((frame) => frame.startsWith("data: "));
    expect(frames.at(-1)).toBe("data: [DONE]");
    const chunks = frames.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)));
    expect(chunks.map((part) => part.choices[0].delta.content ?? "").join("")).toBe("[loopback] Hello there");
    expect(chunks.every((part) => part.choices.length === 1 && !("usage" in part))).toBe(true);
    const [streamed, plain] = await rows();
    expect(streamed).toMatchObject({
      streamed: true,
      usageSource: "provider",
      outputTokens: plain?.outputTokens ?? -1,
    });
    expect(plain?.outputTokens).toBe(whole.usage.completion_tokens);
  });
});

describe("forwarding", () => {
  test("sends the client's own bytes with our credentials, and gives back the provider's", async () => {
    const text = `{ "model":"gpt-4o", "messages":[{"role":"user","content":"Hello there"}],\n  "seed": 12345678901234567890, "unknown_field":{"a":[1.0]} }`;
    const { send, calls, row } = await open({
      upstream: () =>
        Response.json(COMPLETION, {
          headers: { "x-request-id": "up-1", "x-ratelimit-remaining-requests": "7", "set-cookie": "a=b" },
        }),
    });
    const response = await send("/v1/chat/completions", {
      body: text,
      headers: { "x-request-id": "mine-1", "openai-organization": "org-client" },
    });
    expect(await readJson(response)).toEqual(COMPLETION);
    const [call] = calls;
    expect(call?.url).toBe("http://openai.test/v1/chat/completions");
    expect(call?.text).toBe(text);
    expect(call?.headers.get("authorization")).toBe(`Bearer ${OPENAI_KEY}`);
    expect(call?.headers.get("openai-organization")).toBe("org-client");
    expect(call?.headers.get("x-request-id")).toBeNull();
    expect(response.headers.get("x-request-id")).toBe("mine-1");
    expect(response.headers.get("request-id")).toBe("mine-1");
    expect(response.headers.get("x-ratelimit-remaining-requests")).toBe("7");
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("x-tokligence-provider")).toBe("openai");
    expect(response.headers.get("x-tokligence-cost-usd")).toBe("0.0000475");
    expect(await row()).toMatchObject({
      requestId: "mine-1",
      modelAsked: "gpt-4o",
      modelServed: "gpt-4o-2024-08-06",
      freshInputTokens: 5,
      cacheReadTokens: 4,
      outputTokens: 3,
      costNanos: 5 * 2_500 + 4 * 1_250 + 3 * 10_000,
      attempts: [{ provider: "openai", model: "gpt-4o", status: 200, errorKind: null, upstreamRequestId: "up-1" }],
    });
  });

  test("asks for usage behind a stream and hides it again", async () => {
    const { chat, calls, row } = await open({ upstream: () => makeStream([...TEXT_STREAM, USAGE_CHUNK, DONE]) });
    const response = await chat({ model: "gpt-4o", stream: true, messages: HELLO });
    const text = await response.text();
    expect(calls[0]?.body).toEqual({
      model: "gpt-4o",
      stream: true,
      messages: HELLO,
      stream_options: { include_usage: true },
    });
    expect(text).not.toContain('usage":');
    expect(text).toEndWith(DONE);
    expect(text).toContain(": x-tokligence-cost-usd: 0.0000425\n\n");
    expect(await row()).toMatchObject({
      streamed: true,
      freshInputTokens: 9,
      outputTokens: 2,
      usageSource: "provider",
      status: 200,
    });
  });

  test("gives a client that asked for usage every byte of it", async () => {
    const stream = [...TEXT_STREAM, USAGE_CHUNK, DONE];
    const { chat, calls } = await open({ upstream: () => makeStream(stream) });
    const response = await chat({
      model: "gpt-4o",
      stream: true,
      messages: HELLO,
      stream_options: { include_usage: true },
    });
    const text = await response.text();
    expect(text.replace(/: x-tokligence[^\n]*\n\n/, "")).toBe(stream.join(""));
    expect(calls[0]?.body).toMatchObject({ stream_options: { include_usage: true } });
  });

  test("an alias renames the model and nothing else", async () => {
    const { send, calls, row } = await open({
      upstream: () => Response.json(COMPLETION),
      config: (config) => ({ ...config, aliases: [{ pattern: "fast", target: "openai/gpt-4o", origin: "test" }] }),
    });
    await send("/v1/chat/completions", { body: `{"model": "fast" ,"messages":[{"role":"user","content":"fast"}]}` });
    expect(calls[0]?.text).toBe(`{"model": "gpt-4o" ,"messages":[{"role":"user","content":"fast"}]}`);
    expect(await row()).toMatchObject({ modelAsked: "fast", modelServed: "gpt-4o-2024-08-06" });
  });

  test("a compatible server needs no key and gets none", async () => {
    const { chat, calls, row } = await open({ upstream: () => Response.json({ ...COMPLETION, model: "llama" }) });
    expect((await chat({ model: "local/llama", messages: HELLO })).status).toBe(200);
    expect(calls[0]?.url).toBe("http://local.test/v1/chat/completions");
    expect(calls[0]?.headers.get("authorization")).toBeNull();
    expect(await row()).toMatchObject({ provider: "local", costNanos: null, priceSource: null });
  });

  test("an error that comes with status 200 is told as one, and booked without tokens", async () => {
    const { chat, row } = await open({ upstream: () => Response.json({ error: { message: "no credit", code: 402 } }) });
    const response = await chat({ model: "gpt-4o", messages: HELLO });
    expect(response.status).toBe(429);
    expect((await readJson(response)).error).toMatchObject({ message: "no credit", code: "402" });
    expect(await row()).toMatchObject({
      status: 429,
      errorKind: "upstream_rejected",
      usageSource: "none",
      outputTokens: null,
      costNanos: null,
    });
  });

  test("an answer without usage is booked as an estimate, never as zero", async () => {
    const { usage: _, ...rest } = COMPLETION;
    const { chat, row } = await open({ upstream: () => Response.json(rest) });
    await chat({ model: "gpt-4o", messages: HELLO });
    expect(await row()).toMatchObject({ usageSource: "estimate", freshInputTokens: 3, outputTokens: 1 });
  });

  test("nor one whose counts are none", async () => {
    const usage = { prompt_tokens: "11", completion_tokens: -4 };
    const { chat, row } = await open({ upstream: () => Response.json({ ...COMPLETION, usage }) });
    await chat({ model: "gpt-4o", messages: HELLO });
    expect(await row()).toMatchObject({ usageSource: "estimate", freshInputTokens: 3, outputTokens: 1 });
  });

  test.each([1e10, 2 ** 60, 1e300])(
    "and one with a count of %d, which outgrows all sums, as unknown",
    async (count) => {
      const usage = { ...COMPLETION.usage, completion_tokens: count };
      const { chat, row } = await open({ upstream: () => Response.json({ ...COMPLETION, usage }) });
      const answer = await (await chat({ model: "gpt-4o", messages: HELLO })).json();
      expect(answer).toMatchObject({ usage: { completion_tokens: count } });
      const booked = await row();
      expect(booked).toMatchObject({
        usageSource: "none",
        freshInputTokens: null,
        outputTokens: null,
        costNanos: null,
      });
      expect(booked.attempts[0]?.usageRaw).toContain('"completion_tokens":');
    },
  );
});

test("a stream of another format without usage is told as long as it is booked, never as zero", async () => {
  const { send, row } = await open({ upstream: () => makeStream([...TEXT_STREAM, DONE]) });
  const body = { model: "gpt-4o", max_tokens: 9, stream: true, messages: HELLO };
  const text = await (await send("/v1/messages", { body })).text();
  const end = text.split("\n\n").find((frame) => frame.startsWith("event: message_delta"));
  expect(JSON.parse(end?.slice(end.indexOf("{")) ?? "")).toMatchObject({
    usage: { input_tokens: 3, output_tokens: 2 },
  });
  expect(await row()).toMatchObject({ usageSource: "estimate", freshInputTokens: 3, outputTokens: 2 });
});

describe("translation to Messages", () => {
  const MESSAGE = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [
      { type: "text", text: "Let me look." },
      { type: "tool_use", id: "toolu_1", name: "get_weather", input: { city: "Paris" } },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 20, cache_read_input_tokens: 5, cache_creation_input_tokens: 7, output_tokens: 30 },
  };

  test("plain: system, tools and usage both ways", async () => {
    const { chat, calls, row } = await open({
      upstream: () => Response.json(MESSAGE, { headers: { "request-id": "req_up" } }),
    });
    const response = await chat({
      model: "claude-sonnet-4-5",
      messages: [{ role: "system", content: "Be brief." }, ...HELLO],
      tools: [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: {} } } }],
      seed: 7,
    });
    expect(response.status).toBe(200);
    expect(calls[0]?.url).toBe("http://anthropic.test/v1/messages");
    expect(calls[0]?.headers.get("x-api-key")).toBe(ANTHROPIC_KEY);
    expect(calls[0]?.headers.get("anthropic-version")).toBe("2023-06-01");
    expect(calls[0]?.body).toMatchObject({ model: "claude-sonnet-4-5", max_tokens: 32_000 });
    expect(response.headers.get("x-tokligence-dropped")).toBe("seed");
    const body = await readJson(response);
    expect(body.object).toBe("chat.completion");
    expect(body.choices[0].finish_reason).toBe("tool_calls");
    expect(body.choices[0].message.content).toBe("Let me look.");
    expect(body.choices[0].message.tool_calls).toEqual([
      { id: "toolu_1", type: "function", function: { name: "get_weather", arguments: `{"city":"Paris"}` } },
    ]);
    expect(body.usage).toMatchObject({ prompt_tokens: 32, completion_tokens: 30, total_tokens: 62 });
    expect(await row()).toMatchObject({
      provider: "anthropic",
      freshInputTokens: 20,
      cacheReadTokens: 5,
      cacheWriteTokens: 7,
      outputTokens: 30,
      costNanos: 20 * 3_000 + 5 * 300 + 7 * 3_750 + 30 * 15_000,
      dropped: ["seed"],
    });
  });

  test("an error keeps its status and message, and is told in the client's words", async () => {
    const error = {
      type: "error",
      error: { type: "rate_limit_error", message: "Slow down, please." },
      request_id: "req_9",
    };
    const { chat, row } = await open({
      upstream: () => Response.json(error, { status: 429, headers: { "retry-after": "7" } }),
    });
    const response = await chat({ model: "claude-sonnet-4-5", messages: HELLO });
    expect(response.status).toBe(429);
    expect((await readJson(response)).error).toMatchObject({
      type: "requests",
      code: "rate_limit_exceeded",
      message: "Slow down, please.",
    });
    expect(response.headers.get("retry-after")).toBe("7");
    expect(response.headers.get("x-tokligence-provider")).toBe("anthropic");
    expect(response.headers.get("x-tokligence-attempts")).toBe("1");
    expect(await row()).toMatchObject({
      status: 429,
      errorKind: "upstream_rejected",
      usageSource: "none",
      costNanos: null,
    });
  });

  test("a full context has the code that clients act on", async () => {
    const message = "prompt is too long: 5 tokens > 2 maximum";
    const error = { type: "error", error: { type: "invalid_request_error", message } };
    const { chat } = await open({ upstream: () => Response.json(error, { status: 400 }) });
    const response = await chat({ model: "claude-sonnet-4-5", messages: HELLO });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error).toMatchObject({ message, code: "context_length_exceeded" });
  });

  test.each([
    [{ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }, "overloaded", 503],
    [{}, "upstream_malformed", 502],
  ])("what comes with status 200 and is no message is an error: %j", async (body, code, status) => {
    const { chat, row } = await open({ upstream: () => Response.json(body) });
    const response = await chat({ model: "claude-sonnet-4-5", messages: HELLO });
    expect(response.status).toBe(status);
    expect((await readJson(response)).error).toMatchObject({ type: "server_error", code });
    expect(await row()).toMatchObject({ status, usageSource: "none", attempts: [{ status: 200 }] });
  });

  test("work_mode = passthrough refuses it", async () => {
    const { chat } = await open({ config: (config) => ({ ...config, workMode: "passthrough" }) });
    const response = await chat({ model: "claude-sonnet-4-5", messages: HELLO });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.code).toBe("translation_disabled");
  });
});

describe("upstream faults", () => {
  const cases: [name: string, upstream: Upstream, status: number, code: string, kind: string][] = [
    [
      "dead",
      () => Promise.reject(Object.assign(new Error("connect"), { code: "ECONNREFUSED" })),
      502,
      "upstream_unavailable",
      "upstream_unavailable",
    ],
    [
      "HTML with 200",
      () => new Response("<html>hi</html>", { headers: { "content-type": "text/html" } }),
      502,
      "upstream_malformed",
      "upstream_malformed",
    ],
    [
      "a redirect",
      () => new Response("", { status: 302, headers: { location: "http://evil.test/" } }),
      502,
      "upstream_malformed",
      "upstream_malformed",
    ],
  ];
  test.each(cases)("%s", async (_name, upstream, status, code, kind) => {
    const { chat, row } = await open({ upstream });
    for (const stream of [false, true]) {
      const response = await chat({ model: "gpt-4o", stream, messages: HELLO });
      expect(response.status).toBe(status);
      const { error } = await readJson(response);
      expect(error).toMatchObject({ type: "server_error", code });
      expect(error.request_id).toBe(response.headers.get("x-request-id"));
      if (!stream)
        expect(await row()).toMatchObject({
          status,
          errorKind: kind,
          usageSource: "none",
          costNanos: null,
          attempts: [{ errorKind: kind }],
        });
    }
  });

  test("HTML with 503 keeps the status", async () => {
    const { chat } = await open({
      upstream: () => new Response("<h1>Down</h1>", { status: 503, headers: { "content-type": "text/html" } }),
    });
    const response = await chat({ model: "gpt-4o", messages: HELLO });
    expect(response.status).toBe(503);
    expect((await readJson(response)).error.message).toContain("Down");
  });

  test("its own error comes through as it is, without the key that it quotes", async () => {
    const error = {
      error: {
        message: `Incorrect API key provided: ${OPENAI_KEY}.`,
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
        extra: 1,
      },
    };
    const { chat, log } = await open({ upstream: () => Response.json(error, { status: 401 }) });
    const response = await chat({ model: "gpt-4o", messages: HELLO });
    expect(response.status).toBe(401);
    expect(await readJson(response)).toEqual({
      error: { ...error.error, message: "Incorrect API key provided: [redacted]." },
    });
    expect(log.join("")).not.toContain(OPENAI_KEY);
  });

  test("stalls before the headers: 504 at the deadline, upstream cancelled", async () => {
    const { chat, clock, calls, row } = await open({
      upstream: ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    });
    const pending = chat({ model: "gpt-4o", messages: HELLO });
    while (calls.length === 0) await new Promise(setImmediate);
    clock.advance(59_999);
    clock.advance(1);
    const response = await pending;
    expect(response.status).toBe(504);
    expect((await readJson(response)).error).toMatchObject({
      code: "upstream_timeout",
      message: `Provider "openai" did not answer within 60 s (upstream_header_timeout).`,
    });
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(await row()).toMatchObject({ status: 504, errorKind: "timeout", latencyMs: 60_000 });
  });

  test("breaks off in the middle of a stream: an error event, and what was produced is booked", async () => {
    const { chat, row } = await open({ upstream: () => makeStream(TEXT_STREAM.slice(0, 3)) });
    const response = await chat({ model: "gpt-4o", stream: true, messages: HELLO });
    const frames = (await response.text()).trim().split("\n\n");
    expect(JSON.parse(frames.at(-1)?.slice(6) ?? "")).toMatchObject({ error: { code: "upstream_malformed" } });
    expect(frames.join("")).not.toContain("[DONE]");
    expect(await row()).toMatchObject({
      status: 200,
      errorKind: "upstream_malformed",
      usageSource: "estimate",
      freshInputTokens: 3,
      outputTokens: 2,
    });
  });

  test("an error inside a Messages stream reaches the client in its own format", async () => {
    const start = `event: message_start\ndata: ${JSON.stringify({ type: "message_start", message: { id: "m", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 11, output_tokens: 1 } } })}\n\n`;
    const text = `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"He"}}\n\n`;
    const fault = `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`;
    const { chat, row } = await open({ upstream: () => makeStream([start, text, fault]) });
    const response = await chat({ model: "claude-sonnet-4-5", stream: true, messages: HELLO });
    const last = (await response.text()).trim().split("\n\n").at(-1) ?? "";
    const requestId = response.headers.get("x-request-id");
    expect(JSON.parse(last.slice(6))).toMatchObject({
      error: { type: "server_error", code: "overloaded", message: "Overloaded", request_id: requestId },
    });
    expect(await row()).toMatchObject({
      errorKind: "upstream_rejected",
      freshInputTokens: 11,
      usageSource: "estimate",
    });
  });
});

describe("a client that leaves", () => {
  test("mid-stream: the upstream is cancelled and what was produced is booked", async () => {
    const encoder = new TextEncoder();
    let cancelled = false;
    const { chat, rows, log } = await open({
      upstream: ({ signal }) =>
        new Response(
          new ReadableStream({
            start(controller) {
              for (const piece of TEXT_STREAM.slice(0, 3)) controller.enqueue(encoder.encode(piece));
              signal.addEventListener("abort", () => {
                cancelled = true;
                controller.error(new Error("aborted"));
              });
            },
          }),
          { headers: { "content-type": "text/event-stream" } },
        ),
    });
    const controller = new AbortController();
    const response = await chat({ model: "gpt-4o", stream: true, messages: HELLO }, { signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    await reader?.cancel().catch(() => undefined);
    while ((await rows()).length === 0) await new Promise(setImmediate);
    expect(cancelled).toBe(true);
    expect((await rows())[0]).toMatchObject({
      status: 499,
      errorKind: "cancelled",
      usageSource: "estimate",
      outputTokens: 2,
      freshInputTokens: 3,
    });
    // Nobody's fault, and nothing for the log to be loud about.
    expect(log.join("")).not.toContain('"level":"error"');
  });

  test("before the server asks for the first piece: the row is written all the same", async () => {
    const controller = new AbortController();
    const { chat, rows } = await open({ upstream: () => makeStream([...TEXT_STREAM, USAGE_CHUNK, DONE]) });
    const response = await chat({ model: "gpt-4o", stream: true, messages: HELLO }, { signal: controller.signal });
    expect(response.status).toBe(200);
    controller.abort();
    while ((await rows()).length === 0) await new Promise(setImmediate);
    expect((await rows())[0]).toMatchObject({ status: 499, errorKind: "cancelled", attempts: [{ status: 200 }] });
  });

  test("before the headers: the upstream is cancelled", async () => {
    const controller = new AbortController();
    const { chat, calls, row } = await open({
      upstream: ({ signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    });
    const pending = chat({ model: "gpt-4o", messages: HELLO }, { signal: controller.signal });
    while (calls.length === 0) await new Promise(setImmediate);
    controller.abort();
    expect((await pending).status).toBe(499);
    expect(calls[0]?.signal.aborted).toBe(true);
    // The provider had the question by then.
    expect(await row()).toMatchObject({
      status: 499,
      errorKind: "cancelled",
      usageSource: "estimate",
      freshInputTokens: 3,
      outputTokens: 0,
    });
  });
});

describe("the books cannot be written", () => {
  test("no answer is released, and the next request is refused before the upstream is called", async () => {
    const { chat, calls } = await open({
      upstream: () => Response.json(COMPLETION),
      append: () => {
        throw new Error("database or disk is full");
      },
    });
    const first = await chat({ model: "gpt-4o", messages: HELLO });
    expect(first.status).toBe(503);
    expect((await readJson(first)).error.code).toBe("ledger_unavailable");
    const second = await chat({ model: "gpt-4o", messages: HELLO });
    expect(second.status).toBe(503);
    expect(calls.length).toBe(1);
  });

  test("a stream keeps back its last event and says why", async () => {
    const { chat } = await open({
      upstream: () => makeStream([...TEXT_STREAM, USAGE_CHUNK, DONE]),
      append: () => {
        throw new Error("database or disk is full");
      },
    });
    const text = await (await chat({ model: "gpt-4o", stream: true, messages: HELLO })).text();
    expect(text).not.toContain("[DONE]");
    expect(text).toContain("ledger_unavailable");
  });
});

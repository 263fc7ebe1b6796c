// Clients of Responses through the whole gateway: forwarded to a provider that speaks it, translated to any other, and booked.

import { afterEach, describe, expect, test } from "bun:test";
import { OPENAI_KEY, type Rig, type Upstream, makeRig, makeStream, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(upstream: Upstream): Promise<Rig> {
  rig = await makeRig({ upstream });
  return rig;
}

const ASK = { model: "gpt-5", input: "Hello" };
const HEAD = { id: "resp_1", object: "response", created_at: 1, model: "gpt-5-2025-08-07", error: null };
const USAGE = { input_tokens: 10, input_tokens_details: { cached_tokens: 4 }, output_tokens: 5, total_tokens: 15 };
const ITEM = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", annotations: [], text: "Hi" }],
};
const BOOKED = { modelServed: "gpt-5-2025-08-07", freshInputTokens: 6, cacheReadTokens: 4, outputTokens: 5 };

function frame(event: { type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
const CREATED = frame({ type: "response.created", response: { ...HEAD, status: "in_progress", output: [] } });
const DELTA = frame({
  type: "response.output_text.delta",
  output_index: 0,
  content_index: 0,
  item_id: "m",
  delta: "Hi",
});

function ended(status: string, over: object = {}): string {
  return frame({ type: `response.${status}`, response: { ...HEAD, status, output: [], usage: USAGE, ...over } });
}

/** The comment in which the gateway tells the cost. */
function withoutCost(text: string): string {
  return text.replaceAll(/^: .*\n\n/gm, "");
}

describe("forwarded", () => {
  test("the request keeps its bytes, the answer too, and the row has usage and model", async () => {
    const answer = JSON.stringify({ ...HEAD, status: "completed", output: [ITEM], usage: USAGE, unheard_of: 1 });
    const gateway = await open(() => new Response(answer, { headers: { "content-type": "application/json" } }));
    const raw = `{ "model":"gpt-5",  "input":[{"type":"item_of_tomorrow","id":"x"}], "client_metadata":{"a":1} }`;
    const response = await gateway.send("/v1/responses", { body: raw });
    expect(await response.text()).toBe(answer);
    expect(gateway.calls.map(({ url, text }) => [url, text])).toEqual([["http://openai.test/v1/responses", raw]]);
    expect(await gateway.row()).toMatchObject({
      endpoint: "responses",
      status: 200,
      usageSource: "provider",
      ...BOOKED,
    });
  });

  test.each([
    ["completed", ended("completed"), { errorKind: null, usageSource: "provider" }],
    [
      "incomplete",
      ended("incomplete", { incomplete_details: { reason: "max_output_tokens" } }),
      { errorKind: null, usageSource: "provider" },
    ],
    [
      "failed",
      ended("failed", { error: { code: "server_error", message: "No." } }),
      { errorKind: "upstream_rejected", usageSource: "provider" },
    ],
  ])("a stream that ends %s is handed on as it came, and booked", async (_, last, end) => {
    const gateway = await open(() => makeStream([CREATED, DELTA, last]));
    const text = await (await gateway.send("/v1/responses", { body: { ...ASK, stream: true } })).text();
    expect(withoutCost(text)).toBe(CREATED + DELTA + last);
    expect(await gateway.row()).toMatchObject({ status: 200, ...end, ...BOOKED });
  });

  test("an error event does not hide the failed response behind it", async () => {
    const told = { code: "insufficient_quota", message: "Pay." };
    const error = frame({ type: "error", error: { type: "insufficient_quota", ...told } });
    const failed = ended("failed", { error: told, usage: null });
    const gateway = await open(() => makeStream([CREATED, DELTA, error, failed]));
    const text = await (await gateway.send("/v1/responses", { body: { ...ASK, stream: true } })).text();
    expect(withoutCost(text)).toBe(CREATED + DELTA + error + failed);
  });

  test("a stream that breaks off ends in this format's words", async () => {
    const gateway = await open(() => makeStream([CREATED, DELTA]));
    const text = await (await gateway.send("/v1/responses", { body: { ...ASK, stream: true } })).text();
    expect(text).toStartWith(CREATED + DELTA);
    expect(text).toContain("event: error\n");
    expect(text).toMatch(/event: response\.failed\ndata: [^\n]*"code":"upstream_malformed"[^\n]*\n\n$/);
  });

  test("a stream that breaks off behind its own error goes on from it: no second error, the answer's own id, the next number", async () => {
    const created = frame({ type: "response.created", sequence_number: 0, response: { ...HEAD, output: [] } });
    const said = { code: "server_error", message: `Overloaded: Bearer ${OPENAI_KEY}` };
    const error = frame({ type: "error", sequence_number: 1, ...said });
    const gateway = await open(() => makeStream([created, DELTA, error]));
    const text = await (await gateway.send("/v1/responses", { body: { ...ASK, stream: true } })).text();
    expect(text).not.toContain(OPENAI_KEY);
    const events = text.match(/^event: .*/gm) ?? [];
    expect(events[0]).toBe("event: response.created");
    expect(events.slice(2)).toEqual(["event: error", "event: response.failed"]);
    expect(JSON.parse(text.slice(text.lastIndexOf("data: ") + 6))).toMatchObject({
      sequence_number: 2,
      response: { id: HEAD.id, model: HEAD.model, status: "failed", error: { code: "server_error" } },
    });
  });

  test("a refusal keeps its status and its words", async () => {
    const error = {
      message: "Too long.",
      type: "invalid_request_error",
      param: "input",
      code: "context_length_exceeded",
    };
    const gateway = await open(() => Response.json({ error }, { status: 400 }));
    const response = await gateway.send("/v1/responses", { body: ASK });
    expect([response.status, await readJson(response)]).toEqual([400, { error }]);
  });
});

describe("translated", () => {
  const CLAUDE = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [
      { type: "thinking", thinking: "Hm.", signature: "c2ln" },
      { type: "tool_use", id: "toolu_1", name: "mcp__docs__search", input: { q: "x" } },
    ],
    stop_reason: "tool_use",
    usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 5 },
  };
  const TOOLS = [
    {
      type: "namespace",
      name: "mcp__docs",
      description: "Documents.",
      tools: [{ type: "function", name: "search", parameters: { type: "object" } }],
    },
    { type: "web_search" },
  ];

  test("a loop of tools: the signature and the namespace are back where they belong", async () => {
    const gateway = await open(() => Response.json(CLAUDE));
    const ask = { model: "claude-sonnet-4-5", tools: TOOLS, input: [{ role: "user", content: "Find x." }] as object[] };
    const first = await gateway.send("/v1/responses", { body: ask });
    expect(first.headers.get("x-tokligence-dropped")).toBe("tools[1]");
    const { output, status } = await readJson(first);
    expect(status).toBe("completed");
    expect(output).toMatchObject([
      { type: "reasoning", summary: [{ text: "Hm." }] },
      { type: "function_call", call_id: "toolu_1", namespace: "mcp__docs", name: "search", arguments: '{"q":"x"}' },
    ]);
    const result = { type: "function_call_output", call_id: "toolu_1", output: "found" };
    await gateway.send("/v1/responses", { body: { ...ask, input: [...ask.input, ...output, result] } });
    expect(gateway.calls[1]?.body).toMatchObject({
      messages: [
        { role: "user" },
        { role: "assistant", content: CLAUDE.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1" }] },
      ],
      tools: [{ name: "mcp__docs__search", description: "Documents." }],
    });
  });

  test("to the built-in model, whole and streamed", async () => {
    const gateway = await open(() => Response.json({}));
    const whole = await readJson(await gateway.send("/v1/responses", { body: { ...ASK, model: "loopback" } }));
    expect(whole).toMatchObject({
      object: "response",
      status: "completed",
      output: [{ content: [{ text: "[loopback] Hello" }] }],
    });
    const response = await gateway.send("/v1/responses", { body: { ...ASK, model: "loopback", stream: true } });
    expect(await response.text()).toContain("event: response.completed\n");
  });

  test("a stream that stalls in our hands ends with the failed response of the same id", async () => {
    const piece = `event: message_start\ndata: ${JSON.stringify({ type: "message_start", message: { ...CLAUDE, content: [] } })}\n\n`;
    const said = `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"He"}}\n\n`;
    const gateway = await open(() => makeStream([piece, said, "data: {not json}\n\n"]));
    const body = { ...ASK, model: "claude-sonnet-4-5", stream: true };
    const text = await (await gateway.send("/v1/responses", { body })).text();
    const last = text.trimEnd().split("\n").at(-1)?.slice("data: ".length) ?? "{}";
    expect(JSON.parse(last)).toMatchObject({
      type: "response.failed",
      sequence_number: (text.match(/^event: /gm)?.length ?? 0) - 1,
      response: {
        id: /"id":"(resp_[^"]+)"/.exec(text)?.[1] ?? "none",
        status: "failed",
        error: { code: "upstream_malformed" },
      },
    });
  });
});

describe("a model that speaks nothing else", () => {
  const answer = { ...HEAD, status: "completed", output: [ITEM], usage: USAGE };

  test.each([
    [
      "/v1/chat/completions",
      { messages: [{ role: "user", content: "Hello" }] },
      { choices: [{ message: { content: "Hi" } }] },
    ],
    ["/v1/messages", { max_tokens: 99, messages: [{ role: "user", content: "Hello" }] }, { content: [{ text: "Hi" }] }],
  ])("is asked in it by clients of %s", async (path, body, expected) => {
    const gateway = await open(() => Response.json(answer));
    const response = await gateway.send(path, { body: { model: "gpt-5-codex", ...body } });
    expect(await readJson(response)).toMatchObject(expected);
    expect(gateway.calls[0]?.url).toBe("http://openai.test/v1/responses");
    expect(gateway.calls[0]?.body).toMatchObject({
      model: "gpt-5-codex",
      input: [{ role: "user", content: "Hello" }],
      store: false,
    });
  });

  test("while another is asked as its clients are used to", async () => {
    const gateway = await open(() =>
      Response.json({ choices: [{ message: { content: "Hi" }, finish_reason: "stop" }] }),
    );
    const body = { model: "gpt-5", max_tokens: 99, messages: [{ role: "user", content: "Hello" }] };
    expect((await gateway.send("/v1/messages", { body })).status).toBe(200);
    expect(gateway.calls[0]?.url).toBe("http://openai.test/v1/chat/completions");
  });
});

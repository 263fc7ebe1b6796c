// Messages through the whole gateway: what Anthropic's clients send beyond the format's common core, forwarded to those who know it, and
// answered in the words that the clients act on where a model of another format is asked.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5",
  content: [{ type: "text", text: "Hi!" }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 3 },
};
const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_750_000_000,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi!", refusal: null }, finish_reason: "stop" }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
};

/** A request with everything that is no common ground. */
const NEWER = {
  max_tokens: 9,
  system: [{ type: "text", text: "Rules.", cache_control: { type: "ephemeral", ttl: "1h" } }],
  messages: [
    { role: "user", content: "Hello" },
    { role: "system", content: "It is noon.", output_config: { effort: "low" } },
  ],
  tools: [{ name: "look", input_schema: { type: "object" }, defer_loading: true, eager_input_streaming: true }],
  context_management: { edits: [{ type: "clear_thinking_20251015" }] },
  safeguards: { level: "high" },
};

describe("what only Anthropic knows", () => {
  test("reaches it untouched", async () => {
    const { send, calls } = await open({ upstream: () => Response.json(MESSAGE) });
    const body = { model: "claude-sonnet-4-5", ...NEWER, thread: { type: "create" } };
    const response = await send("/v1/messages?beta=true", { body });
    expect(response.status).toBe(200);
    expect(await readJson(response)).toEqual(MESSAGE);
    expect(response.headers.get("x-tokligence-dropped")).toBeNull();
    expect(calls[0]?.body).toEqual(body);
    expect(calls[0]?.url).toEndWith("/v1/messages?beta=true");
  });

  test.each([
    ["claude-sonnet-4-5", "/v1/messages", "?beta=true&key=secret&x=1", "/v1/messages?beta=true"],
    ["claude-sonnet-4-5", "/v1/messages", "", "/v1/messages"],
    ["claude-sonnet-4-5", "/v1/messages/count_tokens", "?beta=true", "/v1/messages/count_tokens?beta=true"],
    ["gpt-4o", "/v1/messages", "?beta=true", "/chat/completions"],
  ])(
    "with what its own clients say behind the address, and nothing else of it: %s %s%s",
    async (model, path, query, end) => {
      const { send, calls } = await open({
        upstream: ({ url }) => Response.json(url.includes("count_tokens") ? { input_tokens: 3 } : MESSAGE),
      });
      const body = { model, messages: [{ role: "user", content: "Hi" }], max_tokens: 9 };
      await (await send(path + query, { body })).text();
      expect(calls[0]?.url).toEndWith(end);
    },
  );

  test("and by which the same request is another one, where answers are kept or calls are named", async () => {
    const { send, calls } = await open({
      upstream: () => Response.json(MESSAGE),
      config: (config) => ({ ...config, cache: { ...config.cache, store: "memory" } }),
    });
    const body = { model: "claude-sonnet-4-5", messages: [{ role: "user", content: "Hi" }], max_tokens: 9 };
    const words = [];
    for (const path of ["/v1/messages", "/v1/messages?beta=true", "/v1/messages", "/v1/messages?beta=true"]) {
      const response = await send(path, { body });
      words.push(response.headers.get("x-tokligence-cache"));
      await response.text();
    }
    expect(words).toEqual(["miss", "miss", "hit", "hit"]);
    expect(calls).toHaveLength(2);
    const headers = { "idempotency-key": "one" };
    expect((await send("/v1/messages", { body, headers })).status).toBe(200);
    expect((await send("/v1/messages?beta=true", { body, headers })).status).toBe(409);
  });

  test("is named where another model is asked, which answers all the same", async () => {
    const { send, calls, row } = await open({ upstream: () => Response.json(COMPLETION) });
    const response = await send("/v1/messages", { body: { model: "gpt-4o", ...NEWER } });
    expect(response.status).toBe(200);
    const wanted = [
      "cache_control",
      "context_management",
      "defer_loading",
      "eager_input_streaming",
      "safeguards",
      "thinking",
    ];
    expect(response.headers.get("x-tokligence-dropped")?.split(", ").sort()).toEqual(wanted);
    expect((await row()).dropped?.sort()).toEqual(wanted);
    expect(calls[0]?.body).toMatchObject({
      messages: [
        { role: "system", content: "Rules." },
        { role: "user", content: "Hello" },
        { role: "system", content: "It is noon." },
      ],
    });
  });

  test("a thread is refused in the words that make the client send everything, and counted without it", async () => {
    const { send, calls } = await open();
    const body = {
      model: "gpt-4o",
      max_tokens: 9,
      messages: [{ role: "user", content: "Hello" }],
      thread: { type: "create" },
    };
    const response = await send("/v1/messages", { body });
    expect(response.status).toBe(400);
    expect(await readJson(response)).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error", details: { error_code: "thread_unsupported_request" } },
    });
    const { max_tokens: _limit, ...counted } = body;
    const count = await send("/v1/messages/count_tokens", { body: counted });
    expect(await readJson(count)).toEqual({ input_tokens: expect.any(Number) });
    expect(calls).toEqual([]);
  });

  test("several answers are not one", async () => {
    const { chat } = await open();
    const response = await chat({ model: "claude-sonnet-4-5", n: 2, messages: [{ role: "user", content: "Hello" }] });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error).toMatchObject({ param: "n" });
  });

  test("a full context of another provider is told in the words on which the client compacts", async () => {
    const message =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens.";
    const error = {
      error: { message, type: "invalid_request_error", param: "messages", code: "context_length_exceeded" },
    };
    const { send } = await open({ upstream: () => Response.json(error, { status: 400 }) });
    const body = { model: "gpt-4o", max_tokens: 9, messages: [{ role: "user", content: "Hello" }] };
    const response = await send("/v1/messages", { body });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error).toMatchObject({
      type: "invalid_request_error",
      message: "prompt is too long: 150000 tokens > 128000 maximum",
    });
  });
});

// Recorded provider traffic through the compiled binary, with the vendors' own SDKs at both ends: what they read through the gateway is
// what they read from the provider.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { type Interaction, listRecordings, readRecording } from "../fixture.ts";
import { type Served, expectOk, issueKey, serve } from "./binary.ts";
import { type Upstream, startUpstream } from "./upstream.ts";

let gateway: Served;
let upstream: Upstream;
let token = "";
/** What the provider answers next. */
let current: Interaction["response"] | null = null;

beforeAll(async () => {
  upstream = startUpstream(() => {
    if (current === null) throw new Error("no recording chosen");
    const type = current.body.trimStart().startsWith("{") ? "application/json" : "text/event-stream";
    return new Response(current.body, { status: current.status, headers: { "content-type": type } });
  });
  gateway = await serve({
    env: {
      OPENAI_API_KEY: "sk-test-openai-key",
      OPENAI_BASE_URL: `${upstream.url}/v1`,
      ANTHROPIC_API_KEY: "sk-ant-test-key",
      ANTHROPIC_BASE_URL: upstream.url,
    },
  });
  token = (await issueKey(gateway)).token;
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

function listFiles(provider: string, surface: string): string[] {
  return listRecordings({ surface }).flatMap((row) => (row.provider === provider ? [row.file] : []));
}

/** One that the vendor's SDK does not call deprecated. */
const MODEL = "claude-sonnet-5-5";

interface Answer {
  text: string;
  tools: { name: string; input: unknown }[];
  finish: string | null;
  input: number;
  output: number;
}

function openai(baseURL: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL, apiKey, maxRetries: 0 });
}

async function askOpenai(client: OpenAI, model: string, stream: boolean): Promise<OpenAI.ChatCompletion> {
  const body = { model, messages: [{ role: "user" as const, content: "Hello" }] };
  if (!stream) return client.chat.completions.create(body);
  return client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion();
}

const chats = listFiles("openai", "chat");

describe("the openai SDK on recorded OpenAI traffic", () => {
  test("there are recordings", () => expect(chats.length).toBeGreaterThan(8));
  for (const path of chats) {
    for (const [index, { response }] of readRecording(path).entries()) {
      test(`${path} #${index}`, async () => {
        current = response;
        const stream = !response.body.trimStart().startsWith("{");
        const direct = openai(`${upstream.url}/v1`, "sk-test-openai-key");
        const ours = openai(`${gateway.url}/v1`, token);
        const settle = (asked: Promise<unknown>) =>
          asked.then(
            (value) => ({ value: JSON.parse(JSON.stringify(value)) }),
            (error: unknown) => ({
              error:
                error instanceof OpenAI.APIError
                  ? {
                      status: error.status,
                      type: error.type,
                      code: error.code,
                      param: error.param,
                      message: error.message,
                    }
                  : String(error),
            }),
          );
        const expected = await settle(askOpenai(direct, "gpt-4o", stream));
        const actual = await settle(askOpenai(ours, "gpt-4o", stream));
        expect(actual).toEqual(expected);
      });
    }
  }
});

describe("the openai SDK on recorded embeddings", () => {
  for (const path of listFiles("openai", "embeddings")) {
    for (const [index, { response, request }] of readRecording(path).entries()) {
      test(`${path} #${index}`, async () => {
        current = response;
        const body = (request?.body ?? {
          model: "text-embedding-3-small",
          input: "x",
        }) as unknown as OpenAI.EmbeddingCreateParams;
        const read = async (client: OpenAI) =>
          JSON.parse(JSON.stringify(await client.embeddings.create({ ...body, model: "text-embedding-3-small" })));
        expect(await read(openai(`${gateway.url}/v1`, token))).toEqual(
          await read(openai(`${upstream.url}/v1`, "sk-x")),
        );
      });
    }
  }
});

function readCompletion(completion: OpenAI.ChatCompletion): Answer {
  const [choice] = completion.choices;
  const calls = (choice?.message.tool_calls ?? []).flatMap((call) =>
    call.type === "function"
      ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }]
      : [],
  );
  return {
    text: choice?.message.content ?? "",
    tools: calls,
    finish: choice?.finish_reason ?? null,
    input: completion.usage?.prompt_tokens ?? -1,
    output: completion.usage?.completion_tokens ?? -1,
  };
}

const FINISH: Record<string, string> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
  pause_turn: "stop",
};

function readMessage(message: Anthropic.Message): Answer {
  const { usage } = message;
  return {
    text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    tools: message.content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, input: block.input as unknown }] : [],
    ),
    finish: FINISH[message.stop_reason ?? ""] ?? null,
    input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
    output: usage.output_tokens,
  };
}

describe("an OpenAI client on recorded Anthropic traffic", () => {
  const paths = listFiles("anthropic", "anthropic");
  test("there are recordings", () => expect(paths.length).toBeGreaterThan(20));
  for (const path of paths) {
    for (const [index, { response }] of readRecording(path).entries()) {
      test(`${path} #${index}`, async () => {
        current = response;
        const stream = !response.body.trimStart().startsWith("{");
        const client = openai(`${gateway.url}/v1`, token);
        if (response.status >= 400) {
          const { error } = JSON.parse(response.body);
          await expect(askOpenai(client, MODEL, false)).rejects.toMatchObject({
            status: response.status,
            type: "invalid_request_error",
            message: expect.stringContaining(error.message),
          });
          return;
        }
        const direct = new Anthropic({ baseURL: upstream.url, apiKey: "sk-ant-x", maxRetries: 0 });
        const body = {
          model: MODEL,
          max_tokens: 1_000,
          messages: [{ role: "user" as const, content: "Hello" }],
        };
        const expected = readMessage(
          await (stream ? direct.messages.stream(body).finalMessage() : direct.messages.create(body)),
        );
        const actual = readCompletion(await askOpenai(client, MODEL, stream));
        expect(actual).toEqual(expected);
      });
    }
  }
});

test("every one of these requests is in the books, and no key is in the log", async () => {
  const summary = JSON.parse(await expectOk(gateway.run(["usage", "summary", "--json"])));
  const sum = summary.summary ?? summary;
  // Half of the OpenAI and Anthropic calls above went to the provider directly.
  const direct = upstream.calls.filter((call) => call.headers.get("user-agent")?.includes("/JS") === true).length;
  expect(sum.requests).toBe(upstream.calls.length - direct);
  for (const secret of ["sk-test-openai-key", "sk-ant-test-key", token]) expect(gateway.log()).not.toContain(secret);
});

// Recorded answers of one vendor, translated for the clients of another and read by that vendor's own SDK: what its user sees is what was
// recorded. Whole answers and streams, in both directions.

import { describe, expect, test } from "bun:test";
import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import type { ClientContext } from "../../src/wire/type.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { decodeStream, encodeStream } from "./replay.ts";
import { readCompletion, readCompletionChunks, readCompletionStream, readMessage, readMessageStream } from "./sdk.ts";

const CLIENT: ClientContext = {
  request: {
    model: "any",
    messages: [],
    tools: [],
    stream: true,
    extra: { "openai-chat": { stream_options: { include_usage: true } } },
  },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

interface Seen {
  text: string;
  calls: { id: string; name: string; input: unknown }[];
  finish: string | null;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
}

const FINISHES: Record<string, string> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "content_filter",
};

function seeMessage({ content, stop_reason: reason, usage }: Anthropic.Message): Seen {
  const cached = usage.cache_read_input_tokens ?? 0;
  return {
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
    ),
    finish: reason === null ? null : (FINISHES[reason] ?? null),
    inputTokens: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
    cachedTokens: cached,
    outputTokens: usage.output_tokens,
  };
}

function seeCompletion({ choices: [choice], usage }: OpenAI.ChatCompletion): Seen {
  return {
    text: choice?.message.content ?? "",
    calls: (choice?.message.tool_calls ?? []).flatMap((call) =>
      call.type === "function"
        ? [{ id: call.id, name: call.function.name, input: parse(call.function.arguments) }]
        : [],
    ),
    finish: choice?.finish_reason ?? null,
    inputTokens: usage?.prompt_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage?.completion_tokens ?? 0,
  };
}

/** A call without arguments may have the text "", and Messages says `{}`. */
function parse(text: string): unknown {
  return text === "" ? {} : JSON.parse(text);
}

function answers(filter: { surface: string; provider: string }): { name: string; body: string; isStream: boolean }[] {
  return listRecordings({ surface: filter.surface })
    .filter(({ provider }) => provider === filter.provider)
    .flatMap(({ file }) =>
      readRecording(file).flatMap(({ response }, index) =>
        response.status === 200
          ? [
              {
                name: `${file} ${index + 1}`,
                body: firstMessage(response.body),
                isStream: /^(?:event|data):/m.test(response.body),
              },
            ]
          : [],
      ),
    );
}

/** One recording holds two streams; an answer ends with its first `message_stop`. */
function firstMessage(body: string): string {
  const stop = body.indexOf("event: message_stop");
  return stop === -1 ? body : `${body.slice(0, body.indexOf("\n\n", stop))}\n\n`;
}

const FROM_ANTHROPIC = answers({ surface: "anthropic", provider: "anthropic" });
const FROM_OPENAI = answers({ surface: "chat", provider: "openai" });

test("there is something to translate", () => {
  expect(FROM_ANTHROPIC.filter(({ isStream }) => isStream).length).toBeGreaterThan(14);
  expect(FROM_ANTHROPIC.filter(({ isStream }) => !isStream).length).toBeGreaterThan(14);
  expect(FROM_OPENAI.filter(({ isStream }) => isStream).length).toBeGreaterThan(4);
  expect(FROM_OPENAI.filter(({ isStream }) => !isStream).length).toBeGreaterThan(4);
});

describe("an OpenAI client of Anthropic", () => {
  const toStream = (body: string): string => encodeStream(openaiChat, decodeStream(anthropicMessages, [body]), CLIENT);

  test.each(FROM_ANTHROPIC.filter(({ isStream }) => isStream))("$name", async ({ body }) => {
    const expected = seeMessage(await readMessageStream(body));
    expect(seeCompletion(await readCompletionStream(toStream(body)))).toEqual(expected);
  });

  test.each(FROM_ANTHROPIC.filter(({ isStream }) => !isStream))("$name", async ({ body }) => {
    const translated = openaiChat.response.encode(anthropicMessages.response.decode(JSON.parse(body)), CLIENT);
    const expected = seeMessage(await readMessage(body));
    expect(seeCompletion(await readCompletion(JSON.stringify(translated)))).toEqual(expected);
  });

  test.each(FROM_ANTHROPIC.filter(({ isStream }) => isStream))(
    "$name: calls are counted from 0, opened once, and usage is the last chunk",
    async ({ body }) => {
      const chunks = await readCompletionChunks(toStream(body));
      const deltas = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []));
      const opened = deltas.filter(({ id }) => id !== undefined).map(({ index }) => index);
      const indexes = [...new Set(deltas.map(({ index }) => index))];
      expect(opened).toEqual(indexes);
      expect(indexes).toEqual(indexes.map((_, position) => position));
      expect(chunks.at(-1)?.choices).toEqual([]);
      expect(chunks.slice(0, -1).every(({ choices }) => choices.length === 1)).toBe(true);
    },
  );
});

describe("an Anthropic client of OpenAI", () => {
  test.each(FROM_OPENAI.filter(({ isStream }) => isStream))("$name", async ({ body }) => {
    const translated = encodeStream(anthropicMessages, decodeStream(openaiChat, [body]), CLIENT);
    const expected = seeCompletion(await readCompletionStream(body));
    expect(seeMessage(await readMessageStream(translated))).toEqual(expected);
  });

  test.each(FROM_OPENAI.filter(({ isStream }) => !isStream))("$name", async ({ body }) => {
    const translated = anthropicMessages.response.encode(openaiChat.response.decode(JSON.parse(body)), CLIENT);
    const expected = seeCompletion(await readCompletion(body));
    expect(seeMessage(await readMessage(JSON.stringify(translated)))).toEqual(expected);
  });
});

// One provider that speaks Chat alone, asked in every dialect: for tests of answers that are given again.

import type { Config } from "../../src/config/value.ts";
import { type Rig, type UpstreamCall, makeRig, makeStream } from "../rig.ts";
import { completion } from "./failover-scene.ts";

const HELLO = "Hello there";

interface Surface {
  path: string;
  body: object;
  /** How it is asked for a stream. */
  stream: { path?: string; body?: object } | null;
}

/** By its dialect; each asks the same of a model that this is the name of. */
export function listSurfaces(model = "local/m"): Readonly<Record<string, Surface>> {
  const messages = [{ role: "user", content: HELLO }];
  const contents = [{ role: "user", parts: [{ text: HELLO }] }];
  const gemini = `/v1beta/models/${model}`;
  return {
    chat: {
      path: "/v1/chat/completions",
      body: { model, messages },
      stream: { body: { stream: true, stream_options: { include_usage: true } } },
    },
    embeddings: { path: "/v1/embeddings", body: { model, input: HELLO }, stream: null },
    gemini: {
      path: `${gemini}:generateContent`,
      body: { contents },
      stream: { path: `${gemini}:streamGenerateContent?alt=sse` },
    },
    "gemini as an array": {
      path: `${gemini}:generateContent`,
      body: { contents },
      stream: { path: `${gemini}:streamGenerateContent` },
    },
    messages: { path: "/v1/messages", body: { model, messages, max_tokens: 10 }, stream: { body: { stream: true } } },
    responses: {
      path: "/v1/responses",
      body: { model, input: HELLO, store: false },
      stream: { body: { stream: true } },
    },
  };
}

/** Each surface, whole and streamed. */
export const ASKS = Object.entries(listSurfaces()).flatMap(([name, { path, body, stream }]) => [
  { name, path, body, stream: false },
  ...(stream === null
    ? []
    : [
        {
          name: `${name}, streamed`,
          path: stream.path ?? path,
          body: { ...body, ...stream.body },
          stream: true,
        },
      ]),
]);

function chunk(more: object): string {
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "m-1", ...more })}\n\n`;
}

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };

export function streamPieces(text: string): string[] {
  return [
    chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] }),
    ...[text.slice(0, 4), text.slice(4)].map((content) =>
      chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
    ),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chunk({ choices: [], usage: USAGE }),
    "data: [DONE]\n\n",
  ];
}

/** Whatever is asked, in the form in which it is asked. */
export function answerAny({ url, body }: UpstreamCall, text: string): Response {
  const asked = body as { stream?: boolean };
  if (url.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [text.length, 0.5] }];
    return Response.json({ object: "list", model: "m-1", data, usage: { prompt_tokens: 9, total_tokens: 9 } });
  }
  return asked.stream === true ? makeStream(streamPieces(text)) : Response.json(completion(text));
}

/** Answers the number of the call, so that no two answers are alike. */
export function openCounting(
  over: Partial<Config["cache"]> = {},
  more: (config: Config) => Config = (config) => config,
): Promise<Rig> {
  let calls = 0;
  return makeRig({
    upstream: (call) => answerAny(call, `answer number ${++calls}`),
    config: (config) => more({ ...config, cache: { ...config.cache, store: "memory", ...over } }),
  });
}

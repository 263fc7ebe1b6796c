// Two providers of which the first may fail, and what they say: for tests of trying again and elsewhere.

import { type Rig, type Upstream, makeRig } from "../rig.ts";

const HELLO = [{ role: "user", content: "Hello there" }];
export const ASK = { model: "gpt-4o", messages: HELLO };

export function completion(text: string): object {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-2024-08-06",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
  };
}

export function chunk(choice: object): string {
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, finish_reason: null, ...choice }] })}\n\n`;
}

export const START = chunk({ delta: { role: "assistant", content: "" } });
const END = [
  chunk({ delta: {}, finish_reason: "stop" }),
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [], usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } })}\n\n`,
  "data: [DONE]\n\n",
];
export const GOOD_STREAM = [START, chunk({ delta: { content: "from the second" } }), ...END];

/** Pieces, and then the connection breaks. */
export function broken(pieces: readonly string[]): Response {
  const encoder = new TextEncoder();
  const queue = [...pieces];
  const body = new ReadableStream({
    pull(controller) {
      const next = queue.shift();
      if (next === undefined) controller.error(new Error("reset"));
      else controller.enqueue(encoder.encode(next));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

export const refusal = (status: number, headers: Record<string, string> = {}): Response =>
  Response.json(
    { error: { message: `no ${status}`, type: "server_error", param: null, code: null } },
    { status, headers },
  );

interface Fleet {
  /** Asked behind `openai`, in this order. */
  others?: { provider: string; model: string | null }[];
  /** How often a waiting client is sent a comment. */
  keepAliveMs?: number;
}

/** `openai` first; the caller closes it. */
export function openFleet(upstream: Upstream, { others = [], keepAliveMs = 0 }: Fleet = {}): Promise<Rig> {
  return makeRig({
    upstream,
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 3 },
      timeouts: { ...config.timeouts, keepAliveMs },
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...others], origin: "test" }],
    }),
  });
}

export const SECOND = [{ provider: "local", model: "second" }];
export const isFirst = (url: string): boolean => url.startsWith("http://openai.test");

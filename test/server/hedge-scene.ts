// Two providers on a stage: each call waits for its cue, says what the test has it say, and knows when it was hung up on. Knows no assertion.

import type { Rig, UpstreamCall } from "../rig.ts";
import { makeClock } from "../clock.ts";
import { hostOf, openRouted, say, sayMessage } from "./route-scene.ts";

/** One call to one provider. */
export interface Actor {
  host: string;
  path: string;
  call: UpstreamCall;
  /** Whether the gateway has hung up. */
  isCut: () => boolean;
  /** A whole answer, or the beginning of a stream. */
  answer(response: Response): void;
  /** A stream's headers and what only begins it. */
  begin(): void;
  /** The first word of a stream. */
  speak(text: string): void;
  finish(): void;
  /** The connection breaks. */
  reset(): void;
}

export interface Stage {
  rig: Rig;
  clock: ReturnType<typeof makeClock>;
  actors: Actor[];
  /** Resolves once so many calls have come in. */
  called(count: number): Promise<Actor>;
}

interface StageInit {
  routes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  maxAttempts?: number;
  /** Calls that a provider may have under way; missing: as many as there are. */
  atOnce?: number;
  /** A provider that does not notice that it was hung up on. */
  isDeaf?: boolean;
}

export const HEDGED = { smart: { targets: "openai/gpt-4o, anthropic/claude-sonnet-4-5", hedge: "400ms" } };

export async function openStage(init: StageInit = {}): Promise<Stage> {
  const { routes = HEDGED, maxAttempts = 2, atOnce = 0, isDeaf = false } = init;
  const clock = makeClock();
  const actors: Actor[] = [];
  const waiting = new Map<number, PromiseWithResolvers<Actor>>();
  const expectCall = (count: number): PromiseWithResolvers<Actor> => {
    const found = waiting.get(count) ?? Promise.withResolvers<Actor>();
    waiting.set(count, found);
    return found;
  };
  const upstream = (call: UpstreamCall): Response | Promise<Response> => {
    // Its list of models.
    if (call.method === "GET") return Response.json({ object: "list", data: [] });
    const { actor, response } = makeActor(call, isDeaf);
    actors.push(actor);
    expectCall(actors.length).resolve(actor);
    return response;
  };
  const rig = await openRouted({ upstream, routes, maxAttempts, atOnce, clock });
  return { rig, clock, actors, called: (count) => expectCall(count).promise };
}

function makeActor(call: UpstreamCall, isDeaf: boolean): { actor: Actor; response: Promise<Response> } {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const host = hostOf(call.url);
  const path = new URL(call.url).pathname;
  let writer: ReadableStreamDefaultController<Uint8Array> | null = null;
  const encoder = new TextEncoder();
  const write = (text: string): void => writer?.enqueue(encoder.encode(text));
  const breakOff = (reason: unknown): void => {
    reject(reason);
    writer?.error(reason);
    writer = null;
  };
  if (!isDeaf) call.signal.addEventListener("abort", () => breakOff(new DOMException("aborted", "AbortError")));
  const isMessages = path.endsWith("/messages");
  const actor: Actor = {
    host,
    path,
    call,
    isCut: () => call.signal.aborted,
    answer: resolve,
    begin() {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          writer = controller;
        },
      });
      resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
      write(isMessages ? MESSAGES.start : CHAT.start);
    },
    speak: (text) => write(isMessages ? MESSAGES.say(text) : CHAT.say(text)),
    finish() {
      write(isMessages ? MESSAGES.end : CHAT.end);
      writer?.close();
      writer = null;
    },
    reset: () => breakOff(new Error("reset")),
  };
  return { actor, response: promise };
}

/** What a provider says at once, in its own format. */
export function sayAs({ path, host }: Pick<Actor, "host" | "path">): Response {
  if (path.endsWith("/messages")) return sayMessage(host);
  if (path.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.1, 0.2] }];
    return Response.json({ object: "list", model: "m", data, usage: { prompt_tokens: 10, total_tokens: 10 } });
  }
  if (path.endsWith("/responses")) {
    const content = [{ type: "output_text", text: host, annotations: [] }];
    return Response.json({
      id: "resp_1",
      object: "response",
      created_at: 1,
      status: "completed",
      model: "m",
      output: [{ type: "message", id: "msg_1", status: "completed", role: "assistant", content }],
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    });
  }
  return say(host);
}

const chunk = (choices: object[], more: object = {}): string =>
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices, ...more })}\n\n`;
const event = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

const CHAT = {
  start: chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
  say: (text: string) => chunk([{ index: 0, delta: { content: text }, finish_reason: null }]),
  end: `${chunk([{ index: 0, delta: {}, finish_reason: "stop" }])}${chunk([], {
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  })}data: [DONE]\n\n`,
};

const MESSAGES = {
  start:
    event("message_start", {
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        model: "claude-sonnet-4-5",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 1 },
      },
    }) + event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  say: (text: string) => event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
  end:
    event("content_block_stop", { index: 0 }) +
    event("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 5 } }) +
    event("message_stop", {}),
};

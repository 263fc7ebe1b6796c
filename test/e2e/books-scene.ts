// A gateway before a provider that holds its streams until the test lets go, and a way to PostgreSQL that can be stopped and frozen. Judges nothing.

import { createServer, type Socket, connect as connectTo } from "node:net";
import { type Served, issueKey } from "./binary.ts";

export interface Held {
  url: string;
  /** Request ids of calls that reached it. */
  called: string[];
  /** Lets every stream that is held go on to its end. */
  release(): void;
  config: string;
  stop(): Promise<void>;
}

const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

/** Plain calls are answered at once. */
export function startHeldProvider(): Held {
  const called: string[] = [];
  let gate = Promise.withResolvers<void>();
  const base = { id: "chatcmpl-1", created: 1, model: "held-1" };
  const frame = (fields: object): string =>
    `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...fields })}\n\n`;
  async function* stream() {
    yield frame({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] });
    await gate.promise;
    yield frame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    yield `${frame({ choices: [], usage: USAGE })}data: [DONE]\n\n`;
  }
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === "GET") return Response.json({ object: "list", data: [] });
      const { user, stream: isStream } = (await request.json()) as { user: string; stream?: boolean };
      called.push(user);
      if (isStream === true) return new Response(stream(), { headers: { "content-type": "text/event-stream" } });
      const message = { role: "assistant", content: "word" };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      return Response.json({ ...base, object: "chat.completion", choices, usage: USAGE });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    called,
    release() {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    },
    config: `log_level = error\n[provider.held]\nbase_url = ${url}/v1\n[routes]\nheld* = held\n`,
    stop: () => server.stop(true),
  };
}

export interface Client {
  /** A plain call. */
  ask(): Promise<{ id: string; status: number; code: string | null }>;
  /** A stream whose first piece has arrived; `rest` is its text once it is over. */
  open(): Promise<{ id: string; rest: Promise<string> }>;
}

export async function makeClient(gateway: Served, token?: string): Promise<Client & { token: string }> {
  const key = token ?? (await issueKey(gateway)).token;
  let count = 0;
  const send = (id: string, stream: boolean): Promise<Response> =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "x-request-id": id },
      body: JSON.stringify({ model: "held-1", user: id, stream, messages: [{ role: "user", content: "x" }] }),
    });
  return {
    token: key,
    async ask() {
      const id = `plain-${++count}-${Bun.randomUUIDv7()}`;
      const response = await send(id, false);
      const body = JSON.parse(await response.text());
      return { id, status: response.status, code: body.error?.code ?? null };
    },
    async open() {
      const id = `stream-${++count}-${Bun.randomUUIDv7()}`;
      const response = await send(id, true);
      const reader = response.body
        ?.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
        .getReader();
      const first = await reader?.read();
      const read = async (): Promise<string> => {
        let text = first?.value ?? "";
        for (;;) {
          const piece = await reader?.read().catch(() => undefined);
          if (piece === undefined || piece.done) return text;
          text += piece.value;
        }
      };
      return { id, rest: read() };
    },
  };
}

export interface Gate {
  dsn: string;
  /** Nobody listens there, and who is connected is cut off. */
  close(): Promise<void>;
  open(): Promise<void>;
  /** Connections are taken and stay, and nothing goes through any more. */
  freeze(): void;
  thaw(): void;
}

/** Stands before a PostgreSQL server, closed at first. */
export async function makeGate(target: string): Promise<Gate> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<[Socket, Socket]>();
  let isFrozen = false;
  const halt = (socket: Socket): void => void (isFrozen ? socket.pause() : socket.resume());
  const server = createServer((near) => {
    const far = connectTo(Number(port), hostname);
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on("data", (data) => void to.write(data));
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
      from.on("error", () => undefined);
      halt(from);
    }
  });
  const listen = (at: number): Promise<number> =>
    new Promise((resolve) => {
      server.listen(at, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const [near, far] of pairs) {
        near.destroy();
        far.destroy();
      }
    });
  const own = await listen(0);
  await close();
  const dsn = new URL(target);
  dsn.host = `127.0.0.1:${own}`;
  const setFrozen = (frozen: boolean): void => {
    isFrozen = frozen;
    for (const pair of pairs) pair.forEach(halt);
  };
  return {
    dsn: dsn.href,
    close,
    open: async () => void (await listen(own)),
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
  };
}

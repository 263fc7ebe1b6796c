// Real sockets on both sides of a whole gateway: a provider that says what the test tells it, byte by byte, and knows when it was hung up on.

import type { Socket } from "bun";
import { type Rig, makeRig } from "../rig.ts";

export interface Provider {
  /** Resolves once a request has come in whole. */
  asked: Promise<void>;
  /** Resolves with the moment at which its socket was closed. */
  closed: Promise<number>;
  /** How often a request came in whole, and over how many sockets. */
  count(): { requests: number; sockets: number };
  say(text: string): void;
}

export interface CutScene {
  rig: Rig;
  /** Of the gateway. */
  url: string;
  token: string;
  provider: Provider;
  stop(): Promise<void>;
}

export async function openCutScene(): Promise<CutScene> {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const counted = { requests: 0, sockets: 0 };
  let caller: Socket | null = null;
  const upstream = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        caller = socket;
        counted.sockets++;
      },
      // Each of the requests of these tests fits into one piece, or ends in the second.
      data(_socket, bytes) {
        if (!bytes.toString().trimEnd().endsWith("}")) return;
        counted.requests++;
        asked.resolve();
      },
      close: () => closed.resolve(performance.now()),
    },
  });
  const rig = await makeRig({
    upstream: ({ url, method, headers, text, signal }) => {
      if (method === "GET") return Response.json({ data: [] });
      const { pathname } = new URL(url);
      return fetch(`http://127.0.0.1:${upstream.port}${pathname}`, { method, headers, body: text, signal });
    },
  });
  const gateway = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    fetch: (request, server) => rig.app.fetch(request, server as never),
  });
  return {
    rig,
    url: `http://127.0.0.1:${gateway.port}`,
    token: (await rig.issue()).token,
    provider: {
      asked: asked.promise,
      closed: closed.promise,
      count: () => counted,
      say: (text) => void caller?.write(text),
    },
    async stop() {
      await gateway.stop(true);
      upstream.stop(true);
      await rig.close();
    },
  };
}

export const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
export const PLAIN_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/** One piece of a body that is sent in pieces. */
export function piece(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

export function chunk(delta: object): string {
  const body = { id: "c", object: "chat.completion.chunk", created: 1, model: "m-served" };
  return piece(`data: ${JSON.stringify({ ...body, choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`);
}

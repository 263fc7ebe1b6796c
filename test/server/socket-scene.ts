// A gateway with real sockets on both sides and a provider that is scripted, for tests of sessions. Judges nothing.

import type { LedgerEntry } from "../../src/ledger/index.ts";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig } from "../rig.ts";

export interface Event {
  type: string;
  [field: string]: unknown;
}

interface Handshake {
  url: string;
  headers: Headers;
}

export interface Scene {
  rig: Rig;
  /** `ws://…/v1` of the gateway. */
  url: string;
  token: string;
  handshakes: Handshake[];
  /** What reached the provider. */
  received: (string | Uint8Array)[];
  closed: [number, string][];
}

/** The headers of a handshake. */
export const UPGRADE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

/** What the provider answers over HTTP. */
const RESPONSE = {
  id: "resp_http",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-4o",
  output: [{ type: "message", id: "msg_http", role: "assistant", status: "completed", content: [] }],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
};

let close: (() => Promise<void>) | null = null;

/** To be called after each test. */
export async function closeScene(): Promise<void> {
  await close?.();
  close = null;
}

type Answer = (data: string | Buffer, socket: Bun.ServerWebSocket<unknown>) => void;

/** `ready`: before that the provider takes nobody. */
export async function open(answer: Answer = echo, append?: () => void, ready?: Promise<void>): Promise<Scene> {
  const handshakes: Handshake[] = [];
  const received: Scene["received"] = [];
  const closed: Scene["closed"] = [];
  const provider = Bun.serve<unknown>({
    port: 0,
    async fetch(request, server) {
      handshakes.push({ url: request.url, headers: request.headers });
      if (ready !== undefined) await ready;
      if (request.headers.get("authorization") !== `Bearer ${OPENAI_KEY}`) return new Response("no", { status: 401 });
      const plain = /gpt-plain-(\d+)/.exec(request.url)?.[1];
      if (plain !== undefined) return new Response("this is a web page", { status: Number(plain) });
      if (request.url.includes("refuse")) return new Response("no", { status: 403 });
      const offered = request.headers.get("sec-websocket-protocol");
      const headers: Record<string, string> =
        offered === null ? {} : { "sec-websocket-protocol": offered.split(",")[0] ?? "" };
      return server.upgrade(request, { data: {}, headers }) ? undefined : new Response("no", { status: 400 });
    },
    websocket: {
      backpressureLimit: 256 * 1024 * 1024,
      open: (socket) => void socket.send(JSON.stringify({ type: "session.created", event_id: "e1" })),
      message(socket, data) {
        received.push(data);
        answer(data, socket);
      },
      close: (_socket, code, reason) => void closed.push([code, reason]),
    },
  });
  const base = `http://127.0.0.1:${provider.port}/v1`;
  const rig = await makeRig({
    upstream: ({ method, url }) => {
      if (method !== "POST") return Response.json({});
      return Response.json(url.endsWith("/responses") ? RESPONSE : { id: "file-1", object: "file" });
    },
    ...(append === undefined ? {} : { append }),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ name }) => name !== "openai"),
        makeProviderSettings({ name: "openai", kind: "openai", baseUrl: base, apiKey: OPENAI_KEY, needsApiKey: true }),
      ],
      aliases: [{ pattern: "voice", target: "gpt-realtime", origin: "test" }],
    }),
  });
  const gateway = Bun.serve({
    port: 0,
    fetch: (request, server) => rig.app.fetch(request, server),
    websocket: rig.app.sockets,
  });
  const { token } = await rig.issue();
  close = async () => {
    await gateway.stop(true);
    await provider.stop(true);
    await rig.close();
  };
  return { rig, url: `ws://127.0.0.1:${gateway.port}/v1`, token, handshakes, received, closed };
}

function echo(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
  socket.send(data);
}

export const USAGE = {
  total_tokens: 150,
  input_tokens: 100,
  output_tokens: 50,
  input_token_details: {
    cached_tokens: 20,
    text_tokens: 30,
    audio_tokens: 70,
    cached_tokens_details: { text_tokens: 20, audio_tokens: 0 },
  },
  output_token_details: { text_tokens: 10, audio_tokens: 40 },
};

/** Answers each `response.create` as the real one does. */
export function speak(data: string | Buffer, socket: Bun.ServerWebSocket<unknown>): void {
  if (typeof data !== "string" || JSON.parse(data).type !== "response.create") return;
  const send = (event: Event): void => void socket.send(JSON.stringify(event));
  send({ type: "response.created", response: { id: "resp_1", object: "realtime.response", model: "gpt-realtime" } });
  send({ type: "response.output_audio.delta", response_id: "resp_1", delta: "AAAA" });
  send({ type: "response.done", response: { id: "resp_1", status: "completed", model: "gpt-realtime", usage: USAGE } });
}

/** A client that keeps what it is told. */
export class Client {
  readonly socket: WebSocket;
  readonly messages: (string | ArrayBuffer)[] = [];
  closing: { code: number; reason: string } | null = null;
  opened = false;

  constructor(url: string, init: { headers?: Record<string, string>; protocols?: string[] }) {
    this.socket = new WebSocket(url, init as never);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => (this.opened = true));
    this.socket.addEventListener("message", ({ data }) => this.messages.push(data));
    this.socket.addEventListener("close", ({ code, reason }) => (this.closing = { code, reason }));
  }

  events(): Event[] {
    return this.messages.flatMap((data) => (typeof data === "string" ? [JSON.parse(data)] : []));
  }

  say(event: Event): void {
    this.socket.send(JSON.stringify(event));
  }

  async until(condition: (client: Client) => unknown): Promise<void> {
    while (!condition(this)) await new Promise(setImmediate);
  }
}

export function connect({ url, token }: Scene, path = "/realtime?model=voice"): Client {
  return new Client(url + path, { headers: { authorization: `Bearer ${token}` } });
}

export async function untilRows(rig: Rig, count: number): Promise<LedgerEntry[]> {
  for (;;) {
    const rows = await rig.rows();
    if (rows.length >= count) return rows.toReversed();
    await new Promise(setImmediate);
  }
}

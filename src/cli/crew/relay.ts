// Passes requests from one process of a gateway to another, over sockets that have no place on the disk. Who asks from outside stays known: address, port
// and the words of the connection go along. Knows no route.

import { GatewayError } from "../../ir/index.ts";
import { type App, answerError, IDLE_SECONDS, type Listener } from "../../server/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Pulse } from "./pulse.ts";
import { OFFICE } from "./turn.ts";
import type { RelayPlan } from "./word.ts";

/** What goes along, in a header that only processes which know the token can write. */
interface Passport {
  token: string;
  url: string;
  address: string | null;
  port: number | null;
  connection: string | null;
}

const PASSPORT = "x-tokligence-relay";
/** Of one connection, not of the request. */
const HOP_HEADERS = ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"];

export interface Relay {
  /** The answer of that process: the office is 0, workers are numbered from 1. */
  pass(to: number, request: Request, listener: Listener | undefined): Promise<Response>;
}

interface RelayInit {
  log: Log;
  /** The office's, where that is another process. */
  pulse?: Pick<Pulse, "heed">;
}

export function createRelay({ name, token }: RelayPlan, { log, pulse }: RelayInit): Relay {
  const reach = (to: number, ask: () => Promise<Response>): Promise<Response> =>
    to === OFFICE && pulse !== undefined ? pulse.heed(ask, (late) => void late.body?.cancel()) : ask();
  return {
    async pass(to, request, listener) {
      const peer = listener?.requestIP(request) ?? null;
      const passport: Passport = {
        token,
        url: request.url,
        address: peer?.address ?? null,
        port: peer?.port ?? null,
        connection: request.headers.get("connection"),
      };
      const headers = new Headers(request.headers);
      for (const hop of HOP_HEADERS) headers.delete(hop);
      headers.set(PASSPORT, JSON.stringify(passport));
      listener?.timeout(request, 0);
      const letGo = (): void => listener?.timeout(request, IDLE_SECONDS);
      let answer: Response;
      try {
        const init = {
          unix: nameSocket(name, to),
          method: request.method,
          headers,
          body: request.body,
          redirect: "manual",
          decompress: false,
          // The other process has deadlines of its own.
          timeout: false,
          signal: request.signal,
        };
        answer = await reach(to, () => fetch("http://relay/", init as RequestInit));
      } catch (cause) {
        letGo();
        const options = { requestId: request.headers.get("x-request-id") ?? Bun.randomUUIDv7(), wire: undefined, log };
        return answerError(cause instanceof GatewayError ? cause : explainGone(cause), options);
      }
      const own = new Headers(answer.headers);
      for (const hop of HOP_HEADERS) own.delete(hop);
      const { body, status } = answer;
      const isWhole = body === null || answer.headers.has("content-length");
      if (isWhole) letGo();
      return new Response(isWhole ? body : passOn(body, letGo), { status, headers: own });
    },
  };
}

/** The same pieces. Who leaves before the first one cuts the call itself. */
async function* passOn(body: AsyncIterable<Uint8Array>, over: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    over();
  }
}

function explainGone(cause: unknown): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "worker_gone",
    message: "The process of this gateway that answers this is just being replaced. Try again in a moment.",
    retryAfterMs: 1_000,
    cause,
  });
}

/** A request that another process of the gateway was asked. */
export interface RelayListener extends Listener {
  isRelayed: true;
}

export function isRelayed(listener: Listener | undefined): boolean {
  return listener !== undefined && "isRelayed" in listener;
}

/** Takes what others pass to this process. */
export function openRelay(
  { name, token }: RelayPlan,
  index: number,
  app: Pick<App, "fetch">,
  log: Log,
): { stop(): Promise<void> } {
  const server = Bun.serve({
    unix: nameSocket(name, index),
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    error: () => answerError(new Error("unhandled"), { requestId: Bun.randomUUIDv7(), wire: undefined, log }),
    fetch(request, self) {
      const passport = readPassport(request, token);
      self.timeout(request, 0);
      if (passport === null) return new Response(null, { status: 404 });
      return app.fetch(restore(request, passport), listen(passport));
    },
  });
  return { stop: () => server.stop(true) };
}

function nameSocket(name: string, index: number): string {
  return `\0${name}-${index}`;
}

function readPassport(request: Request, token: string): Passport | null {
  try {
    const passport = JSON.parse(request.headers.get(PASSPORT) ?? "null") as Passport | null;
    return passport?.token === token ? passport : null;
  } catch {
    return null;
  }
}

/** As it came in. */
function restore(request: Request, { url, connection }: Passport): Request {
  const headers = new Headers(request.headers);
  headers.delete(PASSPORT);
  for (const hop of HOP_HEADERS) headers.delete(hop);
  if (connection !== null) headers.set("connection", connection);
  return new Request(url, { method: request.method, headers, body: request.body, signal: request.signal });
}

function listen({ address, port }: Passport): RelayListener {
  return {
    isRelayed: true,
    requestIP: () => (address === null ? null : { address, ...(port === null ? {} : { port }) }),
    timeout: () => undefined,
    // What is passed on is no WebSocket.
    upgrade: () => false,
  };
}

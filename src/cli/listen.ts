// The listening port of the daemon. Knows no route.

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Config } from "../config/index.ts";
import type { Session } from "../gateway/index.ts";
import { type App, IDLE_SECONDS, answerError } from "../server/index.ts";
import type { Log } from "../telemetry/log.ts";
import { CliError, EXIT } from "./error.ts";

export type Server = ReturnType<typeof Bun.serve<Session>>;

/** Sound comes in pieces of megabytes; what a slow client may leave waiting is a few of them. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const MAX_BACKLOG_BYTES = 2 * MAX_MESSAGE_BYTES;

/** For one of several processes that listen on the same port. */
interface Together {
  port: number;
  /** Answers in this process's place, or says null. */
  pass: (request: Request, server: Server) => Promise<Response> | null;
}

export function listen(app: Pick<App, "fetch" | "sockets">, config: Config, log: Log, together?: Together): Server {
  const { hostname, tlsCert, tlsKey } = config.http;
  const port = together?.port ?? config.http.port;
  try {
    return Bun.serve<Session>({
      port,
      ...(hostname === null ? {} : { hostname }),
      ...(tlsCert === null || tlsKey === null ? {} : { tls: { cert: Bun.file(tlsCert), key: Bun.file(tlsKey) } }),
      // Our own limit answers in the caller's format; the server's would close the connection without a word.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: IDLE_SECONDS,
      // What nobody foresaw is answered like any other failure, not with the runtime's page for developers.
      development: false,
      // Without the developers' mode the runtime would share a port that another server has.
      reusePort: together !== undefined,
      error: () => answerError(new Error("unhandled"), { requestId: Bun.randomUUIDv7(), wire: undefined, log }),
      fetch:
        together === undefined
          ? (request, server) => app.fetch(request, server)
          : (request, server) => together.pass(request, server) ?? app.fetch(request, server),
      websocket: {
        ...app.sockets,
        maxPayloadLength: MAX_MESSAGE_BYTES,
        backpressureLimit: MAX_BACKLOG_BYTES,
        closeOnBackpressureLimit: true,
      },
    });
  } catch (error) {
    throw explainListen(error, `${hostname ?? ""}:${port}`);
  }
}

function explainListen(error: unknown, address: string): CliError {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  if (code === "EADDRINUSE") {
    return new CliError(`${address} is already in use.`, {
      exitCode: EXIT.unavailable,
      hint: "Stop what listens there, or choose another address: --http-address :9090",
    });
  }
  if (code === "EACCES") {
    return new CliError(`This user may not listen on ${address}.`, {
      exitCode: EXIT.denied,
      hint: "Choose a port above 1023: --http-address :8081",
    });
  }
  if (code === "EADDRNOTAVAIL") return explainElsewhere(address);
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(`Cannot listen on ${address}: ${reason}`, {
    exitCode: EXIT.failed,
    hint: "Check http_address, tls_cert and tls_key.",
  });
}

function explainElsewhere(address: string): CliError {
  return new CliError(`This machine has no address to listen on at ${address}.`, {
    exitCode: EXIT.failed,
    hint: "Name one that it has in http_address, or only :PORT for all of them.",
  });
}

/** Of a name that leads nowhere, and on Windows of an address of somebody else's, the runtime says what went wrong before. */
async function isOwn(hostname: string): Promise<boolean> {
  const host = hostname.replace(/^\[(.*)\]$/u, "$1");
  const found = await lookup(host, { all: true }).catch(() => []);
  const own = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
  return found.some(({ address }) => ANY.includes(address) || address.startsWith("127.") || own.includes(address));
}

const ANY = ["0.0.0.0", "::"];

/** The port to listen on, and its address: nobody else may have it. Free again when it resolves. */
export async function findPort(config: Config, log: Log): Promise<{ port: number; url: URL }> {
  const app = { fetch: () => new Response(null, { status: 503 }), sockets: NO_SOCKETS };
  // Workers of a gateway that was just killed are dying.
  const untilMs = performance.now() + FREE_MS;
  for (;;) {
    try {
      const server = listen(app, config, log);
      const { port = config.http.port, url } = server;
      await server.stop(true);
      return { port, url };
    } catch (error) {
      const { hostname } = config.http;
      if (hostname !== null && !(await isOwn(hostname))) throw explainElsewhere(`${hostname}:${config.http.port}`);
      if (!(error instanceof CliError) || error.exitCode !== EXIT.unavailable || performance.now() >= untilMs)
        throw error;
      await Bun.sleep(LOOK_EVERY_MS);
    }
  }
}

const FREE_MS = 500;
const LOOK_EVERY_MS = 25;
const NO_SOCKETS = { open: () => undefined, message: () => undefined, drain: () => undefined, close: () => undefined };

// The listening port of the daemon, and how it is closed again: new work is refused, what runs may finish. Knows no route.

import type { Config } from "../config/index.ts";
import type { Session } from "../gateway/index.ts";
import { type App, answerError } from "../server/index.ts";
import type { Log } from "../telemetry/log.ts";
import { CliError, EXIT } from "./error.ts";

export type Server = ReturnType<typeof Bun.serve<Session>>;

/** Sound comes in pieces of megabytes; what a slow client may leave waiting is a few of them. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const MAX_BACKLOG_BYTES = 2 * MAX_MESSAGE_BYTES;

export function listen(app: App, config: Config, log: Log): Server {
  const { hostname, port, tlsCert, tlsKey } = config.http;
  try {
    return Bun.serve<Session>({
      port,
      ...(hostname === null ? {} : { hostname }),
      ...(tlsCert === null || tlsKey === null ? {} : { tls: { cert: Bun.file(tlsCert), key: Bun.file(tlsKey) } }),
      // Our own limit answers in the caller's format; the server's would close the connection without a word.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      idleTimeout: 60,
      // What nobody foresaw is answered like any other failure, not with the runtime's page for developers.
      development: false,
      // Without the developers' mode the runtime would share a port that another server has.
      reusePort: false,
      error: () => answerError(new Error("unhandled"), { requestId: Bun.randomUUIDv7(), wire: undefined, log }),
      fetch: (request, server) => app.fetch(request, server),
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
  const reason = error instanceof Error ? error.message : String(error);
  return new CliError(`Cannot listen on ${address}: ${reason}`, {
    exitCode: EXIT.failed,
    hint: "Check http_address, tls_cert and tls_key.",
  });
}

interface StopParts<Left> {
  app: App;
  server: Server;
  log: Log;
  deadlineMs: () => number;
  /** Answers what could not be done. */
  close: () => Promise<Left>;
  stopReloading: () => Promise<void>;
}

const LOOK_EVERY_MS = 25;

/** SIGTERM and SIGINT: refuse new work, let what runs finish until the deadline, then close the books. A second signal does not wait. */
export function stopOnSignal<Left>(parts: StopParts<Left>): Promise<Left> {
  const { promise, resolve } = Promise.withResolvers<Left>();
  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) {
      parts.log.warn("Stopping at once", { signal });
      await parts.server.stop(true);
      return;
    }
    isStopping = true;
    parts.app.drain();
    parts.log.info("Stopping: waiting for what is running", {
      signal,
      running: parts.server.pendingRequests + parts.server.pendingWebSockets,
    });
    const deadline = Date.now() + parts.deadlineMs();
    const countRunning = (): number => parts.server.pendingRequests + parts.server.pendingWebSockets;
    while (countRunning() > 0 && Date.now() < deadline) await Bun.sleep(LOOK_EVERY_MS);
    const cut = countRunning();
    if (cut > 0) parts.log.warn("The deadline has passed; cutting what still runs", { requests: cut });
    await parts.server.stop(true);
    await parts.stopReloading();
    parts.log.info("Stopped");
    resolve(await parts.close());
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(signal));
  return promise;
}

// How a daemon ends: new work is refused, what runs may finish, and what it has is closed in time. Knows no route and no port.

import type { App } from "../server/index.ts";
import type { Log } from "../telemetry/log.ts";
import { CliError, EXIT } from "./error.ts";
import type { Server } from "./listen.ts";

interface StopParts<Left> {
  /** `cut`: what still runs then is ended, and each client told so; without it, only hung up. */
  app: Pick<App, "drain"> & Partial<Pick<App, "cut">>;
  server: Pick<Server, "pendingRequests" | "pendingWebSockets" | "stop">;
  log: Log;
  /** What is waited for, where it is not calls. */
  runs?: "workers";
  deadlineMs: () => number;
  /** Answers what could not be done. */
  close: () => Promise<Left>;
  stopReloading: () => Promise<void>;
  /** Where the word to stop comes from: signals, unless given. */
  onWord?: (stop: (word: string) => void) => void;
}

const LOOK_EVERY_MS = 25;
/** What is cut may say so to its client. */
const LAST_WORD_MS = 500;

/** Windows ends a program five seconds after its console was closed. */
const CONSOLE_MS = 3_000;

/** Beyond all that closing waits for by itself. */
const CLOSE_MS = 90_000;

/** Rejects where it does not come to its end: what is not closed by then is left as if the process had been killed. */
export async function closeInTime<T>(work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(explainUnclosed()), CLOSE_MS);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A signal to stop: refuse new work, let what runs finish until the deadline, then close the books. A second signal does not wait. Rejects where they cannot
 * be closed.
 */
export function stopOnSignal<Left>(parts: StopParts<Left>): Promise<Left> {
  const { promise, resolve, reject } = Promise.withResolvers<Left>();
  let isStopping = false;
  let deadline = Number.POSITIVE_INFINITY;
  const countRunning = (): number => parts.server.pendingRequests + parts.server.pendingWebSockets;
  const rest = async (until: () => number): Promise<void> => {
    while (countRunning() > 0 && performance.now() < until()) await Bun.sleep(LOOK_EVERY_MS);
  };
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) {
      parts.log.warn("Stopping at once", { signal });
      deadline = 0;
      return;
    }
    isStopping = true;
    parts.app.drain();
    parts.log.info("Stopping: waiting for what is running", {
      signal,
      [parts.runs ?? "running"]: countRunning(),
    });
    deadline =
      performance.now() + Math.min(parts.deadlineMs(), signal === "SIGHUP" ? CONSOLE_MS : Number.POSITIVE_INFINITY);
    await rest(() => deadline);
    const cut = countRunning();
    if (cut > 0) {
      if (deadline > 0)
        parts.log.warn("The deadline has passed; cutting what still runs", { [parts.runs ?? "requests"]: cut });
      parts.app.cut?.();
      const lastMs = parts.app.cut === undefined ? 0 : performance.now() + LAST_WORD_MS;
      await rest(() => lastMs);
    }
    const close = async (): Promise<Left> => {
      await parts.server.stop(true);
      await parts.stopReloading();
      parts.log.info("Stopped");
      return parts.close();
    };
    resolve(await closeInTime(close));
  };
  (parts.onWord ?? onSignal)((word) => void stop(word).catch(reject));
  return promise;
}

function explainUnclosed(): CliError {
  return new CliError(`The gateway could not be closed within ${CLOSE_MS / 1000} s and ends as it is.`, {
    exitCode: EXIT.failed,
    hint: "Rows that were acknowledged are on disk: the next start puts them on the books.",
  });
}

export function onSignal(stop: (word: string) => void): void {
  for (const signal of listStopSignals(process.platform)) process.on(signal, () => stop(signal));
}

/** On Windows: Ctrl-C, Ctrl-Break, and that the console is closed, of which the runtime makes a SIGHUP. */
export function listStopSignals(platform: NodeJS.Platform): NodeJS.Signals[] {
  return platform === "win32" ? ["SIGINT", "SIGBREAK", "SIGHUP"] : ["SIGINT", "SIGTERM"];
}

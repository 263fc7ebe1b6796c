// Moves the logs of SQLite files into them in a thread of its own: done by whoever commits, it holds up every request for as long as the disk
// takes. Knows no table.

import type { Database } from "bun:sqlite";
import type { EngineOptions } from "../engine.ts";
import type { CheckpointOrder, CheckpointReport } from "./checkpoint-worker.ts";
import { findWorker } from "../../lib/worker-place.ts";

export interface Checkpoints {
  /** Resolves once the thread has let go of the files. */
  stop(): Promise<void>;
}

const STOP_LIMIT_MS = 2_000;
const RESTART_MS = 1_000;

const WORKER = findWorker("src/store/sqlite/checkpoint-worker.ts");

/** A connection that commits without a look at the length of the log, where there is a thread that does. */
export function leaveCheckpoints(db: Database, checkpoints: EngineOptions["checkpoints"]): void {
  if (checkpoints === "thread") db.run("PRAGMA wal_autocheckpoint = 0");
}

export interface CheckpointHearer {
  /** Once for each file, however often it is tried. */
  onFault(error: Error): void;
  /** It is over. */
  onRecover(file: string): void;
}

/** @param files their paths */
export function startCheckpoints(files: readonly string[], { onFault, onRecover }: CheckpointHearer): Checkpoints {
  let worker: Worker | null = null;
  let isStopping = false;
  let stopped: PromiseWithResolvers<void> | null = null;

  const start = (): void => {
    const started = new Worker(WORKER, { name: "checkpoint", smol: true });
    worker = started;
    const lose = (why: string): void => {
      if (worker !== started) return;
      worker = null;
      stopped?.resolve();
      if (isStopping) return;
      onFault(new Error(`The thread that keeps the databases' logs short ended (${why}); another one is started.`));
      setTimeout(() => isStopping || start(), RESTART_MS).unref();
    };
    started.addEventListener("message", ({ data }: MessageEvent<CheckpointReport>) => {
      if (data === "stopped") stopped?.resolve();
      else if (data.reason === null) onRecover(data.file);
      else onFault(new Error(`The log of ${data.file} could not be moved into it: ${data.reason}`));
    });
    started.addEventListener("error", ({ message }) => lose(message));
    started.addEventListener("close", () => lose("it was stopped"));
    started.unref();
    order(started, { files });
  };

  start();
  return {
    async stop() {
      isStopping = true;
      if (worker === null) return;
      stopped = Promise.withResolvers<void>();
      const { promise, resolve } = stopped;
      const late = setTimeout(resolve, STOP_LIMIT_MS);
      order(worker, "stop");
      await promise;
      clearTimeout(late);
      const ended = worker;
      worker = null;
      ended.terminate();
    },
  };
}

function order(worker: Worker, what: CheckpointOrder): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  worker.postMessage(what);
}

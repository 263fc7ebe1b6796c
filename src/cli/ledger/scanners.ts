// Threads that go through a ledger side by side, each on its own connection. Knows no rule of chains.

import { availableParallelism } from "node:os";
import type { Scan, Stretch } from "../../audit/verify/index.ts";
import { CliError, EXIT } from "../error.ts";
import type { Hello, Job, Reply } from "./scan-worker.ts";
import { findWorker } from "../../lib/worker-place.ts";

export interface Scanners {
  scan(stretch: Stretch, onRows: (rows: number) => void): Promise<Scan>;
  close(): void;
}

/** More would only wait for the disk. */
const MAX_THREADS = 8;

const WORKER = findWorker("src/cli/ledger/scan-worker.ts");

interface Task extends Job {
  onRows: (rows: number) => void;
  resolve: (scan: Scan) => void;
  reject: (error: Error) => void;
}

/** One thread a core. They end with `close`. */
export function startScanners(location: string, threads = Math.min(availableParallelism(), MAX_THREADS)): Scanners {
  const waiting: Task[] = [];
  const running = new Map<Worker, Task>();
  const idle: Worker[] = [];
  const workers = Array.from({ length: threads }, start);
  let count = 0;

  function start(): Worker {
    const worker = new Worker(WORKER, { name: "scan" });
    worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => take(worker, data));
    worker.addEventListener("error", ({ message }) => lose(worker, message));
    post(worker, { location });
    idle.push(worker);
    return worker;
  }

  const next = (): void => {
    while (waiting.length > 0 && idle.length > 0) {
      const [task, worker] = [waiting.shift(), idle.pop()];
      if (task === undefined || worker === undefined) return;
      running.set(worker, task);
      post(worker, { number: task.number, stretch: task.stretch });
    }
  };

  const take = (worker: Worker, reply: Reply): void => {
    const task = running.get(worker);
    if (task === undefined || task.number !== reply.number) return;
    if ("rows" in reply) return task.onRows(reply.rows);
    running.delete(worker);
    idle.push(worker);
    if ("scan" in reply) task.resolve(reply.scan);
    else task.reject(fail(reply.error));
    next();
  };

  const lose = (worker: Worker, message: string): void => {
    running.get(worker)?.reject(fail(message));
    running.delete(worker);
  };

  return {
    scan(stretch, onRows) {
      const { promise, resolve, reject } = Promise.withResolvers<Scan>();
      waiting.push({ number: ++count, stretch, onRows, resolve, reject });
      next();
      return promise;
    },
    close() {
      for (const worker of workers) worker.terminate();
    },
  };
}

function post(worker: Worker, message: Hello | Job): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  worker.postMessage(message);
}

function fail(reason: string): CliError {
  return new CliError(`The rows could not be read to their end: ${reason}`, {
    exitCode: EXIT.failed,
    hint: "Nothing is proved by what was read so far; try again.",
  });
}

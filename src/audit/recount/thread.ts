// The counting thread, as its owner sees it. Knows no queue.

import { type Hello, type Outcome, unpackOutcome } from "./message.ts";
import { findWorker } from "../../lib/worker-place.ts";

export interface Thread {
  /** Calls go together: each message to a thread costs more than most of them. */
  send(message: Hello | string): void;
  end(): void;
}

export interface ThreadEvents {
  /** Of all that was sent together. */
  onDone(outcome: Outcome): void;
  /** It ended, and nobody here asked it to. */
  onCrash(cause: Error): void;
}

export type StartThread = (events: ThreadEvents) => Thread;

const WORKER = findWorker("src/audit/recount/worker.ts");

export const startThread: StartThread = ({ onDone, onCrash }) => {
  const worker = new Worker(WORKER, { name: "recount", smol: true });
  let isOver = false;
  const crash = (cause: Error): void => {
    if (isOver) return;
    isOver = true;
    worker.terminate();
    onCrash(cause);
  };
  worker.addEventListener("message", ({ data }: MessageEvent<string>) => {
    if (!isOver) onDone(unpackOutcome(data));
  });
  worker.addEventListener("error", (event) => crash(new Error(event.message)));
  worker.addEventListener("close", () => crash(new Error("it ended")));
  worker.unref();
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    send: (message) => worker.postMessage(message),
    end() {
      isOver = true;
      worker.terminate();
    },
  };
};

// A thread that works behind others goes behind them, and the thread that started it stays where it was.

import { expect, test } from "bun:test";
import { getPriority } from "node:os";

test("a thread steps back behind its process, and takes nobody along", async () => {
  const before = getPriority();
  const thread = new Worker(new URL("thread-priority-thread.ts", import.meta.url).href);
  const { promise, resolve } = Promise.withResolvers<number>();
  thread.addEventListener("message", ({ data }: MessageEvent<number>) => resolve(data));
  const own = await promise;
  thread.terminate();
  expect(own).toBe(process.platform === "linux" ? Math.min(19, before + 3) : before);
  expect(getPriority()).toBe(before);
});

// How a daemon waits for what runs before it ends.

import { afterEach, expect, setSystemTime, test } from "bun:test";
import { stopOnSignal } from "../../src/cli/stop.ts";

afterEach(() => {
  setSystemTime();
});

test.each([3_600_000, -3_600_000])("a clock that jumps by %d ms moves no deadline", async (jumpMs) => {
  let stop: (word: string) => void = () => undefined;
  let looks = 0;
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const stopped = stopOnSignal({
    app: { drain: () => undefined, cut: () => void said.push("cut") },
    server: {
      get pendingRequests() {
        return jumpMs > 0 && ++looks > 3 ? 0 : 1;
      },
      pendingWebSockets: 0,
      stop: async () => undefined,
    },
    log: { debug: note, info: note, warn: note, error: note } as never,
    deadlineMs: () => (jumpMs > 0 ? 60_000 : 200),
    close: async () => "closed",
    stopReloading: async () => undefined,
    onWord: (given) => void (stop = given),
  });
  stop("SIGTERM");
  setSystemTime(new Date(Date.now() + jumpMs));
  expect(await stopped).toBe("closed");
  expect(said.includes("cut")).toBe(jumpMs < 0);
});

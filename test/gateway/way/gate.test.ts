// The cap: never more than it at once, nobody forgotten in the queue, no place lost however a wait ends.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { createGate } from "../../../src/gateway/way/gate.ts";
import type { Clock } from "../../../src/lib/clock.ts";

function makeClock(): Clock & { run(): void } {
  const due = new Set<() => void>();
  return {
    wallMs: () => 0,
    monotonicMs: () => 0,
    after(_delayMs, action) {
      due.add(action);
      return () => due.delete(action);
    },
    run() {
      for (const action of due) action();
      due.clear();
    },
  };
}

const NAME = { who: "It", kind: "overloaded" } as const;
const FREE = new AbortController().signal;

test("takes as many as it may at once, then waits in order", async () => {
  const gate = createGate(NAME, () => ({ atOnce: 1, queueLength: 2, queueMs: 100, setting: "max" }), makeClock());
  const first = gate.enter(FREE);
  if (first instanceof Promise) throw new Error("waited");
  const order: number[] = [];
  const waiting = [1, 2].map((number) =>
    Promise.resolve(gate.enter(FREE)).then((release) => (order.push(number), release)),
  );
  await expect(Promise.resolve(gate.enter(FREE))).rejects.toThrow("no more may wait");
  first();
  (await waiting[0])?.();
  (await waiting[1])?.();
  expect([order, gate.running(), gate.waiting()]).toEqual([[1, 2], 0, 0]);
});

test("a cap that is raised lets in whoever waits, and whoever comes", async () => {
  let atOnce = 1;
  const gate = createGate(NAME, () => ({ atOnce, queueLength: 9, queueMs: 100, setting: "max" }), makeClock());
  await gate.enter(FREE);
  const waiting = gate.enter(FREE);
  expect(gate.waiting()).toBe(1);
  atOnce = 3;
  expect(gate.enter(FREE)).not.toBeInstanceOf(Promise);
  await waiting;
  expect([gate.running(), gate.waiting()]).toEqual([3, 0]);
});

test("a wait that is too long is refused, one whose client leaves is cancelled; both give up their place", async () => {
  const clock = makeClock();
  const gate = createGate(NAME, () => ({ atOnce: 1, queueLength: 9, queueMs: 100, setting: "max" }), clock);
  const release = await gate.enter(FREE);
  const late = Promise.resolve(gate.enter(FREE));
  const client = new AbortController();
  const left = Promise.resolve(gate.enter(client.signal));
  client.abort();
  await expect(left).rejects.toMatchObject({ kind: "cancelled" });
  clock.run();
  await expect(late).rejects.toMatchObject({ kind: "overloaded", code: "concurrency_limit" });
  release();
  expect([gate.running(), gate.waiting()]).toEqual([0, 0]);
});

test("whatever comes and goes: never more than the cap, and all places are free in the end", async () => {
  const move = fc.constantFrom("enter", "leave", "abort", "timeout");
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(move, { maxLength: 60 }), async (atOnce, moves) => {
      const clock = makeClock();
      const gate = createGate(NAME, () => ({ atOnce, queueLength: 5, queueMs: 1, setting: "max" }), clock);
      const releases: (() => void)[] = [];
      const clients: AbortController[] = [];
      for (const each of moves) {
        if (each === "enter") {
          const client = new AbortController();
          clients.push(client);
          Promise.resolve(gate.enter(client.signal)).then(
            (release) => releases.push(release),
            () => undefined,
          );
        }
        if (each === "leave") releases.shift()?.();
        if (each === "abort") clients.shift()?.abort();
        if (each === "timeout") clock.run();
        await Promise.resolve();
        await Promise.resolve();
        expect(gate.running()).toBeLessThanOrEqual(atOnce);
      }
      clock.run();
      for (let round = 0; round < 100; round++) {
        for (const release of releases.splice(0)) {
          release();
          release();
        }
        await Promise.resolve();
      }
      expect([gate.running(), gate.waiting()]).toEqual([0, 0]);
    }),
  );
});

import { expect, test } from "bun:test";
import type { Clock } from "../../src/lib/clock.ts";
import { createSharedDelay } from "../../src/lib/shared-delay.ts";
import { makeClock } from "../clock.ts";

function open(delayMs: number) {
  const clock = makeClock();
  const timers = { begun: 0, running: 0 };
  const after: Clock["after"] = (ms, action) => {
    timers.begun++;
    timers.running++;
    return clock.after(ms, () => {
      timers.running--;
      action();
    });
  };
  const heard: string[] = [];
  const delay = createSharedDelay({ monotonicMs: clock.monotonicMs, after }, delayMs);
  const wait = (name: string) => delay.start(() => void heard.push(`${name} ${clock.monotonicMs() - startMs}`));
  const startMs = clock.monotonicMs();
  return { clock, timers, heard, wait, delay };
}

test("each is due after the whole delay, whoever else waits", () => {
  const { clock, heard, wait } = open(100);
  wait("a");
  clock.advance(30);
  wait("b");
  wait("c");
  clock.advance(69);
  expect(heard).toEqual([]);
  clock.advance(1);
  expect(heard).toEqual(["a 100"]);
  clock.advance(1_000);
  expect(heard).toEqual(["a 100", "b 130", "c 130"]);
});

test("what is called off is never due, also where another one that is due calls it off", () => {
  const { clock, heard, wait, delay } = open(100);
  wait("a").stop();
  delay.start(() => other.stop());
  const other = wait("b");
  wait("c");
  clock.advance(1_000);
  expect(heard).toEqual(["c 100"]);
  other.stop();
});

test("there is one timer for all, and none where nobody is left", () => {
  const { clock, timers, heard, wait } = open(100);
  for (let round = 0; round < 1_000; round++) {
    const both = [wait("x"), wait("y")];
    clock.advance(1);
    for (const each of both) each.stop();
  }
  expect(heard).toEqual([]);
  expect(timers.begun).toBeLessThanOrEqual(11);
  expect(timers.running).toBe(1);
  clock.advance(100);
  expect(timers.running).toBe(0);
  wait("z");
  clock.advance(99);
  wait("a");
  clock.advance(1);
  expect(heard).toEqual(["z 1200"]);
  clock.advance(99);
  expect(heard).toEqual(["z 1200", "a 1299"]);
  expect(timers.running).toBe(0);
});

test("one may be waited for out of an action", () => {
  const { clock, heard, wait, delay } = open(100);
  delay.start(() => void wait("again"));
  clock.advance(100);
  expect(heard).toEqual([]);
  clock.advance(100);
  expect(heard).toEqual(["again 200"]);
});

test("one that fails takes nobody else with it", () => {
  const { clock, heard, wait, delay } = open(100);
  delay.start(() => {
    throw new Error("broken");
  });
  wait("a");
  clock.advance(50);
  wait("b");
  expect(() => clock.advance(50)).toThrow("broken");
  clock.advance(100);
  expect(heard).toEqual(["a 100", "b 150"]);
});

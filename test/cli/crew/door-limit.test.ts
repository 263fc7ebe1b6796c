// What a worker counts by itself while the office is too busy to answer.

import { expect, test } from "bun:test";
import { countAtOffice } from "../../../src/cli/crew/door-limit.ts";
import type { Need } from "../../../src/gateway/index.ts";
import { makeClock } from "../../clock.ts";

const NEED: Need = { limit: "few", subject: "key", unit: "slots", amount: 1, most: 2 };

test("places that a worker gave by itself are free again, each as its call ends", async () => {
  const clock = makeClock();
  const told: unknown[][] = [];
  const office = {
    ask: () => new Promise<never>(() => undefined),
    tell: (...words: unknown[]) => void told.push(words),
  };
  const counters = countAtOffice(office as never, clock);
  const take = async (): Promise<boolean> => {
    const taking = counters.take([NEED]);
    clock.advance(1_000);
    return (await taking).isTaken;
  };
  expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  counters.leave(NEED);
  counters.leave(NEED);
  expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  expect(told).toEqual([]);
});

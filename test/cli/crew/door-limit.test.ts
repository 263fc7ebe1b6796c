// What a worker counts by itself while the office is too busy to answer, or hangs.

import { expect, test } from "bun:test";
import { countAtOffice } from "../../../src/cli/crew/door-limit.ts";
import type { Need } from "../../../src/gateway/index.ts";
import { makeClock } from "../../clock.ts";

const NEED: Need = { limit: "few", subject: "key", unit: "slots", amount: 1, most: 2 };

function open() {
  const clock = makeClock();
  const said: unknown[][] = [];
  const office = {
    ask: () => new Promise<never>(() => undefined),
    tell: (...words: unknown[]) => void said.push(words),
  };
  const state = { isSilent: false };
  const pulse = { heed: <T>(ask: () => Promise<T>): Promise<T> => ask(), isSilent: () => state.isSilent };
  return { clock, said, state, counters: countAtOffice({ office: office as never, pulse, clock }) };
}

test("places that a worker gave by itself are free again, each as its call ends", async () => {
  const { clock, counters, said } = open();
  const take = async (): Promise<boolean> => {
    const taking = counters.take([NEED]);
    clock.advance(1_000);
    return (await taking).isTaken;
  };
  expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  counters.leave(NEED);
  counters.leave(NEED);
  expect([await take(), await take(), await take()]).toEqual([true, true, false]);
  expect(said).toEqual([]);
});

test("tokens that a worker counted by itself are settled with itself: the office never counted them", async () => {
  const { counters, said, state } = open();
  state.isSilent = true;
  const need: Need = { limit: "few", subject: "key", unit: "tokens", amount: 100, most: 100 };
  const { seen, isShared } = await counters.take([need]);
  expect((await counters.take([need])).isTaken).toBe(false);
  for (const each of seen) counters.adjust(each, -60, isShared);
  expect(said).toEqual([]);
  expect((await counters.take([{ ...need, amount: 60 }])).isTaken).toBe(true);
});

test("an office that is known to hang is not waited for", async () => {
  const { counters, state } = open();
  state.isSilent = true;
  const taken = [await counters.take([NEED]), await counters.take([NEED]), await counters.take([NEED])];
  expect(taken.map(({ isTaken }) => isTaken)).toEqual([true, true, false]);
});

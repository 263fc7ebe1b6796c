// When sums are made: rows gather, longer the longer the last ones took, and no chain is held up by one that always grows.

import { expect, test } from "bun:test";
import { startUpkeep } from "../../../src/server/reader/upkeep.ts";
import { makeClock } from "../../rig.ts";

interface Step {
  limit: number;
  after: string | undefined;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function makeDesk(
  rowsOf: Record<string, number>,
  { tookMs = 0, heldMs = 0, isShared = false, packs = 0, most = Infinity } = {},
) {
  const clock = makeClock();
  let nowMs = 0;
  let looks = 0;
  const steps: Step[] = [];
  const delays: number[] = [];
  const faults: unknown[] = [];
  const stop = startUpkeep({
    ledger: {
      async hasUnsummed() {
        looks++;
        return Object.values(rowsOf).some((rows) => rows > 0);
      },
      async rollUp(limit, after) {
        steps.push({ limit, after });
        if (limit > most) throw new Error("more than one statement holds");
        nowMs += tookMs;
        const chain = Object.keys(rowsOf).find((name) => name > (after ?? "") && (rowsOf[name] ?? 0) > 0);
        if (chain === undefined) return { rows: packs-- > 0 ? 1 : 0, heldMs: 0 };
        const rows = Math.min(limit, rowsOf[chain] ?? 0);
        rowsOf[chain] = (rowsOf[chain] ?? 0) - rows;
        return { rows, heldMs, chain };
      },
    },
    isShared,
    nowMs: () => nowMs,
    after(delayMs, action) {
      delays.push(delayMs);
      return clock.after(delayMs, action);
    },
    onFault(error) {
      if (most === Infinity) throw error;
      faults.push(error);
    },
  });
  return {
    rowsOf,
    looks: () => looks,
    steps,
    delays,
    faults,
    stop,
    async next(): Promise<void> {
      clock.advance(delays.at(-1) ?? 0);
      await settle();
    },
  };
}

test("what came meanwhile is summed up in a few steps, and then rows gather again", async () => {
  const desk = makeDesk({ one: 1_000 });
  for (let turn = 0; turn < 5; turn++) await desk.next();
  expect(desk.steps.map(({ limit }) => limit)).toEqual([200, 400, 800, 1_600, 1_600]);
  // Before the first step, after three that found something, and after one that looked at all chains; then nothing was there at all.
  expect(desk.delays).toEqual([20, 20, 20, 20, 1_000, 15_000]);
  await desk.stop();
});

test("the longer it took, the longer rows gather; never longer than a report bears", async () => {
  for (const [tookMs, delayMs] of [
    [50, 1_500],
    [400, 5_000],
  ] as const) {
    const desk = makeDesk({ one: 250 }, { tookMs });
    for (let turn = 0; turn < 3; turn++) await desk.next();
    expect(desk.delays.at(-1)).toBe(delayMs);
    await desk.stop();
  }
});

test("a chain that grows all the time does not hold up the one behind it", async () => {
  const desk = makeDesk({ one: 50, two: 100 });
  await desk.next();
  desk.rowsOf["one"] = 50;
  await desk.next();
  expect(desk.rowsOf).toEqual({ one: 50, two: 0 });
  expect(desk.steps.map(({ after }) => after)).toEqual([undefined, "one"]);
  await desk.stop();
});

test("where sums are packed for long, rows have their turn before long", async () => {
  const desk = makeDesk({ one: 50 }, { tookMs: 300, packs: 6 });
  for (let turn = 0; turn < 8; turn++) await desk.next();
  expect(desk.steps.map(({ after }) => after)).toEqual([
    undefined,
    ...Array(3).fill("one"),
    ...Array(4).fill(undefined),
  ]);
  // As many rows as before: what was packed says nothing of them.
  expect(new Set(desk.steps.slice(1).map(({ limit }) => limit)).size).toBe(1);
  expect(desk.delays.slice(0, 8)).toEqual(Array(8).fill(20));
  await desk.stop();
});

test("where others write to the file, too, steps are short; else as many rows as there are go in one", async () => {
  for (const [isShared, limit] of [
    [true, 400],
    [false, 6_400],
  ] as const) {
    const desk = makeDesk({ one: 1_000_000 }, { heldMs: 10, isShared });
    for (let turn = 0; turn < 6; turn++) await desk.next();
    expect(desk.steps.at(-1)?.limit).toBe(limit);
    await desk.stop();
  }
});

test("while nothing comes, who would sum it up is not asked", async () => {
  const desk = makeDesk({ one: 0 });
  for (let turn = 0; turn < 4; turn++) await desk.next();
  expect(desk.steps).toEqual([]);
  expect(desk.looks()).toBe(4);
  expect(desk.delays).toEqual([20, ...Array(4).fill(15_000)]);
  desk.rowsOf["one"] = 50;
  for (let turn = 0; turn < 3; turn++) await desk.next();
  expect(desk.rowsOf).toEqual({ one: 0 });
  // The row's step, one that finds no more of the chain, and one that finds that nothing came since.
  expect(desk.steps).toHaveLength(3);
  await desk.next();
  expect(desk.steps).toHaveLength(3);
  await desk.stop();
});

test("a step that is too large for the database is made smaller, instead of tried again as it is for ever", async () => {
  const desk = makeDesk({ one: 20_000 }, { most: 1_000 });
  for (let turn = 0; turn < 60; turn++) await desk.next();
  expect(desk.faults.length).toBeGreaterThan(0);
  expect(desk.rowsOf["one"]).toBe(0);
  await desk.stop();
});

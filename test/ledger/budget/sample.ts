// Budgets to try things with, and their time. Knows no store.

import type { Budget } from "../../../src/ledger/budget/model.ts";
import type { TestClock } from "../../rig.ts";

const AT = new Date("2026-05-04T03:02:01.987Z");

export function makeBudget(change: Partial<Budget> = {}): Budget {
  const id = Bun.randomUUIDv7();
  return {
    id,
    name: `budget ${id}`,
    userId: null,
    apiKeyId: null,
    provider: null,
    model: null,
    tag: null,
    each: null,
    unit: "tokens",
    hardLimit: 1_000,
    softLimit: null,
    period: "lifetime",
    timeZone: "UTC",
    mode: "enforce",
    unpriced: "refuse",
    alertPercents: [],
    isDeclared: false,
    removedBefore: null,
    createdAt: AT,
    updatedAt: AT,
    ...change,
  };
}

/** Lets time pass in steps, and what falls due be done. */
export async function passTime(clock: Pick<TestClock, "advance">, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    clock.advance(250);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }
}

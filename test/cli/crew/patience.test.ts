// How often a worker's place is filled again, by a clock that is held.

import { describe, expect, test } from "bun:test";
import { createPatience } from "../../../src/cli/crew/patience.ts";

function openPatience() {
  let nowMs = 0;
  const patience = createPatience({ monotonicMs: () => nowMs });
  return { ...patience, pass: (ms: number) => void (nowMs += ms) };
}

describe("patience with workers that end", () => {
  test("is at its end after some tries, however long each of them took to fail", () => {
    const { ended, pass } = openPatience();
    const waits = Array.from({ length: 6 }, () => {
      pass(60_000);
      return ended(1);
    });
    expect(waits).toEqual([50, 100, 200, 400, 800, null]);
  });

  test("begins anew with one that served for a while", () => {
    const { serves, ended, pass } = openPatience();
    for (let turn = 0; turn < 20; turn++) {
      serves(1);
      pass(10_000);
      expect(ended(1)).toBe(50);
    }
  });

  test("does not begin anew with one that served for a moment", () => {
    const { serves, ended, pass } = openPatience();
    const waits = Array.from({ length: 6 }, () => {
      pass(20_000);
      serves(1);
      pass(9_999);
      return ended(1);
    });
    expect(waits.at(-1)).toBeNull();
  });

  test("has no end while another one serves, and no wait is longer than ten seconds", () => {
    const { serves, ended, pass } = openPatience();
    serves(2);
    pass(10_000);
    const waits = Array.from({ length: 50 }, () => ended(1));
    expect(waits.slice(0, 3)).toEqual([50, 100, 200]);
    expect(waits.at(-1)).toBe(10_000);
    expect(ended(2)).toBe(50);
    expect(ended(1)).toBeNull();
  });
});

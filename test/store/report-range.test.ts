// Stretches of time against the moments they are made of.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Range } from "../../src/store/report/plan.ts";
import { cutOut, intersect, isCut, isWithin } from "../../src/store/report/range.ts";

const SEED = 7;
const END = 60;

/** In order and apart. */
const anyRanges = fc
  .uniqueArray(fc.integer({ min: 0, max: END }), { maxLength: 12 })
  .map((bounds) => bounds.toSorted((left, right) => left - right))
  .map((bounds) =>
    Array.from({ length: Math.floor(bounds.length / 2) }, (_, index): Range => ({
      fromMs: bounds[index * 2] ?? 0,
      toMs: bounds[index * 2 + 1] ?? 0,
    })),
  );
const anyRange = fc
  .tuple(fc.integer({ min: 0, max: END }), fc.integer({ min: 1, max: 12 }))
  .map(([fromMs, length]): Range => ({ fromMs, toMs: fromMs + length }));

function listMoments(ranges: readonly Range[]): number[] {
  const isIn = (at: number): boolean => ranges.some(({ fromMs, toMs }) => at >= fromMs && at < toMs);
  return Array.from({ length: END + 20 }, (_, at) => at).filter(isIn);
}

describe("stretches of time", () => {
  test("are cut out of others, and shared with them, moment by moment", () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, (left, right) => {
        const taken = new Set(listMoments(right));
        expect(listMoments(cutOut(left, right))).toEqual(listMoments(left).filter((at) => !taken.has(at)));
        expect(listMoments(intersect(left, right))).toEqual(listMoments(left).filter((at) => taken.has(at)));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("hold others, and are cut by edges, as their moments say", () => {
    fc.assert(
      fc.property(anyRanges, anyRange, (ranges, own) => {
        const apart = ranges.filter(({ toMs }, index) => ranges[index + 1]?.fromMs !== toMs);
        if (apart.length < ranges.length) return;
        const all = new Set(listMoments(ranges));
        expect(isWithin(ranges, own)).toBe(listMoments([own]).every((at) => all.has(at)));
        const edges = ranges.map(({ fromMs }) => fromMs);
        expect(isCut(edges, own)).toBe(edges.some((edge) => edge > own.fromMs && edge < own.toMs));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

// What the bench makes of many times: percentiles, medians, how far apart rounds lie, and who is measured when.

import { describe, expect, test } from "bun:test";
import { createSamples } from "../../scripts/bench/load/samples.ts";
import { median, percentile, rotate, spread } from "../../scripts/bench/report/statistic.ts";

const HUNDRED = Array.from({ length: 100 }, (_, index) => index + 1);

describe("percentiles", () => {
  test.each([
    [0.5, 50],
    [0.9, 90],
    [0.99, 99],
    [0.999, 100],
    [0, 1],
  ])("%p of 1 to 100 is %p", (share, expected) => {
    expect(percentile(HUNDRED, share)).toBe(expected);
  });

  test("of one value are that, of none are no number", () => {
    expect(percentile([7], 0.999)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test("do not depend on the order in which times came, nor on how many there are", () => {
    const samples = createSamples();
    for (let value = 20_000; value >= 1; value--) samples.add(value);
    expect(samples.quantiles()).toEqual({ count: 20_000, p50: 10_000, p90: 18_000, p99: 19_800, p999: 19_980 });
    expect(createSamples().quantiles()).toBeNull();
  });
});

describe("rounds", () => {
  test("have a median and lie so far apart, without those that measured nothing", () => {
    expect(spread([3, Number.NaN, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spread([Number.NaN])).toBeNull();
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test("of all who take part begin with each of them equally often, and nobody always follows the same one", () => {
    const rounds = Array.from({ length: 6 }, (_, round) => rotate(["a", "b", "c"], round).join(""));
    expect(rounds).toEqual(["abc", "bca", "cab", "cba", "acb", "bac"]);
    expect(rotate([], 3)).toEqual([]);
  });
});

// Percentiles from classes of time: within the bound that is stated, and the same whichever way the parts are put together.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  addClasses,
  type Classes,
  classOf,
  findPercentile,
  NO_CLASSES,
  printClasses,
  readClasses,
} from "../../src/lib/spread.ts";

const collect = (times: readonly number[]): Classes =>
  times.reduce<Classes>((sum, ms) => addClasses(sum, new Map([[classOf(ms), 1]])), NO_CLASSES);

test("are within five percent of the true ones", () => {
  const times = fc.array(fc.integer({ min: 1, max: 86_400_000 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.9, 0.99), (all, part) => {
      const sorted = all.toSorted((left, right) => left - right);
      const truth = sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
      const found = findPercentile(collect(all), part) ?? 0;
      // The last digit is rounded.
      expect(Math.abs(found - truth)).toBeLessThanOrEqual(truth * 0.0489 + 0.05);
    }),
    { seed: 7 },
  );
});

test("are the same of parts as of the whole, and after they were kept as text", () => {
  const times = fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 50 });
  fc.assert(
    fc.property(times, times, (left, right) => {
      const whole = printClasses(collect([...left, ...right]));
      expect(printClasses(addClasses(collect(left), collect(right)))).toBe(whole);
      expect(printClasses(readClasses(`${printClasses(collect(left))},${printClasses(collect(right))}`))).toBe(whole);
    }),
    { seed: 7 },
  );
});

test("are none of nothing, and bounded in size", () => {
  expect(findPercentile(readClasses(""), 0.5)).toBeNull();
  expect(classOf(0)).toBe(0);
  expect(classOf(86_400_000)).toBeLessThan(192);
});

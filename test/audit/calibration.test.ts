// Learning how a provider counts: its true ratio is found, its honest rows lie within the bounds, and a fifth more does not.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Learned, NOTHING_LEARNED, estimate, learn } from "../../src/audit/recount/calibration.ts";

const PRIOR = { ratio: 1.1, spread: 0.2, toolFrame: 0 };

/** Numbers that look normal, from a seed. */
function makeNoise(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

interface World {
  ratio: number;
  spread: number;
  seed: number;
}

const world: fc.Arbitrary<World> = fc.record({
  ratio: fc.double({ min: 0.6, max: 2, noNaN: true }),
  spread: fc.double({ min: 0.001, max: 0.03, noNaN: true }),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
});

function live(
  { ratio, spread, seed }: World,
  rows: number,
  each?: (ours: number, theirs: number, so: Learned) => void,
) {
  const noise = makeNoise(seed);
  let learned = NOTHING_LEARNED;
  for (let row = 0; row < rows; row++) {
    const ours = 100 + Math.floor(Math.abs(noise()) * 2_000);
    const theirs = Math.round(ours * ratio * (1 + spread * noise()));
    each?.(ours, theirs, learned);
    learned = learn(learned, ours, theirs);
  }
  return learned;
}

test("the ratio converges to the true one, whatever was guessed before", () => {
  fc.assert(
    fc.property(world, (given) => {
      const found = estimate(1_000, live(given, 400), PRIOR);
      expect(Math.abs(found.ratio / given.ratio - 1)).toBeLessThan(0.01);
    }),
  );
});

test("bounds narrow with what is known, and never below what is certain", () => {
  fc.assert(
    fc.property(world, (given) => {
      const width = (rows: number): number => {
        const { low, high } = estimate(1_000, live(given, rows), PRIOR);
        return high - low;
      };
      expect(width(400)).toBeLessThan(width(0));
      expect(width(400)).toBeGreaterThan(2 * 3 * 10);
    }),
  );
});

test("of honest rows less than one in a hundred lies outside, from the first row on or once the provider is known", () => {
  let outside = 0;
  let rows = 0;
  fc.assert(
    fc.property(world, (given) => {
      live(given, 300, (ours, theirs, learned) => {
        if (learned.rows < 20) return;
        const { low, high } = estimate(ours, learned, PRIOR);
        rows++;
        if (theirs < low || theirs > high) outside++;
      });
    }),
    { numRuns: 50 },
  );
  expect(rows).toBe(50 * 280);
  expect(outside / rows).toBeLessThan(0.01);
});

test("a fifth more than before lies outside once forty rows were seen", () => {
  fc.assert(
    fc.property(world, (given) => {
      const { high } = estimate(1_000, live({ ...given, spread: Math.min(given.spread, 0.02) }, 40), PRIOR);
      expect(1_000 * given.ratio * 1.2).toBeGreaterThan(high);
    }),
  );
});

test("a provider that reports many times what a text can hold teaches nothing, from its first row on", () => {
  for (const ours of [30, 300, 30_000]) {
    let learned = NOTHING_LEARNED;
    for (let row = 0; row < 100; row++) learned = learn(learned, ours, 20 * ours);
    expect(estimate(ours, learned, PRIOR).high).toBeLessThan(20 * ours);
  }
});

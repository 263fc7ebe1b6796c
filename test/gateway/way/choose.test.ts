// The choosing strategies: what they prefer, how far their shares may stray, and that no target is ever left out.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Candidate, type Dice, STRATEGIES, orderCandidates } from "../../../src/gateway/way/choose.ts";
import { createLoad } from "../../../src/gateway/way/load.ts";

const candidate = (name: string, over: Partial<Candidate> = {}): Candidate => ({
  name,
  weight: 1,
  latencyMs: 0,
  inFlight: 0,
  costNanos: null,
  ...over,
});

/** A generator whose numbers are the same each time (mulberry32). */
function makeDice(seed: number): Dice {
  let state = seed;
  return {
    random() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
    turn: 0,
    stickTo: "",
  };
}

const firstOf = (...args: Parameters<typeof orderCandidates>): string => orderCandidates(...args)[0]?.name ?? "none";

test("every strategy tries every target exactly once", () => {
  const field = fc.record({
    weight: fc.integer({ min: 1, max: 100 }),
    latencyMs: fc.float({ min: 0, max: 10_000, noNaN: true }),
    inFlight: fc.nat(500),
    costNanos: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...STRATEGIES),
      fc.array(field, { maxLength: 9 }),
      fc.nat(),
      fc.string(),
      (strategy, fields, turn, stickTo) => {
        const candidates = fields.map((over, index) => candidate(`t${index}`, over));
        const order = orderCandidates(strategy, candidates, { ...makeDice(turn), turn, stickTo });
        expect(order.map(({ name }) => name).toSorted()).toEqual(candidates.map(({ name }) => name).toSorted());
      },
    ),
  );
});

test("weighted: shares are within 4 standard deviations of the weights (a false alarm in 16,000 runs; the dice are fixed)", () => {
  const weights = [1, 2, 7];
  const candidates = weights.map((weight, index) => candidate(`t${index}`, { weight }));
  const dice = makeDice(42);
  const draws = 100_000;
  const counts = new Map<string, number>();
  for (let draw = 0; draw < draws; draw++) {
    const name = firstOf("weighted", candidates, dice);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const [index, weight] of weights.entries()) {
    const share = weight / 10;
    const allowed = 4 * Math.sqrt(share * (1 - share) * draws);
    expect(Math.abs((counts.get(`t${index}`) ?? 0) - share * draws)).toBeLessThan(allowed);
  }
});

test("round-robin takes turns", () => {
  const candidates = ["a", "b", "c"].map((name) => candidate(name));
  const names = [0, 1, 2, 3].map((turn) => firstOf("round-robin", candidates, { ...makeDice(1), turn }));
  expect(names).toEqual(["a", "b", "c", "a"]);
});

test("least-cost takes the cheapest, and one of unknown price last", () => {
  const candidates = [candidate("unknown"), candidate("dear", { costNanos: 9 }), candidate("cheap", { costNanos: 1 })];
  expect(orderCandidates("least-cost", candidates, makeDice(1)).map(({ name }) => name)).toEqual([
    "cheap",
    "dear",
    "unknown",
  ]);
});

test("least-busy goes by what is in flight for its weight", () => {
  const candidates = [candidate("small", { inFlight: 2 }), candidate("large", { inFlight: 6, weight: 4 })];
  expect(firstOf("least-busy", candidates, makeDice(1))).toBe("large");
});

describe("sticky", () => {
  const names = ["a", "b", "c", "d"];
  const pick = (key: string, of: readonly string[]): string =>
    firstOf(
      "sticky",
      of.map((name) => candidate(name)),
      { ...makeDice(1), stickTo: key },
    );
  const keys = Array.from({ length: 4_000 }, (_, index) => `key ${index}`);

  test("the same key finds the same target; when one goes, only its keys move", () => {
    for (const key of keys) {
      const chosen = pick(key, names);
      const without = pick(key, ["a", "b", "d"]);
      if (chosen !== "c") expect(without).toBe(chosen);
    }
  });
  test("keys spread evenly (4 standard deviations)", () => {
    for (const name of names) {
      const count = keys.filter((key) => pick(key, names) === name).length;
      expect(Math.abs(count - 1_000)).toBeLessThan(4 * Math.sqrt(4_000 * 0.25 * 0.75));
    }
  });
});

test("least-latency on a simulated clock: most calls go to the fast target, and a slow one that recovers is found again", () => {
  const dice = makeDice(7);
  const loads = [createLoad({ decayMs: 10_000 }), createLoad({ decayMs: 10_000 }), createLoad({ decayMs: 10_000 })];
  let latencies = [100, 400, 100];
  const run = (fromMs: number, calls: number): number[] => {
    const counts = [0, 0, 0];
    for (let call = 0; call < calls; call++) {
      const nowMs = fromMs + call * 100;
      const candidates = loads.map((load, index) =>
        candidate(String(index), { latencyMs: load.latencyMs(nowMs), inFlight: load.inFlight() }),
      );
      const index = Number(firstOf("least-latency", candidates, dice));
      counts[index] = (counts[index] ?? 0) + 1;
      loads[index]?.begin(nowMs);
      loads[index]?.end(nowMs, latencies[index] ?? 0);
    }
    return counts;
  };
  const [, slow = 0] = run(0, 3_000);
  expect(slow).toBeLessThan(300);
  expect(slow).toBeGreaterThan(0);
  latencies = [100, 50, 100];
  const [, recovered = 0] = run(400_000, 3_000);
  expect(recovered).toBeGreaterThan(1_000);
});

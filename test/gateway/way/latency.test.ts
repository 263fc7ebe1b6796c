// Shares and latencies as they come out over many choices, on a clock that is simulated. The dice are fixed: a run cannot fail by chance. What is
// stated of false alarms holds for dice that were drawn anew each time.

import { expect, test } from "bun:test";
import { GatewayError } from "../../../src/ir/index.ts";
import type { Place } from "../../../src/gateway/way/fleet.ts";
import { isDrawn } from "../../../src/gateway/order.ts";
import type { Strategy } from "../../../src/gateway/way/choose.ts";
import { createLoad } from "../../../src/gateway/way/load.ts";
import { makeFleet } from "./fleet-kit.ts";

/** Numbers in [0, 1) that are the same each time (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const place = (name: string, weight = 1): Place => ({ provider: { name }, model: "m", weight });

interface Simulated {
  strategy: Strategy;
  places: readonly [Place, ...Place[]];
  /** Milliseconds that a place takes for its first output at a moment. */
  takes: (name: string, nowMs: number) => number;
  everyMs: number;
  calls: number;
  seed: number;
}

/** How often each place was asked first, by the order of calls. */
function simulate({ strategy, places, takes, everyMs, calls, seed }: Simulated): string[] {
  let nowMs = 0;
  const fleet = makeFleet(() => nowMs, makeRandom(seed));
  let running: { endMs: number; end: () => void }[] = [];
  const asked: string[] = [];
  for (let call = 0; call < calls; call++) {
    nowMs = call * everyMs;
    for (const each of running.filter(({ endMs }) => endMs <= nowMs).toSorted((a, b) => a.endMs - b.endMs)) each.end();
    running = running.filter(({ endMs }) => endMs > nowMs);
    const [first] = fleet.order({ route: "r", places, strategy, stickTo: "", costOf: () => null });
    const visit = fleet.visit(first);
    const tookMs = takes(first.provider.name, nowMs);
    running.push({ endMs: nowMs + tookMs, end: () => visit.end(null, tookMs) });
    asked.push(first.provider.name);
  }
  return asked;
}

const countOf = (asked: readonly string[], name: string): number => asked.filter((each) => each === name).length;

/** The value that chi-square exceeds by chance once in a thousand times, by degrees of freedom. */
const CHI_SQUARE_999: Readonly<Record<number, number>> = { 1: 10.828, 2: 13.816, 3: 16.266 };

test.each([
  [[1, 1], 1],
  [[1, 2, 7], 2],
  [[0.5, 0.25, 3, 20], 3],
])("weighted: shares of %j fit the weights by chi-square (a false alarm in 1,000)", (weights, seed) => {
  const [first = place("t0"), ...others] = weights.map((weight, index) => place(`t${index}`, weight));
  const calls = 20_000;
  const asked = simulate({
    strategy: "weighted",
    places: [first, ...others],
    takes: () => 1,
    everyMs: 10,
    calls,
    seed,
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const chiSquare = weights.reduce((sum, weight, index) => {
    const expected = (calls * weight) / total;
    return sum + (countOf(asked, `t${index}`) - expected) ** 2 / expected;
  }, 0);
  expect(chiSquare).toBeLessThan(CHI_SQUARE_999[weights.length - 1] ?? 0);
});

test("weighted: of those that come second, too: the second is drawn by weight among the rest (chi-square, a false alarm in 1,000)", () => {
  const fleet = makeFleet(() => 0, makeRandom(9));
  const places = [place("a", 98), place("b", 1), place("c", 1)] as const;
  const calls = 10_000;
  let [behindA, isB] = [0, 0];
  for (let call = 0; call < calls; call++) {
    const order = fleet.order({ route: "r", places, strategy: "weighted", stickTo: "", costOf: () => null });
    if (order[0].provider.name !== "a") continue;
    behindA++;
    isB += Number(order[1]?.provider.name === "b");
  }
  const chiSquare = (isB - behindA / 2) ** 2 / (behindA / 4);
  expect(chiSquare).toBeLessThan(CHI_SQUARE_999[1] ?? 0);
});

test.each([
  [5, 11],
  [0.5, 12],
  [50, 13],
])(
  "a share of %p %% is drawn so often (two-sided binomial bound by Chernoff, a false alarm in 1,000 at most)",
  (percent, seed) => {
    const random = makeRandom(seed);
    const draws = 100_000;
    const drawn = Array.from({ length: draws }, () => isDrawn(percent, random)).filter(Boolean).length;
    const expected = (draws * percent) / 100;
    expect(Math.abs(drawn - expected)).toBeLessThan(Math.sqrt(3 * expected * Math.log(2 / 0.001)));
  },
);

test("a share of 100 % is all of them, and the least there is may be none", () => {
  expect(isDrawn(100, () => 1 - Number.EPSILON)).toBe(true);
  expect(isDrawn(0.001, () => 0.5)).toBe(false);
});

test("least-latency: two choices keep the slowest of three from ever coming first once all are known (exact: 0 of the rest)", () => {
  const takes = (name: string): number => ({ fast: 100, middle: 300, slow: 900 })[name] ?? 0;
  const places = [place("slow"), place("middle"), place("fast")] as const;
  // One call at a time: what is under way weighs nothing, and the slowest loses to whomever it is drawn with.
  const asked = simulate({ strategy: "least-latency", places, takes, everyMs: 1_000, calls: 3_000, seed: 4 });
  const known = asked.slice(10);
  // Averages sink while nobody asks, so the slow one is looked at again now and then.
  expect(countOf(known, "slow") / known.length).toBeLessThan(0.15);
  expect(countOf(known, "fast")).toBeGreaterThan(countOf(known, "middle"));
});

test("least-latency: equals share alike (two-sided binomial bound by Hoeffding, a false alarm in 1,000 at most)", () => {
  const calls = 20_000;
  const places = [place("a"), place("b")] as const;
  const asked = simulate({ strategy: "least-latency", places, takes: () => 200, everyMs: 50, calls, seed: 5 });
  // Choices alternate rather than being independent, which only narrows the spread.
  const allowed = Math.sqrt((calls * Math.log(2 / 0.001)) / 2);
  expect(Math.abs(countOf(asked, "a") - calls / 2)).toBeLessThan(allowed);
});

test("least-latency: one that grows slow loses its calls within seconds, and has them again when it is well", () => {
  const sickFrom = 60_000;
  const wellFrom = 120_000;
  const takes = (name: string, nowMs: number): number =>
    name === "a" && nowMs >= sickFrom && nowMs < wellFrom ? 5_000 : 200;
  const places = [place("a"), place("b")] as const;
  const everyMs = 50;
  const asked = simulate({ strategy: "least-latency", places, takes, everyMs, calls: 4_800, seed: 6 });
  const shareOf = (fromMs: number, untilMs: number): number => {
    const part = asked.slice(fromMs / everyMs, untilMs / everyMs);
    return countOf(part, "a") / part.length;
  };
  expect(shareOf(10_000, sickFrom)).toBeGreaterThan(0.4);
  expect(shareOf(sickFrom + 10_000, wellFrom)).toBeLessThan(0.15);
  expect(shareOf(wellFrom + 60_000, 240_000)).toBeGreaterThan(0.4);
});

test("least-latency: a place of which nothing is known is not run over by all that come before it has answered", () => {
  const takes = (name: string): number => (name === "new" ? 60_000 : 100);
  const places = [place("old"), place("new")] as const;
  const asked = simulate({ strategy: "least-latency", places, takes, everyMs: 10, calls: 500, seed: 7 });
  // Until the first answer nothing is known of either, and they take turns.
  expect(countOf(asked.slice(0, 10), "new")).toBe(5);
  expect(countOf(asked.slice(10), "new")).toBe(0);
});

test("least-latency: a place that was slow, and that nobody asked for minutes, is looked at by one call and not by all that come meanwhile", () => {
  const takes = (name: string): number => (name === "slow" ? 20_000 : 200);
  const places = [place("slow"), place("fast")] as const;
  const asked = simulate({ strategy: "least-latency", places, takes, everyMs: 100, calls: 6_000, seed: 9 });
  // What is known of it sinks to what the other one costs in some 50 s; ten minutes have no more than a dozen of these.
  expect(countOf(asked, "slow")).toBeGreaterThan(3);
  expect(countOf(asked, "slow")).toBeLessThan(40);
});

test("least-latency: one that fails at once is not taken for the fastest, though its breaker is closed", () => {
  let nowMs = 0;
  const fleet = makeFleet(() => nowMs, makeRandom(8));
  const places = [place("bad"), place("good")] as const;
  const failure = new GatewayError({ kind: "upstream_unavailable", message: "It is down." });
  const asked: string[] = [];
  for (let call = 0; call < 100; call++) {
    nowMs += 50;
    const order = fleet.order({ route: "r", places, strategy: "least-latency", stickTo: "", costOf: () => null });
    asked.push(order[0].provider.name);
    // Now and then it answers, so that its breaker stays closed.
    for (const { provider } of order.slice(0, order[0].provider.name === "bad" ? 2 : 1)) {
      const visit = fleet.visit(place(provider.name));
      if (provider.name === "bad" && call % 4 !== 3) visit.end(failure, null);
      else visit.end(null, 200);
    }
  }
  expect(countOf(asked, "bad")).toBeLessThan(10);
});

test("peak EWMA: a slow answer counts at once, a fast one by its share, and time forgets", () => {
  const load = createLoad({ decayMs: 10_000 });
  load.begin(0);
  load.end(0, 100);
  load.begin(0);
  load.end(1_000, 2_000);
  expect(load.latencyMs(1_000)).toBe(2_000);
  load.begin(10_900);
  load.end(11_000, 100);
  expect(load.latencyMs(11_000)).toBeCloseTo(2_000 / Math.E + 100 * (1 - 1 / Math.E), 6);
  expect(load.latencyMs(111_000)).toBeLessThan(0.1);
  // One that fails says nothing of how fast it is.
  load.begin(111_000);
  load.end(111_000, null);
  expect(load.latencyMs(111_000)).toBeLessThan(0.1);
  expect(load.inFlight()).toBe(0);
});

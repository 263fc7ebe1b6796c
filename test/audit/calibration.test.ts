// Learning how a provider counts: its true ratio is found within what its family may count, its honest rows lie within the bounds, and who reports
// too much is found, from the first call on where it is much.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Learned, NOTHING_LEARNED, estimate, learn } from "../../src/audit/recount/calibration.ts";
import {
  CLAUDE,
  CLAUDE_LATER,
  GEMINI,
  OTHER,
  type Range,
  addKinds,
  startKinds,
} from "../../src/audit/recount/prior.ts";

const expected = (usual: number): Range => ({ low: 0.5 * usual, usual, high: 2.2 * usual });

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
      const found = estimate(expected(1_000), live(given, 400));
      expect(Math.abs(found.ratio / given.ratio - 1)).toBeLessThan(0.01);
    }),
  );
});

test("bounds narrow with what is known, and never below what is certain", () => {
  fc.assert(
    fc.property(world, (given) => {
      const width = (rows: number): number => {
        const { low, high } = estimate(expected(1_000), live(given, rows));
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
        const { low, high } = estimate(expected(ours), learned);
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
      const { high } = estimate(expected(1_000), live({ ...given, spread: Math.min(given.spread, 0.02) }, 40));
      expect(1_000 * given.ratio * 1.2).toBeGreaterThan(high);
    }),
  );
});

test("a provider that reports many times what a text can hold teaches nothing, from its first row on", () => {
  for (const ours of [30, 300, 30_000]) {
    let learned = NOTHING_LEARNED;
    for (let row = 0; row < 100; row++) learned = learn(learned, ours, 20 * ours);
    expect(estimate(expected(ours), learned).high).toBeLessThan(20 * ours);
  }
});

test("history leads nobody beyond what a family may count, however much of it there is", () => {
  for (const factor of [0.3, 1.9, 2.9]) {
    let learned = NOTHING_LEARNED;
    for (let row = 0; row < 1_000; row++) learned = learn(learned, 1_000, factor * 1_000);
    const range = { low: 800, usual: 1_000, high: 1_200 };
    const { low, high, ratio } = estimate(range, learned);
    expect(ratio).toBeWithin(0.8, 1.2 + 1e-9);
    expect(low).toBeGreaterThan(770);
    expect(high).toBeLessThan(1_230);
  }
});

interface Seen {
  /** Of all providers, those of which a row was flagged; and within how many calls, of 95 in a hundred of them. */
  found: number;
  within: number;
  /** Of all rows. */
  flagged: number;
}

/**
 * Providers of that family that report `factor` times their count from the first call on, 100 calls each: their own ratio lies up to `off`
 * from what is usual, and a text's up to an eighth from theirs.
 */
function simulate({ low, usual, high }: Range, factor: number, off: number): Seen {
  const providers = 100;
  const firsts: number[] = [];
  let flagged = 0;
  for (let seed = 1; seed <= providers; seed++) {
    const noise = makeNoise(seed * 7_919);
    const own = usual * (1 + off * ((2 * (seed - 1)) / (providers - 1) - 1));
    let learned = NOTHING_LEARNED;
    let first = 0;
    for (let call = 1; call <= 100; call++) {
      const tokens = 50 + Math.floor(Math.exp(5 + 1.2 * noise()));
      const range = { low: tokens * low, usual: tokens * usual, high: tokens * high };
      const theirs = Math.round(tokens * own * (1 + 0.04 * noise()) * factor);
      const bounds = estimate(range, learned);
      const slack = 0.03 * bounds.tokens;
      const isOutside = theirs > bounds.high + slack || theirs < bounds.low - slack;
      if (isOutside) flagged++;
      if (isOutside && first === 0) first = call;
      if (learned.rows < 20 || !isOutside) learned = learn(learned, range.usual, theirs);
    }
    if (first > 0) firsts.push(first);
  }
  const sorted = firsts.toSorted((left, right) => left - right);
  const within = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY;
  return { found: firsts.length / providers, within, flagged: flagged / (providers * 100) };
}

describe("a provider that reports too much from its first call on", () => {
  const families = [CLAUDE, CLAUDE_LATER, GEMINI];
  test.each(families)(
    "of $name, 1.3 times prose is found within ten calls, 1.6 times and twice with the first",
    ({ text }) => {
      expect(simulate(text.prose, 1.3, 0.05).found).toBe(1);
      expect(simulate(text.prose, 1.3, 0.05).within).toBeLessThanOrEqual(10);
      for (const factor of [1.6, 2]) expect(simulate(text.prose, factor, 0.05)).toMatchObject({ found: 1, within: 1 });
    },
  );
  test.each([...families, OTHER])(
    "of $name, 1.6 times code is found within ten calls, and twice with the first",
    ({ text }) => {
      expect(simulate(text.code, 1.6, 0.05).found).toBe(1);
      expect(simulate(text.code, 1.6, 0.05).within).toBeLessThanOrEqual(10);
      expect(simulate(text.code, 2, 0.05)).toMatchObject({ found: 1, within: 1 });
    },
  );
  test.each([...families, OTHER])("of $name, an honest one has less than one row in a thousand flagged", ({ text }) => {
    for (const kind of ["prose", "code", "cjk", "other"] as const) {
      expect(simulate(text[kind], 1, 0.05).flagged).toBeLessThan(0.001);
    }
  });
  test.each([...families, OTHER])(
    "of $name, one in a hundred where its texts are the least or the most usual ones",
    ({ text }) => {
      for (const { low, usual, high } of [text.prose, text.code]) {
        const off = Math.min(usual - low, high - usual) / usual;
        expect(simulate({ low, usual, high }, 1, 0.9 * off).flagged).toBeLessThan(0.01);
      }
    },
  );
});

test("a text is of the kinds that it is written in", () => {
  const share = (text: string): Record<string, number> => {
    const kinds = startKinds();
    addKinds(kinds, text, 100);
    const { digits, ...tokens } = kinds;
    expect(Object.values(tokens).reduce((sum, each) => sum + each, 0)).toBeCloseTo(100, 6);
    return Object.fromEntries(
      Object.entries({ ...tokens, digits }).map(([kind, tokens]) => [kind, Math.round(tokens / 10) * 10]),
    );
  };
  const prose = "The house stood on a hill, and from its windows one could see the river wind away to the sea. ".repeat(
    9,
  );
  expect(share(prose)).toMatchObject({ prose: 100 });
  expect(share(prose.repeat(500))).toMatchObject({ prose: 100 });
  expect(share('{"a":[1,2,{"b":"c"}],"d":{"e":null,"f":12.5}}')).toMatchObject({ code: 100 });
  expect(share("for (let i = 0; i < list.length; i++) { sum += list[i] ?? 0; }")).toMatchObject({ code: 100 });
  expect(share("\u4eca\u5929\u5929\u6c14\u5f88\u597d".repeat(40))).toMatchObject({ cjk: 100 });
  expect(
    share("\u041f\u0440\u0438\u0432\u0435\u0442 \u043a\u0430\u043a \u0434\u0435\u043b\u0430 ".repeat(40))["other"],
  ).toBeGreaterThan(50);
  expect(share("")).toEqual({ ...startKinds(), prose: 100 });
  const german =
    "Das Haus stand auf einem H\u00fcgel, und aus den Fenstern sah man den Fluss bis zum Meer hin. ".repeat(9);
  expect(share(german)).toMatchObject({ latin: 100, prose: 0 });
  expect(share("5512,774,10983,44\n".repeat(10))).toMatchObject({ numbers: 60, digits: 80, other: 0 });
  expect(share("\u251c\u2500\u2500 \u{1f98a}".repeat(40))["other"]).toBe(100);
});

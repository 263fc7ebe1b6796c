// The breaker opens on what is truly bad, lets trials through, and never stays shut for ever.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type BreakerRules, createBreaker as create } from "../../../src/gateway/way/breaker.ts";

const RULES: BreakerRules = {
  windowMs: 10_000,
  consecutive: 5,
  failureShare: 0.5,
  slowShare: 0.8,
  slowMs: 1_000,
  minimumCalls: 10,
  openMs: 1_000,
  longestMs: 8_000,
  trials: 1,
};

/** Ends the call that began last, or one that began just then. */
function createBreaker(rules: BreakerRules) {
  const breaker = create(rules);
  let trial: ReturnType<typeof breaker.begin> | null = null;
  return {
    ...breaker,
    begin: (nowMs: number) => (trial = breaker.begin(nowMs)),
    end(nowMs: number, outcome: "failure" | "neutral" | "success", outputMs: number): boolean {
      const of = trial ?? breaker.begin(nowMs);
      trial = null;
      return breaker.end(nowMs, outcome, { trial: of, outputMs });
    },
  };
}

test("opens after failures in a row, and a good trial closes it", () => {
  const breaker = createBreaker(RULES);
  for (let call = 0; call < 4; call++) breaker.end(call, "failure", 1);
  expect(breaker.state(4)).toBe("closed");
  breaker.end(4, "failure", 1);
  expect([breaker.state(5), breaker.allows(1_003)]).toEqual(["open", false]);
  expect([breaker.state(1_004), breaker.allows(1_004)]).toEqual(["half-open", true]);
  breaker.begin(1_004);
  expect(breaker.allows(1_005)).toBe(false);
  breaker.end(1_010, "success", 1);
  expect([breaker.state(1_011), breaker.allows(1_011)]).toEqual(["closed", true]);
});

test("a bad trial opens it for twice as long, up to the longest; a trial whose client left decides nothing", () => {
  const breaker = createBreaker(RULES);
  for (let call = 0; call < 5; call++) breaker.end(0, "failure", 1);
  let nowMs = 0;
  for (const openMs of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    expect(breaker.state(nowMs + openMs - 1)).toBe("open");
    nowMs += openMs;
    expect(breaker.state(nowMs)).toBe("half-open");
    breaker.begin(nowMs);
    breaker.end(nowMs, "neutral", 1);
    expect(breaker.allows(nowMs)).toBe(true);
    breaker.begin(nowMs);
    breaker.end(nowMs, "failure", 1);
  }
});

test("opens on a share of failures, and on a share of slow answers; a quiet window forgets", () => {
  const shared = createBreaker(RULES);
  for (let call = 0; call < 9; call++) shared.end(call, call % 2 === 0 ? "failure" : "success", 1);
  expect(shared.state(9)).toBe("closed");
  shared.end(9, "failure", 1);
  expect(shared.state(9)).toBe("open");
  const slow = createBreaker(RULES);
  for (let call = 0; call < 10; call++) slow.end(call, "success", call < 2 ? 1 : 1_001);
  expect(slow.state(10)).toBe("open");
  const quiet = createBreaker(RULES);
  for (let call = 0; call < 9; call++) quiet.end(call, call % 2 === 0 ? "failure" : "success", 1);
  quiet.end(20_000, "failure", 1);
  expect(quiet.state(20_000)).toBe("closed");
});

test("whatever happens: from some moment on it lets a call through again", () => {
  const step = fc.record({ afterMs: fc.nat(5_000), outcome: fc.constantFrom("failure", "neutral", "success") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const breaker = createBreaker(RULES);
      let nowMs = 0;
      for (const { afterMs, outcome } of steps) {
        nowMs += afterMs;
        if (!breaker.allows(nowMs)) continue;
        breaker.begin(nowMs);
        breaker.end(nowMs, outcome, 1);
      }
      expect(breaker.allows(nowMs + RULES.longestMs)).toBe(true);
    }),
  );
});

test("a call that was made although it was open, and went well, closes it; what began before it opened does neither", () => {
  const breaker = create(RULES);
  const early = breaker.begin(0);
  for (let call = 0; call < 5; call++) breaker.end(0, "failure", { trial: breaker.begin(0), outputMs: 1 });
  expect(breaker.end(10, "success", { trial: early, outputMs: 1 })).toBe(false);
  expect(breaker.state(10)).toBe("open");
  expect(breaker.end(20, "failure", { trial: breaker.begin(15), outputMs: 1 })).toBe(false);
  expect(breaker.figures(20).openUntilMs).toBe(1_000);
  expect(breaker.end(30, "success", { trial: breaker.begin(25), outputMs: 1 })).toBe(true);
  expect(breaker.state(30)).toBe("closed");
});

test("a trial that never ends keeps nobody away for good, and calls of before take no trial's place", () => {
  const breaker = create(RULES);
  const early = Array.from({ length: 3 }, () => breaker.begin(0));
  for (let call = 0; call < 5; call++) breaker.end(0, "failure", { trial: breaker.begin(0), outputMs: 1 });
  breaker.begin(1_000);
  for (const trial of early) breaker.end(1_001, "neutral", { trial, outputMs: 1 });
  expect(breaker.allows(1_001)).toBe(false);
  expect(breaker.allows(1_000 + RULES.longestMs)).toBe(true);
});

test("one that is slow on trial is not well", () => {
  const breaker = create(RULES);
  for (let call = 0; call < 10; call++) breaker.end(0, "success", { trial: breaker.begin(0), outputMs: 5_000 });
  expect(breaker.state(0)).toBe("open");
  breaker.end(1_500, "success", { trial: breaker.begin(1_000), outputMs: 5_000 });
  expect(breaker.figures(1_500).openUntilMs).toBe(3_500);
});

test("what others found out opens it as long as they say, and never for a shorter time than it knows itself", () => {
  const breaker = create(RULES);
  breaker.openUntil(0, 5_000);
  breaker.openUntil(0, 100);
  expect([breaker.state(4_999), breaker.state(5_000)]).toEqual(["open", "half-open"]);
  breaker.reset();
  expect(breaker.state(0)).toBe("closed");
});

/** Of 20 calls that fail by chance with p = 0.1, half or more fail in 7 of a million windows. The dice are always the same. */
test("chance alone does not open it, and a provider that fails half of the time is left alone within a window", () => {
  let seed = 42;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const rules = { ...RULES, consecutive: Number.POSITIVE_INFINITY, minimumCalls: 20 };
  const countOpen = (share: number): number => {
    let opened = 0;
    for (let window = 0; window < 1_000; window++) {
      const breaker = create(rules);
      const changes = Array.from({ length: 40 }, (_, call) => {
        const outcome = random() < share ? "failure" : "success";
        return breaker.end(call * 100, outcome, { trial: breaker.begin(call * 100), outputMs: 1 });
      });
      if (changes.includes(true)) opened++;
    }
    return opened;
  };
  expect(countOpen(0.1)).toBe(0);
  expect(countOpen(0.7)).toBeGreaterThan(990);
});

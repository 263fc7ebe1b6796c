// A parked key: how long, what lets it out again, and that nothing keeps it in for ever.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ParkReason, createPark, judgeKey } from "../../../src/gateway/way/park.ts";
import { GatewayError } from "../../../src/ir/index.ts";

const RULES = { revokedMs: 30_000, quotaMs: 1_000, longestMs: 60_000 };

const rejected = (status: number, retryAfterMs?: number): GatewayError => {
  const upstream = { status, type: null, code: null, param: null, message: "no", requestId: null };
  return new GatewayError({ kind: "upstream_rejected", message: "no", upstream, retryAfterMs });
};

test("what is said of the key, and how much of it", () => {
  expect(judgeKey(rejected(401, 5))).toEqual({ reason: "revoked", isOfModel: false, askedMs: 5 });
  expect(judgeKey(rejected(402))).toEqual({ reason: "out-of-quota", isOfModel: false, askedMs: undefined });
  expect(judgeKey(rejected(403))).toMatchObject({ reason: "no-access", isOfModel: true });
  expect(judgeKey(rejected(429, 700))).toEqual({ reason: "rate-limited", isOfModel: true, askedMs: 700 });
  expect(judgeKey(rejected(429, 0))).toBeNull();
  expect([judgeKey(rejected(429)), judgeKey(rejected(500, 5))]).toEqual([null, null]);
});

test("each refusal doubles the time, up to the longest; those that ran together count once", () => {
  const park = createPark(RULES);
  let nowMs = 0;
  for (const forMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    expect(park.refuse(nowMs, { reason: "out-of-quota", askedMs: undefined })).toBe(true);
    expect(park.refuse(nowMs, { reason: "out-of-quota", askedMs: undefined })).toBe(false);
    expect([park.parked()?.untilMs, park.allows(nowMs + forMs - 1), park.allows(nowMs + forMs)]).toEqual([
      nowMs + forMs,
      false,
      true,
    ]);
    nowMs += forMs;
    expect(park.begin(nowMs)).toBe(true);
    // One finds out, and the others wait.
    expect(park.allows(nowMs)).toBe(false);
  }
});

test("what is asked for is obeyed, but for a void key, and not beyond a day", () => {
  const until = (reason: ParkReason, askedMs: number): number | undefined => {
    const park = createPark(RULES);
    park.refuse(0, { reason, askedMs });
    return park.parked()?.untilMs;
  };
  expect([until("out-of-quota", 5), until("rate-limited", 7), until("revoked", 5)]).toEqual([5, 7, 30_000]);
  expect(until("daily-limit", 10 * 86_400_000)).toBe(86_400_000);
});

test("an answer lets it out, unless its call began before", () => {
  const park = createPark(RULES);
  park.refuse(100, { reason: "revoked", askedMs: undefined });
  expect([park.succeed(99), park.parked() === null]).toEqual([false, false]);
  expect([park.succeed(100), park.parked() === null, park.succeed(101)]).toEqual([true, true, false]);
});

test("whatever happens: it may be used again some time", () => {
  const reason = fc.constantFrom<ParkReason>("revoked", "no-access", "out-of-quota", "daily-limit", "rate-limited");
  const step = fc.record({
    afterMs: fc.nat(100_000),
    act: fc.constantFrom("begin", "end", "others", "refuse", "succeed"),
    reason,
    askedMs: fc.option(fc.nat(200_000), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const park = createPark(RULES);
      let nowMs = 0;
      for (const { afterMs, act, reason: why, askedMs } of steps) {
        nowMs += afterMs;
        if (act === "begin") park.begin(nowMs);
        else if (act === "end") park.end(true);
        else if (act === "others") park.parkUntil(nowMs, { reason: why, untilMs: nowMs + (askedMs ?? 0) });
        else if (act === "refuse") park.refuse(nowMs, { reason: why, askedMs });
        else park.succeed(nowMs);
      }
      const lastMs = Math.max(nowMs, park.parked()?.untilMs ?? 0) + RULES.longestMs;
      expect(park.allows(lastMs)).toBe(true);
    }),
  );
});

// Who is charged: all parts of a row together are the row, whatever was tried, and the ordinary row has none.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { findAnswering, listShares, SPENT_FIELDS } from "../../src/lib/share.ts";

const usage = { freshInputTokens: 10, cacheReadTokens: 1, cacheWriteTokens: 2, outputTokens: 5, reasoningTokens: null };
const lost = { provider: "openai", model: "gpt-4o", errorKind: "timeout", usage, costNanos: 70 };
const won = { provider: "anthropic", model: "claude", errorKind: null, usage, costNanos: 30 };
const row = { kind: "call", provider: "anthropic", costNanos: 100, attempts: [lost, won] };

describe("shares of a row", () => {
  test("are of those that did not answer", () => {
    expect(listShares(row)).toEqual([
      {
        provider: "openai",
        model: "gpt-4o",
        attempts: 1,
        freshInputTokens: 10,
        cacheReadTokens: 1,
        cacheWriteTokens: 2,
        longCacheWriteTokens: 0,
        outputTokens: 5,
        reasoningTokens: 0,
        costNanos: 70,
      },
    ]);
  });

  test("do not ask who came last: a hedge may win before its rival ends", () => {
    const attempts = [won, { ...lost, errorKind: "cancelled" }];
    expect(findAnswering({ ...row, attempts })).toBe(won);
    expect(listShares({ ...row, attempts }).map(({ provider }) => provider)).toEqual(["openai"]);
  });

  test("are counted together where one was asked several times, and are none where it is the same all along", () => {
    expect(listShares({ ...row, attempts: [lost, lost, won] })).toMatchObject([{ attempts: 2, costNanos: 140 }]);
    expect(listShares({ ...row, provider: "openai", attempts: [lost, { ...lost, errorKind: null }] })).toEqual([]);
    expect(listShares({ ...row, attempts: [won] })).toEqual([]);
    expect(listShares({ ...row, attempts: [] })).toEqual([]);
  });

  test("tell models of one provider apart", () => {
    const attempts = [lost, { ...lost, model: "gpt-4o-mini", errorKind: null }];
    expect(listShares({ ...row, provider: "openai", attempts })).toMatchObject([
      { provider: "openai", model: "gpt-4o" },
    ]);
  });

  test("have tokens and no money where the cost of the whole is unknown", () => {
    expect(listShares({ ...row, costNanos: null })).toMatchObject([{ freshInputTokens: 10, costNanos: 0 }]);
  });

  test("of a correction are no calls", () => {
    expect(listShares({ ...row, kind: "correction" })).toMatchObject([{ attempts: 0, costNanos: 70 }]);
  });

  test("leave to the row's own provider exactly what its attempts used", () => {
    const attempt = fc.record({
      provider: fc.constantFrom("a", "b", "c"),
      model: fc.constantFrom("m", "n"),
      errorKind: fc.constantFrom(null, "timeout"),
      usage: fc.record({
        freshInputTokens: fc.nat(),
        cacheReadTokens: fc.nat(),
        cacheWriteTokens: fc.nat(),
        longCacheWriteTokens: fc.nat(),
        outputTokens: fc.nat(),
        reasoningTokens: fc.nat(),
      }),
      costNanos: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 1, maxLength: 6 }), fc.nat(5), (attempts, index) => {
        const provider = attempts[index % attempts.length]?.provider ?? null;
        const costNanos = attempts.reduce((sum, each) => sum + each.costNanos, 0);
        const own = findAnswering({ attempts, provider });
        const shares = listShares({ kind: "call", provider, costNanos, attempts });
        expect(own?.provider ?? null).toBe(provider);
        for (const field of SPENT_FIELDS) {
          const read = (each: (typeof attempts)[number]): number =>
            field === "costNanos" ? each.costNanos : each.usage[field];
          const mine = attempts.filter((each) => each.provider === own?.provider && each.model === own.model);
          const all = attempts.reduce((sum, each) => sum + read(each), 0);
          const elsewhere = shares.reduce((sum, share) => sum + share[field], 0);
          expect(all - elsewhere).toBe(mine.reduce((sum, each) => sum + read(each), 0));
        }
      }),
      { seed: 7 },
    );
  });
});

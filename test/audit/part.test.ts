// Of a call that went from one provider to another, a pack adds up the part that concerns the one that it is about.

import { expect, test } from "bun:test";
import { listKnownCosts, readOwnPart } from "../../src/audit/pack/part.ts";

const used = (fresh: number, output: number) => ({
  freshInputTokens: fresh,
  cacheReadTokens: 10,
  cacheWriteTokens: 0,
  outputTokens: output,
});

test("its own attempts where there were several, the row where there was one, nothing where another answered", () => {
  const both = {
    ...used(150, 9),
    provider: "b",
    costNanos: 900,
    usageSource: "provider",
    attempts: [
      { provider: "a", usage: used(50, 2), costNanos: 200 },
      { provider: "b", usage: used(100, 7), costNanos: null },
    ],
  };
  expect(readOwnPart(both, new Set(["a"]))).toEqual({ input: 60, output: 2, cost: 200n, isUnpriced: false });
  expect(readOwnPart(both, new Set(["b"]))).toEqual({ input: 110, output: 7, cost: 0n, isUnpriced: true });
  const one = { ...both, attempts: [{ provider: "a" }, { provider: "b" }] };
  expect(readOwnPart(one, new Set(["b"]))).toEqual({ input: 160, output: 9, cost: 900n, isUnpriced: false });
  expect(readOwnPart(one, new Set(["a"]))).toEqual({ input: 0, output: 0, cost: 0n, isUnpriced: false });
});

test("what a correction brings of a call whose cost was unknown as a whole counts once, and what was known of a part at once", () => {
  const call = {
    ...used(150, 9),
    provider: "b",
    costNanos: null,
    usageSource: "provider",
    attempts: [
      { provider: "a", usage: used(50, 2), costNanos: 200 },
      { provider: "b", usage: used(100, 7), costNanos: null },
    ],
  };
  const correction = {
    provider: "b",
    costNanos: 950,
    usageSource: "provider",
    pricesUnknown: true,
    attempts: [
      { provider: "a", costNanos: 250 },
      { provider: "b", costNanos: 700 },
    ],
  };
  const known = listKnownCosts(call);
  const read = (provider: string) => [call, correction].map((row) => readOwnPart(row, new Set([provider]), known));
  const told = (provider: string) => read(provider).map(({ cost, isUnpriced }) => [cost, isUnpriced]);
  expect(told("a")).toEqual([
    [200n, false],
    [50n, false],
  ]);
  expect(told("b")).toEqual([
    [0n, true],
    [700n, false],
  ]);
});

// When a request that has become dearer is worth a word, and when it is a failure.

import { describe, expect, test } from "bun:test";
import { judgeRatio, readPrevious, readRatios } from "../../scripts/bench/report/ratio.ts";
import type { Report } from "../../scripts/bench/report/report.ts";

describe("a ratio", () => {
  test.each([
    [1.5, 1.5, "+0 %", false],
    [1.4, 1.5, "−7 %", false],
    [1.8, 1.5, "WARNING +20 %: more than +15 %", false],
    [2.39, 1.5, "WARNING +59 %: more than +15 %", false],
    [2.41, 1.5, "+61 %: fails beyond +60 %", true],
    [Number.NaN, 1.5, "nothing was measured", true],
    [Number.POSITIVE_INFINITY, 1.5, "nothing was measured", true],
  ])("of %d after %d", (now, previous, said, isFar) => {
    expect(judgeRatio(now, previous, true)).toEqual({ before: "1.50", said, isFar });
  });

  test("that has grown far is no failure where the machine was not quiet", () => {
    expect(judgeRatio(3, 1.5, false)).toEqual({
      before: "1.50",
      said: "WARNING +100 %: more than +15 %",
      isFar: false,
    });
  });

  test("without one before is taken as it is", () => {
    expect(judgeRatio(2, undefined, true)).toEqual({ before: "", said: "measured for the first time", isFar: false });
  });

  test("is of what a request costs each of them where it is disturbed least", () => {
    const rounds = {
      "bun-proxy": [20, 40, 30].map((cpuUs) => ({ cpuUs })),
      tokligence: [40, 120, 30].map((cpuUs) => ({ cpuUs })),
    };
    const report = { scenarios: [{ id: "chat", rounds }] } as unknown as Report;
    expect(readRatios(report)).toEqual({ chat: 1.5 });
  });

  test("of before is read as it was written", () => {
    const previous = { commit: "abc", ratios: { chat: 1.5 } };
    expect(readPrevious(JSON.stringify(previous))).toEqual(previous);
  });

  test.each([
    ["", "no JSON"],
    ['{"commit": "abc", "rati', "no JSON"],
    ["[]", "ratios above 0"],
    ['{"commit": "abc"}', "ratios above 0"],
    ['{"commit": "abc", "ratios": {"chat": null}}', "ratios above 0"],
    ['{"commit": "abc", "ratios": {"chat": 0}}', "ratios above 0"],
    ['{"commit": "abc", "ratios": {"chat": "5"}}', "ratios above 0"],
  ])("of before that reads %s is told", (text, why) => {
    expect(() => readPrevious(text)).toThrow(why);
  });
});

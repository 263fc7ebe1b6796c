import { expect, test } from "bun:test";
import { findNearest } from "../../src/lib/nearest.ts";

test("the nearest first, nothing far away", () => {
  const names = ["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5", "loopback"];
  expect(findNearest("gpt-40", names)).toEqual(["gpt-4o"]);
  expect(findNearest("gpt4o-mini", names)).toEqual(["gpt-4o-mini"]);
  expect(findNearest("Loopbak", names)).toEqual(["loopback"]);
  expect(findNearest("zzzzzzzz", names)).toEqual([]);
});

// Patterns over names, and whether one list of them lies within another.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compilePatternList, coversPatternList } from "../../src/lib/pattern.ts";

const isAllowed = (patterns: readonly string[], name: string): boolean => {
  const list = compilePatternList(patterns);
  return list.isWanted(name) && !list.isUnwanted(name);
};

test.each([
  [[], "anything", true],
  [["gpt-4o"], "GPT-4o", true],
  [["gpt-4o"], "gpt-4o-mini", false],
  [["gpt-*", "claude*"], "claude-3", true],
  [["*-mini"], "gpt-4o-mini", true],
  [["*4o*"], "gpt-4o-mini", true],
  [["!gpt-4*"], "gpt-4o", false],
  [["!gpt-4*"], "o3", true],
  [["gpt-*", "!*audio*"], "gpt-4o-audio-preview", false],
  [["*"], "", true],
])("%j and %p: %p", (patterns, name, expected) => {
  expect(isAllowed(patterns, name)).toBe(expected);
});

describe("a list within another", () => {
  test.each([
    [[], [], true],
    [[], ["gpt-4o"], true],
    [["gpt-*"], [], false],
    [["gpt-*"], ["gpt-4o", "gpt-5*"], true],
    [["gpt-*"], ["gpt*"], false],
    [["gpt-*"], ["*"], false],
    [["gpt-*"], ["!gpt-4"], false],
    [["gpt-*", "!gpt-4*"], ["gpt-5"], true],
    [["gpt-*", "!gpt-4*"], ["gpt-4o"], false],
    [["gpt-*", "!gpt-4*"], ["gpt-5*"], false],
    [["gpt-*", "!gpt-4*"], ["gpt-*", "!gpt-*"], true],
    [["!gpt-4*"], ["!gpt-4o"], false],
    [["!gpt-4*"], ["!gpt-*"], true],
    [["*mini"], ["gpt-mini*"], false],
    [["GPT-*"], ["gpt-4O"], true],
  ])("%j has room for %j: %p", (outer, inner, expected) => {
    expect(coversPatternList(outer, inner)).toBe(expected);
  });

  test("never lets a name in that the other does not", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 0, maxLength: 3 });
    const pattern = fc
      .tuple(fc.boolean(), fc.boolean(), word, fc.boolean())
      .map(([not, before, text, behind]) => `${not ? "!" : ""}${before ? "*" : ""}${text}${behind ? "*" : ""}`)
      .filter((text) => text !== "" && text !== "!");
    const list = fc.array(pattern, { maxLength: 3 });
    const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 5 });
    fc.assert(
      fc.property(list, list, name, (outer, inner, text) => {
        fc.pre(coversPatternList(outer, inner));
        return !isAllowed(inner, text) || isAllowed(outer, text);
      }),
      { numRuns: 5_000 },
    );
  });
});

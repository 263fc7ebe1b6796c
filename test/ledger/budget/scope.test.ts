// Which budgets concern a call: those that fit in all they say, whatever drawer they lie in.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileScope, createBudgetIndex } from "../../../src/ledger/budget/scope.ts";
import type { BudgetScope, CallFacts } from "../../../src/ledger/budget/model.ts";
import { makeBudget } from "./sample.ts";

const CALL: CallFacts = {
  userId: "u1",
  apiKeyId: "k1",
  tags: ["team-a", "nightly"],
  provider: "openai",
  modelAsked: "fast",
  modelSent: "GPT-4.1-mini",
  atMs: 0,
};

describe("scope", () => {
  test.each([
    ["all", {}, true],
    ["its user", { userId: "u1" }, true],
    ["another user", { userId: "u2" }, false],
    ["its key", { apiKeyId: "k1" }, true],
    ["another key", { apiKeyId: "k2" }, false],
    ["its key, as another user's", { apiKeyId: "k1", userId: "u2" }, false],
    ["its provider", { provider: "openai" }, true],
    ["another provider", { provider: "anthropic" }, false],
    ["one of its tags", { tag: "nightly" }, true],
    ["another tag", { tag: "night" }, false],
    ["the name that the client wrote", { model: "FAST" }, true],
    ["the name at the provider", { model: "gpt-4.1-mini" }, true],
    ["a pattern of it", { model: "gpt-*-mini" }, true],
    ["a pattern that overlaps itself", { model: "gpt-4.1-mini*i" }, false],
    ["everything", { model: "*" }, true],
    ["a pattern of another", { model: "*-nano" }, false],
    ["its user and another model", { userId: "u1", model: "gpt-5" }, false],
  ] as const)("%s", (_, scope, isFound) => {
    const index = createBudgetIndex([makeBudget({ userId: "u9" }), makeBudget(scope)]);
    expect(index.find(CALL)).toHaveLength(isFound ? 1 : 0);
  });

  test("the index finds what looking at each would find", () => {
    const word = fc.constantFrom(null, "a", "b");
    const scope = fc.record<BudgetScope>({
      userId: word,
      apiKeyId: word,
      provider: word,
      model: fc.constantFrom(null, "a", "b", "a*", "*b", "*"),
      tag: word,
    });
    const name = fc.constantFrom("a", "b", "ab", "c");
    const call = fc.record<CallFacts>({
      userId: name,
      apiKeyId: name,
      provider: name,
      modelAsked: name,
      modelSent: name,
      tags: fc.array(name, { maxLength: 3 }),
      atMs: fc.constant(0),
    });
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 20 }), call, (scopes, facts) => {
        const budgets = scopes.map((each) => makeBudget(each));
        const found = createBudgetIndex(budgets).find(facts);
        const expected = budgets.filter((budget) => compileScope(budget)(facts));
        expect(new Set(found)).toEqual(new Set(expected));
        expect(found).toHaveLength(expected.length);
      }),
    );
  });
});

// Rules over names: which come first, and what they match. Knows no route.

import { type CompiledPattern, compilePattern } from "../lib/pattern.ts";

export interface CompiledRule<Rule> extends CompiledPattern {
  rule: Rule;
  order: number;
}

/** Exact before pattern, then most literal characters, then those with conditions, then order of declaration. */
export function compileRules<Rule extends { pattern: string; when?: unknown }>(
  rules: readonly Rule[],
): CompiledRule<Rule>[] {
  return rules
    .map((rule, order) => ({ rule, order, ...compilePattern(rule.pattern.toLowerCase()) }))
    .sort(
      (left, right) =>
        Number(right.isExact) - Number(left.isExact) ||
        right.literals - left.literals ||
        Number(left.rule.when === undefined) - Number(right.rule.when === undefined) ||
        left.order - right.order,
    );
}

// Patterns over names: which come first, and what they match. Knows no route.

export interface CompiledRule<Rule> {
  rule: Rule;
  matches(lower: string): boolean;
  isExact: boolean;
  literals: number;
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

/** `x`, `x*`, `*x`, `*x*` or `*`, all of it in lower case. */
export function compilePattern(pattern: string): Pick<CompiledRule<never>, "matches" | "isExact" | "literals"> {
  const starts = pattern.startsWith("*");
  const ends = pattern.length > 1 && pattern.endsWith("*");
  const literal = pattern.slice(starts ? 1 : 0, ends ? -1 : undefined);
  const literals = literal.length;
  if (starts && ends) return { isExact: false, literals, matches: (name) => name.includes(literal) };
  if (starts) return { isExact: false, literals, matches: (name) => name.endsWith(literal) };
  if (ends) return { isExact: false, literals, matches: (name) => name.startsWith(literal) };
  return { isExact: true, literals, matches: (name) => name === literal };
}

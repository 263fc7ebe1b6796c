// Patterns over names: `x`, `x*`, `*x`, `*x*` or `*`. Knows no name.

export interface CompiledPattern {
  matches(lower: string): boolean;
  isExact: boolean;
  /** Where in a name its letters must stand. */
  place: "end" | "exact" | "inside" | "start";
  literal: string;
  /** How many letters those are. */
  literals: number;
}

/** All of it in lower case. */
export function compilePattern(pattern: string): CompiledPattern {
  const starts = pattern.startsWith("*");
  const ends = pattern.length > 1 && pattern.endsWith("*");
  const literal = pattern.slice(starts ? 1 : 0, ends ? -1 : undefined);
  const common = { literal, literals: literal.length, isExact: false };
  if (starts && ends) return { ...common, place: "inside", matches: (name) => name.includes(literal) };
  if (starts) return { ...common, place: "end", matches: (name) => name.endsWith(literal) };
  if (ends) return { ...common, place: "start", matches: (name) => name.startsWith(literal) };
  return { ...common, isExact: true, place: "exact", matches: (name) => name === literal };
}

/** What a list of patterns says of names, whatever their case. */
export interface PatternList {
  /** One of those without `!`, where there are any. */
  isWanted(name: string): boolean;
  /** One of those with `!`. */
  isUnwanted(name: string): boolean;
}

export function compilePatternList(patterns: readonly string[]): PatternList {
  const lower = patterns.map((pattern) => pattern.toLowerCase());
  const wanted = lower.filter((pattern) => !pattern.startsWith("!")).map((pattern) => compilePattern(pattern).matches);
  const unwanted = lower
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => compilePattern(pattern.slice(1)).matches);
  const isOneOf = (matchers: typeof wanted, name: string): boolean => {
    const text = name.toLowerCase();
    return matchers.some((matches) => matches(text));
  };
  return {
    isWanted: (name) => wanted.length === 0 || isOneOf(wanted, name),
    isUnwanted: (name) => unwanted.length > 0 && isOneOf(unwanted, name),
  };
}

/** Whether no name is in `inner` that is not in `outer`, too. `inner` has no stars but at its ends, so that they meet no letter of the other. */
function coversPattern(outer: string, inner: string): boolean {
  return compilePattern(outer.toLowerCase()).matches(inner.toLowerCase());
}

/** Likewise of lists; an empty one is all names. */
export function coversPatternList(outer: readonly string[], inner: readonly string[]): boolean {
  const isUnwanted = (pattern: string): boolean => pattern.startsWith("!");
  const wanted = outer.filter((pattern) => !isUnwanted(pattern));
  const named = inner.filter((pattern) => !isUnwanted(pattern));
  const banned = inner.filter(isUnwanted).map((pattern) => pattern.slice(1));
  const isWithin = (pattern: string): boolean => wanted.some((each) => coversPattern(each, pattern));
  if (wanted.length > 0 && !(named.length > 0 && named.every(isWithin))) return false;
  /** Names alone can be told to be none of those that are not allowed. */
  const isBeside = (pattern: string): boolean =>
    named.length > 0 && named.every((each) => !each.includes("*") && !coversPattern(pattern, each));
  const isKept = (pattern: string): boolean => isBeside(pattern) || banned.some((each) => coversPattern(each, pattern));
  return outer.filter(isUnwanted).every((pattern) => isKept(pattern.slice(1)));
}

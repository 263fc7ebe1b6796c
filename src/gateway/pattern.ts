// Rules over names: which come first, and which match a name, found without a look at the others: ten thousand of them cost what ten cost.
// Knows no route.

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

export interface RuleIndex<Rule> {
  /**
   * All that match a name in lower case, in the order in which they were given; with `marks`, without those that are for others only: a rule
   * that bears marks must have one of them.
   */
  find(lower: string, marks?: readonly string[]): readonly CompiledRule<Rule>[];
}

/** `marksOf`: by what alone a rule can hold; none: it is for all. */
export function indexRules<Rule>(
  rules: readonly CompiledRule<Rule>[],
  marksOf: (rule: Rule) => readonly string[] = () => NO_MARKS,
): RuleIndex<Rule> {
  const exact = new Map<string, Bucket<Rule>>();
  const [start, end, inside] = [createDrawer<Rule>(), createDrawer<Rule>(), createDrawer<Rule>()];
  for (const [rank, entry] of rules.entries()) {
    const drawer = { exact: null, start, end, inside }[entry.place];
    put(drawer?.buckets ?? exact, { rank, entry }, marksOf(entry.rule));
    if (drawer !== null && !drawer.lengths.includes(entry.literals)) drawer.lengths.push(entry.literals);
  }
  for (const { lengths } of [start, end, inside]) lengths.sort((left, right) => left - right);
  return {
    find(lower, marks) {
      const found: Ranked<Rule>[] = [];
      take(exact.get(lower), marks, found);
      for (const length of start.lengths) {
        if (length > lower.length) break;
        take(start.buckets.get(lower.slice(0, length)), marks, found);
      }
      for (const length of end.lengths) {
        if (length > lower.length) break;
        take(end.buckets.get(lower.slice(lower.length - length)), marks, found);
      }
      for (const literal of listInside(inside, lower)) take(inside.buckets.get(literal), marks, found);
      return inOrder(found);
    },
  };
}

const NO_MARKS: readonly string[] = Object.freeze([]);

interface Ranked<Rule> {
  rank: number;
  entry: CompiledRule<Rule>;
}

/** Rules of one pattern. */
interface Bucket<Rule> {
  all: Ranked<Rule>[];
  unmarked: Ranked<Rule>[];
  marked: Map<string, Ranked<Rule>[]>;
}

/** Patterns of one kind by their letters, and how many of these there are, the fewest first. */
interface Drawer<Rule> {
  buckets: Map<string, Bucket<Rule>>;
  lengths: number[];
}

function createDrawer<Rule>(): Drawer<Rule> {
  return { buckets: new Map(), lengths: [] };
}

function put<Rule>(buckets: Map<string, Bucket<Rule>>, ranked: Ranked<Rule>, marks: readonly string[]): void {
  const { literal } = ranked.entry;
  let bucket = buckets.get(literal);
  if (bucket === undefined) buckets.set(literal, (bucket = { all: [], unmarked: [], marked: new Map() }));
  bucket.all.push(ranked);
  if (marks.length === 0) bucket.unmarked.push(ranked);
  for (const mark of marks) {
    const own = bucket.marked.get(mark);
    if (own === undefined) bucket.marked.set(mark, [ranked]);
    else own.push(ranked);
  }
}

function take<Rule>(
  bucket: Bucket<Rule> | undefined,
  marks: readonly string[] | undefined,
  found: Ranked<Rule>[],
): void {
  if (bucket === undefined) return;
  for (const ranked of marks === undefined ? bucket.all : bucket.unmarked) found.push(ranked);
  if (marks === undefined || bucket.marked.size === 0) return;
  for (const mark of marks) for (const ranked of bucket.marked.get(mark) ?? []) found.push(ranked);
}

/** Letters of the drawer that are somewhere in the name: by all that is in the name, or by all that is in the drawer, whichever is less. */
function* listInside<Rule>({ buckets, lengths }: Drawer<Rule>, lower: string): Generator<string> {
  if (buckets.size <= lengths.length * lower.length) {
    for (const literal of buckets.keys()) if (lower.includes(literal)) yield literal;
    return;
  }
  for (const length of lengths) {
    for (let at = 0; at + length <= lower.length; at++) {
      const literal = lower.slice(at, at + length);
      // The same letters again are found where they come first.
      if (buckets.has(literal) && lower.indexOf(literal) === at) yield literal;
    }
  }
}

/** One that bears several of the marks was found several times. */
function inOrder<Rule>(found: Ranked<Rule>[]): CompiledRule<Rule>[] {
  if (found.length > 1) found.sort((left, right) => left.rank - right.rank);
  return found.flatMap(({ rank, entry }, index) => (found[index - 1]?.rank === rank ? [] : [entry]));
}

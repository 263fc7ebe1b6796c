// Tells of routes that no request can come to, because an alias renames all that they are for. Knows no file and no provider.

import type { AliasRule, RouteRule } from "../gateway/rule.ts";
import { compilePattern } from "../lib/pattern.ts";
import { quote } from "./problem.ts";

/** A warning for each, with where both stand. Aliases are looked at in the order given. */
export function listHiddenRoutes(routes: readonly RouteRule[], aliases: readonly AliasRule[]): string[] {
  const exact = new Map<string, AliasRule>();
  const starred: { rule: AliasRule; matches: (lower: string) => boolean }[] = [];
  for (const rule of aliases) {
    const pattern = rule.pattern.toLowerCase();
    const { isExact, matches } = compilePattern(pattern);
    if (!isExact) starred.push({ rule, matches });
    else if (!exact.has(pattern)) exact.set(pattern, rule);
  }
  const targets = [...new Set(aliases.map(({ target }) => target.toLowerCase()))];
  return routes.flatMap((route) => {
    const pattern = route.pattern.toLowerCase();
    // A pattern matches another where it covers it: both have stars at their ends alone.
    const alias = exact.get(pattern) ?? starred.find(({ matches }) => matches(pattern))?.rule;
    // Whoever is renamed to it once gets there all the same.
    if (alias === undefined || targets.some(compilePattern(pattern).matches)) return [];
    return [describe(route, alias)];
  });
}

function describe({ pattern, name, origin }: RouteRule, alias: AliasRule): string {
  const place = name === undefined ? "here" : `in [route.${name}]`;
  const whose = alias.origin === "default" ? "built-in alias" : "alias";
  const where = alias.origin === "default" ? "" : ` at ${alias.origin}`;
  const what = `the ${whose} ${quote(alias.pattern)}${where} comes first and leads to ${quote(alias.target)}`;
  return `${origin}: ${quote(pattern)} has no effect ${place}: ${what}`;
}

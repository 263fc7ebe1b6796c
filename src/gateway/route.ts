// From a model's name to a provider: pure, deterministic, and able to say why. Knows no vendor and calls nobody.
//
// Order, the first that matches wins:
//   1. an alias renames the model, once          4. the operator's patterns (most literal characters, then order)
//   2. exact routes, the operator's before ours  5. built-in routes whose provider is ready to be called
//   3. `provider/model`                          6. a provider that lists the model
//                                                7. built-in routes whose provider lacks a setting (the error names it)

import type { AliasRule, RouteRule, RouteTarget } from "./rule.ts";
import type { Strategy } from "./way/choose.ts";

export interface RouteTable {
  aliases: readonly AliasRule[];
  defaultAliases: readonly AliasRule[];
  routes: readonly RouteRule[];
  defaultRoutes: readonly RouteRule[];
  /** Every provider by name; `ready` is false where it cannot be called yet. */
  providers: ReadonlyMap<string, { ready: boolean }>;
  /** The provider that lists a model (its own spelling, lower case); undefined where none does. */
  findLister(model: string): string | undefined;
}

export interface Step {
  rule: string;
  origin: string;
  outcome: string;
}

/** Who may be asked for a model, and why. */
export interface Way {
  /** As they were declared. */
  targets: readonly [WayTarget, ...WayTarget[]];
  strategy: Strategy;
  reason: string;
  /** What to set, where the first is not there at all. */
  missing?: string;
}

export interface WayTarget {
  provider: string;
  /** As the provider calls it. */
  model: string;
  weight: number;
}

export interface Decision {
  asked: string;
  /** Null where nothing matches. */
  way: Way | null;
  /** Every rule that had a say, in order: for people, not for the request path. */
  steps: Step[];
}

export interface Router {
  resolve(model: string): Decision;
  explain(model: string): Decision;
  /** Call it when the providers' lists changed: decisions are remembered. */
  forget(): void;
  /** Models that are named exactly in aliases and routes, each with its provider. */
  named(): { model: string; provider: string }[];
}

interface CompiledRule<Rule> {
  rule: Rule;
  matches(lower: string): boolean;
  isExact: boolean;
  literals: number;
  order: number;
}

const MAX_REMEMBERED = 4_096;
/** Names come from outside: long ones are worked out each time, so that nobody fills the memory with them. */
const MAX_REMEMBERED_LENGTH = 200;

export function createRouter(table: RouteTable): Router {
  const compiled = {
    aliases: [...compileRules(table.aliases), ...compileRules(table.defaultAliases)],
    exact: new Map(
      // Ours come last, so that the operator's of the same name stands.
      [...table.routes, ...table.defaultRoutes]
        .filter((rule) => !rule.pattern.includes("*"))
        .toReversed()
        .map((rule) => [rule.pattern.toLowerCase(), rule]),
    ),
    patterns: compileRules(table.routes).filter((rule) => !rule.isExact),
    defaults: compileRules(table.defaultRoutes),
  };
  const remembered = new Map<string, Decision>();

  const decide = (model: string, steps: Step[] | null): Decision => {
    const notes = steps ?? [];
    const name = rename(model, compiled.aliases, table, steps);
    const way = findWay(name, compiled, table, steps);
    return { asked: model, way, steps: notes };
  };

  return {
    resolve(model) {
      const known = remembered.get(model);
      if (known !== undefined) return known;
      const decision = decide(model, null);
      if (decision.way !== null && model.length <= MAX_REMEMBERED_LENGTH) {
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(model, decision);
      }
      return decision;
    },
    explain: (model) => decide(model, []),
    forget: () => remembered.clear(),
    named: () => listNamed(table, (model) => decide(model, null)),
  };
}

type Compiled = {
  aliases: CompiledRule<AliasRule>[];
  exact: Map<string, RouteRule>;
  patterns: CompiledRule<RouteRule>[];
  defaults: CompiledRule<RouteRule>[];
};

/** One hop: an alias is never looked up again, so two of them cannot chase each other. */
function rename(model: string, aliases: CompiledRule<AliasRule>[], table: RouteTable, steps: Step[] | null): string {
  const lower = model.toLowerCase();
  const direct = aliases.find((alias) => alias.matches(lower));
  if (direct !== undefined) {
    steps?.push({
      rule: `${direct.rule.pattern} => ${direct.rule.target}`,
      origin: direct.rule.origin,
      outcome: "alias",
    });
    return direct.rule.target;
  }
  const qualified = splitQualified(model, table);
  if (qualified === null) return model;
  const rest = qualified.model.toLowerCase();
  const inner = aliases.find((alias) => alias.matches(rest));
  if (inner === undefined) return model;
  const target = splitQualified(inner.rule.target, table);
  if (target !== null && target.provider !== qualified.provider) return model;
  const renamed = `${qualified.provider}/${target?.model ?? inner.rule.target}`;
  steps?.push({ rule: `${inner.rule.pattern} => ${inner.rule.target}`, origin: inner.rule.origin, outcome: "alias" });
  return renamed;
}

function findWay(name: string, compiled: Compiled, table: RouteTable, steps: Step[] | null): Decision["way"] {
  const lower = name.toLowerCase();
  const exact = compiled.exact.get(lower);
  if (exact !== undefined) {
    steps?.push({ rule: printRule(exact), origin: exact.origin, outcome: "chosen: exact" });
    return followRule(exact, name, `exact route ${exact.pattern}`);
  }
  const qualified = splitQualified(name, table);
  if (qualified !== null) {
    steps?.push({ rule: `${qualified.provider}/…`, origin: "address", outcome: "chosen: the provider is named" });
    return {
      targets: [{ ...qualified, weight: 1 }],
      strategy: "priority",
      reason: "the provider is named in the model",
    };
  }
  const pattern = pickFirst(compiled.patterns, lower, steps);
  if (pattern !== undefined) {
    return followRule(pattern.rule, name, `route ${pattern.rule.pattern}`);
  }
  return findDefault(name, compiled.defaults, table, steps);
}

function followRule({ targets, strategy = "priority", missing }: RouteRule, name: string, reason: string): Way {
  const [first, ...others] = targets;
  const at = ({ provider, model, weight = 1 }: RouteTarget): WayTarget => ({ provider, model: model ?? name, weight });
  const way: Way = { targets: [at(first), ...others.map(at)], strategy, reason };
  return missing === undefined ? way : { ...way, missing };
}

function printRule({ pattern, targets }: RouteRule): string {
  const names = targets.map(({ provider, model }) => (model === null ? provider : `${provider}/${model}`));
  return `${pattern} => ${names.join(" | ")}`;
}

function findDefault(
  name: string,
  defaults: CompiledRule<RouteRule>[],
  table: RouteTable,
  steps: Step[] | null,
): Decision["way"] {
  const lower = name.toLowerCase();
  const ready = defaults.filter(({ rule }) => table.providers.get(rule.targets[0].provider)?.ready === true);
  const builtIn = pickFirst(ready, lower, steps);
  if (builtIn !== undefined) {
    const { pattern, targets } = builtIn.rule;
    return followRule({ pattern, targets, origin: builtIn.rule.origin }, name, `built-in route ${pattern}`);
  }
  const lister = table.findLister(lower);
  if (lister !== undefined) {
    steps?.push({ rule: `models of ${lister}`, origin: "discovery", outcome: "chosen: it lists this model" });
    const targets = [{ provider: lister, model: name, weight: 1 }] as const;
    return { targets, strategy: "priority", reason: "the provider lists this model" };
  }
  const waiting = pickFirst(defaults, lower, steps);
  if (waiting === undefined) return null;
  return followRule(waiting.rule, name, "built-in route; its provider lacks a setting");
}

/** The rules are in order of precedence already: the first match is the choice, later ones are noted as beaten. */
function pickFirst(
  rules: readonly CompiledRule<RouteRule>[],
  lower: string,
  steps: Step[] | null,
): CompiledRule<RouteRule> | undefined {
  const chosen = rules.find((entry) => entry.matches(lower));
  if (steps !== null) {
    for (const entry of rules) {
      if (!entry.matches(lower)) continue;
      const outcome = entry === chosen ? `chosen: ${describe(entry)}` : `beaten: ${describe(entry)}`;
      steps.push({ rule: printRule(entry.rule), origin: entry.rule.origin, outcome });
    }
  }
  return chosen;
}

function describe(entry: CompiledRule<RouteRule>): string {
  return entry.isExact ? "exact" : `${entry.literals} literal characters, declared ${entry.order + 1}.`;
}

function splitQualified(model: string, table: RouteTable): { provider: string; model: string } | null {
  const slash = model.indexOf("/");
  if (slash <= 0 || slash === model.length - 1) return null;
  const provider = model.slice(0, slash).toLowerCase();
  return table.providers.has(provider) ? { provider, model: model.slice(slash + 1) } : null;
}

/** Exact before pattern, then most literal characters, then order of declaration. */
function compileRules<Rule extends { pattern: string }>(rules: readonly Rule[]): CompiledRule<Rule>[] {
  return rules
    .map((rule, order) => ({ rule, order, ...compilePattern(rule.pattern.toLowerCase()) }))
    .sort(
      (left, right) =>
        Number(right.isExact) - Number(left.isExact) || right.literals - left.literals || left.order - right.order,
    );
}

function compilePattern(pattern: string): Pick<CompiledRule<never>, "matches" | "isExact" | "literals"> {
  const starts = pattern.startsWith("*");
  const ends = pattern.length > 1 && pattern.endsWith("*");
  const literal = pattern.slice(starts ? 1 : 0, ends ? -1 : undefined);
  const literals = literal.length;
  if (starts && ends) return { isExact: false, literals, matches: (name) => name.includes(literal) };
  if (starts) return { isExact: false, literals, matches: (name) => name.endsWith(literal) };
  if (ends) return { isExact: false, literals, matches: (name) => name.startsWith(literal) };
  return { isExact: true, literals, matches: (name) => name === literal };
}

function listNamed(table: RouteTable, decide: (model: string) => Decision): { model: string; provider: string }[] {
  const names = [...table.aliases, ...table.defaultAliases, ...table.routes, ...table.defaultRoutes]
    .map((rule) => rule.pattern)
    .filter((pattern) => !pattern.includes("*"));
  const named: { model: string; provider: string }[] = [];
  for (const model of new Set(names)) {
    const provider = decide(model).way?.targets[0].provider;
    if (provider !== undefined && table.providers.get(provider)?.ready === true) named.push({ model, provider });
  }
  return named;
}

// From a model's name to a provider: pure, deterministic, and able to say why. Knows no vendor and calls nobody.
//
// Order, the first that matches wins:
//   1. an alias renames the model, once          4. the operator's patterns (most literal characters, then order)
//   2. exact routes, the operator's before ours  5. built-in routes whose provider is ready to be called
//   3. `provider/model`                          6. a provider that lists the model
//                                                7. built-in routes whose provider lacks a setting (the error names it)
// A route with conditions comes before others of its pattern, and is passed over where one of them does not hold.

import { type CompiledRule, compileRules } from "./pattern.ts";
import type { AliasRule, Overrides, RoutePolicy, RouteRule, RouteTarget } from "./rule.ts";
import type { Strategy } from "./way/choose.ts";
import { type ConditionCheck, type RequestFacts, compileConditions } from "./way/condition.ts";
import type { UnknownPrice } from "./unknown-price.ts";
import type { OwnDeadlines } from "./way/deadline.ts";

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
  /** Of the route's section; missing where it has none. */
  name?: string;
  /** As they were declared. */
  targets: readonly [WayTarget, ...WayTarget[]];
  strategy: Strategy;
  reason: string;
  /** What to set, where the first is not there at all. */
  missing?: string;
  policy?: WayPolicy;
}

export interface WayTarget extends OfRoute {
  provider: string;
  /** As the provider calls it. */
  model: string;
  weight: number;
  set?: Overrides;
  /** Labels of the provider's keys that may be used; missing: all of them. */
  keys?: readonly string[];
}

/** What a target has of its route. */
export interface OfRoute {
  /** The name of its section; missing where it has none. */
  route?: string;
  /** Over its provider's. */
  deadlines?: OwnDeadlines;
  onUnknownPrice?: UnknownPrice;
}

/** What a route says beside its targets. */
export type WayPolicy = Pick<
  RoutePolicy,
  "cacheScope" | "cacheTtlMs" | "hedge" | "maxAttempts" | "retryWindowMs" | "stickBy"
> & {
  canary: { target: WayTarget; percent: number } | null;
  shadow: readonly { target: WayTarget; percent: number }[];
  onContextLength: readonly WayTarget[];
  onRefusal: readonly WayTarget[];
};

export interface Decision {
  asked: string;
  /** Null where nothing matches. */
  way: Way | null;
  /** Every rule that had a say, in order: for people, not for the request path. */
  steps: Step[];
  /** Targets that the API key may not use. */
  barred?: readonly { target: WayTarget; why: string }[];
}

export interface Router {
  /** Without facts: where a model leads in general, conditions left out of account as far as that is possible. */
  resolve(model: string, facts?: RequestFacts): { way: Way | null };
  explain(model: string, facts?: RequestFacts): Decision;
  /** Call it when the providers' lists changed: decisions are remembered. */
  forget(): void;
  /** Models that are named exactly in aliases and routes, each with its provider. */
  named(): { model: string; provider: string }[];
}

const MAX_REMEMBERED = 4_096;
/** Names come from outside: long ones are worked out each time, so that nobody fills the memory with them. */
const MAX_REMEMBERED_LENGTH = 200;

/** What a rule would lead to. */
interface Choice {
  /** Null where it is for all requests. */
  obstacle: ConditionCheck | null;
  way: Way | null;
  step: { rule: string; origin: string; label: string };
}

export function createRouter(table: RouteTable): Router {
  const rules = compileRules([...table.routes]);
  const compiled: Compiled = {
    aliases: [...compileRules(table.aliases), ...compileRules(table.defaultAliases)],
    // Ours come last, so that the operator's of the same name stands.
    exact: Map.groupBy(
      [...rules, ...compileRules(table.defaultRoutes)].filter(({ isExact }) => isExact),
      ({ rule }) => rule.pattern.toLowerCase(),
    ),
    patterns: rules.filter(({ isExact }) => !isExact),
    defaults: compileRules(table.defaultRoutes),
    checks: new Map(table.routes.flatMap((rule) => (rule.when ? [[rule, compileConditions(rule.when)]] : []))),
  };
  const remembered = new Map<string, readonly Choice[]>();

  const list = (model: string): readonly Choice[] =>
    listChoices(rename(model, compiled.aliases, table, null), compiled, table);

  return {
    resolve(model, facts) {
      const known = remembered.get(model);
      if (known !== undefined) return choose(known, facts) ?? NOWHERE;
      const choices = list(model);
      if (choices.at(-1)?.way !== null && model.length <= MAX_REMEMBERED_LENGTH) {
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(model, choices);
      }
      return choose(choices, facts) ?? NOWHERE;
    },
    explain(model, facts) {
      const steps: Step[] = [];
      const name = rename(model, compiled.aliases, table, steps);
      const choices = listChoices(name, compiled, table, true);
      const chosen = choose(choices, facts);
      return { asked: model, way: chosen?.way ?? null, steps: [...steps, ...tell(choices, chosen, facts)] };
    },
    forget: () => remembered.clear(),
    named: () => listNamed(table, (model) => choose(list(model), undefined)?.way ?? null),
  };
}

const NOWHERE = Object.freeze({ way: null });

/** Where nobody asks yet, one without conditions stands for all. */
function choose(choices: readonly Choice[], facts: RequestFacts | undefined): Choice | undefined {
  // Almost all routes are without.
  const [first] = choices;
  if (first === undefined || first.obstacle === null) return first;
  if (facts !== undefined) return choices.find(({ obstacle }) => obstacle === null || obstacle(facts) === null);
  return choices.find(({ obstacle, way }) => obstacle === null && way !== null) ?? first;
}

function tell(choices: readonly Choice[], chosen: Choice | undefined, facts: RequestFacts | undefined): Step[] {
  let isOver = false;
  return choices.flatMap((choice) => {
    const { rule, origin, label } = choice.step;
    if (rule === "") return [];
    const failed = facts === undefined || choice.obstacle === null ? null : choice.obstacle(facts);
    const isChosen = choice === chosen;
    isOver ||= isChosen;
    if (isChosen) return [{ rule, origin, outcome: `chosen: ${label}` }];
    if (failed !== null) return [{ rule, origin, outcome: `passed over: its condition "${failed}" does not hold` }];
    if (!isOver) return [{ rule, origin, outcome: `passed over: its conditions need a request` }];
    return [{ rule, origin, outcome: `beaten: ${label}` }];
  });
}

interface Compiled {
  aliases: CompiledRule<AliasRule>[];
  exact: ReadonlyMap<string, CompiledRule<RouteRule>[]>;
  patterns: CompiledRule<RouteRule>[];
  defaults: CompiledRule<RouteRule>[];
  checks: ReadonlyMap<RouteRule, ConditionCheck>;
}
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

/** Up to the first that is for all requests; with `isWhole` those that it beats, too. */
function listChoices(name: string, compiled: Compiled, table: RouteTable, isWhole = false): Choice[] {
  const lower = name.toLowerCase();
  const choices: Choice[] = [];
  /** True where the rest need not be looked at. */
  const add = (entries: readonly CompiledRule<RouteRule>[], reasonOf: (rule: RouteRule) => string): boolean => {
    let isDecided = false;
    for (const entry of entries) {
      if (isDecided && !isWhole) break;
      const { rule } = entry;
      const obstacle = compiled.checks.get(rule) ?? null;
      const step = { rule: printRule(rule), origin: rule.origin, label: describe(entry) };
      choices.push({ obstacle, way: followRule(rule, name, reasonOf(rule)), step });
      isDecided ||= obstacle === null;
    }
    return isDecided;
  };
  if (add(compiled.exact.get(lower) ?? [], (rule) => `exact ${nameRule(rule)}`)) return choices;
  const qualified = splitQualified(name, table);
  if (qualified !== null) {
    const reason = "the provider is named in the model";
    const step = { rule: `${qualified.provider}/…`, origin: "address", label: "the provider is named" };
    const way: Way = { targets: [{ ...qualified, weight: 1 }], strategy: "priority", reason };
    return [...choices, { obstacle: null, way, step }];
  }
  const patterns = compiled.patterns.filter((entry) => entry.matches(lower));
  if (add(patterns, nameRule)) return choices;
  const isReady = (rule: RouteRule): boolean => table.providers.get(rule.targets[0].provider)?.ready === true;
  const ready = compiled.defaults.filter((entry) => isReady(entry.rule) && entry.matches(lower));
  if (add(ready, ({ pattern }) => `built-in route ${pattern}`)) return choices;
  const lister = table.findLister(lower);
  if (lister !== undefined) {
    const step = { rule: `models of ${lister}`, origin: "discovery", label: "it lists this model" };
    const targets = [{ provider: lister, model: name, weight: 1 }] as const;
    const way: Way = { targets, strategy: "priority", reason: "the provider lists this model" };
    return [...choices, { obstacle: null, way, step }];
  }
  const waiting = compiled.defaults.filter((entry) => entry.matches(lower));
  if (!add(waiting, () => "built-in route; its provider lacks a setting")) {
    choices.push({ obstacle: null, way: null, step: { rule: "", origin: "", label: "" } });
  }
  return choices;
}

function nameRule({ name, pattern }: RouteRule): string {
  return name === undefined ? `route ${pattern}` : `route ${name} (${pattern})`;
}

function followRule(rule: RouteRule, asked: string, reason: string): Way {
  const { name, policy, strategy = "priority", missing, deadlines, onUnknownPrice } = rule;
  const [first, ...others] = rule.targets;
  const own: OfRoute = {
    ...(name === undefined ? {} : { route: name }),
    ...(deadlines === undefined ? {} : { deadlines }),
    ...(onUnknownPrice === undefined ? {} : { onUnknownPrice }),
  };
  const at = (target: RouteTarget): WayTarget => ({ weight: 1, ...own, ...target, model: target.model ?? asked });
  return {
    targets: [at(first), ...others.map(at)],
    strategy,
    reason,
    ...(name === undefined ? {} : { name }),
    // Whoever is there says himself what he lacks.
    ...(missing === undefined || reason.startsWith("built-in route ") ? {} : { missing }),
    ...(policy === undefined ? {} : { policy: followPolicy(policy, at) }),
  };
}

function followPolicy(policy: RoutePolicy, at: (target: RouteTarget) => WayTarget): WayPolicy {
  const { canary, shadow = [], onContextLength = [], onRefusal = [], ...plain } = policy;
  return {
    ...plain,
    canary: canary === undefined ? null : { ...canary, target: at(canary.target) },
    shadow: shadow.map((share) => ({ ...share, target: at(share.target) })),
    onContextLength: onContextLength.map(at),
    onRefusal: onRefusal.map(at),
  };
}

function printRule({ pattern, targets }: RouteRule): string {
  const names = targets.map(({ provider, model, keys }) => {
    const name = keys === undefined ? provider : `${provider}#${keys.join("+")}`;
    return model === null ? name : `${name}/${model}`;
  });
  return `${pattern} => ${names.join(" | ")}`;
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

function listNamed(table: RouteTable, find: (model: string) => Way | null): { model: string; provider: string }[] {
  const names = [...table.aliases, ...table.defaultAliases, ...table.routes, ...table.defaultRoutes]
    .map((rule) => rule.pattern)
    .filter((pattern) => !pattern.includes("*"));
  const named: { model: string; provider: string }[] = [];
  for (const model of new Set(names)) {
    const provider = find(model)?.targets[0].provider;
    if (provider !== undefined && table.providers.get(provider)?.ready === true) named.push({ model, provider });
  }
  return named;
}

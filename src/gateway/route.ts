// From a model's name to a provider: pure, deterministic, and able to say why. Knows no vendor and calls nobody.
//
// Order, the first that matches wins:
//   1. an alias renames the model, once          4. the operator's patterns (most literal characters, then order)
//   2. exact routes, the operator's before ours  5. built-in routes whose provider is ready to be called
//   3. `provider/model`                          6. a provider that lists the model
//                                                7. built-in routes whose provider lacks a setting (the error names it)
// A route with conditions comes before others of its pattern, and is passed over where one of them does not hold.

import { createRecent } from "../lib/recent.ts";
import { type CompiledRule, type RuleIndex, compileRules, indexRules } from "./pattern.ts";
import { rename, splitQualified } from "./rename.ts";
import type { AliasRule, Overrides, RoutePolicy, RouteRule, RouteTarget } from "./rule.ts";
import type { Strategy } from "./way/choose.ts";
import { type ConditionCheck, type RequestFacts, compileConditions } from "./way/condition.ts";
import { createMarks } from "./way/mark.ts";
import type { UnknownPrice } from "./unknown-price.ts";
import type { OwnDeadlines } from "./way/deadline.ts";

export interface RouteTable {
  aliases: readonly AliasRule[];
  defaultAliases: readonly AliasRule[];
  routes: readonly RouteRule[];
  defaultRoutes: readonly RouteRule[];
  /** Every provider by name; `ready` is false where it cannot be called yet. */
  providers: ReadonlyMap<string, { ready: boolean; plainName?: ((model: string) => string) | undefined }>;
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
  /** How many rules there are, aliases among them. */
  size: number;
  /** Models that are named exactly in aliases and routes, each with its provider. */
  named(): { model: string; provider: string }[];
}

/** Of all models together, what each may lead to. */
const MAX_REMEMBERED = 20_000;
/** A model that nobody asks for any more is forgotten. */
const REMEMBERED_MS = 15 * 60_000;
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
  const marks = createMarks(table.routes.map(({ when }) => when));
  const compiled = compileTable(table, ({ when }) => marks.of(when));
  const remembered = createRecent<readonly Choice[]>({ most: MAX_REMEMBERED, ageMs: REMEMBERED_MS });
  /** What is for some requests alone, by these and the model: a model's name might look like both. */
  const ownRemembered = createRecent<readonly Choice[]>({ most: MAX_REMEMBERED, ageMs: REMEMBERED_MS });
  let named: { model: string; provider: string }[] | null = null;

  const list = (model: string, own: readonly string[] | undefined): readonly Choice[] =>
    listChoices(rename(model, compiled.aliases, table, null), compiled, table, { marks: own });

  const recall = (model: string, own: readonly string[], atMs: number): readonly Choice[] => {
    const [memory, key] = own.length === 0 ? [remembered, model] : [ownRemembered, `${JSON.stringify(own)}${model}`];
    const known = memory.get(key, atMs);
    if (known !== undefined) return known;
    const choices = list(model, own);
    // Where nothing leads anywhere, the next name will be another one.
    if (choices.some(({ way }) => way !== null) && model.length <= MAX_REMEMBERED_LENGTH)
      memory.put(key, choices, { atMs, weight: choices.length });
    return choices;
  };

  return {
    size: [table.aliases, table.defaultAliases, table.routes, table.defaultRoutes].flat().length,
    resolve(model, facts) {
      if (facts !== undefined) return choose(recall(model, marks.read(facts), facts.atMs), facts) ?? NOWHERE;
      const choice = choose(list(model, NO_MARKS), undefined);
      // Where all that leads on is for some requests alone, the first of those.
      return (
        (choice?.obstacle === null && choice.way !== null ? choice : choose(list(model, undefined), undefined)) ??
        NOWHERE
      );
    },
    explain(model, facts) {
      const steps: Step[] = [];
      const name = rename(model, compiled.aliases, table, steps);
      const choices = listChoices(name, compiled, table, { isWhole: true });
      const chosen = choose(choices, facts);
      return { asked: model, way: chosen?.way ?? null, steps: [...steps, ...tell(choices, chosen, facts)] };
    },
    forget() {
      remembered.clear();
      ownRemembered.clear();
      named = null;
    },
    named: () => (named ??= listNamed(table, (model) => choose(list(model, undefined), undefined)?.way ?? null)),
  };
}

function compileTable(table: RouteTable, marksOf: (rule: RouteRule) => readonly string[]): Compiled {
  const rules = compileRules(table.routes);
  const defaults = compileRules(table.defaultRoutes);
  return {
    aliases: indexRules([...compileRules(table.aliases), ...compileRules(table.defaultAliases)]),
    // Ours come last, so that the operator's of the same name stands.
    exact: indexRules(
      [...rules, ...defaults].filter(({ isExact }) => isExact),
      marksOf,
    ),
    patterns: indexRules(
      rules.filter(({ isExact }) => !isExact),
      marksOf,
    ),
    defaults: indexRules(defaults),
    checks: new Map(table.routes.flatMap((rule) => (rule.when ? [[rule, compileConditions(rule.when)]] : []))),
  };
}

const NO_MARKS: readonly string[] = Object.freeze([]);
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
  aliases: RuleIndex<AliasRule>;
  exact: RuleIndex<RouteRule>;
  patterns: RuleIndex<RouteRule>;
  defaults: RuleIndex<RouteRule>;
  checks: ReadonlyMap<RouteRule, ConditionCheck>;
}

/** Up to the first that is for all requests; with `isWhole` those that it beats, too. With `marks`, without those that are for others only. */
function listChoices(
  name: string,
  compiled: Compiled,
  table: RouteTable,
  { marks, isWhole = false }: { marks?: readonly string[] | undefined; isWhole?: boolean },
): Choice[] {
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
      choices.push({ obstacle, way: followRule(rule, { asked: name, reason: reasonOf(rule), table }), step });
      isDecided ||= obstacle === null;
    }
    return isDecided;
  };
  if (add(compiled.exact.find(lower, marks), (rule) => `exact ${nameRule(rule)}`)) return choices;
  const qualified = splitQualified(name, table);
  if (qualified !== null) {
    const reason = "the provider is named in the model";
    const step = { rule: `${qualified.provider}/…`, origin: "address", label: "the provider is named" };
    const target = {
      provider: qualified.provider,
      model: nameAt(table, qualified.provider, qualified.model),
      weight: 1,
    };
    const way: Way = { targets: [target], strategy: "priority", reason };
    return [...choices, { obstacle: null, way, step }];
  }
  if (add(compiled.patterns.find(lower, marks), nameRule)) return choices;
  const isReady = (rule: RouteRule): boolean => table.providers.get(rule.targets[0].provider)?.ready === true;
  const defaults = compiled.defaults.find(lower);
  const ready = defaults.filter(({ rule }) => isReady(rule));
  if (add(ready, ({ pattern }) => `built-in route ${pattern}`)) return choices;
  const lister = table.findLister(lower);
  if (lister !== undefined) {
    const step = { rule: `models of ${lister}`, origin: "discovery", label: "it lists this model" };
    const targets = [{ provider: lister, model: name, weight: 1 }] as const;
    const way: Way = { targets, strategy: "priority", reason: "the provider lists this model" };
    return [...choices, { obstacle: null, way, step }];
  }
  if (!add(defaults, () => "built-in route; its provider lacks a setting")) {
    choices.push({ obstacle: null, way: null, step: { rule: "", origin: "", label: "" } });
  }
  return choices;
}

function nameRule({ name, pattern }: RouteRule): string {
  return name === undefined ? `route ${pattern}` : `route ${name} (${pattern})`;
}

/** What its provider calls it by two names is one model to rules, prices and whoever counts. */
function nameAt({ providers }: Pick<RouteTable, "providers">, provider: string, model: string): string {
  return providers.get(provider)?.plainName?.(model) ?? model;
}

function followRule(
  rule: RouteRule,
  { asked, reason, table }: { asked: string; reason: string; table: Pick<RouteTable, "providers"> },
): Way {
  const { name, policy, strategy = "priority", missing, deadlines, onUnknownPrice } = rule;
  const [first, ...others] = rule.targets;
  const own: OfRoute = {
    ...(name === undefined ? {} : { route: name }),
    ...(deadlines === undefined ? {} : { deadlines }),
    ...(onUnknownPrice === undefined ? {} : { onUnknownPrice }),
  };
  const at = (target: RouteTarget): WayTarget => {
    const model = nameAt(table, target.provider, target.model ?? asked);
    return { weight: 1, ...own, ...target, model };
  };
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

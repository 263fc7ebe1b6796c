// Why a request goes where it goes: the rules that had a say, and every target that might be asked, with what is known of it. Calls nobody and counts
// nothing. Knows no HTTP.

import {
  type Asked,
  type FleetView,
  type RequestFacts,
  type Scene,
  type Target,
  type WayTarget,
  costAt,
  findLack,
  listKeys,
  makeChoice,
  makeReady,
  narrowScene,
  planFor,
  unknownModel,
} from "../gateway/index.ts";
import type { KeyLimits } from "../identity/index.ts";
import { type JsonObject, toGatewayError } from "../ir/index.ts";
import { formatUsd } from "../ledger/index.ts";

export interface RouteExplanation {
  model: string;
  provider: string;
  upstream_model: string;
  reason: string;
  /** The section or the route of run time that it is; null where it is a plain rule. */
  route: string | null;
  strategy: string;
  /** False where a setting is missing; `missing` then says which. */
  ready: boolean;
  missing?: string;
  /** Who is asked where that one cannot answer, in this order. */
  fallbacks: { provider: string; upstream_model: string; ready: boolean }[];
  /** Everybody who might be asked, and why in this order. */
  candidates: Candidate[];
  considered: { rule: string; origin: string; outcome: string }[];
  /** What conditions went by; missing where only a model was asked for. */
  request?: JsonObject;
}

export interface Candidate {
  provider: string;
  upstream_model: string;
  role: "canary" | "on_context_length" | "on_refusal" | "shadow" | "target";
  outcome: "chosen" | "fallback" | "skipped" | "waits";
  why: string;
  weight: number;
  ready: boolean;
  latency_ms: number | null;
  in_flight: number;
  breaker: string;
  /** Null where the price is unknown, or no request was given. */
  cost_usd: string | null;
  /** Fields that it could not be told. */
  dropped?: string[];
}

/** A whole request, where there is one. */
export interface DryRun {
  asked: Asked;
  facts: RequestFacts;
  call: Parameters<typeof makeChoice>[1]["call"];
  /** What its key is limited to. */
  limits: KeyLimits | null;
}

export interface ExplainParts {
  scene: Scene;
  tools: Parameters<typeof makeChoice>[1]["tools"];
}

/** Throws not_found, with near names, where no rule matches, and forbidden where the key may ask none of those to whom they lead. */
export function explainRoute(
  { scene: whole, tools }: ExplainParts,
  model: string,
  run: DryRun | null = null,
): RouteExplanation {
  const scene = narrowScene(whole, run?.limits ?? null);
  const decision = scene.router.explain(model, run?.facts);
  const { way } = decision;
  if (way === null) throw unknownModel(scene, model);
  const context: Context = { scene, tools, run, strategy: way.strategy, total: way.targets.reduce(sumWeights, 0) };
  const candidates = arrange(way.targets, way.name ?? way.reason, context);
  const [first] = way.targets;
  const [chosen = { provider: first.provider, upstream_model: first.model }, ...others] = candidates;
  const provider = scene.providers.get(chosen.provider);
  const missing = provider === undefined ? way.missing : findLack(provider, first.keys);
  const special = way.policy === undefined ? [] : listSpecial(way.policy, context);
  const barred = (decision.barred ?? []).map(({ target, why }): Candidate => ({
    ...describe(target, { ...context, scene: whole }, { role: "target" }),
    outcome: "skipped",
    why,
  }));
  return {
    model: decision.asked,
    provider: chosen.provider,
    upstream_model: chosen.upstream_model,
    reason: way.reason,
    route: way.name ?? null,
    strategy: way.strategy,
    ready: missing === null,
    ...(typeof missing === "string" ? { missing } : {}),
    fallbacks: others.map(({ provider: name, upstream_model, ready }) => ({ provider: name, upstream_model, ready })),
    candidates: [...candidates, ...special, ...barred],
    considered: decision.steps,
    ...(run === null ? {} : { request: describeRequest(run) }),
  };
}

interface Context extends ExplainParts {
  run: DryRun | null;
  strategy: string;
  /** Of all weights. */
  total: number;
}

function sumWeights(sum: number, { weight }: WayTarget): number {
  return sum + weight;
}

/** Those that can be asked in the order in which they would be, then the others. */
function arrange(targets: readonly WayTarget[], route: string, context: Context): Candidate[] {
  const { scene, tools, run } = context;
  const ready = targets.flatMap((target) => makeReady(scene, target));
  const [first, ...others] = ready;
  if (first === undefined) return targets.map((target) => describe(target, context, { role: "target" }));
  const chosen = { route, targets: [first, ...others] as const, strategy: context.strategy as "priority" };
  const choice = run === null ? null : makeChoice(chosen, { scene, tools, facts: run.facts, call: run.call });
  const blank = {
    route,
    places: [first, ...others] as const,
    strategy: chosen.strategy,
    stickTo: "",
    keysOf: listKeys,
    costOf: () => null,
  };
  const views = tools.fleet.survey<Target>(choice ?? blank);
  const ordered = views.map((view, rank) =>
    describe({ ...view.place, provider: view.place.provider.name }, context, { role: "target", view, rank }),
  );
  const isListed = ({ provider, model }: WayTarget): boolean =>
    ready.some((each) => each.provider.name === provider && each.model === model);
  const unready = targets.filter((target) => !isListed(target));
  return [...ordered, ...unready.map((target) => describe(target, context, { role: "target" }))];
}

function listSpecial(policy: NonNullable<Policy>, context: Context): Candidate[] {
  const share = (percent: number): string => `${percent} % of the requests`;
  return [
    ...(policy.canary === null
      ? []
      : [
          describe(policy.canary.target, context, {
            role: "canary",
            why: `asked first for ${share(policy.canary.percent)}`,
          }),
        ]),
    ...policy.shadow.map(({ target, percent }) =>
      describe(target, context, { role: "shadow", why: `sent ${share(percent)} as well; its answers are thrown away` }),
    ),
    ...policy.onContextLength.map((target) =>
      describe(target, context, { role: "on_context_length", why: "asked where the prompt is too long for another" }),
    ),
    ...policy.onRefusal.map((target) =>
      describe(target, context, { role: "on_refusal", why: "asked where another would not answer" }),
    ),
  ];
}

type Policy = NonNullable<ReturnType<Scene["router"]["explain"]>["way"]>["policy"];

interface Position {
  role: Candidate["role"];
  view?: FleetView<Target>;
  rank?: number;
  why?: string;
}

function describe(target: WayTarget, context: Context, position: Position): Candidate {
  const { scene, tools, run } = context;
  const provider = scene.providers.get(target.provider);
  const { role, rank, view = viewAlone(target, context) } = position;
  const missing = provider === undefined ? "there is no such provider here" : findLack(provider, target.keys);
  const told = run === null || missing !== null ? null : tryPlan(target, context, run);
  const [asked] = run === null ? [] : makeReady(scene, target);
  const costNanos =
    asked === undefined || run === null ? null : costAt(asked, { scene, tools, facts: run.facts, call: run.call });
  const outcome =
    missing !== null || told?.error ? "skipped" : role !== "target" ? "waits" : rank === 0 ? "chosen" : "fallback";
  const rule = position.why ?? explainRank(target, context, { view, costNanos, rank: rank ?? 0 });
  const why = missing ?? told?.error ?? (view === null || view.obstacle === null ? rule : `${view.obstacle}; ${rule}`);
  return {
    provider: target.provider,
    upstream_model: target.model,
    role,
    outcome,
    why,
    weight: target.weight,
    ready: missing === null,
    latency_ms: view === null || view.latencyMs === 0 ? null : Math.round(view.latencyMs),
    in_flight: view?.inFlight ?? 0,
    breaker: view?.state ?? "closed",
    cost_usd: costNanos === null ? null : formatUsd(costNanos),
    ...(told === null || told.dropped.length === 0 ? {} : { dropped: told.dropped }),
  };
}

/** Null where it cannot be asked at all. */
function viewAlone(target: WayTarget, { scene, tools }: Context): FleetView<Target> | null {
  const [place] = makeReady(scene, target);
  if (place === undefined) return null;
  const alone = { route: "", places: [place] as const, strategy: "priority" as const, stickTo: "" };
  return tools.fleet.survey({ ...alone, keysOf: listKeys, costOf: () => null })[0] ?? null;
}

/** What it could not be told, and why it cannot be asked at all. */
function tryPlan(
  target: WayTarget,
  { scene }: Context,
  { asked }: DryRun,
): { dropped: string[]; error: string | null } {
  const [ready] = makeReady(scene, target);
  if (ready === undefined) return { dropped: [], error: "its model's name leads elsewhere" };
  try {
    return { dropped: planFor(scene, ready, asked).dropped, error: null };
  } catch (error) {
    return { dropped: [], error: `it cannot be told what is asked: ${toGatewayError(error).message}` };
  }
}

function explainRank(
  { weight }: WayTarget,
  { strategy, total }: Context,
  { view, costNanos, rank }: { view: FleetView<Target> | null; costNanos: number | null; rank: number },
): string {
  const place = rank === 0 ? "first" : `number ${rank + 1}`;
  const cost = costNanos === null ? "its price is unknown" : `it would cost $${formatUsd(costNanos)}`;
  const { inFlight, latencyMs } = view ?? { inFlight: 0, latencyMs: 0 };
  const latency = latencyMs === 0 ? "no latency is known" : `${Math.round(latencyMs)} ms to the first output`;
  const texts: Readonly<Record<string, string>> = {
    "least-busy": `${place} by calls under way: ${inFlight}`,
    "least-cost": `${place} by cost: ${cost}`,
    "least-latency": `${place} of two that are drawn and the rest: ${latency}, ${inFlight} under way`,
    priority: `${place} in the order of declaration`,
    "round-robin": `${place} in turn`,
    sticky: `${place} by hash`,
    weighted: `${place} by lot: its share is ${((100 * weight) / total).toFixed(1)} %`,
  };
  return texts[strategy] ?? place;
}

function describeRequest({ asked, facts }: DryRun): JsonObject {
  return {
    endpoint: facts.endpoint,
    stream: facts.isStream,
    context_tokens: facts.tokens(),
    tags: [...facts.tags()],
    user: facts.email,
    key: facts.keyId,
    at: new Date(facts.atMs).toISOString(),
    strict: asked.isStrict,
  };
}

// Routes with a name: what `[route.NAME]` may say, and what it means. The same rules hold for routes that are declared while the gateway runs.
// Knows no file and no database.

import type {
  HedgeRule,
  Overrides,
  RoutePolicy,
  RouteRule,
  RouteShare,
  RouteTarget,
  StickBy,
} from "../gateway/rule.ts";
import type { Strategy } from "../gateway/way/choose.ts";
import type { DeadlineName, DeadlineRules } from "../gateway/way/deadline.ts";
import { findNearest } from "../lib/nearest.ts";
import { readConditions } from "./condition.ts";
import { quote } from "./problem.ts";
import { checkPattern } from "./rule.ts";
import {
  LONGEST_MS,
  boolean,
  defineChoice,
  defineDuration,
  defineInteger,
  durationOrOff,
  parseText,
  unknownPrice,
} from "./syntax.ts";
import { type Fault, Faults, checkOverride, readJson, readTargets, splitWords } from "./target.ts";

const STRATEGIES = {
  "least-busy": true,
  "least-cost": true,
  "least-latency": true,
  priority: true,
  "round-robin": true,
  sticky: true,
  weighted: true,
} as const satisfies Record<Strategy, true>;

/** Sorted. `set.FIELD` and `header.NAME` are beside these. */
export const ROUTE_SETTINGS = {
  cache: {
    about: "How long its answers are given again where the cache is on; off: never, unset: cache_ttl",
    example: "10m",
  },
  cache_scope: { about: "To whom: key, user or global; unset: cache_scope", example: "user" },
  canary: { about: "A target that this share of the requests is asked of first", example: "openai/gpt-5-mini 5%" },
  connect_timeout: { about: "Of its calls, instead of upstream_connect_timeout", example: "3s" },
  context: { about: "Only requests of so many estimated tokens: >100k, <8k, 8k-100k", example: ">100k" },
  enabled: { about: "no: as if it were not there", example: "yes" },
  endpoint: {
    about: "Only such calls: chat.completions, messages, responses, embeddings …",
    example: "messages, responses",
  },
  first_output_timeout: { about: "Of its calls, instead of upstream_first_output_timeout", example: "2m" },
  header_timeout: { about: "Of its calls, instead of upstream_header_timeout", example: "2m" },
  hedge: {
    about:
      "Asks a second target beside one that is silent for too long; the first answer is given. yes or p95: for longer than 95 of 100 of its answers take to begin; or a duration",
    example: "p95",
  },
  idle_timeout: { about: "Of its calls, instead of upstream_idle_timeout", example: "30s" },
  images: { about: "Only requests with pictures (yes) or without (no)", example: "no" },
  key: { about: "Only requests with these API keys, by id; ! excludes", example: "019ac1f2-*" },
  match: { about: "Models that it is for, with * at either end; unset: its own name", example: "gpt-4o*, gpt-5*" },
  max_attempts: { about: "Calls to providers for one request at most", example: "4" },
  on_context_length: {
    about: "Targets for prompts that are too long for the one that was asked",
    example: "anthropic/claude-sonnet-4-5",
  },
  on_refusal: {
    about: "Targets for what the one that was asked would not answer",
    example: "anthropic/claude-sonnet-4-5",
  },
  on_unknown_price: {
    about: "allow, warn or refuse its calls whose price nobody knows, instead of what holds for their providers",
    example: "refuse",
  },
  retry_window: { about: "No new try begins so long after a request came", example: "1m" },
  shadow: {
    about: "A target that this share is sent to as well; its answers are thrown away",
    example: "openai/gpt-5 10%",
  },
  sticky_by: { about: "What sticky goes by: key, user or prompt (what a conversation begins with)", example: "prompt" },
  strategy: { about: `Who is asked first: ${Object.keys(STRATEGIES).join(", ")}`, example: "sticky" },
  stream: { about: "Only requests that are streamed (yes) or not (no)", example: "yes" },
  tag: { about: "Only requests that bear such a tag; ! excludes", example: "team=a, !env=test" },
  targets: {
    about: "Who may be asked: provider or provider/model, with weight=N",
    example: "openai weight=2, my-azure/gpt4o",
  },
  time: { about: "Only then", example: "mon-fri 08:00-18:00, sat 10:00-14:00" },
  time_zone: { about: "Whose clock that is; unset: UTC", example: "Europe/Berlin" },
  tools: { about: "Only requests with tools (yes) or without (no)", example: "yes" },
  total_timeout: { about: "Of its calls, instead of upstream_total_timeout", example: "10m" },
  user: { about: "Only requests of these users, by e-mail or id; ! excludes", example: "*@example.com" },
} as const satisfies Record<string, { about: string; example: string }>;

export const ROUTE_FIELDS: readonly string[] = Object.keys(ROUTE_SETTINGS);

export function isRouteField(name: string): boolean {
  return ROUTE_FIELDS.includes(name) || /^(?:header|set)\../u.test(name);
}

/** Fields of bodies have names of upper and lower case; all else has not. */
export function nameRouteField(written: string): string {
  return /^set\./iu.test(written) ? `set.${written.slice("set.".length)}` : written.toLowerCase();
}

/** What one route says, and what is wrong with it. */
export interface ReadRoute {
  /** One a pattern; none where it is switched off, or wrong. */
  rules: RouteRule[];
  faults: Fault[];
}

/** `fields` by name, as they were written; `providers` are those that may be named. */
export function readRoute(
  name: string,
  fields: ReadonlyMap<string, string>,
  { providers, origin }: { providers: readonly string[]; origin: string },
): ReadRoute {
  const faults = new Faults();
  for (const field of fields.keys()) {
    if (isRouteField(field)) continue;
    const [near] = findNearest(field, ROUTE_FIELDS, 1);
    faults.add(field, `there is no such field${near === undefined ? "" : ` — did you mean ${quote(near)}?`}`);
  }
  const patterns = readPatterns(fields.get("match") ?? name, faults);
  const set = readOverrides(fields, faults);
  const list = (field: string): RouteTarget[] => {
    const text = fields.get(field);
    const targets = text === undefined ? [] : readTargets(text, { field, providers, faults });
    return targets.map((target) => ({ ...target, ...mergeSet(set, target.set) }));
  };
  const [first, ...others] = list("targets");
  if (first === undefined && faults.isFree("targets"))
    faults.add("targets", "a route leads somewhere: add targets=provider/model, …");
  const strategy = pick(fields, "strategy", defineChoice(Object.keys(STRATEGIES) as Strategy[]), faults);
  const policy = readPolicy(fields, faults, { providers, set, list });
  if (policy.stickBy !== undefined && strategy !== "sticky") faults.add("sticky_by", "it is for strategy=sticky");
  const when = readConditions(fields, faults);
  const rules = readDeadlines(fields, faults);
  const onUnknownPrice = pick(fields, "on_unknown_price", unknownPrice, faults);
  const isOn = pick(fields, "enabled", boolean, faults) ?? true;
  if (faults.list.length > 0 || first === undefined || !isOn) return { rules: [], faults: faults.list };
  const found = patterns.map((pattern): RouteRule => ({
    pattern,
    targets: [first, ...others],
    origin,
    name,
    ...(strategy === undefined ? {} : { strategy }),
    ...(when === null ? {} : { when }),
    ...(Object.keys(rules).length === 0 ? {} : { deadlines: { section: `route.${name}`, rules } }),
    ...(onUnknownPrice === undefined ? {} : { onUnknownPrice }),
    ...(Object.keys(policy).length === 0 ? {} : { policy }),
  }));
  return { rules: found, faults: [] };
}

const DEADLINES = {
  connect: "connect_timeout",
  firstOutput: "first_output_timeout",
  header: "header_timeout",
  idle: "idle_timeout",
  total: "total_timeout",
} as const satisfies Record<DeadlineName, keyof typeof ROUTE_SETTINGS>;

function readDeadlines(fields: ReadonlyMap<string, string>, faults: Faults): DeadlineRules {
  const said = Object.entries(DEADLINES).flatMap(([name, field]) => {
    const ms = pick(fields, field, defineDuration({ zeroMs: LONGEST_MS }), faults);
    return ms === undefined ? [] : [[name, ms]];
  });
  return Object.fromEntries(said);
}

function readPatterns(text: string, faults: Faults): string[] {
  const patterns = splitWords(text);
  if (patterns.length === 0) faults.add("match", "a pattern is missing");
  for (const pattern of patterns) {
    const wrong = checkPattern(pattern);
    if (wrong !== null) faults.add("match", wrong);
  }
  return [...new Set(patterns)];
}

interface PolicyParts {
  providers: readonly string[];
  set: Overrides;
  list: (field: string) => RouteTarget[];
}

function readPolicy(fields: ReadonlyMap<string, string>, faults: Faults, parts: PolicyParts): RoutePolicy {
  const shares = (field: string): RouteShare[] => readShares(fields.get(field), field, faults, parts);
  const [canary, ...more] = shares("canary");
  if (more.length > 0) faults.add("canary", "one target is enough");
  const shadow = shares("shadow");
  const onContextLength = parts.list("on_context_length");
  const onRefusal = parts.list("on_refusal");
  const stickBy = pick(fields, "sticky_by", defineChoice<StickBy>(["key", "prompt", "user"]), faults);
  const cacheTtlMs = pick(fields, "cache", durationOrOff, faults);
  const cacheScope = pick(fields, "cache_scope", defineChoice(["global", "key", "user"]), faults);
  const hedge = readHedge(fields, faults);
  const maxAttempts = pick(fields, "max_attempts", defineInteger(1, 20), faults);
  const retryWindowMs = pick(fields, "retry_window", defineDuration(), faults);
  return {
    ...(cacheTtlMs === undefined ? {} : { cacheTtlMs }),
    ...(cacheScope === undefined ? {} : { cacheScope }),
    ...(canary === undefined ? {} : { canary }),
    ...(hedge === undefined ? {} : { hedge }),
    ...(shadow.length === 0 ? {} : { shadow }),
    ...(onContextLength.length === 0 ? {} : { onContextLength }),
    ...(onRefusal.length === 0 ? {} : { onRefusal }),
    ...(stickBy === undefined ? {} : { stickBy }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(retryWindowMs === undefined ? {} : { retryWindowMs }),
  };
}

function readHedge(fields: ReadonlyMap<string, string>, faults: Faults): HedgeRule | undefined {
  const text = fields.get("hedge")?.trim() ?? "no";
  if (text.toLowerCase() === "p95") return { afterMs: null };
  const said = parseText(boolean, text);
  if ("value" in said) return said.value ? { afterMs: null } : undefined;
  const afterMs = pick(fields, "hedge", defineDuration(), faults);
  return afterMs === undefined ? undefined : { afterMs };
}

/** `provider/model 10%`. */
function readShares(text: string | undefined, field: string, faults: Faults, parts: PolicyParts): RouteShare[] {
  if (text === undefined) return [];
  return splitWords(text).flatMap((part) => {
    const [, written = "", share = ""] = /^(.*\S)\s+(\d+(?:\.\d+)?)\s*%$/u.exec(part) ?? [];
    const percent = Number(share);
    if (written === "" || !(percent > 0 && percent <= 100)) {
      faults.add(field, `${quote(part)} names no share: write it like provider/model 10%`);
      return [];
    }
    const targets = readTargets(written, { field, providers: parts.providers, faults });
    return targets.map((target) => ({ target: { ...target, ...mergeSet(parts.set, target.set) }, percent }));
  });
}

function mergeSet(set: Overrides, own: Overrides | undefined): { set?: Overrides } {
  const merged = { ...set, ...own };
  return Object.keys(merged).length === 0 ? {} : { set: merged };
}

function readOverrides(fields: ReadonlyMap<string, string>, faults: Faults): Overrides {
  const said = [...fields].filter(([field]) => field.startsWith("set."));
  return Object.fromEntries(
    said.map(([field, text]) => {
      const path = field.slice("set.".length);
      const wrong = checkOverride(path);
      if (wrong !== null) faults.add(field, wrong);
      return [path, readJson(text)];
    }),
  );
}

function pick<T>(
  fields: ReadonlyMap<string, string>,
  field: string,
  type: Parameters<typeof parseText<T>>[0],
  faults: Faults,
): T | undefined {
  const text = fields.get(field);
  if (text === undefined) return undefined;
  const read = parseText(type, text);
  if ("value" in read) return read.value;
  faults.add(field, read.message);
  return undefined;
}

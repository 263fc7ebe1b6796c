// Which routes are in force: those of the configuration, and above them those that were declared while the gateway runs. The table is swapped as a
// whole, so a request meets the one or the other. Knows no HTTP and no SQL.

import { listStrayLabels, readRoute } from "../config/index.ts";
import type { Config } from "../config/value.ts";
import type { RouteVersion } from "../gateway/index.ts";
import { createRedactor } from "../lib/redact.ts";
import { type Live, createLive } from "./live.ts";

export interface StandingRoute {
  name: string;
  source: "config" | "runtime";
  /** Null where another of its name stands above it, it is switched off, or it cannot be used as it is. */
  rules: Config["routes"] | null;
  /** Why it is not in force; null where it is. */
  obstacle: string | null;
  /** Null where it is the configuration's. */
  version: RouteVersion | null;
  origin: string;
}

export interface RouteTableau {
  /** In the order in which they are looked at. */
  rules: Config["routes"];
  standing: StandingRoute[];
}

/** What is wrong with a route, by the rules of the configuration's own sections. */
export function judgeRoute(config: Config, name: string, fields: Readonly<Record<string, string>>) {
  const { rules, faults } = read(config, name, fields, "runtime");
  const [rule] = rules;
  if (faults.length > 0 || rule === undefined) return faults;
  return listPlaces(rule).flatMap(({ field, targets }) =>
    listStrayLabels(targets, config.providers).map((fault) => ({ field, message: `it leads to ${fault}` })),
  );
}

function listPlaces({ targets, policy = {} }: Config["routes"][number]) {
  const { canary, shadow = [], onContextLength = [], onRefusal = [] } = policy;
  return [
    { field: "targets", targets },
    { field: "canary", targets: canary === undefined ? [] : [canary.target] },
    { field: "shadow", targets: shadow.map(({ target }) => target) },
    { field: "on_context_length", targets: onContextLength },
    { field: "on_refusal", targets: onRefusal },
  ];
}

/** What the configuration keeps secret, and what has the form of a key. */
export function isSecretText(config: Config, text: string): boolean {
  return createRedactor(config.secrets)(text) !== text;
}

function read(config: Config, name: string, fields: Readonly<Record<string, string>>, origin: string) {
  const providers = config.providers.map((provider) => provider.name);
  return readRoute(name, new Map(Object.entries(fields)), { providers, origin });
}

/** By name, those of run time first. */
export function mergeRoutes(config: Config, versions: readonly RouteVersion[]): RouteTableau {
  const standing: StandingRoute[] = versions.flatMap((version) => {
    const { name, fields } = version;
    if (fields === null) return [];
    const origin = `runtime, version ${version.version}`;
    const { rules, faults } = read(config, name, fields, origin);
    const [fault] = faults;
    const obstacle =
      fault === undefined ? (rules.length === 0 ? "it is switched off" : null) : `${fault.field}: ${fault.message}`;
    return [{ name, source: "runtime" as const, rules: fault === undefined ? rules : null, obstacle, version, origin }];
  });
  const above = new Set(standing.flatMap(({ name, rules }) => (rules === null ? [] : [name])));
  const isBelow = ({ name }: { name?: string }): boolean => name !== undefined && above.has(name);
  const declared = Map.groupBy(
    config.routes.filter(({ name }) => name !== undefined),
    ({ name = "" }) => name,
  );
  for (const [name, rules] of declared) {
    const hidden = above.has(name) ? `the route "${name}" of run time stands above it` : null;
    const origin = rules[0]?.origin ?? "";
    standing.push({
      name,
      source: "config",
      rules: hidden === null ? rules : null,
      obstacle: hidden,
      version: null,
      origin,
    });
  }
  return {
    rules: [
      ...standing.flatMap(({ source, rules }) => (source === "runtime" ? (rules ?? []) : [])),
      ...config.routes.filter((rule) => !isBelow(rule)),
    ],
    standing,
  };
}

/** Those that were declared while the gateway runs, as far as they are known here. */
export type LiveRoutes = Live<RouteVersion>;

export function createLiveRoutes(init: Omit<Parameters<typeof createLive<RouteVersion>>[0], "what">): LiveRoutes {
  return createLive({ ...init, what: "Routes" });
}

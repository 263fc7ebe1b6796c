// What a model is called by those who are asked for it: aliases rename it, and a provider may be named before it. Knows no route.

import type { RuleIndex } from "./pattern.ts";
import type { AliasRule } from "./rule.ts";
import type { RouteTable, Step } from "./route.ts";

type Providers = Pick<RouteTable, "providers">;

/** One hop: an alias is never looked up again, so two of them cannot chase each other. */
export function rename(model: string, aliases: RuleIndex<AliasRule>, table: Providers, steps: Step[] | null): string {
  const [direct] = aliases.find(model.toLowerCase());
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
  const [inner] = aliases.find(qualified.model.toLowerCase());
  if (inner === undefined) return model;
  const target = splitQualified(inner.rule.target, table);
  if (target !== null && target.provider !== qualified.provider) return model;
  const renamed = `${qualified.provider}/${target?.model ?? inner.rule.target}`;
  steps?.push({ rule: `${inner.rule.pattern} => ${inner.rule.target}`, origin: inner.rule.origin, outcome: "alias" });
  return renamed;
}

export function splitQualified(model: string, table: Providers): { provider: string; model: string } | null {
  const slash = model.indexOf("/");
  if (slash <= 0 || slash === model.length - 1) return null;
  const provider = model.slice(0, slash).toLowerCase();
  return table.providers.has(provider) ? { provider, model: model.slice(slash + 1) } : null;
}

// What a key is limited to beside its scopes: models, providers and addresses, made ready for the request path. Knows no request and no route.

import { type RangeCheck, compileRanges } from "../lib/address.ts";
import { type PatternList, compilePatternList } from "../lib/pattern.ts";
import type { ApiKey } from "./model.ts";

/** As it is kept; what is missing is not limited. */
export interface LimitWords {
  models?: string[];
  providers?: string[];
  ips?: string[];
}

/** Each is null where it is not limited. */
export interface KeyLimits {
  /** All that it was made of: those of the same name are the same. */
  name: string;
  models: PatternList | null;
  providers: PatternList | null;
  ips: RangeCheck | null;
}

export function limitsOf(key: Pick<ApiKey, "allowedIps" | "allowedModels" | "allowedProviders">): KeyLimits | null {
  const { allowedModels: models, allowedProviders: providers, allowedIps: ips } = key;
  return compileLimits(models.length + providers.length + ips.length === 0 ? null : { models, providers, ips });
}

/** Null where nothing is limited. */
export function compileLimits(words: LimitWords | null): KeyLimits | null {
  if (words === null) return null;
  const { models = [], providers = [], ips = [] } = words;
  return Object.freeze({
    name: nameLimits(words),
    models: models.length === 0 ? null : compilePatternList(models),
    providers: providers.length === 0 ? null : compilePatternList(providers),
    ips: ips.length === 0 ? null : compileRanges(ips),
  });
}

export function nameLimits({ models, providers, ips }: LimitWords): string {
  return JSON.stringify([models, providers, ips]);
}

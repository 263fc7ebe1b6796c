// Whether and how long answers may be given again: the operator's rules, and what a request's own headers want of them. Pure.

import type { RoutePolicy as WholePolicy } from "../rule.ts";

type RoutePolicy = Pick<WholePolicy, "cacheScope" | "cacheTtlMs">;

/** Whose answers a caller may be given. */
export type CacheScope = "global" | "key" | "user";

export interface CacheRules {
  ttlMs: number;
  scope: CacheScope;
  /** What is larger is not kept. */
  maxEntryBytes: number;
}

/** What of a configuration concerns answers that are given again. */
export interface CacheScene {
  /** For routes that say nothing of it, with a time of 0 where those keep nothing; null where there is no place for answers. */
  rules: CacheRules | null;
  /** Tells one configuration of a provider from another: what one answered, the other might not have. */
  fingerprint(provider: string): string;
}

/** The rules for calls that a route leads; null where their answers are neither looked for nor kept. */
export function cacheRulesFor(rules: CacheRules, policy: RoutePolicy = {}): CacheRules | null {
  const { cacheTtlMs: ttlMs = rules.ttlMs, cacheScope: scope = rules.scope } = policy;
  return ttlMs === 0 ? null : { ...rules, ttlMs, scope };
}

/** What a client's `cache-control` wants. https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1 */
export interface CacheWish {
  /** Whether it may be given what is there. */
  reads: boolean;
  /** Whether its answer may be kept. */
  writes: boolean;
  /** What is older is not what it wants. */
  maxAgeMs: number;
}

const ANY: CacheWish = Object.freeze({ reads: true, writes: true, maxAgeMs: Number.POSITIVE_INFINITY });

export function readWish(headers: Headers): CacheWish {
  const header = headers.get("cache-control") ?? (headers.get("pragma") === "no-cache" ? "no-cache" : null);
  if (header === null) return ANY;
  const wish = { ...ANY };
  for (const part of header.toLowerCase().split(",")) {
    const [name = "", value = ""] = part.split("=").map((word) => word.trim().replaceAll('"', ""));
    if (name === "no-store") wish.writes = wish.reads = false;
    else if (name === "no-cache") wish.reads = false;
    // What is no number of seconds is taken for the strictest.
    else if (name === "max-age") wish.maxAgeMs = /^\d{1,10}$/u.test(value) ? Number(value) * 1000 : 0;
  }
  // Younger than that nothing can be.
  if (wish.maxAgeMs === 0) wish.reads = false;
  return wish;
}

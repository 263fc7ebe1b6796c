// What a failed attempt means for the next one: pure rules. Knows no provider and no clock of its own.

import type { GatewayError } from "../../ir/index.ts";
import { findKeyFault } from "./key-fault.ts";

/**
 * `again`: the same target may do better in a moment. `next-key`: this key will not, another one of the provider may.
 * `elsewhere`: only another target can. `never`: every target would say the same.
 */
export type Verdict = "again" | "elsewhere" | "never" | "next-key";

/** HTTP statuses of an upstream; what is not named is `never`. */
const BY_STATUS: Readonly<Record<number, Verdict>> = {
  401: "next-key",
  402: "next-key",
  403: "next-key",
  408: "again",
  409: "again",
  425: "again",
  429: "again",
  529: "again",
};

export function judgeFailure(error: GatewayError): Verdict {
  switch (error.kind) {
    case "upstream_rejected": {
      if (findKeyFault(error) !== null) return "next-key";
      const status = error.upstream?.status ?? null;
      // An error inside a stream has no status; it is the provider's own trouble.
      if (status === null) return "again";
      return BY_STATUS[status] ?? (status >= 500 ? "again" : "never");
    }
    case "upstream_malformed":
      // Whoever is asked answers at such length.
      return error.code === "response_too_large" ? "never" : "again";
    case "upstream_unavailable":
    case "timeout":
      return "again";
    case "not_configured":
    case "overloaded":
      return "elsewhere";
    case "quota_exceeded":
    case "rate_limited":
      // A limit on one provider leaves the others; one on the caller stands wherever he goes.
      return error.isOfTarget ? "elsewhere" : "never";
    case "blocked":
    case "cancelled":
    case "conflict":
    case "forbidden":
    case "internal":
    case "invalid_request":
    case "not_found":
    case "too_large":
    case "unauthenticated":
      return "never";
    default:
      return error.kind satisfies never;
  }
}

export interface Backoff {
  baseMs: number;
  capMs: number;
}

/**
 * Milliseconds until the next try: full jitter, so that those who failed together do not come back together. What the provider asked for is
 * obeyed and never shortened. `attempt` counts from 0, `random` is in [0, 1).
 */
export function chooseDelay(
  attempt: number,
  { baseMs, capMs }: Backoff,
  { askedMs, random }: { askedMs: number | undefined; random: number },
): number {
  const jittered = random * Math.min(capMs, baseMs * 2 ** attempt);
  return Math.max(askedMs ?? 0, jittered);
}

/** Keeps retries a fraction of the calls, so that a provider in trouble is not finished off by them. */
export interface RetryBudget {
  /** A first try was made. */
  called(): void;
  /** True where a retry may be made; it is counted then. */
  spend(): boolean;
  /** Whether none may be made at present: then nobody need wait for it. */
  isSpent(): boolean;
}

/** @param ratio retries a call; @param reserve retries that are always there, so that few calls may be retried, too */
export function createRetryBudget({ ratio, reserve }: { ratio: number; reserve: number }): RetryBudget {
  let credit = reserve;
  return {
    called() {
      credit = Math.min(credit + ratio, reserve * MOST_SAVED);
    },
    spend() {
      if (credit < 1) return false;
      credit--;
      return true;
    },
    isSpent: () => credit < 1,
  };
}

/** For a call that is the first of its request there. */
export function countFirst(budget: RetryBudget): RetryBudget {
  return {
    called: budget.called,
    spend() {
      budget.called();
      return true;
    },
    isSpent: () => false,
  };
}

/** One a provider: what keeps one from trouble must not be spent on another. */
export function createRetryBudgets(rules = { ratio: 0.2, reserve: 10 }): { of(provider: string): RetryBudget } {
  const budgets = new Map<string, RetryBudget>();
  return {
    of(provider) {
      let budget = budgets.get(provider);
      if (budget === undefined) {
        budget = createRetryBudget(rules);
        budgets.set(provider, budget);
      }
      return budget;
    },
  };
}

/** How many reserves may be saved up in good times. */
const MOST_SAVED = 10;

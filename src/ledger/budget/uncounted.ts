// Rows that were gone by age before a budget was made, so that nobody kept for it what they came to. Pure; knows no SQL.

import type { Place } from "./account.ts";
import type { Budget } from "./model.ts";
import { createWindowFinder } from "./window.ts";

/** Whether some of them were of that window. */
export function reachesRemoved({ budget, window }: Pick<Place, "budget" | "window">): boolean {
  return budget.removedBefore !== null && window.startMs < budget.removedBefore.getTime();
}

/**
 * Such rows from before that moment are missing in its present window; null where all are counted. Kept sums tell what they came to, but for
 * models: the name that was sent to the provider is in none.
 */
export function findUncounted(budget: Budget, nowMs: number): Date | null {
  if (budget.model === null || budget.removedBefore === null) return null;
  const window = createWindowFinder(budget.period, budget.timeZone)(nowMs);
  return reachesRemoved({ budget, window }) ? budget.removedBefore : null;
}

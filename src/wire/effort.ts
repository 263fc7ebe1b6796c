// Levels of reasoning effort and budgets of tokens, each told as the other, and as the nearest level that a model knows. Knows no format.

import type { Reasoning, ReasoningEffort } from "../ir/index.ts";

type Level = Exclude<ReasoningEffort, "none">;

const ORDER = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const satisfies ReasoningEffort[];

/** What every model that reasons by effort knows. */
export const USUAL_EFFORTS: readonly ReasoningEffort[] = ["low", "medium", "high"];

/** The tokens that a level stands for; the smallest is the least that any format accepts. */
export const BUDGETS: Readonly<Record<Level, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_000,
};

/** The level that was asked for, or that a budget comes to; undefined where neither is given. */
export function readEffort({ effort, budgetTokens }: Reasoning): ReasoningEffort | undefined {
  if (effort !== undefined || budgetTokens === undefined) return effort;
  if (budgetTokens === 0) return "none";
  return (["low", "medium", "high", "xhigh"] as const).find((level) => budgetTokens <= BUDGETS[level]) ?? "max";
}

/** Of the levels that a model knows the nearest to the wanted one, the lesser of two as near. A wish not to reason is met by no level but its own. */
export function nearestEffort(
  wanted: ReasoningEffort,
  known: readonly ReasoningEffort[] = USUAL_EFFORTS,
): ReasoningEffort | null {
  if (known.includes(wanted)) return wanted;
  const levels = ORDER.filter((level) => known.includes(level) && level !== "none");
  const distance = (level: ReasoningEffort): number => Math.abs(ORDER.indexOf(level) - ORDER.indexOf(wanted));
  const [first, ...rest] = levels;
  if (first === undefined) return null;
  return rest.reduce<ReasoningEffort>((best, level) => (distance(level) < distance(best) ? level : best), first);
}

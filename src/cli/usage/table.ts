// Sums as the cells of a table for people. Knows no command.

import type { JsonObject } from "../../ir/index.ts";
import type { Report } from "../../ledger/index.ts";
import { say } from "../output.ts";

export const SUM_COLUMNS = ["requests", "errors", "in", "out", "cost_usd", "unpriced", "ms"] as const;

export function toCells(sums: JsonObject): Record<string, unknown> {
  const count = (name: string): number => Number(sums[name] ?? 0);
  const latency = sums["average_latency_ms"];
  return {
    requests: count("requests"),
    errors: count("errors"),
    in: count("fresh_input_tokens") + count("cache_read_tokens") + count("cache_write_tokens"),
    out: count("output_tokens"),
    cost_usd: sums["cost_usd"],
    unpriced: count("unpriced_requests"),
    ms: typeof latency === "number" ? Math.round(latency) : null,
  };
}

/** Sums that may lack rows say so. */
export function sayGap({ removedBefore }: Pick<Report, "removedBefore">): void {
  if (removedBefore === null) return;
  say(
    `note: rows from before ${removedBefore.toISOString()} have been removed by age. Their sums are kept by the hour: ` +
      "times that begin or end within one lack what came in that hour.",
  );
}

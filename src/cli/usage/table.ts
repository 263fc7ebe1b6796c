// Sums as the cells of a table for people. Knows no command.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { say } from "../output.ts";

export const SUM_COLUMNS = [
  "requests",
  "errors",
  "attempts",
  "in",
  "out",
  "cost_usd",
  "unpriced",
  "ms",
  "p50_ms",
  "p90_ms",
  "p99_ms",
  "ttft_p50_ms",
] as const;

export function toCells(sums: JsonObject): Record<string, unknown> {
  const count = (name: string): number => Number(sums[name] ?? 0);
  const whole = (name: string): number | null => {
    const value = sums[name];
    return typeof value === "number" ? Math.round(value) : null;
  };
  return {
    requests: count("requests"),
    errors: count("errors"),
    attempts: count("attempts"),
    in: count("fresh_input_tokens") + count("cache_read_tokens") + count("cache_write_tokens"),
    out: count("output_tokens"),
    cost_usd: sums["cost_usd"],
    unpriced: count("unpriced_requests"),
    ms: whole("average_latency_ms"),
    p50_ms: whole("p50_latency_ms"),
    p90_ms: whole("p90_latency_ms"),
    p99_ms: whole("p99_latency_ms"),
    ttft_p50_ms: whole("p50_ttft_ms"),
  };
}

/** Sums that may lack rows say so. */
export function sayGap({ rows_removed_before: moment }: JsonObject): void {
  if (typeof moment !== "string") return;
  say(
    `note: rows from before ${moment} have been removed by age. Their sums are kept by the hour: ` +
      "times that begin or end within one lack what came in that hour.",
  );
}

/** Rows that may not be all say so. */
export function sayMissing({ rows_removed_before: moment }: JsonObject): void {
  if (typeof moment !== "string") return;
  say(
    `note: rows from before ${moment} have been removed by age, and are not among these. ` +
      "Their sums are kept: tokligence usage breakdown",
  );
}

export function listObjects(list: Json | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

// OpenRouter's records: the Activity API (by day and endpoint), the activity page's CSV (by day and model, or by generation), and the generation API.

import { readCount, readDay, readMoney } from "../cell.ts";
import { type ExportRow, type Format, readName } from "../line.ts";

const ACTIVITY =
  /^(?:date|model|model_permaslug|endpoint_id|provider_name|usage|byok_usage_inference|requests|byok_requests|prompt_tokens|completion_tokens|reasoning_tokens)$/u;

export const openrouterActivity: Format = {
  title: "OpenRouter activity",
  biller: "openrouter",
  source: "https://openrouter.ai/docs/api-reference/analytics/get-activity",
  owns: (columns) =>
    columns.has("date") && columns.has("prompt_tokens") && columns.has("usage") && !columns.has("slug"),
  knows: (column) => ACTIVITY.test(column),
  zone: "UTC",
  roundingNanos: 1n,
  read: (row, zone) => [
    {
      day: readDay(row, "date", zone),
      model: readName(row, "model_permaslug", "model", "slug"),
      key: null,
      requests: readCount(row, "requests"),
      tokens: { input: readCount(row, "prompt_tokens"), output: readCount(row, "completion_tokens") },
      money: { all: readMoney(row, "usage") },
    },
  ],
};

export const openrouterActivityCsv: Format = {
  ...openrouterActivity,
  title: "OpenRouter activity export",
  source: "https://openrouter.ai/activity",
  owns: (columns) => columns.has("slug") && columns.has("prompt_tokens") && columns.has("usage"),
  knows: (column) => ACTIVITY.test(column) || column === "slug" || column === "byok_usage",
  // Dollars with two decimals.
  roundingNanos: 5_000_000n,
};

const GENERATION =
  /^(?:id|generation_id|created_at|cost_total|total_cost|usage|cost_web_search|cost_cache|cost_file_processing|cache_discount|byok_usage_inference|tokens_(?:prompt|completion|reasoning|cached)|native_tokens_(?:prompt|completion|reasoning|cached|completion_images)|model|model_permaslug|provider_name|api_key_name|api_key_disabled|upstream_inference_cost|num_.*|variant|cancelled|streamed|user|finish_reason.*|native_finish_reason|.*_ms|latency|moderation_latency|generation_time|app_name|app_id|origin|upstream_id|external_user|is_byok|api_type|router|session_id|http_referer|user_agent|service_tier|request_id|preset_id|data_region|web_search_engine|response_cache_source_id|provider_responses)$/u;

export const openrouterGenerations: Format = {
  title: "OpenRouter generations",
  biller: "openrouter",
  source: "https://openrouter.ai/docs/api-reference/generations/get-generation",
  owns: (columns) => columns.has("created_at") && columns.has("tokens_prompt") && columns.has("tokens_completion"),
  knows: (column) => GENERATION.test(column),
  identity: ["generation_id", "id"],
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    const column = (name: string): string => (hasCell(row, `native_${name}`) ? `native_${name}` : name);
    const prompt = readCount(row, column("tokens_prompt"));
    const cached = column("tokens_cached");
    const input = row.cells.has(cached)
      ? { fresh: prompt - readCount(row, cached), cacheRead: readCount(row, cached) }
      : { input: prompt };
    return [
      {
        day: readDay(row, "created_at", zone),
        model: readName(row, "model_permaslug", "model"),
        key: readName(row, "api_key_name"),
        requests: 1,
        tokens: { ...input, output: readCount(row, column("tokens_completion")) },
        money: { all: readMoney(row, hasCell(row, "cost_total") ? "cost_total" : "total_cost") },
      },
    ];
  },
};

function hasCell(row: ExportRow, column: string): boolean {
  return (row.cells.get(column) ?? "") !== "";
}

// OpenAI's counts of tokens: pages of the Usage API (`/v1/organization/usage/completions` and the like), and what the dashboard exports of them as CSV.

import { readCount, readDay } from "../cell.ts";
import { type Format, readCell, readKey, readName } from "../line.ts";

/** Columns that split others, or say who asked. */
const QUIET =
  /^(?:object|end_time|start_time|start_time_iso|end_time_iso|project_id|project_name|user_id|user_email|organization_id|organization_name|api_key_name|api_key_redacted|api_source|batch|service_tier|source|size)$|_(?:audio|text|image|cached_audio|cached_text|cached_image)_tokens$|^input_uncached_tokens$/u;
/** What the other endpoints of the API count in place of tokens. */
const UNITS = ["characters", "images", "num_requests", "num_sessions", "seconds", "usage_bytes"];
const READ = new Set([
  "api_key_id",
  "input_cache_write_tokens",
  "input_cached_tokens",
  "input_tokens",
  "model",
  "num_model_requests",
  "output_tokens",
]);

export const openaiUsage: Format = {
  title: "OpenAI usage",
  biller: "openai",
  source: "https://platform.openai.com/docs/api-reference/usage/completions",
  owns: (columns) =>
    columns.has("start_time") &&
    ((columns.has("input_tokens") && columns.has("num_model_requests")) || UNITS.some((unit) => columns.has(unit))),
  knows: (column) =>
    READ.has(column) || QUIET.test(column) || ["context_level", "vector_store_id", ...UNITS].includes(column),
  zone: "UTC",
  roundingNanos: 0n,
  read(row, zone) {
    // A bucket in which nothing was asked.
    if (readCell(row, "input_tokens", "output_tokens", "num_model_requests") === "") return [];
    if (!row.cells.has("input_tokens")) return [];
    const cached = readCount(row, "input_cached_tokens");
    const written = readCount(row, "input_cache_write_tokens");
    // Cached tokens are among the input here.
    const fresh = readCount(row, "input_tokens") - cached - written;
    const tellsWrites = row.cells.has("input_cache_write_tokens");
    return [
      {
        day: readDay(row, "start_time", zone),
        model: readName(row, "model"),
        key: readKey(row, "api_key_id", "api_key_name", "api_key_redacted"),
        requests: readCount(row, "num_model_requests"),
        tokens: {
          fresh,
          cacheRead: cached,
          ...(tellsWrites ? { cacheWrite: written } : {}),
          output: readCount(row, "output_tokens"),
        },
        money: {},
      },
    ];
  },
};

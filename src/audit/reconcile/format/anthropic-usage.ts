// Anthropic's counts of tokens: pages of the Admin API (`/v1/organizations/usage_report/messages`), and the Console's usage export as CSV.

import { readCount, readDay } from "../cell.ts";
import { type ExportRow, type Format, readKey, readName } from "../line.ts";

const SHORT_WRITES = [
  "cache_creation_ephemeral_5m_input_tokens",
  "cache_creation_5m_input_tokens",
  "usage_input_tokens_cache_write_5m",
];
const LONG_WRITES = [
  "cache_creation_ephemeral_1h_input_tokens",
  "cache_creation_1h_input_tokens",
  "usage_input_tokens_cache_write_1h",
];
const FRESH = ["uncached_input_tokens", "usage_input_tokens_no_cache"];
const READS = ["cache_read_input_tokens", "usage_input_tokens_cache_read"];
const OUTPUT = ["output_tokens", "usage_output_tokens"];
const TOKENS = new Set([...FRESH, ...READS, ...SHORT_WRITES, ...LONG_WRITES, ...OUTPUT]);
const OTHER =
  /^(?:starting_at|ending_at|usage_date_utc|model|model_version|api_key|api_key_id|api_key_status|workspace|workspace_id|account_id|service_account_id|service_tier|usage_type|context_window|inference_geo|speed|web_search_count|server_tool_use_.*|cache_creation)$/u;

export const anthropicUsage: Format = {
  title: "Anthropic usage",
  biller: "anthropic",
  source: "https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report",
  owns: (columns) => FRESH.some((column) => columns.has(column)) && OUTPUT.some((column) => columns.has(column)),
  knows: (column) => TOKENS.has(column) || OTHER.test(column),
  zone: "UTC",
  roundingNanos: 0n,
  read(row, zone) {
    const long = sum(row, LONG_WRITES);
    const day = row.cells.has("starting_at") ? "starting_at" : "usage_date_utc";
    return [
      {
        day: readDay(row, day, zone),
        model: readName(row, "model", "model_version"),
        key: readKey(row, "api_key_id", "api_key"),
        requests: null,
        tokens: {
          fresh: sum(row, FRESH),
          cacheRead: sum(row, READS),
          cacheWrite: sum(row, SHORT_WRITES) + long,
          longCacheWrite: long,
          output: sum(row, OUTPUT),
        },
        money: {},
      },
    ];
  },
};

/** Of the columns, no more than one is there. */
function sum(row: ExportRow, columns: readonly string[]): number {
  return columns.reduce((total, column) => total + readCount(row, column), 0);
}

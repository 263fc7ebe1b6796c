// Anthropic's money: pages of the Admin API (`/v1/organizations/cost_report`), in cents, and the Console's cost export as CSV, in dollars with two decimals.

import { checkDollars, readDay, readMoney } from "../cell.ts";
import { type ExportRow, type Format, type MoneyPart, readCell, readKey, readName } from "../line.ts";

const SHARED =
  /^(?:model|workspace|workspace_id|api_key|api_key_id|api_key_status|service_tier|usage_type|context_window|token_type|cost_type|inference_geo|speed|description|product|requests)$/u;

export const anthropicCost: Format = {
  title: "Anthropic cost report",
  biller: "anthropic",
  source: "https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-cost-report",
  owns: (columns) => columns.has("starting_at") && columns.has("amount") && columns.has("currency"),
  knows: (column) => SHARED.test(column) || /^(?:starting_at|ending_at|amount|list_amount|currency)$/u.test(column),
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    checkDollars(row, "currency");
    const part = readPart(row);
    return [
      {
        day: readDay(row, "starting_at", zone),
        // What is not tokens is told apart by its own kind.
        model: readName(row, "model") ?? readOtherKind(readCell(row, "cost_type"), readName(row, "description")),
        key: null,
        requests: null,
        tokens: {},
        // Cents.
        money: { [part]: readMoney(row, "amount", 7) },
      },
    ];
  },
};

export const anthropicCostCsv: Format = {
  title: "Anthropic cost export",
  biller: "anthropic",
  source: "https://support.claude.com/en/articles/9534590-cost-and-usage-reporting-in-the-claude-console",
  owns: (columns) => columns.has("usage_date_utc") && columns.has("cost_usd"),
  knows: (column) => SHARED.test(column) || /^(?:usage_date_utc|cost_usd|list_price_usd)$/u.test(column),
  zone: "UTC",
  roundingNanos: 5_000_000n,
  read(row, zone) {
    const part = readPart(row);
    return [
      {
        day: readDay(row, "usage_date_utc", zone),
        model: readName(row, "model") ?? readOtherKind(readCell(row, "cost_type"), null),
        key: readKey(row, "api_key_id", "api_key"),
        requests: null,
        tokens: {},
        money: { [part]: readMoney(row, "cost_usd") },
      },
    ];
  },
};

/** The two spell them differently: `uncached_input_tokens` and `input_no_cache`. */
function readPart(row: ExportRow): MoneyPart {
  const type = readCell(row, "token_type");
  if (type === "") return /search|execution/iu.test(readCell(row, "cost_type")) ? "tools" : "all";
  if (type.includes("output")) return "output";
  if (/1h/u.test(type)) return "longCacheWrite";
  if (/write|creation/u.test(type)) return "cacheWrite";
  if (type.includes("read")) return "cacheRead";
  return type.includes("input") ? "fresh" : "other";
}

function readOtherKind(type: string, description: string | null): string | null {
  return type === "" || type.startsWith("token") ? description : type;
}

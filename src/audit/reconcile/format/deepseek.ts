// DeepSeek's two exports, as CSV: `amount` counts tokens by key and kind, `cost` is the money of a day and model.

import { checkDollars, readCount, readDay, readMoney } from "../cell.ts";
import { type Format, type TokenPart, readCell, readKey, readName } from "../line.ts";

const SOURCE = "https://platform.deepseek.com/usage";

export const deepseekAmount: Format = {
  title: "DeepSeek usage export",
  biller: "deepseek",
  source: SOURCE,
  owns: (columns) => columns.has("utc_date") && columns.has("type") && columns.has("amount"),
  knows: (column) =>
    ["amount", "api_key", "api_key_name", "model", "price", "type", "user_id", "utc_date", "cost"].includes(column),
  zone: "UTC",
  roundingNanos: 0n,
  read(row, zone) {
    const type = readCell(row, "type");
    const part = readPart(type);
    const isCount = type === "request_count";
    if (part === null && !isCount) return [];
    return [
      {
        day: readDay(row, "utc_date", zone),
        model: readName(row, "model"),
        key: readKey(row, "api_key_name", "api_key"),
        requests: isCount ? readCount(row, "amount") : null,
        tokens: part === null ? {} : { [part]: readCount(row, "amount") },
        money: {},
      },
    ];
  },
};

export const deepseekCost: Format = {
  title: "DeepSeek cost export",
  biller: "deepseek",
  source: SOURCE,
  owns: (columns) => columns.has("utc_date") && columns.has("cost") && columns.has("currency"),
  knows: (column) => ["cost", "currency", "model", "user_id", "utc_date", "wallet_type"].includes(column),
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    checkDollars(row, "currency");
    return [
      {
        day: readDay(row, "utc_date", zone),
        model: readName(row, "model"),
        key: null,
        requests: null,
        tokens: {},
        money: { all: readMoney(row, "cost") },
      },
    ];
  },
};

function readPart(type: string): TokenPart | null {
  if (type.includes("cache_hit")) return "cacheRead";
  if (type.includes("output") || type.includes("completion")) return "output";
  return type.includes("input") || type.includes("prompt") ? "fresh" : null;
}

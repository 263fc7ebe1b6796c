// Azure's cost and usage details, as Cost Management exports them to CSV, for Azure OpenAI and Foundry models.

import { checkDollars, readCount, readDay, readMoney } from "../cell.ts";
import { type ExportRow, type Format, type MoneyPart, type TokenPart, readCell } from "../line.ts";

export const azureCost: Format = {
  title: "Azure cost and usage details",
  biller: "azure",
  source: "https://learn.microsoft.com/en-us/azure/cost-management-billing/dataset-schema/cost-usage-details-mca",
  owns: (columns) =>
    columns.has("meter_name") && columns.has("meter_category") && columns.has("quantity") && columns.has("date"),
  // The schema has some seventy columns and differs by kind of contract; meters and their cost are what counts.
  knows: () => true,
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    const meter = readCell(row, "meter_name");
    const category = `${readCell(row, "meter_category")} ${readCell(row, "meter_sub_category", "product_name")}`;
    if (!/openai|foundry|cognitive|machine learning|ai services/iu.test(category) || !/tokens?$/iu.test(meter))
      return [];
    const part = readPart(meter.toLowerCase());
    const digits = readUnit(readCell(row, "unit_of_measure"));
    return [
      {
        day: readDay(row, "date", zone),
        model: readModel(meter),
        key: readCell(row, "resource_id", "resource_name").split("/").at(-1) || null,
        requests: null,
        tokens: digits === null || part === "other" ? {} : { [part]: readCount(row, "quantity", digits) },
        money: { [part]: readDollars(row) },
      },
    ];
  },
};

/** Meters abbreviate as they like: `gpt-4o-0806-Inp-glbl Tokens`, `gpt 4o mini 0718 cached Inp regnl Tokens`, `5.4 mini cd Inp Gl 1M Tokens`. */
const WORDS =
  /^(?:inp|inpt|input|outp?|opt|output|cached|cchd|cd|ca?che|wr|write|rd|read|glbl|global|gl|regnl|regional|rg|data|zone|dz|datazone|std|batch|shortco|longco|txt|text|pp|flex|1m|1k|tokens?)$/iu;

function readModel(meter: string): string {
  const words = meter.replaceAll(/(batch)(inp|outp)/giu, "$1 $2").split(/[\s_-]+/u);
  const first = words.findIndex((word, index) => index > 0 && WORDS.test(word));
  const name = words
    .slice(0, first === -1 ? words.length : first)
    .join("-")
    .toLowerCase();
  return /^\d/u.test(name) ? `gpt-${name}` : name;
}

function readPart(meter: string): (MoneyPart & TokenPart) | "other" {
  const words = meter.replaceAll(/(batch)(inp|outp)/gu, "$1 $2").split(/[\s_-]+/u);
  const has = (pattern: RegExp): boolean => words.some((word) => pattern.test(word));
  if (has(/^(?:outp?|opt|output)$/u)) return "output";
  const isCached = has(/^(?:cached|cchd|cd|cache)$/u);
  if (isCached && has(/^(?:wr|write)$/u)) return "cacheWrite";
  if (isCached) return "cacheRead";
  // Embeddings have no word for it.
  return has(/^(?:inp|inpt|input)$/u) || meter.includes("embedding") ? "fresh" : "other";
}

/** `1K`, `1M`, `1000` as a power of ten; null where it is another unit. */
function readUnit(unit: string): number | null {
  if (/^1\s*k|^1,?000(?:\s|$)/iu.test(unit)) return 3;
  if (/^1\s*m|^1,?000,?000/iu.test(unit)) return 6;
  return unit === "1" || unit === "" ? 0 : null;
}

function readDollars(row: ExportRow): bigint {
  for (const column of ["cost_in_usd", "cost_usd", "payg_cost_in_usd"]) {
    if (readCell(row, column) !== "") return readMoney(row, column);
  }
  checkDollars(row, "billing_currency", "billing_currency_code", "currency");
  const column = ["cost_in_billing_currency", "cost", "pre_tax_cost"].find((name) => row.cells.has(name)) ?? "cost";
  return readMoney(row, column);
}

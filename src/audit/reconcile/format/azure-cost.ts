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
    const product = `${readCell(row, "meter_sub_category")} ${readCell(row, "product_name")}`;
    const category = `${readCell(row, "meter_category")} ${product}`;
    if (!/openai|foundry|cognitive|machine learning|ai services/iu.test(category) || !/tokens?$/iu.test(meter))
      return [];
    const part = readPart(meter.toLowerCase());
    const digits = readUnit(readCell(row, "unit_of_measure"));
    return [
      {
        day: readDay(row, "date", zone),
        model: readModel(meter, product),
        key: readCell(row, "resource_id", "resource_name").split("/").at(-1) || null,
        requests: null,
        tokens: digits === null || part === "other" ? {} : { [part]: readCount(row, "quantity", digits) },
        money: { [part]: readDollars(row) },
      },
    ];
  },
};

/** Meters abbreviate as they like: `gpt-4o-0806-Inp-glbl Tokens`, `GPT 5 Mini outpt Glbl 1M Tokens`, `5.6 sol ShCo Cd Inp Std Gl 1M Tokens`. */
const OUTPUT = /^(?:outp?t?|opt|output)$/iu;
const INPUT = /^(?:in|inpt?|input)$/iu;
const CACHED = /^(?:cached|c?cchd|cd|ca?che)$/iu;
const WRITTEN = /^(?:wr|write)$/iu;
const WORDS =
  /^(?:rd|read|glbl?|gl|global|re?gnl?|regional|rg|data|zone|dz|dzn|dzone|datazone|std|batch|shortco|shco|longco|loco|txt|text|pp|flex|1m|1k|tokens?)$/iu;

/** Whose model it is, where the meter has only its version: `4.3 Inp glbl Tokens` of `Azure Grok Models`. */
const VENDOR = /\b(?:cohere|deepseek|grok|kimi|llama|mistral|phi|qwen)\b/iu;

function readModel(meter: string, product: string): string {
  const words = splitMeter(meter);
  const first = words.findIndex(
    (word, at) => at > 0 && [OUTPUT, INPUT, CACHED, WRITTEN, WORDS].some((kind) => kind.test(word)),
  );
  const name = words
    .slice(0, first === -1 ? words.length : first)
    .join("-")
    .toLowerCase();
  const vendor = VENDOR.exec(product)?.[0].toLowerCase() ?? (/^\d/u.test(name) ? "gpt" : "");
  return vendor === "" || name.includes(vendor) ? name : `${vendor}-${name}`;
}

function readPart(meter: string): (MoneyPart & TokenPart) | "other" {
  const words = splitMeter(meter);
  const has = (kind: RegExp): boolean => words.some((word) => kind.test(word));
  if (has(OUTPUT)) return "output";
  if (has(WRITTEN)) return "cacheWrite";
  if (has(CACHED)) return "cacheRead";
  // Embeddings have no word for it.
  return has(INPUT) || meter.includes("embedding") ? "fresh" : "other";
}

function splitMeter(meter: string): string[] {
  return meter.replaceAll(/(batch)(inp|outp)/giu, "$1 $2").split(/[\s_-]+/u);
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

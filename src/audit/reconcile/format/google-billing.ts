// Google Cloud's billing data, for the Gemini API and Vertex AI: the BigQuery export as CSV or lines of JSON, and the console's cost table as CSV.

import { invalidRequest } from "../../../ir/index.ts";
import { parseDecimal } from "../../../lib/decimal.ts";
import { readCount, readDay, readDayOfMoment, readMoney } from "../cell.ts";
import { type ExportRow, type Format, type MoneyPart, type TokenPart, readCell, readName } from "../line.ts";

const KNOWN =
  /^(?:billing_account_.*|service_.*|sku_.*|project_.*|project|labels|system_labels|tags|location_.*|location|resource_.*|resource|usage_.*|cost|cost_at_.*|cost_type|unrounded_cost|unrounded_.*|credits.*|credit_type|currency|currency_conversion_rate|invoice_.*|price.*|export_time|adjustment_info.*|transaction_type|seller_name|subscription_.*|consumption_model.*|list_cost|discounts|promotions_and_others|negotiated_savings|subtotal|country|region|zone)$/u;

const SERVICES = /gemini|vertex ai|generative language|claude|anthropic|mistral|llama/iu;

export const googleBilling: Format = {
  title: "Google Cloud billing export",
  biller: "google",
  source: "https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage",
  owns: (columns) =>
    columns.has("service_description") &&
    columns.has("sku_description") &&
    (columns.has("usage_start_time") || columns.has("usage_start_date")),
  knows: (column) => KNOWN.test(column),
  zone: "America/Los_Angeles",
  roundingNanos: 1n,
  read(row, zone) {
    const sku = readCell(row, "sku_description");
    const isOurs = SERVICES.test(`${readCell(row, "service_description")} ${sku}`);
    const isUsage = !/tax|rounding|adjustment/iu.test(readCell(row, "cost_type"));
    // The console's table has credits as lines of their own, with the usage that they are for.
    if (!isOurs || !isUsage || readCell(row, "credit_type") !== "") return [];
    const part = readPart(sku.toLowerCase());
    return [
      {
        // A query's answer says its moments without their zone.
        day: row.cells.has("usage_start_time")
          ? readDayOfMoment(row, "usage_start_time", zone)
          : readDay(row, "usage_start_date", zone),
        model: readModel(sku.toLowerCase()),
        key: readName(row, "project_id"),
        requests: null,
        tokens: part !== "other" && countsTokens(row) ? { [part]: readCount(row, "usage_amount") } : {},
        money: { [part]: readDollars(row) },
      },
    ];
  },
};

/** What SKUs of models are named by; the rest of a name is kind, size and way of service. */
const FAMILY =
  /(?:gemini|claude|mistral|llama)[\s_-]+(?:embedding[\s_-]*\d*|(?:(?:opus|sonnet|haiku|pro|flash|lite|large|medium|small|er|robotics)?[\s_-]*\d+(?:[.-]\d+)?)(?:[\s_-]+(?:opus|sonnet|haiku|pro|flash|lite|ultra|tts|preview))*)/u;

/** `generate content input token count gemini 2.5 flash short input text` → `gemini 2.5 flash`. */
function readModel(sku: string): string {
  return (FAMILY.exec(sku)?.[0] ?? sku).replaceAll("_", " ").trim();
}

/** Prompts that were cached are billed at a price of their own; what storing them costs is billed by the hour. */
function readPart(sku: string): (MoneyPart & TokenPart) | "other" {
  if (/storage|grounding|search|provisioned|tuning|training/u.test(sku)) return "other";
  if (/output|response|thinking/u.test(sku)) return "output";
  if (/cach/u.test(sku)) return /writ|creat/u.test(sku) ? "cacheWrite" : "cacheRead";
  return /input|prompt|embed/u.test(sku) ? "fresh" : "other";
}

function countsTokens(row: ExportRow): boolean {
  return /^(?:|count|counts|tokens?|requests?)$/iu.test(readCell(row, "usage_unit"));
}

/** Before credits, as that is what the price list says. Other currencies are turned back at the rate of the export itself. */
function readDollars(row: ExportRow): bigint {
  const column = ["unrounded_cost", "cost", "list_cost"].find((name) => row.cells.has(name)) ?? "cost";
  const money = readMoney(row, column);
  const currency = readCell(row, "currency").toUpperCase();
  if (currency === "" || currency === "USD") return money;
  const rate = parseDecimal(readCell(row, "currency_conversion_rate"), 9);
  if (rate !== null && rate > 0n) return (money * 2_000_000_000n + rate) / (2n * rate);
  throw invalidRequest(
    `${row.place}: the cost is in ${currency} and the line has no currency_conversion_rate to turn it into US dollars.`,
  );
}

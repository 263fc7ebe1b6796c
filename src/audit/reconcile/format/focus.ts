// FOCUS, the form of bills that AWS, Azure, Google Cloud and others export alike. Its columns say of a line what it cost and when; what of a model it
// was for says the cloud's own name of the meter, which is read as on the cloud's other bills.

import { type BilledLine, type ExportRow, type Format, readCell } from "../line.ts";
import { awsUsageReport } from "./aws-cost.ts";
import { azureCost } from "./azure-cost.ts";
import { googleBilling } from "./google-billing.ts";

export const focus: Format = {
  title: "FOCUS cost and usage",
  source: "https://focus.finops.org/focus-specification/",
  owns: (columns) => columns.has("charge_period_start") && columns.has("billed_cost") && columns.has("charge_category"),
  // Some sixty columns, and as many of each cloud's own.
  knows: () => true,
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone): BilledLine[] {
    // Taxes, credits and what was bought ahead are lines of their own.
    if (readCell(row, "charge_category").toLowerCase() !== "usage") return [];
    const { format, columns, hasQuantity } = CLOUDS.find(({ meter }) => row.cells.has(meter)) ?? ANY;
    const lines = format.read(rename(row, columns), zone);
    return hasQuantity ? lines : lines.map((line) => ({ ...line, tokens: {} }));
  },
};

interface Cloud {
  format: Format;
  /** False where its units do not say whether they are of tokens or of blocks of them. */
  hasQuantity: boolean;
  /** Where a cell of that format stands here. */
  columns: Readonly<Record<string, string>>;
}

/** Each with a column that it alone has. */
const CLOUDS: readonly (Cloud & { meter: string })[] = [
  {
    meter: "x_usage_type",
    format: awsUsageReport,
    hasQuantity: true,
    columns: {
      line_item_currency_code: "billing_currency",
      line_item_product_code: "x_service_code",
      line_item_unblended_cost: "billed_cost",
      line_item_usage_amount: "pricing_quantity",
      line_item_usage_start_date: "charge_period_start",
      line_item_usage_type: "x_usage_type",
      pricing_unit: "pricing_unit",
      product_product_name: "service_name",
    },
  },
  {
    meter: "x_sku_meter_name",
    format: azureCost,
    hasQuantity: false,
    columns: {
      billing_currency: "billing_currency",
      cost: "billed_cost",
      cost_in_usd: "x_billed_cost_in_usd",
      date: "charge_period_start",
      meter_category: "x_sku_meter_category",
      meter_name: "x_sku_meter_name",
      meter_sub_category: "x_sku_meter_subcategory",
      product_name: "x_sku_description",
      resource_id: "resource_id",
    },
  },
];

/** Whoever has no column for it describes the charge by it. */
const ANY: Cloud = {
  format: googleBilling,
  hasQuantity: true,
  columns: {
    cost: "billed_cost",
    currency: "billing_currency",
    project_id: "sub_account_id",
    service_description: "service_name",
    sku_description: "charge_description",
    usage_amount: "consumed_quantity",
    usage_start_time: "charge_period_start",
    usage_unit: "consumed_unit",
  },
};

function rename({ cells, spelled, place }: ExportRow, columns: Cloud["columns"]): ExportRow {
  const pick = (from: ReadonlyMap<string, string>): Map<string, string> =>
    new Map(Object.entries(columns).flatMap(([name, own]) => (from.has(own) ? [[name, from.get(own) ?? ""]] : [])));
  return { cells: pick(cells), spelled: pick(spelled), place };
}

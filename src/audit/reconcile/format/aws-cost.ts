// Amazon's bills for Bedrock: the Cost and Usage Report (old and new names), and Cost Explorer's answers by usage type, as JSON of its API and as the console's CSV.

import { checkDollars, readCount, readDay, readMoney } from "../cell.ts";
import {
  type BilledLine,
  type ExportRow,
  type Format,
  type MoneyPart,
  type TokenPart,
  countPart,
  readCell,
  refuseCell,
} from "../line.ts";

export const awsUsageReport: Format = {
  title: "AWS Cost and Usage Report",
  biller: "aws",
  source: "https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html",
  owns: (columns) => columns.has("line_item_usage_type") && columns.has("line_item_usage_start_date"),
  // Hundreds of columns about the contract and the product; the line item is what counts.
  knows: () => true,
  identity: ["identity_line_item_id"],
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    const product = `${readCell(row, "line_item_product_code")} ${readCell(row, "product_product_name", "product_servicename")}`;
    const isUsage = /^(?:|usage|discountedusage)$/iu.test(readCell(row, "line_item_line_item_type"));
    if (!/bedrock/iu.test(product) || !isUsage) return [];
    checkDollars(row, "line_item_currency_code");
    const used = readUsageType(readCell(row, "line_item_usage_type"));
    const edition = /^(.*?)\s*\(Amazon Bedrock Edition\)/u.exec(readCell(row, "product_product_name"))?.[1];
    const digits = readUnit(readCell(row, "pricing_unit"), used);
    const column = row.cells.has("line_item_unblended_cost")
      ? "line_item_unblended_cost"
      : "line_item_net_unblended_cost";
    return [
      {
        day: readDay(row, "line_item_usage_start_date", zone),
        model: used.model === "" ? (edition ?? readCell(row, "line_item_usage_type")) : used.model,
        key: readCell(row, "line_item_iam_principal") || null,
        requests: null,
        tokens:
          digits === null || used.part === "other"
            ? {}
            : countPart(used.part, readCount(row, "line_item_usage_amount", digits)),
        money: { [used.part]: readMoney(row, column) },
      },
    ];
  },
};

export const awsCostExplorer: Format = {
  title: "AWS Cost Explorer, grouped by usage type",
  biller: "aws",
  source: "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html",
  owns: (columns) => columns.has("usage_type") || (columns.has("time_period_start") && columns.has("keys")),
  knows: () => true,
  zone: "UTC",
  roundingNanos: 1n,
  read: (row, zone) => (row.cells.has("keys") ? readGroup(row, zone) : readPivot(row, zone)),
};

type Zone = Parameters<Format["read"]>[1];

function readGroup(row: ExportRow, zone: Zone): BilledLine[] {
  const type = readCell(row, "keys")
    .split("\n")
    .find((key) => /token/iu.test(key));
  if (type === undefined) return [];
  const amount = "metrics_unblended_cost_amount";
  if (!row.cells.has(amount)) throw refuseCell(row, amount, "missing: ask for the metric UnblendedCost");
  checkDollars(row, "metrics_unblended_cost_unit");
  const used = readUsageType(type);
  const quantity = "metrics_usage_quantity_amount";
  const digits = readUnit(readCell(row, "metrics_usage_quantity_unit"), used);
  return [
    {
      day: readDay(row, "time_period_start", zone),
      model: used.model || type,
      key: null,
      requests: null,
      tokens:
        digits === null || used.part === "other" || !row.cells.has(quantity)
          ? {}
          : countPart(used.part, readCount(row, quantity, digits)),
      money: { [used.part]: readMoney(row, amount) },
    },
  ];
}

/** A line a day, a column a usage type: `USE1-Claude4.5Sonnet-input-tokens($)`. */
function readPivot(row: ExportRow, zone: Zone): BilledLine[] {
  if (!/^\d{4}-\d{2}-\d{2}/u.test(readCell(row, "usage_type"))) return [];
  const day = readDay(row, "usage_type", zone);
  return [...row.spelled].flatMap(([column, spelled]) => {
    const type = /^(.*token.*?)\s*\(\$\)$/iu.exec(spelled)?.[1];
    if (type === undefined || readCell(row, column) === "") return [];
    const used = readUsageType(type);
    return [
      {
        day,
        model: used.model || type,
        key: null,
        requests: null,
        tokens: {},
        money: { [used.part]: readMoney(row, column) },
      },
    ];
  });
}

interface Used {
  /** Empty where the usage type does not name it. */
  model: string;
  part: (MoneyPart & TokenPart) | "other";
  /** Counted in another unit than the rest. */
  isMantle: boolean;
}

const KIND =
  /^(?<model>.*?)[-_](?<mantle>mantle-)?(?<kind>input-tokens|output-tokens|cache-read|cache-write|input-token-count|output-token-count)/iu;

/** `USE1-Claude4.5Sonnet-cache-read-input-token-count-cross-region-global`, `USE1-MP:USE1_InputTokenCount-Units`. */
function readUsageType(type: string): Used {
  const bare = type.replace(/^[A-Z]{2,4}\d?-/u, "");
  const market = /^MP:[A-Z0-9]+_(?<kind>[A-Za-z_]+)/u.exec(bare)?.groups?.["kind"];
  if (market !== undefined) return { model: "", part: readPart(market.toLowerCase()), isMantle: true };
  const found = KIND.exec(bare)?.groups;
  if (found === undefined) return { model: bare, part: "other", isMantle: true };
  return {
    model: found["model"] ?? "",
    part: readPart(bare.slice((found["model"] ?? "").length).toLowerCase()),
    isMantle: found["mantle"] !== undefined,
  };
}

function readPart(kind: string): (MoneyPart & TokenPart) | "other" {
  const flat = kind.replaceAll(/[-_]/gu, "");
  if (flat.includes("cacheread")) return "cacheRead";
  if (flat.includes("cachewrite")) return flat.includes("1h") ? "longCacheWrite" : "cacheWrite";
  if (flat.includes("output")) return "output";
  return flat.includes("input") ? "fresh" : "other";
}

/** A power of ten; null where the unit is not said and cannot be known. Token counts of Bedrock are in thousands. */
function readUnit(unit: string, { isMantle }: Used): number | null {
  if (/1k|thousand/iu.test(unit)) return 3;
  if (/1m|million/iu.test(unit)) return 6;
  if (/^tokens?$/iu.test(unit)) return 0;
  return isMantle ? null : 3;
}

// Rows of the books as text for other programs: CSV for spreadsheets, a JSON object a line for everything else. Knows no file and no HTTP.

import type { JsonObject } from "../ir/index.ts";
import type { SealedEntry } from "./entry.ts";
import { printEntry } from "./print.ts";

export const EXPORT_FORMATS = ["csv", "jsonl"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_TYPES = {
  csv: "text/csv; charset=utf-8; header=present",
  jsonl: "application/x-ndjson",
} as const satisfies Record<ExportFormat, string>;

/** Fields of a printed row, in the order of the columns. */
const COLUMNS = [
  "id",
  "kind",
  "corrects",
  "reason",
  "created_at",
  "request_id",
  "user_id",
  "api_key_id",
  "tags",
  "endpoint",
  "direction",
  "model",
  "model_served",
  "provider",
  "status",
  "error_kind",
  "fresh_input_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "long_cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
  "units",
  "service_tier",
  "usage_source",
  "latency_ms",
  "ttft_ms",
  "streamed",
  "cost_usd",
  "cost_nanos",
  "price_id",
  "price_source",
  "price_date",
  "dropped",
  "attempts",
  "payload_digest",
  "chain",
  "seq",
  "hash",
  "route",
] as const;

const LINE_END = { csv: "\r\n", jsonl: "\n" } as const satisfies Record<ExportFormat, string>;

/** What stands before the first row. */
export function printExportHead(format: ExportFormat): string {
  return format === "csv" ? `${COLUMNS.join(",")}${LINE_END.csv}` : "";
}

export function printExportRows(format: ExportFormat, entries: readonly SealedEntry[]): string {
  let text = "";
  for (const entry of entries) {
    const row = printEntry(entry);
    text += format === "csv" ? printCells(row) : JSON.stringify(row);
    text += LINE_END[format];
  }
  return text;
}

function printCells(row: JsonObject): string {
  return COLUMNS.map((column) => printCell(row[column])).join(",");
}

/** Lists and objects are JSON; nothing is an empty cell. */
function printCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return quote(disarm(typeof value === "string" ? value : JSON.stringify(value)));
}

const AMOUNT = /^-\d+(?:\.\d+)?$/u;

/** Text of strangers that a spreadsheet would take for a formula is made text by an apostrophe (OWASP, "CSV Injection"); a negative amount is none. */
function disarm(text: string): string {
  return /^[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/u.test(text) && !AMOUNT.test(text) ? `'${text}` : text;
}

/** RFC 4180. */
function quote(text: string): string {
  return /[",\r\n]/u.test(text) || text.startsWith(" ") || text.endsWith(" ")
    ? `"${text.replaceAll('"', '""')}"`
    : text;
}

// The tables of a pack as CSV: rows, recounts, sums and prices, for people with a spreadsheet. Knows no archive.

import { type LedgerEntry, type Recount, type SealedEntry, formatUsd } from "../../ledger/index.ts";
import { printCsvLine } from "../../lib/csv.ts";
import { sumInput } from "./part.ts";
import { type Figures, type Group, type PriceUse, isCostKnown } from "./summary.ts";

type Cell = number | string | null | undefined;

/** Columns in their order: a name, and what stands there. */
type Columns<T> = readonly (readonly [string, (value: T) => Cell])[];

function printHead<T>(columns: Columns<T>): string {
  return printCsvLine(columns.map(([name]) => name));
}

function printLine<T>(columns: Columns<T>, value: T): string {
  return printCsvLine(columns.map(([, read]) => read(value) ?? ""));
}

const ROW: Columns<SealedEntry> = [
  ["chain", (row) => row.chain],
  ["seq", (row) => row.seq],
  ["hash", (row) => row.hash],
  ["kind", (row) => row.kind],
  ["id", (row) => row.id],
  ["corrects", (row) => row.corrects],
  ["reason", (row) => row.reason],
  ["created_at", (row) => row.createdAt.toISOString()],
  ["request_id", (row) => row.requestId],
  ["upstream_request_ids", (row) => listUpstreamIds(row)],
  ["user_id", (row) => row.userId],
  ["api_key_id", (row) => row.apiKeyId],
  ["provider", (row) => row.provider],
  ["model_asked", (row) => row.modelAsked],
  ["model_served", (row) => row.modelServed],
  ["endpoint", (row) => row.endpoint],
  ["status", (row) => row.status],
  ["error_kind", (row) => row.errorKind],
  ["fresh_input_tokens", (row) => row.freshInputTokens],
  ["cache_read_tokens", (row) => row.cacheReadTokens],
  ["cache_write_tokens", (row) => row.cacheWriteTokens],
  ["long_cache_write_tokens", (row) => row.longCacheWriteTokens],
  ["output_tokens", (row) => row.outputTokens],
  ["reasoning_tokens", (row) => row.reasoningTokens],
  ["usage_source", (row) => row.usageSource],
  ["service_tier", (row) => row.serviceTier],
  ["cost_usd", (row) => (row.costNanos === null ? null : formatUsd(row.costNanos))],
  ["price_id", (row) => row.priceId],
  ["price_source", (row) => row.priceSource],
  ["price_date", (row) => row.priceDate],
];

export const ROW_HEAD = printHead(ROW);

export function printRow(row: SealedEntry): string {
  return printLine(ROW, row);
}

export function listUpstreamIds(row: LedgerEntry): string {
  return row.attempts.flatMap(({ upstreamRequestId }) => upstreamRequestId ?? []).join(" ");
}

const RECOUNT: Columns<{ row: Recount; call: LedgerEntry }> = [
  ["entry_id", ({ row }) => row.entryId],
  ["call_at", ({ call }) => call.createdAt.toISOString()],
  ["request_id", ({ call }) => call.requestId],
  ["upstream_request_ids", ({ call }) => listUpstreamIds(call)],
  ["model", ({ call }) => call.modelServed ?? call.modelAsked],
  ["state", ({ row }) => row.state],
  ["reason", ({ row }) => row.reason],
  ["verdict", ({ row }) => row.verdict],
  ["input_booked", ({ call }) => sumInput(call)],
  ["input_counted", ({ row }) => row.inputTokens],
  ["input_low", ({ row }) => row.inputLow],
  ["input_high", ({ row }) => row.inputHigh],
  ["output_booked", ({ call }) => call.outputTokens],
  ["output_counted", ({ row }) => row.outputTokens],
  ["output_low", ({ row }) => row.outputLow],
  ["output_high", ({ row }) => row.outputHigh],
  ["method", ({ row }) => row.method],
  ["tokenizer", ({ row }) => row.tokenizer],
  ["tokenizer_version", ({ row }) => row.tokenizerVersion],
];

export const RECOUNT_HEAD = printHead(RECOUNT);

export function printRecount(row: Recount, call: LedgerEntry): string {
  return printLine(RECOUNT, { row, call });
}

const SUMMARY: Columns<Figures & Group> = [
  ["day_utc", ({ day }) => day],
  ["model", ({ model }) => model],
  ["api_key_id", ({ key }) => key],
  ["calls", ({ calls }) => calls],
  ["corrections", ({ corrections }) => corrections],
  ["input_tokens", ({ input }) => input],
  ["output_tokens", ({ output }) => output],
  ["input_reported_by_provider", ({ reportedInput }) => reportedInput],
  ["output_reported_by_provider", ({ reportedOutput }) => reportedOutput],
  ["calls_counted_again", ({ recounted }) => recounted],
  ["input_booked_of_these", ({ recountedInput }) => recountedInput],
  ["input_counted_low", ({ inputLow }) => inputLow],
  ["input_counted_high", ({ inputHigh }) => inputHigh],
  ["output_booked_of_these", ({ recountedOutput }) => recountedOutput],
  ["output_counted_low", ({ outputLow }) => outputLow],
  ["output_counted_high", ({ outputHigh }) => outputHigh],
  ["flagged_over", ({ over }) => over],
  ["flagged_under", ({ under }) => under],
  ["cost_usd", (figures) => (isCostKnown(figures) ? formatUsd(figures.cost) : null)],
  ["calls_without_price", ({ unpriced }) => unpriced],
];

export function* printSummaryTable(groups: readonly (Figures & Group)[], total: Figures): Generator<string> {
  yield printHead(SUMMARY);
  for (const group of groups) yield printLine(SUMMARY, group);
  yield printLine(SUMMARY, { ...total, day: "total", model: "", key: "" });
}

const PRICE: Columns<PriceUse & { rates: string | null }> = [
  ["price_id", ({ id }) => id],
  ["source", ({ source }) => source],
  ["valid_from", ({ date }) => date],
  ["service_tier", ({ tier }) => tier],
  ["first_call", ({ first }) => first.toISOString()],
  ["last_call", ({ last }) => last.toISOString()],
  ["rows", ({ calls }) => calls],
  ["cost_usd", ({ cost }) => formatUsd(cost)],
  ["rates_usd", ({ rates }) => rates],
];

export function* printPriceTable(prices: readonly (PriceUse & { rates: string | null })[]): Generator<string> {
  yield printHead(PRICE);
  for (const price of prices) yield printLine(PRICE, price);
}

// Sealed rows into their tables, value by value in the order of their columns: every request pays for it. Knows no chain and no transaction.

import type { Database } from "bun:sqlite";
import { getTableColumns, getTableName, type Table } from "drizzle-orm";
import type { JsonParts, SealedEntry, SealedLine, SealedRecount } from "../../ledger/index.ts";
import type { Value } from "./insert.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

const ENTRY_COLUMNS = [
  "id",
  "chain",
  "seq",
  "hash",
  "kind",
  "corrects",
  "reason",
  "pricesUnknown",
  "requestId",
  "createdAt",
  "userId",
  "apiKeyId",
  "tags",
  "endpoint",
  "modelAsked",
  "modelServed",
  "provider",
  "direction",
  "freshInputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "longCacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
  "units",
  "serviceTier",
  "usageSource",
  "status",
  "errorKind",
  "latencyMs",
  "ttftMs",
  "streamed",
  "costNanos",
  "priceId",
  "priceSource",
  "priceDate",
  "dropped",
  "attempts",
  "payloadDigest",
  "requestHash",
  "responseHash",
  "payloadSalt",
] as const satisfies readonly (keyof SealedEntry)[];

const RECOUNT_COLUMNS = [
  "entryId",
  "chain",
  "seq",
  "hash",
  "createdAt",
  "state",
  "reason",
  "method",
  "tokenizer",
  "tokenizerVersion",
  "inputTokens",
  "inputLow",
  "inputHigh",
  "outputTokens",
  "outputLow",
  "outputHigh",
  "verdict",
] as const satisfies readonly (keyof SealedRecount)[];

export interface RowInsert {
  /** False where the row was there already. */
  run(line: SealedLine): boolean;
  finalize(): void;
}

export function prepareRows(db: Database): RowInsert {
  const entries = db.prepare<unknown, Value[]>(printInsert(ledgerEntries, ENTRY_COLUMNS, "id"));
  const recounts = db.prepare<unknown, Value[]>(printInsert(ledgerRecounts, RECOUNT_COLUMNS, "entryId"));
  return {
    run: (line) =>
      (line.type === "entry" ? entries.run(...listEntry(line.row, line.parts)) : recounts.run(...listRecount(line.row)))
        .changes > 0,
    finalize() {
      entries.finalize();
      recounts.finalize();
    },
  };
}

/** @param key of it alone: a row whose place in its chain is taken is no row that was there already */
function printInsert(table: Table, fields: readonly string[], key: string): string {
  const columns = getTableColumns(table);
  const nameOf = (field: string): string => {
    const column = columns[field];
    if (column === undefined) throw new TypeError(`${field} is no column`);
    return `"${column.name}"`;
  };
  if (fields.length !== Object.keys(columns).length) throw new TypeError(`${getTableName(table)} has other columns`);
  const marks = fields.map(() => "?").join(", ");
  return `insert into ${getTableName(table)} (${fields.map(nameOf).join(", ")}) values (${marks}) on conflict (${nameOf(key)}) do nothing`;
}

/** In the order of ENTRY_COLUMNS. */
function listEntry(row: SealedEntry, { attempts, dropped, tags, units }: JsonParts): Value[] {
  return [
    row.id,
    row.chain,
    row.seq,
    row.hash,
    row.kind,
    row.corrects,
    row.reason,
    row.pricesUnknown,
    row.requestId,
    row.createdAt.getTime(),
    row.userId,
    row.apiKeyId,
    tags,
    row.endpoint,
    row.modelAsked,
    row.modelServed,
    row.provider,
    row.direction,
    row.freshInputTokens,
    row.cacheReadTokens,
    row.cacheWriteTokens,
    row.longCacheWriteTokens,
    row.outputTokens,
    row.reasoningTokens,
    units,
    row.serviceTier,
    row.usageSource,
    row.status,
    row.errorKind,
    row.latencyMs,
    row.ttftMs,
    row.streamed,
    row.costNanos,
    row.priceId,
    row.priceSource,
    row.priceDate,
    dropped,
    attempts,
    row.payloadDigest,
    row.requestHash,
    row.responseHash,
    row.payloadSalt,
  ];
}

/** In the order of RECOUNT_COLUMNS. */
function listRecount(row: SealedRecount): Value[] {
  return [
    row.entryId,
    row.chain,
    row.seq,
    row.hash,
    row.createdAt.getTime(),
    row.state,
    row.reason,
    row.method,
    row.tokenizer,
    row.tokenizerVersion,
    row.inputTokens,
    row.inputLow,
    row.inputHigh,
    row.outputTokens,
    row.outputLow,
    row.outputHigh,
    row.verdict,
  ];
}

// An export that has no format of its own, read by the operator's word: `day=Date,model=Model,input=Prompt tokens,cost=USD`.

import { invalidRequest } from "../../ir/index.ts";
import { readCount, readDay, readMoney } from "./cell.ts";
import { type BilledLine, type ExportRow, type Format, nameColumn, readName } from "./line.ts";

/** What a column may be mapped to. */
const FIELDS = {
  cache_read: "prompt tokens read from the cache",
  cache_write: "prompt tokens written to the cache, for however long",
  cache_write_1h: "of these, the ones kept for an hour",
  cost: "US dollars",
  day: "day or moment",
  fresh: "prompt tokens neither read from the cache nor written to it",
  input: "all prompt tokens, cached ones too",
  key: "API key",
  model: "model",
  output: "tokens produced, reasoning too",
  requests: "number of requests",
} as const satisfies Record<string, string>;

type Field = keyof typeof FIELDS;

/** Throws a GatewayError that lists the fields. */
export function parseMapping(text: string): Format {
  const columns = new Map<Field, string>();
  for (const pair of text.split(",")) {
    const [, field = "", column = ""] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/u.exec(pair) ?? [];
    if (!Object.hasOwn(FIELDS, field) || column === "") {
      const list = Object.entries(FIELDS).map(([name, meaning]) => `${name} (${meaning})`);
      throw invalidRequest(
        `--map: ${JSON.stringify(pair.trim())} is no pair of a field and a column, such as day=Date. Fields: ${list.join(", ")}.`,
      );
    }
    columns.set(field as Field, nameColumn(column));
  }
  if (!columns.has("day")) throw invalidRequest("--map needs day=COLUMN: lines are matched by day.");
  if (!["cost", "fresh", "input", "output"].some((field) => columns.has(field as Field))) {
    throw invalidRequest("--map names no tokens and no cost: give at least one of input, fresh, output and cost.");
  }
  const wanted = [...columns.values()];
  return {
    title: "as mapped",
    source: "--map",
    owns: (names) => wanted.every((column) => names.has(column)),
    knows: () => true,
    zone: "UTC",
    roundingNanos: 1n,
    read: (row, zone) => [readMapped(row, columns, zone)],
  };
}

/** The columns that a mapping asks for, as words for a complaint. */
export function listWanted(text: string): string[] {
  return text.split(",").map((pair) => pair.slice(pair.indexOf("=") + 1).trim());
}

function readMapped(
  row: ExportRow,
  columns: ReadonlyMap<Field, string>,
  zone: Parameters<Format["read"]>[1],
): BilledLine {
  const count = (field: Field): number => readCount(row, columns.get(field) ?? "");
  const tokens: BilledLine["tokens"] = {};
  const cached = { cacheRead: count("cache_read"), cacheWrite: count("cache_write") };
  if (columns.has("cache_read")) tokens.cacheRead = cached.cacheRead;
  if (columns.has("cache_write")) tokens.cacheWrite = cached.cacheWrite;
  if (columns.has("cache_write_1h")) tokens.longCacheWrite = count("cache_write_1h");
  if (columns.has("output")) tokens.output = count("output");
  if (columns.has("fresh")) tokens.fresh = count("fresh");
  else if (columns.has("input")) {
    const isSplit = columns.has("cache_read") || columns.has("cache_write");
    if (isSplit) tokens.fresh = count("input") - cached.cacheRead - cached.cacheWrite;
    else tokens.input = count("input");
  }
  return {
    day: readDay(row, columns.get("day") ?? "", zone),
    model: readName(row, columns.get("model") ?? ""),
    key: readName(row, columns.get("key") ?? ""),
    requests: columns.has("requests") ? count("requests") : null,
    tokens,
    money: columns.has("cost") ? { all: readMoney(row, columns.get("cost") ?? "") } : {},
  };
}

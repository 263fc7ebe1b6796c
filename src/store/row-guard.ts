// What lies in a row of the books, as far as it can be what a gateway wrote. Whoever may write to the database may have put anything there, and one
// such row must not take all others with it: what is none is read as unknown. `ledger verify` reads rows as they lie, and names those.

import type { Column } from "drizzle-orm";
import type { Attempt } from "../ledger/index.ts";
import { isJsonObject, type Units } from "../ir/index.ts";
import { SPENT_FIELDS } from "../lib/share.ts";

/** The last day of the year 9999: of later ones PostgreSQL does not take what JavaScript prints. */
export const MAX_MS = Date.UTC(9_999, 11, 31);

/** Three years, in milliseconds: no call took as long. */
export const MAX_LATENCY_MS = 1e11;

/** Whether it is a time at which a row can have been written. */
export function isMoment(ms: number): boolean {
  return ms >= 0 && ms < MAX_MS;
}

/** Nothing of what is no number, or greater than any that a gateway writes. */
export function readFigure(value: unknown): number {
  const number = Number(value);
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : 0;
}

/** Null where it is no list; what in it is no text is left out. */
export function readTexts(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : null;
}

/** None where one of them is none, for together they are the row. */
export function readAttempts(value: unknown): Attempt[] {
  return Array.isArray(value) && value.every(isAttempt) ? value : [];
}

/** Undefined where it is no JSON. */
export function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

function isAttempt(value: unknown): value is Attempt {
  if (!isJsonObject(value)) return false;
  const { provider, model, latencyMs, usage, costNanos, price } = value;
  const isUsage = isJsonObject(usage) && SPENT_FIELDS.every((field) => isCountOrNone(usage[field]));
  return (
    typeof provider === "string" &&
    typeof model === "string" &&
    isCountOrNone(latencyMs) &&
    (usage === undefined || isUsage) &&
    isCountOrNone(costNanos) &&
    (price === undefined || isJsonObject(price))
  );
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || value === null || Math.abs(toNumber(value)) <= Number.MAX_SAFE_INTEGER;
}

function toNumber(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

export function readCount(value: unknown): number | null {
  const number = toNumber(value);
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : null;
}

function readTime(value: unknown): number | null {
  const number = toNumber(value);
  return number >= 0 && number <= MAX_LATENCY_MS ? number : null;
}

function readUnits(value: unknown): Units | null {
  if (!isJsonObject(value)) return null;
  return Object.fromEntries(
    Object.entries(value).filter((unit): unit is [string, number] => readCount(unit[1]) !== null),
  );
}

const READERS = {
  attempts: readAttempts,
  cacheReadTokens: readCount,
  cacheWriteTokens: readCount,
  costNanos: readCount,
  createdAt: (value: unknown) => (value instanceof Date && isMoment(value.getTime()) ? value : new Date(0)),
  dropped: (value: unknown) => readTexts(value) ?? [],
  freshInputTokens: readCount,
  latencyMs: (value: unknown) => readTime(value) ?? 0,
  longCacheWriteTokens: readCount,
  outputTokens: readCount,
  reasoningTokens: readCount,
  status: (value: unknown) => readCount(value) ?? 0,
  tags: readTexts,
  ttftMs: readTime,
  units: readUnits,
} satisfies Record<string, (value: unknown) => unknown>;

/** The ledger, whose columns are read so from then on. */
export function guardRows<Table extends Record<keyof typeof READERS, Column>>(table: Table): Table {
  return guardColumns(table, READERS);
}

/** The table, of whose columns these are read so from then on: of what cannot be decoded, `undefined`. */
export function guardColumns<Field extends string, Table extends Record<Field, Column>>(
  table: Table,
  readers: Readonly<Record<Field, (value: unknown) => unknown>>,
): Table {
  for (const [field, read] of Object.entries(readers) as [Field, (value: unknown) => unknown][]) {
    const column = table[field];
    const decode = column.mapFromDriverValue.bind(column);
    column.mapFromDriverValue = (value: unknown) => {
      try {
        return read(decode(value));
      } catch {
        return read(undefined);
      }
    };
  }
  return table;
}

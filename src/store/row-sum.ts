// What of single rows is added up, in SQL: figures, calls to providers, and calls by how long they took. Knows no report.

import { type Column, type SQL, sql } from "drizzle-orm";
import type { Reuse, Sums } from "../ledger/index.ts";
import { CLASSES_A_FOLD } from "../lib/spread.ts";
import type { Engine } from "./engine.ts";
import { MAX_LATENCY_MS } from "./row-guard.ts";
import type { Schema } from "./schema.ts";

type Rows = Schema["ledgerEntries"];

/** Unknown counts left out. Corrections are rows whose figures are differences, so they are summed up like any other. */
export function sumRows({ name }: Pick<Engine, "name">, table: Rows): Record<keyof Sums, SQL<number>> {
  const isCall = sql`${table.kind} = 'call'`;
  const isReused = sql`${isCall} and ${table.provider} = ${sql.raw(`'${REUSE}'`)}`;
  const isUnpriced = sql`${isCall} and ${table.costNanos} is null and ${table.usageSource} <> 'none'`;
  return {
    entries: number(sql`count(*)`),
    requests: count(isCall),
    errors: count(sql`${isCall} and (${table.errorKind} is not null or ${table.status} >= 400)`),
    attempts: sum(sql`case when ${isCall} then ${countAttempts({ name }, table)} end`),
    freshInputTokens: sum(figure(table.freshInputTokens)),
    cacheReadTokens: sum(figure(table.cacheReadTokens)),
    cacheWriteTokens: sum(figure(table.cacheWriteTokens)),
    longCacheWriteTokens: sum(figure(table.longCacheWriteTokens)),
    outputTokens: sum(figure(table.outputTokens)),
    reasoningTokens: sum(figure(table.reasoningTokens)),
    costNanos: sum(figure(table.costNanos)),
    unpricedRequests: number(
      sql`count(case when ${isUnpriced} then 1 end) - count(case when ${table.pricesUnknown} then 1 end)`,
    ),
    latencyUs: sum(sql`case when ${isCall} then ${toMicros(table.latencyMs)} end`),
    untimedRequests: count(sql`${isCall} and ${isUntimed(table)}`),
    ttftUs: sum(sql`case when ${isCall} then ${toMicros(table.ttftMs)} end`),
    ttftRequests: count(sql`${isCall} and ${isTime(table.ttftMs)}`),
    reusedRequests: count(isReused),
    savedTokens: sumUnit({ name }, table, "saved_tokens"),
    savedCostNanos: sumUnit({ name }, table, "saved_cost_nanos"),
  };
}

/** Nobody knows how long it took: a gateway died over it, or it is of the earlier edition's books. */
export function isUntimed({ errorKind, latencyMs, usageSource }: Rows): SQL {
  return sql`(${errorKind} = 'interrupted' or ${usageSource} = 'imported') and ${latencyMs} = 0`;
}

/** Those that sums of before there was a count of them lack. As the index of such rows has it. */
export function isInterrupted({ errorKind, latencyMs }: Rows): SQL {
  return sql`${errorKind} = 'interrupted' and ${latencyMs} = 0`;
}

/** What the ledger names as the provider of answers that were given again. */
const REUSE = "cache" satisfies Reuse;

function sumUnit(engine: Pick<Engine, "name">, table: Rows, unit: string): SQL<number> {
  return sum(readUnit(engine, table, unit));
}

/** Of rows that have it: no other one's JSON is looked into. */
export function readUnit({ name }: Pick<Engine, "name">, { provider, units }: Rows, unit: string): SQL {
  const value =
    name === "sqlite"
      ? sql`case when json_valid(${units}) then json_extract(${units}, ${sql.raw(`'$.${unit}'`)}) end`
      : sql`case when jsonb_typeof(${units} -> ${sql.raw(`'${unit}'`)}) = 'number' then (${units} ->> ${sql.raw(`'${unit}'`)})::numeric end`;
  return sql`case when ${provider} = ${sql.raw(`'${REUSE}'`)} then ${figure(value)} end`;
}

/** Whether a row may tell of several calls. SQLite has it as text, which is looked through faster than it is read. */
export function hasSeveral({ name }: Pick<Engine, "name">, { attempts }: Rows): SQL {
  if (name === "sqlite") return sql`(instr(${attempts}, '},{') > 0 and json_valid(${attempts}))`;
  return sql`case when ${isList(attempts)} then jsonb_array_length(${attempts}) > 1 else false end`;
}

export function countAttempts(engine: Pick<Engine, "name">, table: Rows): SQL {
  const { attempts } = table;
  if (engine.name === "postgres") {
    return sql`case when ${isList(attempts)} then jsonb_array_length(${attempts}) else 1 end`;
  }
  const [none, several] = [sql`${attempts} = '[]'`, hasSeveral(engine, table)];
  return sql`case when ${none} then 0 when ${several} then json_array_length(${attempts}) else 1 end`;
}

/** The class of a time of the ledger's spread. */
export function classify({ name }: Pick<Engine, "name">, column: Rows["latencyMs" | "ttftMs"]): SQL {
  const fold = sql.raw(String(CLASSES_A_FOLD));
  const whole = (value: SQL): SQL => (name === "sqlite" ? value : sql`floor(${value})`);
  // Null where nothing is known: the greater of nothing and one would be one.
  return sql`case when not ${isTime(column)} then null when ${column} < 1 then 0 else cast(${whole(sql`ln(${column}) * ${fold}`)} as integer) end`;
}

/** Whole ones, for sums of whole numbers come out the same in any order. */
export function toMicros(column: Rows["latencyMs" | "ttftMs"]): SQL {
  return sql`case when ${isTime(column)} then cast(round(${column} * 1000) as bigint) end`;
}

function isTime(column: Rows["latencyMs" | "ttftMs"]): SQL {
  return sql`(${column} between 0 and ${sql.raw(String(MAX_LATENCY_MS))})`;
}

/** What is none, as `readFigure` has it. On SQLite texts are greater than all numbers. */
export function figure(value: Column | SQL): SQL {
  const most = sql.raw(String(Number.MAX_SAFE_INTEGER));
  return sql`case when ${value} between -${most} and ${most} then ${value} end`;
}

function isList(column: Rows["attempts"]): SQL {
  return sql`jsonb_typeof(${column}) = 'array'`;
}

export function sum(value: SQL | Column): SQL<number> {
  return number(sql`coalesce(sum(${value}), 0)`);
}

function count(condition: SQL): SQL<number> {
  return number(sql`count(case when ${condition} then 1 end)`);
}

/** PostgreSQL answers sums as text. */
export function number(value: SQL): SQL<number> {
  return sql<number>`${value}`.mapWith(Number);
}

// What rows and their sums have in common, in SQL: by what they are grouped, and which of them are asked for. Knows no report.

import { and, eq, gte, lt, or, type SQL, sql } from "drizzle-orm";
import type { Dimension, LedgerFilter } from "../../ledger/index.ts";
import { cleanText } from "../../lib/text.ts";
import type { Engine } from "../engine.ts";
import type { Range } from "./plan.ts";
import { MAX_MS } from "../row-guard.ts";
import { number } from "../row-sum.ts";
import type { Schema } from "../schema.ts";

type Rows = Schema["ledgerEntries"];
type Rollups = Schema["ledgerRollups"];

export type Described = Pick<
  Rows | Rollups,
  "apiKeyId" | "direction" | "endpoint" | "modelAsked" | "modelServed" | "provider" | "status" | "tags" | "userId"
>;

export function nameDimension(table: Described, dimension: Dimension): SQL {
  switch (dimension) {
    case "direction":
      return sql`${table.direction}`;
    case "endpoint":
      return sql`${table.endpoint}`;
    case "key":
      return sql`${table.apiKeyId}`;
    case "model":
      return sql`coalesce(nullif(${table.modelServed}, ''), ${table.modelAsked})`;
    case "provider":
      return sql`${table.provider}`;
    case "status":
      return number(sql`${table.status}`);
    case "tag":
      // All of a row's, as JSON.
      return sql`cast(${table.tags} as text)`;
    case "user":
      return sql`${table.userId}`;
    default:
      return dimension satisfies never;
  }
}

/** Conditions on what rows and sums have in common. */
export function matchFilter(engine: Pick<Engine, "name">, table: Described, filter: LedgerFilter): SQL[] {
  const { model, status, tags = [] } = filter;
  const asked = model === undefined ? undefined : cleanText(model);
  return [
    asked === undefined ? undefined : or(eq(table.modelAsked, asked), eq(table.modelServed, asked)),
    equal(table.provider, filter.provider),
    equal(table.apiKeyId, filter.apiKeyId),
    equal(table.userId, filter.userId),
    equal(table.endpoint, filter.endpoint),
    equal(table.direction, filter.direction),
    status === undefined ? undefined : matchStatus(table, status),
    ...tags.map((tag) => matchTag(engine, table, cleanText(tag))),
  ].filter((condition) => condition !== undefined);
}

function equal(
  column: Described["apiKeyId" | "direction" | "endpoint" | "provider" | "userId"],
  value: string | undefined,
): SQL | undefined {
  return value === undefined ? undefined : eq(column, cleanText(value));
}

/** One digit is a class: 4 stands for 400 to 499. */
function matchStatus({ status: column }: Described, status: number): SQL | undefined {
  if (status >= 10) return eq(column, status);
  return and(gte(column, status * 100), lt(column, (status + 1) * 100));
}

/** Rows that bear this tag, among others. */
export function matchTag(
  { name }: Pick<Engine, "name">,
  { tags }: { tags: Described["tags"] | Schema["apiKeys"]["tags"] },
  tag: string,
): SQL {
  if (name === "sqlite")
    return sql`exists (select 1 from json_each(case when json_valid(${tags}) then ${tags} end) as own where own.value = ${tag})`;
  return sql`${tags} @> ${JSON.stringify([tag])}::jsonb`;
}

export function within(column: Rows["createdAt"] | Rollups["startedAt"], { fromMs, toMs }: Range): SQL[] {
  const moment = (ms: number) => sql.param(new Date(ms), column);
  // No index is looked into for what all rows are within but those of no time.
  return [
    Number.isFinite(fromMs) ? gte(column, new Date(fromMs)) : sql`coalesce(${column}, ${column}) >= ${moment(0)}`,
    Number.isFinite(toMs) ? lt(column, new Date(toMs)) : sql`coalesce(${column}, ${column}) < ${moment(MAX_MS)}`,
  ];
}

/** A moment as whole milliseconds of the epoch; PostgreSQL has an infinite one, which is before all others. */
export function toMs({ name }: Pick<Engine, "name">, column: Rows["createdAt"] | Rollups["startedAt"]): SQL {
  if (name === "sqlite") return sql`${column}`;
  return sql`case when isfinite(${column}) then floor(extract(epoch from ${column}) * 1000)::bigint else -1 end`;
}

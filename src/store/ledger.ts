// The books in a database, whichever engine it is. Knows neither prices nor who may read them.

import { and, asc, desc, eq, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import { invalidRequest } from "../ir/index.ts";
import type { SealedEntry } from "../ledger/entry.ts";
import type { LedgerFilter, LedgerStore, LedgerSummary } from "../ledger/store.ts";
import type { Engine } from "./engine.ts";
import type { Schema } from "./schema.ts";
import { cleanText } from "../lib/text.ts";

type Table = Schema["ledgerEntries"];

const CURSOR = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createLedgerStore(engine: Engine): LedgerStore {
  const table = engine.schema.ledgerEntries;
  return {
    append: (entries) => engine.append(entries),
    async page(filter, limit, cursor) {
      if (cursor !== null && !CURSOR.test(cursor)) {
        throw invalidRequest("The cursor is none of ours; give back a page's next cursor as it came.", "cursor");
      }
      const older = cursor === null ? undefined : lt(table.id, cursor);
      // One more than asked for tells whether there is a next page.
      const entries: SealedEntry[] = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(and(older, ...toConditions(table, filter)))
          .orderBy(desc(table.id))
          .limit(limit + 1),
      );
      const page = entries.slice(0, limit);
      return { entries: page, nextCursor: entries.length > limit ? (page.at(-1)?.id ?? null) : null };
    },
    async corrections(ids) {
      if (ids.length === 0) return [];
      return engine.read((db) =>
        db
          .select()
          .from(table)
          .where(inArray(table.corrects, [...ids]))
          .orderBy(asc(table.id)),
      );
    },
    async summarize(filter) {
      const rows = await engine.read((db) =>
        db
          .select(toSums(table))
          .from(table)
          .where(and(...toConditions(table, filter))),
      );
      // An aggregate without grouping always has its one row.
      return rows[0] as LedgerSummary;
    },
  };
}

function toConditions(table: Table, filter: LedgerFilter): (SQL | undefined)[] {
  const { from, to, model, provider, apiKeyId, userId, status, endpoint } = filter;
  return [
    from && gte(table.createdAt, from),
    to && lt(table.createdAt, to),
    model === undefined
      ? undefined
      : or(eq(table.modelAsked, cleanText(model)), eq(table.modelServed, cleanText(model))),
    equal(table.provider, provider),
    equal(table.apiKeyId, apiKeyId),
    equal(table.userId, userId),
    equal(table.endpoint, endpoint),
    status === undefined ? undefined : matchStatus(table, status),
  ];
}

function equal(
  column: Table["apiKeyId" | "endpoint" | "provider" | "userId"],
  value: string | undefined,
): SQL | undefined {
  return value === undefined ? undefined : eq(column, cleanText(value));
}

/** One digit is a class: 4 stands for 400 to 499. */
function matchStatus(table: Table, status: number): SQL | undefined {
  if (status >= 10) return eq(table.status, status);
  return and(gte(table.status, status * 100), lt(table.status, (status + 1) * 100));
}

/** The columns of the one summary row, null counts left out. */
function toSums(table: Table): Record<keyof LedgerSummary, SQL<number>> {
  const tokens = sql`coalesce(${table.freshInputTokens}, 0) + coalesce(${table.cacheReadTokens}, 0)
    + coalesce(${table.cacheWriteTokens}, 0) + coalesce(${table.outputTokens}, 0)`;
  return {
    requests: count(sql`${table.kind} = 'call'`),
    errors: count(sql`${table.kind} = 'call' and (${table.errorKind} is not null or ${table.status} >= 400)`),
    freshInputTokens: sum(table.freshInputTokens),
    cacheReadTokens: sum(table.cacheReadTokens),
    cacheWriteTokens: sum(table.cacheWriteTokens),
    outputTokens: sum(table.outputTokens),
    reasoningTokens: sum(table.reasoningTokens),
    consumedTokens: sum(sql`case when ${table.direction} = 'consume' then ${tokens} end`),
    suppliedTokens: sum(sql`case when ${table.direction} = 'supply' then ${tokens} end`),
    costNanos: sum(table.costNanos),
    unpricedRequests:
      number(sql`count(case when ${table.kind} = 'call' and ${table.costNanos} is null and ${table.usageSource} <> 'none' then 1 end)
      - count(case when ${table.pricesUnknown} then 1 end)`),
  };
}

function sum(value: SQL | Table["costNanos"]): SQL<number> {
  return number(sql`coalesce(sum(${value}), 0)`);
}

function count(condition: SQL): SQL<number> {
  return number(sql`count(case when ${condition} then 1 end)`);
}

/** PostgreSQL answers sums as text. */
function number(value: SQL): SQL<number> {
  return sql<number>`${value}`.mapWith(Number);
}

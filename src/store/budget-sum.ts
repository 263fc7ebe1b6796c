// What the ledger's rows of a window come to, as a budget counts them: by chain, so that each gateway knows its own part. Reads a stretch of
// rows at a time, for a file is read on the thread that serves. Knows no limit.

import { and, asc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { Place, SumGroup } from "../ledger/index.ts";
import { findAnswering, listShares } from "../lib/share.ts";
import type { Engine } from "./engine.ts";
import { hasSeveral } from "./row-sum.ts";
import type { Schema } from "./schema.ts";

type Table = Schema["ledgerEntries"];

/** About ten milliseconds' worth. */
const ROWS_A_READ = 20_000;
/** Ids are made by the same clock a moment earlier or later. */
const SLACK_MS = 60_000;

/** Of one chain alone, where it is named. */
export async function readWindow(engine: Engine, place: Place, chain: string | null): Promise<SumGroup[]> {
  const table = engine.schema.ledgerEntries;
  const groups: SumGroup[] = [];
  let cursor: number | string | null = chain === null ? firstId(place.window.startMs - SLACK_MS) : 0;
  while (cursor !== null) {
    const stretch = await readStretch(engine, table, { place, chain, cursor });
    for (const row of stretch.rows)
      groups.push({ chain: row.chain, spent: row.spent, unpriced: row.unpriced, facts: toFacts(row) });
    cursor = stretch.last;
  }
  return groups;
}

interface Row {
  chain: string;
  userId: string | null;
  apiKeyId: string | null;
  provider: string | null;
  modelAsked: string | null;
  modelSent: string | null;
  tags: string | null;
  spent: number;
  unpriced: number;
}

async function readStretch(
  engine: Engine,
  table: Table,
  { place, chain, cursor }: { place: Place; chain: string | null; cursor: number | string },
): Promise<{ rows: Row[]; last: number | string | null }> {
  const { budget, window, subject } = place;
  const user = budget.each === "user" ? subject : budget.userId;
  const key = budget.each === "key" ? subject : budget.apiKeyId;
  // Rows lie in the order of their ids, and those of a chain in the order of its numbers.
  const along: SQL<number | string> = chain === null ? sql`${table.id}` : sql`${table.seq}`;
  const mine = and(
    chain === null ? undefined : eq(table.chain, chain),
    user === null ? undefined : eq(table.userId, user),
    key === null ? undefined : eq(table.apiKeyId, key),
  );
  const ends = await engine.read((db) =>
    db
      .select({ last: along })
      .from(table)
      .where(and(sql`${along} > ${cursor}`, mine))
      .orderBy(asc(along))
      .limit(1)
      .offset(ROWS_A_READ - 1),
  );
  const last = ends[0]?.last ?? null;
  // What makes no difference to the scope is no group of its own.
  const only = (isTold: boolean, value: SQL | Table["userId"]): SQL<string | null> =>
    isTold ? sql<string | null>`${value}` : sql<null>`cast(null as text)`;
  const groups = {
    chain: sql<string>`coalesce(${table.chain}, '')`,
    userId: only(budget.userId !== null, table.userId),
    apiKeyId: only(budget.apiKeyId !== null, table.apiKeyId),
    provider: only(budget.provider !== null, sql`${table.provider}`),
    modelAsked: only(budget.model !== null, sql`${table.modelAsked}`),
    modelSent: only(budget.model !== null, lastModel(engine, table)),
    tags: only(budget.tag !== null, sql`cast(${table.tags} as text)`),
  };
  const where = and(
    sql`${along} > ${cursor}`,
    last === null ? undefined : sql`${along} <= ${last}`,
    mine,
    eq(table.direction, "consume"),
    gte(table.createdAt, new Date(window.startMs)),
    Number.isFinite(window.endMs) ? lt(table.createdAt, new Date(window.endMs)) : undefined,
  );
  // Of such rows several providers or models had a part.
  const isApart = budget.provider !== null || budget.model !== null;
  const several = hasSeveral(engine, table);
  const rows = await engine.read((db) =>
    db
      .select({ ...groups, ...toSums(table, budget.unit) })
      .from(table)
      .where(and(where, isApart ? sql`not (${several})` : undefined))
      // By place: the same expression with other parameters is another one to an engine.
      .groupBy(sql`1, 2, 3, 4, 5, 6, 7`),
  );
  if (!isApart) return { rows, last };
  const shared = await engine.read((db) => db.select().from(table).where(and(where, several)));
  return { rows: [...rows, ...shared.flatMap((entry) => takeApart(entry, budget.unit))], last };
}

/** The row's own part, and that of each other provider or model. */
function takeApart(entry: Table["$inferSelect"], unit: "tokens" | "usd"): Row[] {
  const { userId, apiKeyId, provider, modelAsked, kind, costNanos, usageSource } = entry;
  const chain = entry.chain ?? "";
  const tags = entry.tags === null ? null : JSON.stringify(entry.tags);
  const named = { chain, userId, apiKeyId, modelAsked, tags };
  const shares = listShares(entry);
  const parts = shares.map((share) => (unit === "usd" ? share.costNanos : countTokens(share)));
  const whole = unit === "usd" ? (costNanos ?? 0) : countTokens(entry);
  const isUnpriced = unit === "usd" && kind === "call" && costNanos === null && usageSource !== "none";
  const spent = parts.reduce((rest, part) => rest - part, whole);
  const own = { ...named, provider, modelSent: findAnswering(entry)?.model ?? null, spent };
  return [
    { ...own, unpriced: Number(isUnpriced) },
    ...shares.map((share, index) => ({
      ...named,
      provider: share.provider,
      modelSent: share.model,
      spent: parts[index] ?? 0,
      unpriced: 0,
    })),
  ];
}

function countTokens(
  row: Record<"cacheReadTokens" | "cacheWriteTokens" | "freshInputTokens" | "outputTokens", number | null>,
): number {
  return (
    (row.freshInputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0) + (row.outputTokens ?? 0)
  );
}

function toSums(table: Table, unit: "tokens" | "usd"): Record<"spent" | "unpriced", SQL<number>> {
  const number = (value: SQL): SQL<number> => sql<number>`${value}`.mapWith(Number);
  if (unit === "usd") {
    return {
      spent: number(sql`coalesce(sum(${table.costNanos}), 0)`),
      unpriced: number(
        sql`count(case when ${table.kind} = 'call' and ${table.costNanos} is null and ${table.usageSource} <> 'none' then 1 end)`,
      ),
    };
  }
  return {
    spent: number(sql`coalesce(sum(coalesce(${table.freshInputTokens}, 0) + coalesce(${table.cacheReadTokens}, 0)
      + coalesce(${table.cacheWriteTokens}, 0) + coalesce(${table.outputTokens}, 0)), 0)`),
    unpriced: number(sql`0`),
  };
}

/** The name at the provider, as the last attempt has it. */
function lastModel(engine: Engine, table: Table): SQL {
  return engine.name === "sqlite"
    ? sql`json_extract(${table.attempts}, '$[#-1].model')`
    : sql`${table.attempts} -> -1 ->> 'model'`;
}

function toFacts(group: Row): SumGroup["facts"] {
  const tags: unknown = group.tags === null ? null : JSON.parse(group.tags);
  return {
    userId: group.userId ?? "",
    apiKeyId: group.apiKeyId ?? "",
    provider: group.provider ?? "",
    modelAsked: group.modelAsked ?? "",
    modelSent: group.modelSent ?? "",
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : [],
  };
}

/** The smallest id that could have been made at that time: ids are UUIDv7. */
function firstId(atMs: number): string {
  const hex = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, "0").slice(-12);
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

// What budgets count of rows that are gone by age: kept as they go. Knows no limit, and not which budget counts what.

import { and, eq, gte, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { ChainSum, Place, Remains, SpentPart, SumRemains } from "../ledger/index.ts";
import { readTags, takeApart } from "./budget-part.ts";
import { REVISION, toBudget } from "./budget-row.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

type Entry = Schema["ledgerEntries"]["$inferSelect"];

/** Of all accounts whose windows end as that one does. */
export function listRemains(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  { endMs }: Place["window"],
): Promise<(ChainSum & { accountId: string })[]> {
  const { accountId, chain, spent, unpriced, windowEnd } = schema.budgetRemains;
  return db
    .select({ accountId, chain, spent, unpriced })
    .from(schema.budgetRemains)
    .where(Number.isFinite(endMs) ? eq(windowEnd, new Date(endMs)) : isNull(windowEnd));
}

interface Gone {
  chain: string;
  /** First and last place of what goes; it goes as a whole. */
  from: number;
  to: number;
  /** What is younger stays. */
  before: Date;
}

interface Kept {
  /** To be run in the transaction in which those rows go, before they do. */
  keep(db: Db): Query[];
  /** Only then they may go: one that was made meanwhile knows nothing of them. */
  isOfAll: SQL;
}

export async function keepRemains(engine: Engine, gone: Gone, sumRemains: SumRemains): Promise<Kept> {
  const { budgets, counters, ledgerEntries: rows } = engine.schema;
  // Read first: what changes in between is seen to have changed.
  const revision = (await engine.readCounters()).get(REVISION) ?? 0;
  const standing = await engine.read((db) => db.select().from(budgets).where(isNull(budgets.deletedAt)));
  const now = sql`(select coalesce(max(${counters.value}), 0) from ${counters} where ${counters.name} = ${REVISION})`;
  const isOfAll = sql`${now} = ${big(revision)}`;
  if (standing.length === 0) return { keep: (db) => lockRemains(engine, db), isOfAll };
  const piece = and(eq(rows.chain, gone.chain), gte(rows.seq, gone.from), lte(rows.seq, gone.to));
  const entries = await engine.read((db) =>
    db
      .select()
      .from(rows)
      .where(and(piece, eq(rows.direction, "consume"))),
  );
  const sums = sumRemains(standing.map(toBudget), entries.flatMap(listParts), gone.before);
  return {
    keep: (db) => [...lockRemains(engine, db), ...sums.map((sum) => add(engine, db, { gone, sum }))],
    isOfAll,
  };
}

function listParts(entry: Entry): SpentPart[] {
  const { userId, apiKeyId, modelAsked, createdAt } = entry;
  const tags = readTags(entry.tags === null ? "" : JSON.stringify(entry.tags));
  return takeApart(entry).map(({ provider, modelSent, costNanos, tokens, unpriced }) => ({
    facts: {
      userId,
      apiKeyId,
      modelAsked,
      tags,
      provider: provider ?? "",
      modelSent: modelSent ?? "",
      atMs: createdAt.getTime(),
    },
    counted: { usd: { spent: costNanos, unpriced }, tokens: { spent: tokens, unpriced: 0 } },
  }));
}

/** Nothing where the rows have gone by another hand meanwhile, which then kept it. */
function add({ schema }: Engine, db: Db, { gone, sum }: { gone: Gone; sum: Remains }): Query {
  const { budgetRemains: remains, ledgerEntries: rows } = schema;
  const { place, spent, unpriced } = sum;
  const windowEnd = Number.isFinite(place.window.endMs) ? new Date(place.window.endMs) : null;
  const values = {
    id: sql`${`${place.id}/${gone.chain}`}`.as("id"),
    accountId: sql`${place.id}`.as("account_id"),
    budgetId: sql`${place.budget.id}`.as("budget_id"),
    windowEnd: sql`${sql.param(windowEnd, remains.windowEnd)}`.as("window_end"),
    chain: sql`${gone.chain}`.as("chain"),
    spent: big(spent).as("spent"),
    unpriced: big(unpriced).as("unpriced"),
  };
  const first = and(eq(rows.chain, gone.chain), eq(rows.seq, gone.from));
  return db
    .insert(remains)
    .select(db.select(values).from(rows).where(first).limit(1))
    .onConflictDoUpdate({
      target: remains.id,
      set: { spent: sql`${remains.spent} + ${big(spent)}`, unpriced: sql`${remains.unpriced} + ${big(unpriced)}` },
    });
}

/** Whoever removes rows or makes a budget comes afterwards, and sees what is gone and what was made. On SQLite all writers do. */
export function lockRemains({ name }: Pick<Engine, "name">, db: Db): Query[] {
  if (name === "sqlite") return [];
  return [db.execute(sql`select pg_advisory_xact_lock(hashtextextended('retention', 0))`)];
}

/** A parameter whose type no engine has to guess. */
function big(value: number): SQL {
  return sql`cast(${value} as bigint)`;
}

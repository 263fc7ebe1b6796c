// What budgets count of rows that are gone by age: kept as they go. Knows no limit, and not which budget counts what.

import { and, asc, eq, gte, isNull, lte, type SQL, sql } from "drizzle-orm";
import type { ChainSum, Place, Remains, SpentPart, SumRemains } from "../ledger/index.ts";
import { takeApart, toFacts } from "./budget-part.ts";
import { toBudget } from "./budget-row.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

type Entry = Schema["ledgerEntries"]["$inferSelect"];

/** Of one chain alone, where it is named; in the order of the chains. */
export function readRemains(engine: Engine, place: Place, chain: string | null): Promise<ChainSum[]> {
  const { budgetRemains: remains } = engine.schema;
  const ofChain = chain === null ? undefined : eq(remains.chain, chain);
  return engine.read((db) =>
    db
      .select({ chain: remains.chain, spent: remains.spent, unpriced: remains.unpriced })
      .from(remains)
      .where(and(eq(remains.accountId, place.id), ofChain))
      .orderBy(asc(remains.chain)),
  );
}

interface Gone {
  chain: string;
  /** First and last place of what goes; it goes as a whole. */
  from: number;
  to: number;
  /** What is younger stays. */
  before: Date;
}

/** To be run in the transaction in which those rows go, before they do. */
export async function keepRemains(engine: Engine, gone: Gone, sumRemains: SumRemains): Promise<(db: Db) => Query[]> {
  const { budgets, ledgerEntries: rows } = engine.schema;
  const standing = await engine.read((db) => db.select().from(budgets).where(isNull(budgets.deletedAt)));
  if (standing.length === 0) return () => [];
  const piece = and(eq(rows.chain, gone.chain), gte(rows.seq, gone.from), lte(rows.seq, gone.to));
  const entries = await engine.read((db) =>
    db
      .select()
      .from(rows)
      .where(and(piece, eq(rows.direction, "consume"))),
  );
  const sums = sumRemains(standing.map(toBudget), entries.flatMap(listParts), gone.before);
  return (db) => [...lock(engine, db, gone.chain), ...sums.map((sum) => add(engine, db, { gone, sum }))];
}

function listParts(entry: Entry): SpentPart[] {
  const atMs = entry.createdAt.getTime();
  const tokens = takeApart(entry, "tokens");
  return takeApart(entry, "usd").map((usd, at) => {
    const { spent, unpriced } = tokens[at] ?? { spent: 0, unpriced: 0 };
    return {
      facts: { ...toFacts(usd), atMs },
      counted: { usd: { spent: usd.spent, unpriced: usd.unpriced }, tokens: { spent, unpriced } },
    };
  });
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

/** Whoever removes rows of the same chain comes afterwards, and sees that they are gone. On SQLite all writers do. */
function lock({ name }: Engine, db: Db, chain: string): Query[] {
  if (name === "sqlite") return [];
  return [db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`retention/${chain}`}, 0))`)];
}

/** A parameter whose type no engine has to guess. */
function big(value: number): SQL {
  return sql`cast(${value} as bigint)`;
}

// The rows of budgets as they lie, for whoever looks for what no gateway wrote in them. Knows no rule of what they should say.

import { type Column, getTableColumns, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Engine } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** By the names of the table's columns; as the driver gives them. */
export type RawBudget = Readonly<Record<string, unknown>>;

/** Those that stand. */
export async function glanceBudgets({ name, read, schema }: Engine): Promise<RawBudget[]> {
  const { budgets } = schema;
  const columns = Object.values(getTableColumns(budgets)).map((column) => [column.name, sql`${column}`] as const);
  // One that somebody wrote no moment into is not lifted, but left out by all.
  const isStanding = or(isNull(budgets.deletedAt), isOddNumber(name, budgets.deletedAt));
  return read((db) => db.select(Object.fromEntries(columns)).from(budgets).where(isStanding).limit(MOST));
}

/** Accounts of budgets with a number that is none: it is counted as nothing. */
export async function glanceAccounts({ name, read, schema }: Engine): Promise<string[]> {
  const { budgetGrants: grants, budgetRemains: remains } = schema;
  const look = async (table: Counted, counts: readonly Column[]): Promise<string[]> => {
    const where = or(...counts.map((column) => isOddNumber(name, column)));
    const rows = await read((db) => db.selectDistinct({ id: table.accountId }).from(table).where(where).limit(MOST));
    return rows.map(({ id }) => id);
  };
  const found = [
    ...(await look(grants, [grants.granted, grants.spent, grants.held, grants.wanted, grants.unpriced])),
    ...(await look(remains, [remains.spent, remains.unpriced])),
  ];
  return [...new Set(found)];
}

type Counted = Schema["budgetGrants"] | Schema["budgetRemains"];

/** More than anybody reads. */
const MOST = 10_000;

/** PostgreSQL takes nothing else for a number, or for a moment. */
function isOddNumber(engine: Engine["name"], column: Column): SQL {
  if (engine === "sqlite") return sql`typeof(${column}) not in ('integer', 'null')`;
  return column.dataType === "date" ? sql`not isfinite(${column})` : sql`abs(${column}::numeric) > ${MOST_EXACT}`;
}

const MOST_EXACT = sql.raw(String(Number.MAX_SAFE_INTEGER));

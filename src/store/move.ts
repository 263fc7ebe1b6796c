// Rows of which several providers or models had a part, as what is to be moved from the one that the row names to those that used it. Such
// rows are few and read one by one; sums by anything else than provider and model need none of this. Knows no report.

import { and, asc, gt, gte, or, type SQL, sql } from "drizzle-orm";
import type { LedgerEntry, Sums } from "../ledger/index.ts";
import { listShares, type Share, SPENT_FIELDS } from "../lib/share.ts";
import type { Db, Engine } from "./engine.ts";
import { hasSeveral } from "./row-sum.ts";
import { pickSums } from "./sums.ts";

/** What is described as rows are, and added to the sums of its description. */
export interface Move extends Pick<
  LedgerEntry,
  | "apiKeyId"
  | "createdAt"
  | "direction"
  | "endpoint"
  | "modelAsked"
  | "modelServed"
  | "provider"
  | "status"
  | "tags"
  | "userId"
> {
  sums: Sums;
}

/** So many rows are in memory at once. */
const PAGE_ROWS = 1_000;

export interface MoveSelection {
  where: readonly SQL[];
  /** As rows are read: `chain` where they are a stretch of one chain. */
  along: "chain" | "time";
  /** They are the last of a chain, or have none: few, and found by that. */
  isTail: boolean;
}

/** Calls `take` with a page's moves at a time. */
export async function readMoves(
  engine: Pick<Engine, "name" | "schema">,
  db: Db,
  { where, along, isTail }: MoveSelection,
  take: (moves: Move[]) => void,
): Promise<void> {
  const table = engine.schema.ledgerEntries;
  const source = engine.name === "sqlite" && isTail ? sql`${table} indexed by ledger_entries_chain` : sql`${table}`;
  // As expressions: a column must be of a table, and what is read from here may be one with a hint.
  const columns = {
    id: sql`${table.id}`.mapWith(table.id),
    seq: sql`${table.seq}`.mapWith(table.seq),
    kind: sql`${table.kind}`.mapWith(table.kind),
    createdAt: sql`${table.createdAt}`.mapWith(table.createdAt),
    userId: sql`${table.userId}`.mapWith(table.userId),
    apiKeyId: sql`${table.apiKeyId}`.mapWith(table.apiKeyId),
    tags: sql`${table.tags}`.mapWith(table.tags),
    modelAsked: sql`${table.modelAsked}`.mapWith(table.modelAsked),
    modelServed: sql`${table.modelServed}`.mapWith(table.modelServed),
    provider: sql`${table.provider}`.mapWith(table.provider),
    endpoint: sql`${table.endpoint}`.mapWith(table.endpoint),
    status: sql`${table.status}`.mapWith(table.status),
    direction: sql`${table.direction}`.mapWith(table.direction),
    costNanos: sql`${table.costNanos}`.mapWith(table.costNanos),
    attempts: sql`${table.attempts}`.mapWith(table.attempts),
  };
  let after: SQL | undefined;
  for (;;) {
    const rows = await db
      .select(columns)
      .from(source)
      .where(and(...where, hasSeveral(engine, table), after))
      .orderBy(...(along === "chain" ? [asc(table.seq)] : [asc(table.createdAt), asc(table.id)]))
      .limit(PAGE_ROWS);
    take(rows.flatMap(listMoves));
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    after =
      along === "chain"
        ? gt(table.seq, last.seq ?? 0)
        : and(gte(table.createdAt, last.createdAt), or(gt(table.createdAt, last.createdAt), gt(table.id, last.id)));
  }
}

type Moved = Pick<Move, "modelServed" | "provider">;

/** One that takes away, and one for each share. */
export function listMoves<Row extends Moved>({
  attempts,
  costNanos,
  kind,
  ...row
}: Row & Pick<LedgerEntry, "attempts" | "costNanos" | "kind">): (Omit<Row, "attempts" | "costNanos" | "kind"> &
  Moved & { sums: Sums })[] {
  const shares = listShares({ attempts, costNanos, kind, provider: row.provider });
  if (shares.length === 0) return [];
  const away = pickSums({});
  for (const share of shares) {
    away.attempts -= share.attempts;
    for (const field of SPENT_FIELDS) away[field] -= share[field];
  }
  return [{ ...row, sums: away }, ...shares.map((share) => ({ ...row, ...name(share), sums: pickSums(share) }))];
}

/** Under which name it answered, the row does not say of those that lost. */
function name({ provider, model }: Share): Pick<Move, "modelServed" | "provider"> {
  return { provider, modelServed: model };
}

// Counters by which holders of budgets tell each other that they live, that one cannot go on, and that rows came from elsewhere. Knows no budget.

import { eq, sql } from "drizzle-orm";
import type { BudgetStore } from "../ledger/index.ts";
import { cleanText } from "../lib/text.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** Moved by a holder that cannot go on. */
const CRY = "budget_cry";
const BEAT = "budget_beat/";
/** Moved by a command that wrote rows to a chain of its own. */
const ROWS = "budget_rows/";

type SignalPart = "beat" | "cry" | "forget" | "noteRows" | "readCounters";

export function createBudgetSignals(engine: Engine): Pick<BudgetStore, SignalPart> {
  const { counters } = engine.schema;
  const move = async (name: string): Promise<void> => {
    await engine.atomic((db) => ({
      before: [bump(db, engine.schema, name)],
      decisive: db.select().from(counters).where(eq(counters.name, name)),
    }));
  };
  return {
    readCounters: () => engine.readCounters(),
    cry: () => move(CRY),
    beat: (holder) => move(BEAT + holder),
    noteRows: (chain) => move(ROWS + cleanText(chain)),
    async forget(holder) {
      await engine.atomic((db) => ({
        decisive: db
          .delete(counters)
          .where(eq(counters.name, BEAT + holder))
          .returning({ name: counters.name }),
      }));
    },
  };
}

export function bump(db: Db, { counters }: Schema, name: string): Query {
  return db
    .insert(counters)
    .values({ name, value: 1 })
    .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
}

// All that is kept of budgets in a database, whichever engine it is. Knows no rule of who may spend what; that is ledger's.

import type { BudgetStore } from "../ledger/index.ts";
import { createBudgetGrants } from "./budget-grant.ts";
import { createBudgetList } from "./budget-list.ts";
import { createBudgetSignals } from "./budget-signal.ts";
import { findRows, readSums } from "./budget-sum.ts";
import type { Engine } from "./engine.ts";

export function createBudgetStore(engine: Engine): BudgetStore {
  return {
    ...createBudgetList(engine),
    ...createBudgetGrants(engine),
    ...createBudgetSignals(engine),
    readSums: (query, since) => readSums(engine, query, since),
    findRows: (ids, upTo) => findRows(engine, ids, upTo),
  };
}

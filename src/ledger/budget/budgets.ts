// All that a gateway needs of budgets, as one value: asked by the request path, kept up behind it, and looked at by people. Knows no SQL and no HTTP.

import { type Account, makePlace } from "./account.ts";
import { type BudgetsInit, createKeeping } from "./keeping.ts";
import { type Budget, subjectOf } from "./model.ts";
import { createReserve, type Reserve } from "./reserve.ts";
import { createUpkeep, type Upkeep } from "./upkeep.ts";

export type { BudgetsInit } from "./keeping.ts";
export type { Reservation } from "./reserve.ts";

export interface Budgets extends Reserve, Upkeep {
  /** Those in force here, in no order. */
  list(): readonly Budget[];
  /** Its present window, up to date; null where it is counted apart for each of many, and nobody is named. */
  look(budget: Budget, whom: { userId: string; apiKeyId: string } | null): Promise<Account | null>;
}

export function createBudgets(init: BudgetsInit): Budgets {
  const keeping = createKeeping(init);
  return {
    ...createReserve(keeping),
    ...createUpkeep(keeping),
    list: keeping.all,
    async look(budget, whom) {
      if (budget.each !== null && whom === null) return null;
      const subject = whom === null ? "" : subjectOf(budget, whom);
      const account = keeping.open(makePlace(budget, keeping.windowOf(budget, init.clock.wallMs()), subject));
      // What is known must do where the database does not answer.
      await keeping.exchange.report(account).catch(keeping.heard);
      return account;
    },
  };
}

// What the present window of a budget has come to, for each subject, as the database has it: what runs, only the gateways know.

import type { Budget } from "./model.ts";
import type { BudgetState } from "./print.ts";
import type { BudgetStore } from "./store.ts";
import { makePlace } from "./account.ts";
import { createBudgetSums } from "./sum.ts";
import { createWindowFinder } from "./window.ts";

/** By subject: one without a name where all are counted together. */
export async function readWindowStates(
  store: Pick<BudgetStore, "readGrants" | "readSums">,
  budget: Budget,
  nowMs: number,
): Promise<{ subject: string; state: BudgetState }[]> {
  const window = createWindowFinder(budget.period, budget.timeZone)(nowMs);
  const rows = await store.readGrants({ budget, window });
  const subjects = budget.each === null ? [""] : [...new Set(rows.map(({ subject }) => subject))].toSorted();
  const linesOf = Map.groupBy(rows, ({ subject }) => subject);
  const books = createBudgetSums(store);
  return Promise.all(
    subjects.map(async (subject) => {
      const lines = linesOf.get(subject) ?? [];
      const sums = await books.read(makePlace(budget, window, subject));
      const add = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      const state = {
        window,
        // What is settled is in the ledger.
        spent: add(sums.map(({ spent }) => spent)),
        reserved: add(lines.map(({ held }) => held)),
        refusals: add(lines.map(({ refusals }) => refusals)),
        unpriced: add(sums.map(({ unpriced }) => unpriced)),
      };
      return { subject, state };
    }),
  );
}

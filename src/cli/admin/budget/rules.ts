// Budgets on an opened database, and what their windows have come to as the ledger has it. No server need run.

import {
  type Budget,
  type BudgetDirectory,
  type BudgetState,
  createBudgetDirectory,
  createWindowFinder,
  makePlace,
  sumPlace,
} from "../../../ledger/index.ts";
import type { Opened } from "../../open.ts";

export function openRules({ store, directory }: Opened): BudgetDirectory {
  return createBudgetDirectory({
    store: store.budgets,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  });
}

/** By subject: one without a name where all are counted together. */
export async function readStates(
  { store }: Opened,
  budget: Budget,
): Promise<{ subject: string; state: BudgetState }[]> {
  const window = createWindowFinder(budget.period, budget.timeZone)(Date.now());
  const rows = await store.budgets.readGrants({ budget, window });
  const subjects = budget.each === null ? [""] : [...new Set(rows.map(({ subject }) => subject))].toSorted();
  return Promise.all(
    subjects.map(async (subject) => {
      const lines = rows.filter((row) => row.subject === subject);
      const sums = await sumPlace(store.budgets, makePlace(budget, window, subject));
      const add = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      const state = {
        window,
        // What is settled is in the ledger; what runs, only the gateways know.
        spent: add(sums.map(({ spent }) => spent)),
        reserved: add(lines.map(({ held }) => held)),
        refusals: add(lines.map(({ refusals }) => refusals)),
        unpriced: add(sums.map(({ unpriced }) => unpriced)),
      };
      return { subject, state };
    }),
  );
}

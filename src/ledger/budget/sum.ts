// What the ledger says that a window has come to, by chain: each gateway's own part of it. Judged by the scope as calls are. Knows no SQL.

import type { Place } from "./account.ts";
import { compileScope } from "./scope.ts";
import type { BudgetStore, ChainSum } from "./store.ts";

export async function sumPlace(store: Pick<BudgetStore, "readSums">, place: Place): Promise<ChainSum[]> {
  const matches = compileScope(place.budget);
  const sums = new Map<string, ChainSum>();
  for (const { chain, spent, unpriced, facts } of await store.readSums(place)) {
    if (!matches(facts)) continue;
    const sum = sums.get(chain) ?? { chain, spent: 0, unpriced: 0 };
    sum.spent += spent;
    sum.unpriced += unpriced;
    sums.set(chain, sum);
  }
  return [...sums.values()];
}

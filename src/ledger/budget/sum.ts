// What the ledger says that a window has come to, by chain: each gateway's own part of it. Judged by the scope as calls are. Knows no SQL.

import type { Place } from "./account.ts";
import { compileScope } from "./scope.ts";
import type { BudgetStore, ChainSum, SumGroup } from "./store.ts";

export async function sumPlace(store: Pick<BudgetStore, "readSums">, place: Place): Promise<ChainSum[]> {
  return judgeGroups(place, await store.readSums(place));
}

/** Of one chain alone. */
export async function sumChain(
  store: Pick<BudgetStore, "readChainSums">,
  place: Place,
  chain: string,
): Promise<ChainSum> {
  const [sum] = judgeGroups(place, await store.readChainSums(place, chain));
  return sum ?? { chain, spent: 0, unpriced: 0 };
}

function judgeGroups(place: Place, groups: readonly SumGroup[]): ChainSum[] {
  const matches = compileScope(place.budget);
  const sums = new Map<string, ChainSum>();
  for (const { chain, spent, unpriced, facts } of groups) {
    if (facts !== null && !matches(facts)) continue;
    const sum = sums.get(chain) ?? { chain, spent: 0, unpriced: 0 };
    sum.spent += spent;
    sum.unpriced += unpriced;
    sums.set(chain, sum);
  }
  return [...sums.values()];
}

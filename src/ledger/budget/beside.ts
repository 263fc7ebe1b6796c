// Rows that commands wrote beside the gateways, such as new prices: what they come to counts at once. Knows no SQL.

import type { Account, Place } from "./account.ts";
import type { Keeping } from "./keeping.ts";
import type { ChainSum } from "./store.ts";

interface Beside {
  /** Reads them, where the counters say that some were written. */
  read(counters: ReadonlyMap<string, number>): Promise<void>;
  /** What the ledger has of a chain. */
  readChain(place: Place, chain: string): Promise<ChainSum>;
}

/** Of each chain that a command wrote rows to. */
const ROWS = "budget_rows/";

export function createBeside(keeping: Keeping, isOver: () => boolean): Beside {
  const { init } = keeping;
  const { store } = init;
  /** Null before the first look: what is there by then is read with everything else. */
  let written: Map<string, number> | null = null;

  const read = async (counters: ReadonlyMap<string, number>): Promise<void> => {
    const chains = [...counters].filter(([name]) => name.startsWith(ROWS));
    if (written === null) {
      written = new Map(chains);
      return;
    }
    for (const [name, value] of chains) {
      if (written.get(name) === value) continue;
      const chain = name.slice(ROWS.length);
      for (const account of keeping.accounts.values()) {
        if (chain === init.holder()) continue;
        if (account.isOpen) await readLine(account, chain);
        // Of one that is being opened all was read, it may be, before they came. Those that are opened later read all rows.
        else if (keeping.exchange.isBusy(account)) readBehind(account, chain, written);
      }
      written.set(name, value);
    }
  };

  const readLine = async (account: Account, chain: string): Promise<void> => {
    await store.putLine(account, await readChain(account, chain));
    await keeping.exchange.report(account);
  };

  const readBehind = (account: Account, chain: string, done: Map<string, number>): void => {
    keeping.exchange
      .report(account)
      .then(() => readLine(account, chain))
      .catch((error: unknown) => {
        // The next look does it once more.
        done.delete(ROWS + chain);
        if (!isOver()) keeping.heard(error);
      });
  };

  const readChain = async (place: Place, chain: string): Promise<ChainSum> => {
    const sums = await keeping.sums.read(place);
    return sums.find((sum) => sum.chain === chain) ?? { chain, spent: 0, unpriced: 0 };
  };

  return { read, readChain };
}

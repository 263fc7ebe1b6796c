// The budgets that are there, kept up with what others change of them, and their windows made ready before the first call asks. Knows no SQL.

import { countSurplus, lower, makePlace, type Place, resetAlerts } from "./account.ts";
import type { Keeping } from "./keeping.ts";
import type { Budget } from "./model.ts";
import { settledWithin } from "./within.ts";

interface Definitions {
  /** Reads what was changed, where the counters say that something was. */
  refresh(counters: ReadonlyMap<string, number>): Promise<void>;
  find(id: string): Budget | undefined;
  /** Windows that have begun, or will by then, and are not known yet. */
  prepareAhead(byMs: number): Promise<void>;
  /** Of single users and keys somebody new may come at any time, who is not to wait until all is read once more. */
  listNeeded(): Generator<Place>;
}

/** What the ledger says takes that long where it is large; then only the calls that it concerns wait for it. */
const READ_MS = 1_000;

const REVISION = "budget_revision";

/** `isOver`: nobody is to be made ready for any more. */
export function createDefinitions(keeping: Keeping, isOver: () => boolean): Definitions {
  const { init, state } = keeping;
  const { store, clock } = init;
  const known = new Map<string, Budget>();
  let revision: number | null = null;

  const read = async (): Promise<void> => {
    const changes = await store.changes(revision);
    revision = changes.revision;
    if (changes.complete) known.clear();
    for (const { deleted, ...budget } of changes.budgets) {
      if (deleted) known.delete(budget.id);
      else known.set(budget.id, budget);
    }
    keeping.replace([...known.values()]);
    state.isKnown = true;
    for (const account of keeping.accounts.values()) {
      const now = known.get(account.budget.id);
      if (now === undefined || now === account.budget) continue;
      // What was granted under another limit is asked for anew.
      if (now.hardLimit !== account.budget.hardLimit) lower(account, countSurplus(account));
      account.budget = now;
      account.restUntilMs = 0;
      account.isDirty = true;
      resetAlerts(account);
    }
    // Those that stayed as they are were made ready before.
    const preparing = eachOf(changes.budgets, async ({ id }) => {
      const budget = known.get(id);
      if (budget !== undefined && !isOver()) await prepareNow(budget, clock.wallMs());
    }).catch((error: unknown) => {
      if (!isOver()) keeping.heard(error);
    });
    // It goes on behind, and whoever needs it waits for it.
    await settledWithin(preparing, clock, READ_MS);
  };

  /** Of those that concern single users and keys, only what the ledger says: once for all of them. */
  const prepareNow = (budget: Budget, atMs: number): Promise<void> => {
    const place = placeNow(budget, atMs);
    return place === null ? keeping.sums.prepare(makePlace(budget, keeping.windowOf(budget, atMs))) : prepare(place);
  };

  /** Known before the first call asks. */
  const prepare = async (place: Place): Promise<void> => {
    const account = keeping.open(place);
    if (!account.isOpen) await keeping.exchange.ask(account, 0);
  };

  /** Null for those that concern single users and keys: they may be thousands, and who comes is not known. */
  const placeNow = (budget: Budget, atMs: number): Place | null =>
    budget.each === null && budget.userId === null && budget.apiKeyId === null
      ? makePlace(budget, keeping.windowOf(budget, atMs))
      : null;

  return {
    async refresh(counters) {
      if ((counters.get(REVISION) ?? 0) !== revision) await read();
    },
    find: (id) => known.get(id),
    async prepareAhead(byMs) {
      const next = [...known.values()].flatMap((budget) => {
        const here = placeNow(budget, clock.wallMs());
        const ahead = placeNow(budget, byMs);
        return [here, ahead].filter((place) => place !== null && !keeping.accounts.has(place.id));
      });
      await eachOf(
        next.filter((place) => place !== null),
        prepare,
      );
    },
    *listNeeded() {
      const wallMs = clock.wallMs();
      for (const budget of known.values())
        if (placeNow(budget, wallMs) === null) yield makePlace(budget, keeping.windowOf(budget, wallMs));
    },
  };
}

/** One behind the other: there is time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (const item of items) await work(item);
}

// What the parts of budgets share: the accounts, the word with the shared count, what the ledger says, and how the database is. Judges no call; knows
// no SQL.

import type { Clock } from "../../lib/clock.ts";
import { type Account, countSpent, createAccount, type Place, resetAlerts, takeAlerts } from "./account.ts";
import { type Alert, describeAlert } from "./alert.ts";
import { type Exchange, createExchange } from "./exchange.ts";
import type { Budget } from "./model.ts";
import type { BudgetStore } from "./store.ts";
import { type BudgetSums, createBudgetSums } from "./sum.ts";
import { createWindowFinder, type Window } from "./window.ts";

export interface BudgetsInit {
  store: BudgetStore;
  /** The chain that our rows are in. */
  holder: () => string;
  /** Makes all rows given so far readable. */
  flushRows: () => Promise<void>;
  clock: Clock;
  /** What becomes of calls that nothing was granted for while the shared count cannot be asked for. */
  whenUnreachable: () => "allow" | "refuse";
  /** A threshold was reached; told to one gateway only, once a window. */
  onAlert: (alert: Alert) => void;
  /** A call that would have been refused. */
  onShadow: (account: Account) => void;
  onError: (error: unknown) => void;
  onRecover: () => void;
}

export interface Keeping {
  init: BudgetsInit;
  accounts: Map<string, Account>;
  exchange: Exchange;
  sums: BudgetSums;
  state: { isKnown: boolean; isReachable: boolean; contactMs: number; version: number; others: number };
  all(): readonly Budget[];
  replace(budgets: readonly Budget[]): void;
  windowOf(budget: Budget, atMs: number): Window;
  /** The account of that place, made where there is none. */
  open(place: Place): Account;
  /** The database did or did not answer. */
  heard(error: unknown): void;
  tellAlerts(account: Account): void;
}

/** Silence for so long, and others may take what we were granted. */
export const LEASE_MS = 60_000;

export function createKeeping(init: BudgetsInit): Keeping {
  const accounts = new Map<string, Account>();
  const finders = new Map<string, (atMs: number) => Window>();
  const state = { isKnown: false, isReachable: true, contactMs: init.clock.monotonicMs(), version: 0, others: 0 };
  let budgets: readonly Budget[] = [];

  const heard = (error: unknown): void => {
    if (error === null) {
      state.contactMs = init.clock.monotonicMs();
      if (!state.isReachable) init.onRecover();
      state.isReachable = true;
      return;
    }
    if (state.isReachable) init.onError(error);
    state.isReachable = false;
  };

  const tellAlerts = (account: Account): void => {
    for (const threshold of takeAlerts(account)) {
      init.store.claimAlert(account, threshold.name, new Date(init.clock.wallMs())).then(
        (isOurs) => {
          if (isOurs) init.onAlert(describeAlert(account, threshold));
        },
        (error: unknown) => {
          resetAlerts(account);
          heard(error);
        },
      );
    }
  };

  const sums = createBudgetSums(init.store);
  const exchange = createExchange({
    store: init.store,
    sums,
    holder: init.holder,
    flushRows: init.flushRows,
    clock: init.clock,
    countOthers: () => state.others,
    cry: () => init.store.cry(),
    onTold(account) {
      heard(null);
      if (countSpent(account) >= account.nextAlert) tellAlerts(account);
    },
  });

  return {
    init,
    accounts,
    exchange,
    sums,
    state,
    all: () => budgets,
    replace(next) {
      budgets = next;
      state.version++;
    },
    windowOf(budget, atMs) {
      const name = `${budget.period} ${budget.timeZone}`;
      let find = finders.get(name);
      if (find === undefined) finders.set(name, (find = createWindowFinder(budget.period, budget.timeZone)));
      return find(atMs);
    },
    open(place) {
      const known = accounts.get(place.id);
      if (known !== undefined) return known;
      const account = createAccount(place);
      accounts.set(place.id, account);
      return account;
    },
    heard,
    tellAlerts,
  };
}

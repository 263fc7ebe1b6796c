// The daemon's budgets: on its ledger, by the machine's clock, and heard of in its log and where the operator wants to be told.

import type { Config } from "../config/index.ts";
import { type Budgets, type BudgetStore, createBudgets, type LedgerWriter } from "../ledger/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createNotifier } from "../notice/index.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";

interface BudgetsInit {
  store: Store;
  ledger: LedgerWriter;
  log: Log;
  /** As it stands now. */
  config: () => Config;
}

export interface OpenBudgets {
  parts: { budgets: Budgets; budgetStore: BudgetStore };
  /** Gives back what is granted, and tells what is still to be told. */
  close(): Promise<void>;
}

/** For notices that are on their way when the gateway stops. */
const NOTICE_GRACE_MS = 2_000;

/** Known and counted when it resolves, so that the first call finds them. */
export async function openBudgets({ store, ledger, log, config }: BudgetsInit): Promise<OpenBudgets> {
  const notifier = createNotifier({
    targets: config().budgets.alerts,
    clock: systemClock,
    fetch: (url, init) => fetch(url, init),
    smtp: config().smtp,
    log,
  });
  const budgets = createBudgets({
    store: store.budgets,
    holder: () => ledger.head().chain,
    // Rows are written at the end of the tick that brings them.
    flushRows: () => new Promise((resolve) => setImmediate(resolve)),
    clock: systemClock,
    whenUnreachable: () => config().budgets.whenUnreachable,
    onAlert: (alert) => notifier.deliver(alert),
    onShadow: ({ budget }) => log.info("A budget that only watches would have refused a call", { budget: budget.name }),
    onError: (error) => log.warn("Budgets cannot be shared; calls go on with what was granted beforehand", { error }),
    onRecover: () => log.info("Budgets can be shared again"),
  });
  await budgets.load();
  budgets.start();
  return {
    parts: { budgets, budgetStore: store.budgets },
    async close() {
      await budgets.stop();
      await notifier.stop(NOTICE_GRACE_MS);
    },
  };
}

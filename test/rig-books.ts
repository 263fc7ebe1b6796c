// The books as the rig has them: on its own store and clock, with faults and alerts where a test can see them.

import { startBinderyThread } from "../src/cli/bindery.ts";
import type { Config } from "../src/config/value.ts";
import {
  type Alert,
  BOOK_RULES,
  type BookRules,
  type Budgets,
  createBudgets,
  createLedgerWriter,
  decodeLine,
  type Journal,
  type LedgerEntry,
  type LedgerWriter,
  LINE_FIELDS,
} from "../src/ledger/index.ts";
import type { Clock } from "../src/lib/clock.ts";
import type { Store } from "../src/store/index.ts";
import type { Log } from "../src/telemetry/log.ts";
import type { Metrics } from "../src/telemetry/metric.ts";

/** On this thread, so that a test sees what it does; in a thread of its own where a server is measured. */
export function bindIn(config: Config): { rules: BookRules; startThread?: () => Worker } {
  const isServer = "isServer" in config && config.isServer === true;
  return { rules: BOOK_RULES, ...(isServer ? { startThread: startBinderyThread } : {}) };
}

interface BooksInit {
  store: Store;
  journal: Journal;
  clock: Clock;
  config: Config;
  log: Log;
  metrics: Metrics;
  /** Before the real books, for faults. */
  append?: ((entries: readonly LedgerEntry[]) => unknown) | undefined;
}

export async function makeBooks({ store, journal, clock, config, log, metrics, append }: BooksInit): Promise<{
  ledger: LedgerWriter;
  budgets: Budgets;
  alerts: Alert[];
}> {
  const ledger = createLedgerWriter({
    onCommit: metrics.committed,
    journal: {
      ...journal,
      append(lines, open) {
        if (append !== undefined) {
          const read = lines.map((line) => decodeLine(line, LINE_FIELDS));
          const entries = read.flatMap((line) => (line?.type === "entry" ? [line.entry] : []));
          if (entries.length > 0) append(entries);
        }
        journal.append(lines, open);
      },
    },
    nowMs: clock.monotonicMs,
    schedule: setImmediate,
    after: clock.after,
    onFault: (error) => log.error("ledger fault", { error }),
    onRecovery: (rows) => log.info("ledger recovered", { rows }),
  });
  const alerts: Alert[] = [];
  const budgets = createBudgets({
    store: store.budgets,
    holder: () => ledger.chain,
    flushRows: () => new Promise((resolve) => setImmediate(resolve)),
    clock,
    whenUnreachable: () => config.budgets.whenUnreachable,
    onAlert: (alert) => void alerts.push(alert),
    onShadow: ({ budget }) => log.info("would have refused", { budget: budget.name }),
    onError: (error) => log.error("budget fault", { error }),
    onRecover: () => log.info("budgets recovered"),
  });
  await budgets.load();
  return { ledger, budgets, alerts };
}

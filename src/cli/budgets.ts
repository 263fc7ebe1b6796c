// The daemon's budgets: on its ledger, by the machine's clock, and heard of in its log and where the operator wants to be told.

import { join } from "node:path";
import type { Config } from "../config/index.ts";
import type { Directory } from "../identity/index.ts";
import { adoptDeclared, type Budgets, type BudgetStore, createBudgets, type LedgerWriter } from "../ledger/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createNotifier, openNoticeShelf } from "../notice/index.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";

interface BudgetsInit {
  store: Store;
  directory: Directory;
  ledger: LedgerWriter;
  log: Log;
  /** As it stands now. */
  config: () => Config;
}

export interface OpenBudgets {
  parts: { budgets: Budgets; budgetStore: BudgetStore };
  /** Puts in force what the configuration declares. Never rejects. */
  adopt(next: Config): Promise<void>;
  /** Gives back what is granted, and tells what is still to be told. */
  close(): Promise<void>;
}

/** For notices that are on their way when the gateway stops. */
const NOTICE_GRACE_MS = 2_000;
/** For our own rows, which a former life may have left in the outbox by the hundred thousand: what is spent is not known before they are there. */
const ROWS_WAIT_MS = 300_000;

/** Known and counted when it resolves, so that the first call finds them. */
export async function openBudgets({ store, directory, ledger, log, config }: BudgetsInit): Promise<OpenBudgets> {
  const notifier = createNotifier({
    targets: config().budgets.alerts,
    clock: systemClock,
    fetch: (url, init) => fetch(url, init),
    smtp: config().smtp,
    log,
    // Of this gateway alone, should others have the same folder.
    shelf: openNoticeShelf(join(config().home, `alerts-${ledger.chain}.json`)),
  });
  const budgets = createBudgets({
    store: store.budgets,
    holder: () => ledger.chain,
    async flushRows() {
      // Rows are written at the end of the tick that brings them.
      await new Promise((resolve) => setImmediate(resolve));
      await store.arrive(ROWS_WAIT_MS);
    },
    clock: systemClock,
    whenUnreachable: () => config().budgets.whenUnreachable,
    onAlert: (alert) => notifier.deliver(alert),
    onShadow: ({ budget }) => log.info("A budget that only watches would have refused a call", { budget: budget.name }),
    onError: (error) => log.warn("Budgets cannot be shared; calls go on with what was granted beforehand", { error }),
    onRecover: () => log.info("Budgets can be shared again"),
  });
  const declared = createDeclared({ store, directory, log });
  await declared.adopt(config());
  await budgets.load();
  budgets.start();
  return {
    parts: { budgets, budgetStore: store.budgets },
    async adopt(next) {
      await declared.adopt(next);
      await budgets.refresh();
    },
    async close() {
      declared.stop();
      await budgets.stop();
      await notifier.stop(NOTICE_GRACE_MS);
    },
  };
}

/** Until it is looked again for a user or a key that is not there yet, and for a database that does not answer. */
const AGAIN_MS = 15_000;

interface Declared {
  adopt(config: Config): Promise<void>;
  stop(): void;
}

function createDeclared({ store, directory, log }: Pick<BudgetsInit, "directory" | "log" | "store">): Declared {
  const init = {
    store: store.budgets,
    findUser: async (idOrEmail: string) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id: string) => (await directory.getKey(id)).id,
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
  };
  let callOff: (() => void) | null = null;
  /** What was said already is not said at every look. */
  let told = "";
  const tell = (reasons: string[], say: () => void): void => {
    if (reasons.join("\n") !== told) say();
    told = reasons.join("\n");
  };

  let turn = 0;
  const adopt = async (config: Config): Promise<void> => {
    callOff?.();
    callOff = null;
    const own = ++turn;
    const again = (): void => {
      // What a later word of the file has replaced meanwhile is not tried again.
      if (own === turn) callOff = systemClock.after(AGAIN_MS, () => void adopt(config));
    };
    try {
      const { done, failed } = await adoptDeclared(init, config.budgets.declared);
      for (const { name, what } of done) log.info("Budget of the configuration", { budget: name, what });
      tell(
        failed.map(({ name, reason }) => `${name}: ${reason}`),
        () => {
          for (const { name, reason } of failed)
            log.error("A budget of the configuration is NOT in force; it is tried again", { budget: name, reason });
        },
      );
      if (failed.length > 0) again();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      tell([reason], () => {
        if (config.budgets.declared.length > 0)
          log.error("The budgets of the configuration could not be put in force yet", { error });
        // There are none, and most often there never were.
        else log.warn("Whether an earlier configuration had declared budgets could not be looked up yet", { error });
      });
      again();
    }
  };
  return {
    adopt,
    stop() {
      turn++;
      callOff?.();
    },
  };
}

// The counting of tokens in a gateway under test: on real threads, with the test's clock.

import { type RunningRecounter, createRecounter, startThread } from "../src/audit/index.ts";
import type { Config } from "../src/config/value.ts";
import type { InputQuestion, LedgerWriter, Recount } from "../src/ledger/index.ts";
import type { Clock } from "../src/lib/clock.ts";
import type { Store } from "../src/store/index.ts";
import type { Log } from "../src/telemetry/log.ts";

interface RecounterParts {
  store: Store;
  ledger: LedgerWriter;
  clock: Clock;
  log: Log;
  countInput: (question: InputQuestion) => Promise<number | null>;
}

export function openTestRecounter(
  { recount }: Config,
  { store, ledger, clock, log, countInput }: RecounterParts,
): RunningRecounter {
  return createRecounter({
    gatherMs: 0,
    settings: recount,
    startThread,
    clock,
    write: ledger.addRecountLines,
    countInput: recount.asksProviders ? countInput : null,
    readHistory: () => store.recounts.past(1_000),
    onCrash: (error) => log.error("recount crash", { error }),
    onTokenizerFault: (name) => log.error("tokenizer fault", { name }),
  });
}

/** Resolves once all that was offered is counted and on the books. */
export async function settleRecounts(recounter: RunningRecounter): Promise<void> {
  while (recounter.stats().waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  await recounter.flush();
}

/** Every call that is on the books with its recount, oldest first. */
export async function readRecounts(store: Store): Promise<Map<string, Recount | null>> {
  const found = new Map<string, Recount | null>();
  for await (const { entry, recount } of store.recounts.calls({})) found.set(entry.id, recount);
  return found;
}

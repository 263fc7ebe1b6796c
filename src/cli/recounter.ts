// The counting of every call's tokens, as the daemon runs it. Knows no tokenizer.

import { type RunningRecounter, createRecounter, startThread } from "../audit/index.ts";
import type { Config } from "../config/index.ts";
import type { InputQuestion, LedgerWriter } from "../ledger/index.ts";
import { systemClock } from "../lib/clock.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";

interface RecounterParts {
  store: Store;
  ledger: LedgerWriter;
  log: Log;
  countInput: (question: InputQuestion) => Promise<number | null>;
}

/** Of each provider and model a few hundred calls tell how it counts. */
const HISTORY_ROWS = 5_000;

/** A recount is for later: nobody waits for it. */
const GATHER_MS = 100;

export function openRecounter(
  { recount }: Config,
  { store, ledger, log, countInput }: RecounterParts,
): RunningRecounter {
  return createRecounter({
    settings: recount,
    startThread,
    clock: systemClock,
    gatherMs: GATHER_MS,
    write: ledger.addRecountLines,
    countInput: recount.asksProviders ? countInput : null,
    readHistory: () => store.recounts.past(HISTORY_ROWS),
    onCrash: (error) => log.warn("The thread that counts tokens again has died; another takes its place", { error }),
    onTokenizerFault: (tokenizer) =>
      log.warn(
        "A tokenizer cannot be used; calls of its models are not counted. Check the file of its section, and start anew",
        { tokenizer },
      ),
  });
}

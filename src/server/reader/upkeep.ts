// Keeps the sums of the books up with their rows while the gateway runs. Knows no SQL.

import type { LedgerUpkeep } from "./reader.ts";

interface UpkeepInit {
  ledger: Pick<LedgerUpkeep, "rollUp">;
  /** True where it is done in the thread that answers requests: the steps are short then. */
  isInline: boolean;
  /** Runs the action later; the answer calls it off. */
  after: (delayMs: number, action: () => void) => () => void;
  onFault: (error: unknown) => void;
}

const IDLE_MS = 15_000;
const RETRY_MS = 30_000;
/** Between two steps, so that other writers get their turn. */
const PAUSE_MS = 20;
/** How long other writers may have to wait for a step: each is as long as that allows. */
const HOLD_MS = 4;
const FEWEST_ROWS = 50;
const MOST_ROWS = 4_000;
/** Some milliseconds' work. */
const MOST_ROWS_INLINE = 200;

/** The answer ends it; a step that is under way is waited for. */
export function startUpkeep({ ledger, isInline, after, onFault }: UpkeepInit): () => Promise<void> {
  let limit = FEWEST_ROWS * 4;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let callOff: () => void = () => undefined;

  const step = async (): Promise<number> => {
    const { rows, heldMs } = await ledger.rollUp(limit);
    if (rows === 0) return IDLE_MS;
    const fitting = heldMs === 0 ? limit * 2 : limit * Math.min(2, HOLD_MS / heldMs);
    limit = Math.round(Math.min(isInline ? MOST_ROWS_INLINE : MOST_ROWS, Math.max(FEWEST_ROWS, fitting)));
    return PAUSE_MS;
  };

  const arm = (delayMs: number): void => {
    if (isStopped) return;
    callOff = after(delayMs, () => {
      running = step()
        .catch((error: unknown) => {
          if (!isStopped) onFault(error);
          return RETRY_MS;
        })
        .then(arm);
    });
  };

  arm(PAUSE_MS);
  return async () => {
    isStopped = true;
    callOff();
    await running;
  };
}

// Keeps the sums of the books up with their rows while the gateway runs. Knows no SQL.

import type { LedgerUpkeep } from "./reader.ts";

interface UpkeepInit {
  ledger: Pick<LedgerUpkeep, "hasUnsummed" | "rollUp">;
  /** True where others than those who bind rows write to the ledger's file, such as users and keys. */
  isShared: boolean;
  nowMs: () => number;
  /** Runs the action later; the answer calls it off. */
  after: (delayMs: number, action: () => void) => () => void;
  onFault: (error: unknown) => void;
  /** Marks of these chains were damaged, and are right again. */
  onHeal?: (chains: readonly string[]) => void;
}

const IDLE_MS = 15_000;
const RETRY_MS = 30_000;
/** Between two steps, so that other writers get their turn. */
const PAUSE_MS = 20;
/**
 * Sums of many rows cost hardly more than those of few, so rows gather: for at least, and at most so long, and for ten times as long as the last ones took. Until then
 * reports read them along with the sums.
 */
const GATHER_MS = { least: 1_000, most: 5_000, times: 10 };
/** How long other writers may have to wait for a step: each is as long as that allows. Nobody waits for those who bind rows. */
const HOLD_MS = { alone: 100, shared: 4 };
const FEWEST_ROWS = 400;
const MOST_ROWS = 20_000;
/** Of the first step. */
const FIRST_ROWS = 200;

/** The answer ends it; a step that is under way is waited for. */
export function startUpkeep({ ledger, isShared, nowMs, after, onFault, onHeal }: UpkeepInit): () => Promise<void> {
  const holdMs = isShared ? HOLD_MS.shared : HOLD_MS.alone;
  let limit = FIRST_ROWS;
  /** Up to there, chains have been looked at this time: one that grows all the time is not to hold up the others. */
  let behind: string | undefined;
  /** Since the last rest. */
  let workedMs = 0;
  let found = 0;
  /** There was nothing to do the last time: the thread that would do it need not be woken, or started, to find that again. */
  let isResting = true;
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let callOff: () => void = () => undefined;

  const step = async (): Promise<number> => {
    if (isResting && !(await ledger.hasUnsummed())) return IDLE_MS;
    isResting = false;
    const asked = limit;
    const startedMs = nowMs();
    const { rows, heldMs, chain, healed = [] } = await ledger.rollUp(asked, behind);
    if (healed.length > 0) onHeal?.(healed);
    workedMs += nowMs() - startedMs;
    if (rows === 0) return rest();
    if (chain === undefined) return afterPacking();
    found += rows;
    if (rows < asked) behind = chain;
    const fitting = heldMs === 0 ? limit * 2 : limit * Math.min(2, holdMs / heldMs);
    limit = Math.round(Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, fitting)));
    return PAUSE_MS;
  };

  /** Sums were packed, of which there may be many to do: before long, rows have their turn again. */
  const afterPacking = (): number => {
    if (workedMs >= GATHER_MS.least) {
      behind = undefined;
      workedMs = 0;
    }
    return PAUSE_MS;
  };

  /** All chains were looked at. */
  const rest = (): number => {
    const { least, most, times } = GATHER_MS;
    const delayMs = found === 0 ? IDLE_MS : Math.min(most, Math.max(least, times * workedMs));
    behind = undefined;
    isResting = found === 0;
    [workedMs, found] = [0, 0];
    return delayMs;
  };

  const arm = (delayMs: number): void => {
    if (isStopped) return;
    callOff = after(delayMs, () => {
      running = step()
        .catch((error: unknown) => {
          if (!isStopped) onFault(error);
          // It may have been for its size.
          limit = Math.max(FEWEST_ROWS, Math.round(limit / 2));
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

// Deletes what the operator wants kept no longer: captured text, hashes of payloads, rows. Knows no SQL.

import type { Cut } from "../../ledger/index.ts";
import { type Origin, byProgram } from "../../lib/change.ts";
import type { Clock } from "../../lib/clock.ts";
import type { LedgerUpkeep } from "./reader.ts";

/** How long what is kept, in milliseconds; 0: for ever. */
export interface Retention {
  capturedMs: number;
  payloadHashesMs: number;
  rowsMs: number;
}

interface RetentionInit {
  ledger: Pick<LedgerUpkeep, "dropHashes" | "dropPayloads" | "dropRows" | "findCuts" | "findForgets">;
  limits: () => Retention;
  /**
   * Fingerprint of this gateway's key. What it signs for its own chains stands by itself; another gateway's chain is touched only once
   * nothing in it is younger, for who verifies it then must know this key, too.
   */
  keyId: string;
  /** Says, signed and for good, that rows up to there, or hashes in them, are about to go. Rejects where that cannot be kept: then they stay. */
  retire: (reason: "cut" | "forget", link: Pick<Cut, "chain" | "hash" | "seq">) => Promise<void>;
  clock: Clock;
  /** Whether the books have rows of that time: from, inclusive, and to, exclusive. */
  hasRows: (from: Date, to: Date) => Promise<boolean>;
  /** Something is old enough by a clock that nothing vouches for, and stays: said once. */
  onDoubt: () => void;
  /** After a round in which something went. */
  onDone: (gone: Gone) => void;
  onFault: (error: unknown) => void;
}

export interface Gone {
  captured: number;
  hashes: number;
  rows: number;
}

const FIRST_MS = 60_000;
const EVERY_MS = 3_600_000;
/** Between two steps, so that other writers get their turn. */
const PAUSE_MS = 50;
const AT_ONCE = 200;

interface Round {
  repeat: (step: Step) => Promise<number>;
  isDue: (ageMs: number) => Promise<boolean>;
  isOver: () => boolean;
}

type Step = (by: Origin | undefined) => Promise<number>;

/** The answer ends it; a step that is under way is waited for. */
export function startRetention(init: RetentionInit): () => Promise<void> {
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let callOff: () => void = () => undefined;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const cancel = init.clock.after(PAUSE_MS, resolve);
      callOff = () => {
        cancel();
        resolve();
      };
    });

  /** Until nothing is left to do. Who wants it so is recorded with the first step. */
  const repeat = async (step: Step): Promise<number> => {
    let total = 0;
    while (!isStopped) {
      const by = total === 0 ? byProgram("configuration", new Date(init.clock.wallMs())) : undefined;
      const count = await step(by);
      if (count === 0) break;
      total += count;
      if (!isStopped) await pause();
    }
    return total;
  };

  const isDue = watchAge(init);
  const round = async (): Promise<void> => {
    const gone = await dropAll(init, { repeat, isDue, isOver: () => isStopped });
    if (gone.captured + gone.hashes + gone.rows > 0) init.onDone(gone);
  };

  const arm = (delayMs: number): void => {
    if (isStopped) return;
    callOff = init.clock.after(delayMs, () => {
      running = round()
        .catch((error: unknown) => {
          if (!isStopped) init.onFault(error);
        })
        .then(() => arm(EVERY_MS));
    });
  };

  arm(FIRST_MS);
  return async () => {
    isStopped = true;
    callOff();
    await running;
  };
}

const DAY_MS = 86_400_000;

/**
 * A clock that is wrong for once, such as that of a machine whose battery is empty, must not empty the books. So what is that old goes only where this
 * program has run for a day by a clock that went as it should, or where rows tell that a day ago it was a day earlier: half the age, where that is less.
 */
function watchAge({ clock, hasRows, onDoubt }: Pick<RetentionInit, "clock" | "hasRows" | "onDoubt">) {
  const read = () => ({ wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() });
  let since = read();
  let isTold = false;
  return async (ageMs: number): Promise<boolean> => {
    const span = Math.min(ageMs / 2, DAY_MS);
    const now = read();
    const ran = now.monotonicMs - since.monotonicMs;
    if (Math.abs(now.wallMs - since.wallMs - ran) > span / 2) since = now;
    else if (ran >= span) return true;
    const at = (agoMs: number): Date => new Date(now.wallMs - agoMs);
    if (await hasRows(at(2 * span), at(span))) return true;
    if (!isTold && (await hasRows(new Date(0), at(ageMs)))) {
      isTold = true;
      onDoubt();
    }
    return false;
  };
}

async function dropAll(
  { ledger, limits, keyId, retire, clock }: RetentionInit,
  { repeat, isDue, isOver }: Round,
): Promise<Gone> {
  const { capturedMs, payloadHashesMs, rowsMs } = limits();
  const gone: Gone = { captured: 0, hashes: 0, rows: 0 };
  const before = (ms: number): Date => new Date(clock.wallMs() - ms);
  const mayTouch = (cut: Cut): boolean => !isOver() && (cut.keyId === keyId || cut.isWhole);
  if (capturedMs > 0 && (await isDue(capturedMs)))
    gone.captured = await repeat((by) => ledger.dropPayloads(before(capturedMs), AT_ONCE, by));
  const forgets =
    payloadHashesMs > 0 && !isOver() && (await isDue(payloadHashesMs))
      ? await ledger.findForgets(before(payloadHashesMs))
      : [];
  for (const cut of forgets) {
    if (!mayTouch(cut)) continue;
    await retire("forget", cut);
    gone.hashes += await repeat((by) => ledger.dropHashes(cut, AT_ONCE, by));
  }
  const cuts = rowsMs > 0 && !isOver() && (await isDue(rowsMs)) ? await ledger.findCuts(before(rowsMs)) : [];
  for (const cut of cuts) {
    if (!mayTouch(cut)) continue;
    await retire("cut", cut);
    gone.rows += await repeat((by) => ledger.dropRows(cut, AT_ONCE, by));
  }
  return gone;
}

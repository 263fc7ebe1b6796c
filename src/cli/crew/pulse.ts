// Whether the office still answers: a worker tells of itself once a second, and the office says that it heard. Who needs it is not left to wait for one that
// hangs. Knows no word that is said.

import { GatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../telemetry/log.ts";

export interface Pulse {
  /** Asks now and then from here on; what it answers is of no interest. */
  start(beat: () => Promise<unknown>): void;
  isSilent(): boolean;
  /**
   * What the office answers. Rejects where it hangs, and then it is not even asked, or where that comes to light before it has answered: `onLate` is given what
   * it answers yet.
   */
  heed<T>(ask: () => Promise<T>, onLate?: (late: T) => void): Promise<T>;
  stop(): void;
}

const BEAT_MS = 1_000;
/** Looks in a row without an answer. Counted, and not timed: what this process slept through is not the office's silence. */
const MOST_SILENT = 5;

export function createPulse({ clock, log }: { clock: Pick<Clock, "after">; log: Pick<Log, "info" | "error"> }): Pulse {
  const waiting = new Set<() => void>();
  let callOff: () => void = () => undefined;
  let isStopped = false;
  let isAsked = false;
  let isSilent = false;
  let silent = 0;

  const hear = (): void => {
    isAsked = false;
    silent = 0;
    if (isSilent) log.info("The process in front answers again");
    isSilent = false;
  };

  const fallSilent = (): void => {
    isSilent = true;
    log.error("The process in front does not answer any more: calls that need it are refused", { calls: waiting.size });
    for (const giveUp of waiting) giveUp();
  };

  const look = (beat: () => Promise<unknown>): void => {
    callOff = clock.after(BEAT_MS, () => {
      if (isStopped) return;
      if (isAsked && ++silent === MOST_SILENT) fallSilent();
      // One that hangs is not given more and more to hear.
      if (!isAsked) {
        isAsked = true;
        beat().then(hear, hear);
      }
      look(beat);
    });
  };

  return {
    start: look,
    isSilent: () => isSilent,
    async heed(ask, onLate) {
      if (isSilent) throw explainSilence();
      const { promise, reject } = Promise.withResolvers<never>();
      const asked = ask();
      const giveUp = (): void => {
        reject(explainSilence());
        asked.then(onLate, () => undefined);
      };
      waiting.add(giveUp);
      try {
        return await Promise.race([asked, promise]);
      } finally {
        waiting.delete(giveUp);
      }
    },
    stop() {
      isStopped = true;
      callOff();
    },
  };
}

function explainSilence(): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "front_silent",
    message: "The process of this gateway that holds its limits and budgets does not answer. Try again in a moment.",
    retryAfterMs: 1_000,
  });
}

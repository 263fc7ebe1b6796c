// The newest of what comes in a while: who binds tells of each step, and nobody needs to know all of them. Knows nothing of what is told.

import type { Clock } from "../../lib/clock.ts";

const GATHER_MS = 100;

export function gather<Told>(clock: Pick<Clock, "after">, tell: (told: Told) => void): (told: Told) => void {
  let newest: { told: Told } | null = null;
  return (told) => {
    const isWaiting = newest !== null;
    newest = { told };
    if (isWaiting) return;
    clock.after(GATHER_MS, () => {
      const due = newest;
      newest = null;
      if (due !== null) tell(due.told);
    });
  };
}

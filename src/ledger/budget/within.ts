// Waits for what may take long, and no longer than it is worth. Knows no budget.

import type { Clock } from "../../lib/clock.ts";

/** Null once it is done; why not, where it failed; `late` where it takes longer. Then it goes on all the same. */
export async function settledWithin(
  work: Promise<void>,
  clock: Pick<Clock, "after">,
  ms: number,
): Promise<{ failure: unknown } | "late" | null> {
  const late = Promise.withResolvers<"late">();
  const callOff = clock.after(ms, () => late.resolve("late"));
  const done = work.then(
    () => null,
    (failure: unknown) => ({ failure }),
  );
  try {
    return await Promise.race([done, late.promise]);
  } finally {
    callOff();
  }
}

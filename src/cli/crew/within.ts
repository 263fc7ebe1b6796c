// Waits for something, and not for ever. Knows nothing of what it waits for.

import type { Clock } from "../../lib/clock.ts";

/** Null where it does not come in time, or never will. */
export async function within<T>(work: Promise<T>, limitMs: number, clock: Pick<Clock, "after">): Promise<T | null> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const callOff = clock.after(limitMs, () => resolve(null));
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    callOff();
  }
}

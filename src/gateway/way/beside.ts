// Two calls for one request: a second one begins where the first has given nothing for too long, and the first answer is the one. Knows no format
// and no books.

import type { Clock } from "../../lib/clock.ts";
import type { Outcome } from "./travel.ts";

export interface Race<Target, Answer> {
  clock: Pick<Clock, "after">;
  /** How long the first may be silent. */
  afterMs: number;
  /** Makes the call. Never rejects. An outcome that is an answer has won. */
  run: (target: Target) => Promise<Outcome<Answer>>;
  /** Asked once the time is up: who is called beside the first; null: nobody. */
  second: () => Target | null;
}

export interface Raced<Target, Answer> {
  /** An answer of either; where both failed, the failure of the first. */
  outcome: Outcome<Answer>;
  /** The second, where there was one and both failed. */
  beside: { target: Target; outcome: Outcome<Answer> } | null;
  /** How many calls were made. */
  calls: number;
}

export async function race<Target, Answer>(first: Target, rules: Race<Target, Answer>): Promise<Raced<Target, Answer>> {
  const { clock, afterMs, run } = rules;
  const running = run(first);
  const isSlow = await isSilent(clock, afterMs, running);
  const target = isSlow ? rules.second() : null;
  if (target === null) return { outcome: await running, beside: null, calls: 1 };
  const other = run(target);
  const answered = await findAnswer([running, other]);
  if (answered !== null) return { outcome: answered, beside: null, calls: 2 };
  return { outcome: await running, beside: { target, outcome: await other }, calls: 2 };
}

/** Whether there is no outcome after so long; the clock is let go where there is. */
function isSilent(clock: Pick<Clock, "after">, afterMs: number, running: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const cancel = clock.after(afterMs, () => resolve(true));
  void running.then(() => {
    cancel();
    resolve(false);
  });
  return promise;
}

/** The first answer; null once none of them can give one. */
function findAnswer<Answer>(calls: readonly Promise<Outcome<Answer>>[]): Promise<Outcome<Answer> | null> {
  const { promise, resolve } = Promise.withResolvers<Outcome<Answer> | null>();
  let left = calls.length;
  for (const call of calls) {
    void call.then((outcome) => {
      left--;
      if (outcome.failure === null) resolve(outcome);
      else if (left === 0) resolve(null);
    });
  }
  return promise;
}

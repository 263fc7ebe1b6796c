// Lets rows and hashes go by age, as a running gateway does it. Knows no test.

import { createUpkeep } from "../../../src/server/reader/reader.ts";
import { startRetention } from "../../../src/server/reader/retention.ts";
import type { Bench } from "./books.ts";

/** One round, with what that much time has passed over; answers what went. */
export async function runRetention(
  bench: Bench,
  limits: { payloadHashesMs: number; rowsMs: number },
): Promise<unknown[]> {
  const gone: unknown[] = [];
  await bench.write(async ({ keyId, retire }) => {
    await bench.desk.withStore(async ({ ledger: books }) => {
      while ((await books.rollUp(5)).rows > 0);
      const stop = startRetention({
        ledger: createUpkeep(books),
        limits: () => ({ capturedMs: 0, ...limits }),
        keyId,
        retire,
        clock: bench.clock,
        hasRows: () => Promise.resolve(true),
        onDoubt: () => gone.push("doubt"),
        onDone: (counts) => gone.push(counts),
        onFault: (error) => gone.push(error),
      });
      await pass(bench, () => gone.length > 0);
      await stop();
    });
  });
  return gone;
}

/** Lets the clock run, and all that it sets off. */
async function pass(bench: Bench, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    bench.clock.advance(50);
    await new Promise(setImmediate);
  }
}

// Rows and hashes that went by age: the books still verify, and what was never signed away is missed. On both engines.

import { describe, expect, test } from "bun:test";
import { digestPayloads } from "../../../src/ledger/index.ts";
import { startRetention } from "../../../src/server/reader/retention.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, verifyBooks } from "./books.ts";

const DAY_MS = 86_400_000;
const CALLS = 12;
const PAYLOAD = {
  payloadSalt: "salt",
  requestHash: "asked",
  responseHash: "answered",
  payloadDigest: digestPayloads("salt", "asked", "answered"),
};

/** Lets the clock run, and all that it sets off. */
async function pass(bench: Bench, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    bench.clock.advance(50);
    await new Promise(setImmediate);
  }
}

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  test.skipIf(engine === "postgres" && !hasPostgres)("what is left is whole, and says how much went", async () => {
    const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
    // A day apart, so that it does not matter how long the test's own clock runs: the last five stay.
    const day = (number: number) => new Date(bench.clock.wallMs() - (CALLS - number) * DAY_MS);
    const calls = Array.from({ length: CALLS }, (_, index) =>
      makeCall(index + 1, { createdAt: day(index + 1), ...PAYLOAD }),
    );
    await bench.write(async ({ ledger }) => {
      for (const call of calls) await ledger.add(call);
    });
    const gone: unknown[] = [];
    await bench.write(async ({ ledger, cut }) => {
      await bench.desk.withStore(async ({ ledger: books }) => {
        while ((await books.rollUp(5)).rows > 0);
        const stop = startRetention({
          ledger: books,
          limits: () => ({ capturedMs: 0, payloadHashesMs: 2.5 * DAY_MS, rowsMs: 4.5 * DAY_MS }),
          chain: () => ledger.chain,
          cut,
          clock: bench.clock,
          onDone: (counts) => gone.push(counts),
          onFault: (error) => gone.push(error),
        });
        await pass(bench, () => gone.length > 0);
        await stop();
      });
    });
    expect(gone).toEqual([{ captured: 0, hashes: CALLS - 3, rows: CALLS - 5 }]);
    const report = await verifyBooks(bench);
    expect(report).toMatchObject({ ok: true, findings: [], rows: 5 });
    const { requests } = await bench.desk.read<{ requests: number }>("usage summary");
    expect(requests).toBe(CALLS);
    await bench.tamper("delete from ledger_entries where seq = (select min(seq) from ledger_entries)");
    expect((await verifyBooks(bench)).ok).toBeFalse();
    bench.desk.close();
  });
});

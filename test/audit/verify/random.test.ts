// Whatever is done to rows, wherever and however often: each row that was touched is named, and no other.

import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { type Bench, makeBench, makeCall, makeRecount, tryChanges } from "./books.ts";

const ROWS = 60;
/** Two deeds that touch are one deed more than was done: they are told apart only where a row stands between them. */
const APART = 3;

let bench: Bench;

beforeAll(async () => {
  bench = makeBench();
  await bench.write(async ({ ledger }) => {
    for (let number = 1; number <= ROWS; number++) {
      const call = makeCall(number);
      // Every fifth place is a recount's.
      if (number % 5 === 0) await ledger.addRecounts([makeRecount(call.id)]);
      else await ledger.add(call);
      if (number % 20 === 0) bench.clock.advance(60_000);
    }
  });
});
afterAll(() => bench.desk.close());

type Deed = "alter" | "move" | "rehash" | "remove";

const nameTable = (seq: number): string => (seq % 5 === 0 ? "ledger_recounts" : "ledger_entries");

function toStatements(deed: Deed, seq: number): string[] {
  const table = nameTable(seq);
  const column = table === "ledger_entries" ? "output_tokens" : "output_low";
  switch (deed) {
    case "alter":
      return [`update ${table} set ${column} = ${column} + 1 where seq = ${seq}`];
    case "move":
      // With the one behind it, where that is in the same table.
      return nameTable(seq + 1) === table
        ? [
            `update ${table} set seq = -1 where seq = ${seq}`,
            `update ${table} set seq = ${seq} where seq = ${seq + 1}`,
            `update ${table} set seq = ${seq + 1} where seq = -1`,
          ]
        : toStatements("alter", seq);
    case "rehash":
      return [`update ${table} set hash = 'x' || substr(hash, 2) || 'y' where seq = ${seq}`];
    case "remove":
      return [`delete from ${table} where seq = ${seq}`];
    default:
      return deed satisfies never;
  }
}

const deeds = fc
  .uniqueArray(
    fc.record({
      place: fc.integer({ min: 0, max: Math.floor((ROWS - 2) / APART) - 1 }),
      deed: fc.constantFrom<Deed>("alter", "move", "rehash", "remove"),
    }),
    { selector: ({ place }) => place, minLength: 1, maxLength: 12 },
  )
  .map((list) => list.map(({ deed, place }) => ({ deed, seq: place * APART + 1 })));

test("each is named, and no other", async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async (list) => {
      const findings = await tryChanges(
        bench,
        list.flatMap(({ deed, seq }) => toStatements(deed, seq)),
      );
      const touched = list.flatMap(({ deed, seq }) =>
        deed === "move" && nameTable(seq) === nameTable(seq + 1) ? [seq, seq + 1] : [seq],
      );
      const named = findings.flatMap(({ seq, to_seq }) =>
        seq === null || to_seq === null ? [] : Array.from({ length: to_seq - seq + 1 }, (_, index) => seq + index),
      );
      const ascending = (left: number, right: number): number => left - right;
      expect([...new Set(named)].sort(ascending)).toEqual(touched.sort(ascending));
    }),
    { numRuns: 40 },
  );
});

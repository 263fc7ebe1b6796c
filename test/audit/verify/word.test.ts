// What commands about the books say in passing: of one thing as of one, of what is still to be signed when that is done, and what a flag may hold.

import { afterEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../../src/cli/error.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, makeRecount, verifyBooks } from "./books.ts";

let bench: Bench;
afterEach(() => bench.desk.close());

const PATIENCE_MS = 30_000;

describe.each(hasPostgres ? ["sqlite", "postgres"] : ["sqlite"])("on %s", (engine) => {
  const open = async (): Promise<void> => {
    bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
  };

  test(
    "one call lies outside of our count, two lie there",
    async () => {
      await open();
      const flag = (number: number): Promise<void> =>
        bench.write(async ({ ledger }) => {
          const call = makeCall(number, { freshInputTokens: 90, cacheReadTokens: 0, units: null });
          await ledger.add(call);
          await ledger.addRecounts([makeRecount(call.id, { verdict: "over" })]);
        });
      await flag(1);
      expect((await bench.desk.run("audit tokens")).err).toContain("1 call lies outside of what our count allows");
      await flag(2);
      expect((await bench.desk.run("audit tokens")).err).toContain("2 calls lie outside of what our count allows");
    },
    PATIENCE_MS,
  );

  test(
    "rows that came after the first head are told of with when they will be signed, and no more once they are",
    async () => {
      await open();
      await bench.write(async ({ ledger }, arrive) => {
        await ledger.add(makeCall(1));
        await arrive();
        const { notes } = await verifyBooks(bench);
        expect(notes[0]).toMatch(
          /^Row 1 is not signed yet \(chain .*\): a gateway signs every ledger_sign_interval \(1m unless set\), and at once when it is stopped/u,
        );
      });
      expect((await verifyBooks(bench)).notes.join()).not.toContain("not signed yet");
    },
    PATIENCE_MS,
  );
});

test.each([
  ["audit tokens --by moon", "day, key, model, provider, user"],
  ["usage breakdown --by moon", "direction, endpoint, key, model, provider, status, tag, user"],
  ["usage breakdown --by model,moon", "direction, endpoint, key, model, provider, status, tag, user"],
])("%s is refused with what it may be", async (line, names) => {
  bench = makeBench();
  const { code, err } = await bench.desk.run(line);
  expect({ code, isNamed: err.includes(names) }).toEqual({ code: EXIT.usage, isNamed: true });
});

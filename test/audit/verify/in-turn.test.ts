// Many stretches of one chain at once, without threads: each is read to its end, for a reader has fewer connections than there are stretches.

import { expect, test } from "bun:test";
import { CHAIN_RULES, scanInTurn } from "../../../src/audit/verify/index.ts";
import { openChains } from "../../../src/store/chain-reader.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { makeBench, makeCall } from "./books.ts";

const ROWS = 4_000;
const LENGTH = 500;
const EVERY = 10;

test.each(hasPostgres ? ["sqlite", "postgres"] : ["sqlite"])(
  "stretches asked for at once are gone through one after another (%s)",
  async (engine) => {
    const dsn = engine === "postgres" ? await createDatabase() : undefined;
    const bench = makeBench(dsn);
    await bench.write(async ({ ledger }) => {
      for (let number = 1; number <= ROWS; number++) await ledger.add(makeCall(number));
    });
    // Each altered row is looked at once more, while its stretch goes on.
    await bench.tamper(`update ledger_entries set output_tokens = 1 where seq % ${EVERY} = 0`);
    const reader = await openChains(dsn ?? `${bench.desk.folder}/ledger.db`, CHAIN_RULES);
    const chain = (await reader.chains())[0]?.chain ?? "";
    const scan = scanInTurn(reader);
    const scans = await Promise.all(
      Array.from({ length: ROWS / LENGTH }, (_, index) =>
        scan({ chain, after: index * LENGTH, through: (index + 1) * LENGTH, forgotten: 0 }, () => undefined),
      ),
    );
    await reader.close();
    bench.desk.close();
    const found = scans.map(({ rows, suspects, last }) => [rows, suspects.length, last]);
    expect(found).toEqual(scans.map((_, index) => [LENGTH, LENGTH / EVERY, (index + 1) * LENGTH]));
  },
  60_000,
);

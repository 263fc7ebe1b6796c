// Rows that still lie in the outbox: nothing is wrong with the books for them, and whoever verifies is told of them.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { CHAIN_RULES, scanInTurn, verifyChains } from "../../../src/audit/verify/index.ts";
import { openChains } from "../../../src/store/chain-reader.ts";
import { makeBench, makeCall } from "./books.ts";

test("rows in the outbox are no finding, and told", async () => {
  const bench = makeBench();
  await bench.write(async ({ ledger }) => {
    for (const number of [1, 2, 3, 4, 5]) await ledger.add(makeCall(number));
  });
  const [ledger, outbox] = [join(bench.desk.folder, "ledger.db"), join(bench.desk.folder, "part.db")];
  await bench.tamper(`vacuum into '${outbox}'`);
  await bench.tamper("update ledger_chains set seq = 3, hash = (select hash from ledger_entries where seq = 3)");
  await bench.tamper("delete from ledger_entries where seq > 3");
  const readers = [await openChains(ledger, CHAIN_RULES), await openChains(outbox, CHAIN_RULES)] as const;
  const [reader, waiting] = readers;
  const verified = await verifyChains({
    reader,
    outbox: waiting,
    scan: scanInTurn(reader),
    chain: null,
    from: null,
    to: null,
    kept: [],
    trusted: null,
    own: new Set(),
    onProgress: () => undefined,
  });
  for (const each of readers) await each.close();
  bench.desk.close();
  expect(verified.findings).toEqual([]);
  expect(verified.notes.join()).toContain(
    "Rows 4 to 5 are still in the outbox, and on the books once a gateway has shipped them",
  );
});

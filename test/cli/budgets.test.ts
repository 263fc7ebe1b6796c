// The budgets of a gateway on its books: what it wrote in a former life counts, however long it takes until it is there.

import { expect, test } from "bun:test";
import { openBudgets } from "../../src/cli/budgets.ts";
import type { Store } from "../../src/store/index.ts";
import { makeEntry } from "../ledger/entry.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { makeRig } from "../rig.ts";

test("rows that are still on their way to the ledger when a gateway begins count before anything is granted", async () => {
  const rig = await makeRig();
  const budget = makeBudget({ hardLimit: 1_000 });
  await rig.store.budgets.create(budget);
  const { directory, ledger } = rig;
  const row = makeEntry({ createdAt: new Date(), freshInputTokens: 960, cacheReadTokens: 0, outputTokens: 0 });
  const rows = [{ ...row, chain: ledger.chain, seq: 1_000, hash: "" } as typeof row];
  const store: Store = {
    ...rig.store,
    async arrive(limitMs = 0) {
      // As many as take longer than somebody who reads the books would wait.
      if (limitMs >= 60_000) await rig.store.ledger.append(rows.splice(0));
    },
  };
  const log = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {} };
  const { parts, close } = await openBudgets({ store, directory, ledger, log, config: () => rig.config });
  const whom = { userId: "user-1", apiKeyId: "key-1" };
  expect(await parts.budgets.look(budget, whom)).toMatchObject({ spent: 960 });
  const facts = { ...whom, tags: [], provider: "p", modelAsked: "m", modelSent: "m", atMs: Date.now() };
  const reserve = async () => parts.budgets.reserve(facts, () => ({ costNanos: null, tokens: 40 }));
  expect(await reserve()).toBeObject();
  await close();
  await rig.close();
});

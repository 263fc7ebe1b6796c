// Requests that ask for more than any number holds: a budget goes on to count for all who come after, on either engine.

import { afterEach, describe, expect, test } from "bun:test";
import { makeBudget } from "../ledger/budget/sample.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const ASK = '"model":"local/m","messages":[{"role":"user","content":"Hi"}]';

const answer = (): Response =>
  Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 400, completion_tokens: 100, total_tokens: 500 },
  });

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  describe
    .skipIf(engine === "postgres" && !hasPostgres)
    .each([
      '"max_tokens":1e999',
      '"max_tokens":1e300',
      '"max_tokens":"99999999999999999999"',
      '"max_tokens":9,"n":1e999',
      '"max_tokens":0,"n":1e999',
    ])("%s", (limit) => {
    test.each(["enforce", "shadow"] as const)("budgets that %s", async (mode) => {
      const dsn = engine === "postgres" ? await createDatabase() : null;
      rig = await makeRig({
        upstream: answer,
        config: (base) => (dsn === null ? base : { ...base, identityPath: dsn, ledgerPath: dsn }),
      });
      const budget = makeBudget({ hardLimit: 1_000, mode });
      await rig.store.budgets.create(budget);
      await rig.budgets.refresh();
      const answers = [];
      for (const asked of [limit, '"max_tokens":10', '"max_tokens":10'])
        answers.push(await rig.send("/v1/chat/completions", { body: `{${ASK},${asked}}` }));
      const isShadow = mode === "shadow";
      expect(answers.map(({ status }) => status)).toEqual([200, 200, isShadow ? 200 : 429]);
      expect(answers[2]?.headers.get("x-tokligence-budget-shadow")).toBe(isShadow ? "would refuse" : null);
      expect(await rig.budgets.look(budget, null)).toMatchObject({ spent: isShadow ? 1_500 : 1_000, held: 0 });
      expect(rig.log.filter((line) => line.includes("budget fault"))).toEqual([]);
    });
  });
});

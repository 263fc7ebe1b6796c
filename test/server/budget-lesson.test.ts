// A provider that bills more than a request says that it may cost: once one such call is settled, those after it have it reserved.

import { afterEach, expect, test } from "bun:test";
import { makeBudget, passTime } from "../ledger/budget/sample.ts";
import { type Rig, makeRig } from "../rig.ts";
import { completion } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** For what it looked up by itself, say. */
const BILLED = 5_000;
const ASK = { model: "gpt-4o", max_tokens: 1, messages: [{ role: "user", content: "Hi" }] };

test.each([
  ["tokens", BILLED, 60_000],
  // At $2.50 a million.
  ["usd", BILLED * 2_500, 60_000 * 2_500],
] as const)("a limit in %s holds for all that come at once behind the first", async (unit, cost, hardLimit) => {
  const gateway = await makeRig({
    upstream: ({ method }) =>
      method === "GET"
        ? Response.json({ data: [] })
        : Response.json({ ...completion("Hi"), usage: { prompt_tokens: BILLED, completion_tokens: 0 } }),
  });
  rig = gateway;
  const budget = makeBudget({ unit, hardLimit });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  expect((await gateway.chat(ASK)).status).toBe(200);
  const all = Promise.all(Array.from({ length: 30 }, () => gateway.chat(ASK)));
  await passTime(gateway.clock, 5_000);
  const statuses = (await all).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect((await gateway.budgets.look(budget, null))?.spent).toBe(hardLimit);
  expect(statuses.filter((status) => status === 200).length).toBe(hardLimit / cost - 1);
});

test("likewise for those that wait until there is room", async () => {
  const gate = Promise.withResolvers<void>();
  // Six answers, as long as the model can make them, and little more.
  const hardLimit = 6 * 16_384 + 100;
  const gateway = await makeRig({
    async upstream({ method, text }) {
      if (method === "GET") return Response.json({ data: [] });
      if (text.includes('"n":6')) await gate.promise;
      return Response.json({ ...completion("Hi"), usage: { prompt_tokens: BILLED, completion_tokens: 0 } });
    },
  });
  rig = gateway;
  const budget = makeBudget({ hardLimit });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  // The first has all that is left reserved, and needs a part of it.
  const first = gateway.chat({ ...ASK, n: 6, max_tokens: 16_384 });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  const others = Array.from({ length: 40 }, () => gateway.chat(ASK));
  await passTime(gateway.clock, 500);
  const all = Promise.all([first, ...others]);
  gate.resolve();
  await passTime(gateway.clock, 5_000);
  const statuses = (await all).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect((await gateway.budgets.look(budget, null))?.spent).toBeLessThanOrEqual(hardLimit + 2 * BILLED);
});

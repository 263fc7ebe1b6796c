// What a provider used of a call that another one is asked for next is paid for already: it stays counted against budgets until the call's row says so.

import { afterEach, expect, test } from "bun:test";
import { makeBudget, passTime } from "../ledger/budget/sample.ts";
import type { Rig } from "../rig.ts";
import { SECOND, broken, completion, isFirst, openFleet, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** About 8,000 tokens as we count them, 10,000 as they are reserved. */
const ASK = { model: "gpt-4o", max_tokens: 1, messages: [{ role: "user", content: "word ".repeat(6_000) }] };
const LIMIT = 45_000;
const MOST = 11_000;

/** Its input was read, and its answer did not come whole. */
const breakOff = (): Response =>
  new Response(broken(['{"id":"x","choices":[']).body, { headers: { "content-type": "application/json" } });

/** So many at once, of which the calls that are not the first at their provider wait until all have come. */
async function askAtOnce(count: number, others: typeof SECOND, isBroken: (url: string) => boolean) {
  const gate = Promise.withResolvers<void>();
  const gateway = await openFleet(
    async ({ method, url }) => {
      if (method === "GET") return Response.json({ data: [] });
      if (isBroken(url)) return breakOff();
      await gate.promise;
      return Response.json({ ...completion("Hi"), usage: { prompt_tokens: 7_500, completion_tokens: 1 } });
    },
    { others },
  );
  rig = gateway;
  const budget = makeBudget({ hardLimit: LIMIT });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const pending = Array.from({ length: count }, () => gateway.chat(ASK));
  await passTime(gateway.clock, 5_000);
  const { spent = 0, held = 0 } = (await gateway.budgets.look(budget, null)) ?? {};
  gate.resolve();
  const all = Promise.all(pending);
  await passTime(gateway.clock, 10_000);
  const statuses = (await all).map(({ status }) => status);
  const ended = await gateway.budgets.look(budget, null);
  return { statuses, used: spent + held, ended };
}

test("of another provider", async () => {
  const { statuses, used, ended } = await askAtOnce(30, SECOND, isFirst);
  expect(statuses).toContain(200);
  expect(ended).toMatchObject({ held: 0 });
  expect(ended?.spent).toBeLessThanOrEqual(LIMIT + MOST);
  // Also while it is asked for.
  expect(used).toBeGreaterThan(LIMIT);
});

test("of the same one", async () => {
  let count = 0;
  const { ended } = await askAtOnce(30, [], () => count++ % 3 !== 2);
  expect(ended).toMatchObject({ held: 0 });
  expect(ended?.spent).toBeLessThanOrEqual(LIMIT + MOST);
});

test("nothing of who used nothing", async () => {
  const gateway = await openFleet(
    ({ method, url }) => {
      if (method === "GET") return Response.json({ data: [] });
      return isFirst(url) ? refusal(500) : Response.json(completion("Hi"));
    },
    { others: SECOND },
  );
  rig = gateway;
  // Room for one at a time, and no more.
  await gateway.store.budgets.create(makeBudget({ hardLimit: 9_000 }));
  await gateway.budgets.refresh();
  expect((await gateway.chat(ASK)).status).toBe(200);
});

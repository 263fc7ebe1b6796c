// What the metrics tell of second targets that are asked beside slow ones: how many, how many were the faster, and what was paid in vain.

import { afterEach, expect, test } from "bun:test";
import { type Stage, openStage, sayAs } from "./hedge-scene.ts";

let stage: Stage | null = null;
afterEach(() => stage?.rig.close().finally(() => (stage = null)));

async function readFigures({ rig }: Stage): Promise<string[]> {
  const { token } = await rig.issue("gateway_admin");
  const text = await (await rig.send("/metrics", { token })).text();
  return text.split("\n").filter((line) => line.startsWith("tokligence_hedges_"));
}

test("second calls, those that won, and the cost of those that were given up", async () => {
  const at = (stage = await openStage());
  expect(await readFigures(at)).toEqual(["tokligence_hedges_started_total 0", "tokligence_hedges_won_total 0"]);
  for (const winner of [2, 1]) {
    const before = at.actors.length;
    const response = at.rig.chat({ model: "smart", messages: [{ role: "user", content: "Hello there" }] });
    const first = await at.called(before + 1);
    at.clock.advance(400);
    const second = await at.called(before + 2);
    const actor = winner === 1 ? first : second;
    actor.answer(sayAs(actor));
    await (await response).text();
  }
  // "Hello there" is three tokens by our own count.
  expect((await readFigures(at)).toSorted()).toEqual([
    'tokligence_hedges_lost_cost_nanodollars_total{provider="anthropic"} 9000',
    'tokligence_hedges_lost_cost_nanodollars_total{provider="openai"} 7500',
    "tokligence_hedges_started_total 2",
    "tokligence_hedges_won_total 1",
  ]);
});

test("a call that is made alone is none of them", async () => {
  const at = (stage = await openStage());
  const response = at.rig.chat({ model: "smart", messages: [{ role: "user", content: "Hello there" }] });
  const first = await at.called(1);
  first.answer(sayAs(first));
  await (await response).text();
  expect(await readFigures(at)).toEqual(["tokligence_hedges_started_total 0", "tokligence_hedges_won_total 0"]);
});

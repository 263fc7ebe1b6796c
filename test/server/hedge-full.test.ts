// A second call beside a slow one, where its provider has no place free: it is made at once or not at all, and never waits for its turn.

import { afterEach, expect, test } from "bun:test";
import { HEDGED, type Stage, openStage, sayAs } from "./hedge-scene.ts";

let stage: Stage | null = null;
afterEach(() => stage?.rig.close().finally(() => (stage = null)));

const MESSAGES = [{ role: "user", content: "Hello there" }];

async function settle(): Promise<void> {
  for (let round = 0; round < 50; round++) await new Promise(setImmediate);
}

async function open(targets: string): Promise<Stage> {
  stage = await openStage({ atOnce: 1, maxAttempts: 3, routes: { smart: { ...HEDGED.smart, targets } } });
  return stage;
}

test("a second target that is full is not asked, not even once a place is free", async () => {
  const at = await open("openai/gpt-4o, anthropic/claude-sonnet-4-5");
  const other = at.rig.chat({ model: "claude-sonnet-4-5", messages: MESSAGES });
  const holder = await at.called(1);
  const response = at.rig.chat({ model: "smart", messages: MESSAGES });
  const first = await at.called(2);
  expect([holder.host, first.host]).toEqual(["anthropic", "openai"]);
  at.clock.advance(400);
  await settle();
  expect(at.actors).toHaveLength(2);
  holder.answer(sayAs(holder));
  await (await other).text();
  await settle();
  expect(at.actors).toHaveLength(2);
  first.answer(sayAs(first));
  expect((await response).status).toBe(200);
  const row = (await at.rig.rows()).find(({ modelAsked }) => modelAsked === "smart");
  expect(row?.attempts.map(({ provider }) => provider)).toEqual(["openai"]);
});

test("the next one with a place is asked in its stead, at once", async () => {
  const at = await open("openai/gpt-4o, anthropic/claude-sonnet-4-5, local/third");
  const other = at.rig.chat({ model: "claude-sonnet-4-5", messages: MESSAGES });
  const holder = await at.called(1);
  const response = at.rig.chat({ model: "smart", messages: MESSAGES });
  await at.called(2);
  at.clock.advance(400);
  const second = await at.called(3);
  expect(second.host).toBe("local");
  second.answer(sayAs(second));
  expect((await response).headers.get("x-tokligence-provider")).toBe("local");
  holder.answer(sayAs(holder));
  await other;
});

test("the same provider's other model takes no place that its first call has", async () => {
  const at = await open("openai/gpt-4o, openai/gpt-4o-mini");
  const response = at.rig.chat({ model: "smart", messages: MESSAGES });
  const first = await at.called(1);
  at.clock.advance(400);
  await settle();
  expect(at.actors).toHaveLength(1);
  first.answer(sayAs(first));
  expect((await response).status).toBe(200);
  await settle();
  expect(at.actors).toHaveLength(1);
});

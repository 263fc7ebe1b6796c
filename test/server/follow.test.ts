// What works on behind everybody's back and is never asked for again: it is followed until what it cost is on the books, once, as its maker's.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

const [MINUTE_MS, DAY_MS] = [60_000, 86_400_000];
const [FIRST_LOOK_MS, LOOK_EVERY_MS] = [MINUTE_MS, 20 * MINUTE_MS];

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const USAGE = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
const ENDED = { status: "completed", completed_at: 1_700_000_500, usage: USAGE };

/** A provider with one batch, which is as far as the test says. */
async function openBatch(): Promise<{ gateway: Rig; batch: Record<string, unknown>; asked: () => number }> {
  const batch: Record<string, unknown> = { id: "batch_1", object: "batch", model: "gpt-4o", status: "in_progress" };
  const gateway = await makeRig({
    upstream: () => (batch["status"] === "gone" ? new Response("{}", { status: 404 }) : Response.json(batch)),
  });
  rig = gateway;
  return { gateway, batch, asked: () => gateway.calls.filter(({ method }) => method === "GET").length };
}

/** Moves time on until a look is over: it sets the next one only then, where others do so at once. */
async function pass({ clock }: Rig, ms: number): Promise<void> {
  let isOver = false;
  const { after } = clock;
  clock.advance(ms);
  clock.after = (delayMs, action) => {
    isOver ||= delayMs === LOOK_EVERY_MS;
    return after(delayMs, action);
  };
  while (!isOver) await new Promise(setImmediate);
  clock.after = after;
}

async function listBooked(gateway: Rig) {
  return (await gateway.rows()).filter(({ endpoint }) => endpoint === "batches.usage");
}

test("a batch that nobody looks at again is booked as its maker's, and then asked for no more", async () => {
  const { gateway, batch, asked } = await openBatch();
  const { token, userId, keyId } = await gateway.issue();
  const headers = { "x-tokligence-tags": "team=a" };
  expect((await gateway.send("/v1/batches", { token, headers, body: {} })).status).toBe(200);
  await pass(gateway, FIRST_LOOK_MS);
  expect([asked(), await listBooked(gateway)]).toEqual([1, []]);
  Object.assign(batch, ENDED);
  await pass(gateway, LOOK_EVERY_MS);
  const [row, ...more] = await listBooked(gateway);
  expect(more).toEqual([]);
  expect(row).toMatchObject({ userId, apiKeyId: keyId, tags: ["team=a"], freshInputTokens: 1_000, outputTokens: 100 });
  // Half of what gpt-4o takes: https://platform.openai.com/docs/guides/batch
  expect(row).toMatchObject({ serviceTier: "batch", costNanos: (1_000 * 2_500 + 100 * 10_000) / 2 });
  const before = asked();
  for (let round = 0; round < 3; round++) await pass(gateway, LOOK_EVERY_MS);
  expect([asked(), (await listBooked(gateway)).length]).toEqual([before, 1]);
});

test("what goes on is asked for ever less often, and after a month no more", async () => {
  const { gateway, asked } = await openBatch();
  await gateway.send("/v1/batches", { body: {} });
  await pass(gateway, FIRST_LOOK_MS);
  const counts: number[] = [];
  for (let day = 0; day < 33; day++) {
    for (let at = 0; at < DAY_MS; at += LOOK_EVERY_MS) await pass(gateway, LOOK_EVERY_MS);
    counts.push(asked());
  }
  expect(counts[0]).toBeLessThan(12);
  expect((counts[20] ?? 0) - (counts[19] ?? 0)).toBe(2);
  expect(counts[32]).toBe(counts[31] ?? 0);
});

test("what its provider no longer knows holds up nothing", async () => {
  const { gateway, batch } = await openBatch();
  await gateway.send("/v1/batches", { body: {} });
  batch["status"] = "gone";
  await pass(gateway, FIRST_LOOK_MS);
  expect(await listBooked(gateway)).toEqual([]);
  Object.assign(batch, ENDED);
  await pass(gateway, LOOK_EVERY_MS);
  expect(await listBooked(gateway)).toHaveLength(1);
});

test("whoever looks himself finds it booked once", async () => {
  const { gateway, batch } = await openBatch();
  await gateway.send("/v1/batches", { body: {} });
  Object.assign(batch, ENDED);
  expect((await readJson(await gateway.send("/v1/batches/batch_1"))).status).toBe("completed");
  await pass(gateway, FIRST_LOOK_MS);
  expect(await listBooked(gateway)).toHaveLength(1);
});

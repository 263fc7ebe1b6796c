// Tries to get in that several gateways count together through a Redis, and each by itself where that is away or hangs. On a real server.

import { afterEach, describe, expect, test } from "bun:test";
import { createMemoryTries } from "../../src/identity/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createRedisTries } from "../../src/store/redis/tries.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";
import { makeRig } from "../rig.ts";

type Opened = ReturnType<typeof createRedisTries>;

const RULE = { name: "bad-key", most: 3, windowS: 60 };
const PATIENT_MS = 5_000;

let redis: TestRedis | null = null;
const opened: Opened[] = [];
afterEach(async () => {
  for (const tries of opened.splice(0)) tries.stop();
  redis?.wake();
  await redis?.stop();
  redis = null;
});

async function join(url: string, deadlineMs = PATIENT_MS): Promise<{ tries: Opened; told: string[] }> {
  const told: string[] = [];
  const tries = createRedisTries({
    url,
    clock: systemClock,
    memory: createMemoryTries(),
    deadlineMs,
    onFault: ({ message }) => void told.push(message),
    onRecovery: () => void told.push("recovered"),
  });
  opened.push(tries);
  await until(() => tries.isConnected());
  return { tries, told };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!isSo()) {
    if (Date.now() > deadlineMs) throw new Error("It never became so.");
    await new Promise(setImmediate);
  }
}

describe.skipIf(!hasRedis)("tries on a real Redis", () => {
  test("are counted together, by subject, and forgiven together", async () => {
    redis = await startRedis();
    const [left, right] = [await join(redis.url), await join(redis.url)];
    expect((await left.tries.count(RULE, "a")).used).toBe(1);
    expect((await right.tries.count(RULE, "a")).used).toBe(2);
    expect((await right.tries.count(RULE, "b")).used).toBe(1);
    const third = await left.tries.count(RULE, "a");
    expect(third.used).toBe(3);
    expect(third.leftMs).toBeGreaterThan(0);
    expect(third.leftMs).toBeLessThanOrEqual(60_000);
    await left.tries.forgive(RULE, "a");
    // What was said on one connection is done before what is asked on it afterwards.
    expect((await left.tries.count(RULE, "a")).used).toBe(3);
    expect((await right.tries.count(RULE, "a")).used).toBe(4);
  });

  test("are counted by each alone while it hangs or is gone, and nobody waits for long", async () => {
    redis = await startRedis();
    const { tries, told } = await join(redis.url, 20);
    await tries.count(RULE, "a");
    redis.freeze();
    const startMs = performance.now();
    for (let turn = 2; turn <= 20; turn++) expect((await tries.count(RULE, "a")).used).toBe(turn);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    redis.wake();
    await redis.stop();
    await until(() => told.length > 0);
    expect((await tries.count(RULE, "a")).used).toBe(21);
  });

  test("bad keys at one gateway are bad keys at the other", async () => {
    redis = await startRedis();
    const gateways = await Promise.all(
      [0, 1].map(async () =>
        makeRig({
          tries: (await join((redis as TestRedis).url)).tries,
          config: (base) => ({ ...base, entry: { ...base.entry, badKeysPerMinute: 4 } }),
        }),
      ),
    );
    const statuses: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const request = new Request("http://gateway.test/v1/models", {
        headers: { authorization: `Bearer tok_${"x".repeat(43)}` },
      });
      const listener = { requestIP: () => ({ address: "192.0.2.1" }), timeout: () => undefined, upgrade: () => false };
      const gateway = gateways[turn % 2];
      statuses.push((await gateway?.app.fetch(request, listener))?.status ?? 0);
    }
    for (const gateway of gateways) await gateway.close();
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
  });
});

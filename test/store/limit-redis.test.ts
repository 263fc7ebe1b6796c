// Rate limits that several gateways share through a Redis: never more than there is, all or nothing, and counted by each gateway alone where Redis
// is away or slow, at the cost of milliseconds. On a real server, which dies, hangs and comes back.

import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { RedisClient } from "bun";
import { type Need, createMemoryCounters } from "../../src/gateway/index.ts";
import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { type RedisCounters, createRedisCounters } from "../../src/store/redis/limit.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";
import { ASK, openLimited } from "../server/limit-scene.ts";

let redis: TestRedis | null = null;
const opened: RedisCounters[] = [];
afterEach(async () => {
  for (const counters of opened.splice(0)) counters.stop();
  redis?.wake();
  await redis?.stop();
  redis = null;
});

interface Gateway {
  counters: RedisCounters;
  told: string[];
}

const PATIENT = { deadlineMs: 5_000 };
const LEASE_MS = 900;

/** Patient, unless a test is about that: a busy machine answers late. */
async function join(
  url: string,
  init: { deadlineMs?: number; leaseMs?: number; clock?: Pick<Clock, "after"> } = PATIENT,
): Promise<Gateway> {
  const told: string[] = [];
  const counters = createRedisCounters({
    url,
    clock: systemClock,
    memory: createMemoryCounters(),
    ...init,
    onFault: ({ message }) => void told.push(message),
    onRecovery: () => void told.push("recovered"),
  });
  opened.push(counters);
  await until(() => counters.isConnected());
  return { counters, told };
}

/** A machine that is busy answers late; that is no fault of what is looked at here. */
async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error("It never became so.");
    await new Promise(setImmediate);
  }
}

const need = (unit: Need["unit"], most: number, over: Partial<Need> = {}): Need => ({
  limit: "team",
  unit,
  subject: "",
  amount: 1,
  most,
  ...over,
});

async function takeShared({ counters }: Gateway, needs: readonly Need[]): Promise<boolean> {
  const { isTaken, isShared } = await counters.take(needs);
  expect(isShared).toBe(true);
  return isTaken;
}

describe.skipIf(!hasRedis)("rate limits on a real Redis", () => {
  test("two gateways together let through as many as there are", async () => {
    redis = await startRedis();
    const { url } = redis;
    const gateways = [await join(url), await join(url)];
    const taken = await Promise.all(
      Array.from({ length: 60 }, (_, turn) =>
        takeShared(gateways[turn % 2] as Gateway, [need("requests", 20), need("slots", 500)]),
      ),
    );
    expect(taken.filter(Boolean)).toHaveLength(20);
    // The refused took nothing of what stood in nobody's way.
    const figures = await gateways[0]?.counters.look("team", ["requests", "slots"]);
    expect(figures).toMatchObject([
      { unit: "requests", subject: "", used: 20 },
      { unit: "slots", subject: "", used: 20 },
    ]);
  });

  test("what is given back and what is added is there for the other one", async () => {
    redis = await startRedis();
    const { url } = redis;
    const [one, two] = [await join(url), await join(url)];
    const tokens = need("tokens", 100, { amount: 80 });
    const [seen] = (await one.counters.take([tokens])).seen;
    if (seen === undefined) throw new Error("Nothing was seen.");
    expect(seen).toMatchObject({ used: 80, isOver: false });
    expect(seen.endsMs).toBeWithin(Date.now() + 50_000, Date.now() + 60_001);
    expect(await takeShared(two, [tokens])).toBe(false);
    one.counters.adjust(seen, -70, true);
    await until(async () => (await two.counters.look("team", ["tokens"]))[0]?.used === 10);
    expect(await takeShared(two, [tokens])).toBe(true);
    // Nothing comes back to a window that is over.
    one.counters.adjust({ ...seen, endsMs: Date.now() }, -70, true);
    one.counters.adjust(seen, 1_000, true);
    await until(async () => (await two.counters.look("team", ["tokens"]))[0]?.used === 1_090);
  });

  test("nothing comes back to a window that it was not taken of, also where the clock is set back", async () => {
    redis = await startRedis();
    const one = await join(redis.url);
    const tokens = need("tokens", 100, { amount: 40 });
    const [seen] = (await one.counters.take([tokens])).seen;
    if (seen === undefined) throw new Error("Nothing was seen.");
    // By a clock that was set back since, a window that is over ends in an hour.
    one.counters.adjust({ ...seen, endsMs: Date.now() + 3_600_000 }, -40, true);
    one.counters.adjust(seen, -10, true);
    await until(async () => ((await one.counters.look("team", ["tokens"]))[0]?.used ?? 40) < 40);
    expect((await one.counters.look("team", ["tokens"]))[0]?.used).toBe(30);
  });

  test("what takes nothing is not refused where more was used than there is", async () => {
    redis = await startRedis();
    const one = await join(redis.url);
    const [seen] = (await one.counters.take([need("tokens", 100)])).seen;
    if (seen === undefined) throw new Error("Nothing was seen.");
    one.counters.adjust(seen, 500, true);
    await until(async () => (await one.counters.look("team", ["tokens"]))[0]?.used === 501);
    const free = [need("requests", 5), need("tokens", 100, { amount: 0 })];
    expect(await takeShared(one, free)).toBe(true);
    expect(await takeShared(one, [need("requests", 5), need("tokens", 100)])).toBe(false);
    expect((await one.counters.look("team", ["requests"]))[0]?.used).toBe(1);
  });

  test("places of a gateway that died are free again when their lease ends; of one that lives they stay", async () => {
    redis = await startRedis();
    const { url } = redis;
    const short = { ...PATIENT, leaseMs: LEASE_MS };
    const [living, dying] = [await join(url, short), await join(url, short)];
    expect(await takeShared(living, [need("slots", 2)])).toBe(true);
    expect(await takeShared(dying, [need("slots", 2)])).toBe(true);
    // Gone without a word.
    dying.counters.stop();
    expect(await takeShared(living, [need("slots", 2)])).toBe(false);
    const client = new RedisClient(url);
    const [key] = (await client.send("KEYS", ["tokligence:{limit}:slots:*"])) as string[];
    const leases = (await client.send("ZRANGE", [key ?? "", "0", "-1", "WITHSCORES"])) as unknown[];
    client.close();
    const ends = leases
      .flat()
      .map(Number)
      .filter((score) => score > 1e12);
    expect(ends).toHaveLength(2);
    for (const end of ends) expect(end).toBeWithin(Date.now() - LEASE_MS, Date.now() + LEASE_MS + 1);
    await until(async () => {
      const { isTaken, isShared } = await living.counters.take([need("slots", 2)]);
      return isTaken && isShared;
    });
    // The living one's own was renewed meanwhile: there is no third.
    expect(await takeShared(living, [need("slots", 2)])).toBe(false);
  }, 40_000);

  test("places that are held are seen by a gateway whose clock is fast", async () => {
    redis = await startRedis();
    const gateway = await join(redis.url);
    expect(await takeShared(gateway, [need("slots", 2)])).toBe(true);
    setSystemTime(new Date(Date.now() + 3_600_000));
    try {
      expect(await gateway.counters.look("team", ["slots"])).toMatchObject([{ used: 1 }]);
    } finally {
      setSystemTime();
    }
  });

  test("whoever looks while Redis hangs is shown what is known here", async () => {
    redis = await startRedis();
    const soon = (ms: number): number => (ms === 5_000 ? 50 : ms);
    const clock: Pick<Clock, "after"> = { after: (ms, work) => systemClock.after(soon(ms), work) };
    const gateway = await join(redis.url, { deadlineMs: 6_000, clock });
    expect(await takeShared(gateway, [need("requests", 5)])).toBe(true);
    redis.freeze();
    expect(await gateway.counters.look("team", ["requests"])).toMatchObject([{ unit: "requests", used: 1 }]);
  });

  test("while Redis hangs, memory decides in milliseconds, and goes on where Redis was", async () => {
    redis = await startRedis();
    const gateway = await join(redis.url, {});
    let shared = 0;
    while (shared < 3) {
      const { isTaken, isShared } = await gateway.counters.take([need("requests", 1_000)]);
      expect(isTaken).toBe(true);
      if (isShared) shared++;
      await until(() => gateway.counters.isConnected());
    }
    const most = 2 + ((await gateway.counters.look("team", ["requests"]))[0]?.used ?? 0);
    redis.freeze();
    const spans: number[] = [];
    const outcomes: boolean[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const startedMs = performance.now();
      const { isTaken, isShared } = await gateway.counters.take([need("requests", most), need("slots", 50)]);
      spans.push(performance.now() - startedMs);
      expect(isShared).toBe(false);
      outcomes.push(isTaken);
    }
    expect(outcomes).toEqual([true, true, false, false, false, false]);
    // Only the first waits for Redis at all. A busy machine may be late itself: the shortest tells, and of the one
    // that waits no more than that it does so for a moment, not until Redis is back.
    expect(spans[0]).toBeLessThan(1_000);
    expect(Math.min(...spans.slice(1))).toBeLessThan(1);
    redis.wake();
    await until(() => gateway.counters.isConnected());
    // What came too late was counted here, and is given back there; what was let in here is told there, once.
    await until(async () => (await gateway.counters.look("team", ["requests"]))[0]?.used === most);
  }, 30_000);

  test("one that answers, but never in time, is told of once, and when it is quick again", async () => {
    redis = await startRedis();
    let isLate = true;
    const none = (): void => undefined;
    const clock: Pick<Clock, "after"> = {
      after(ms, work) {
        // It rests for a moment only, and no answer comes before the deadline.
        if (ms !== 4_000 || !isLate) return systemClock.after(ms === 500 ? 1 : ms, work);
        work();
        return none;
      },
    };
    const gateway = await join(redis.url, { deadlineMs: 4_000, clock });
    const ask = () => gateway.counters.take([need("requests", 1e9)]);
    redis.freeze();
    await until(async () => {
      expect(await ask()).toMatchObject({ isTaken: true, isShared: false });
      return gateway.told.length > 0;
    });
    expect(gateway.told).toEqual(["Redis did not answer within 4000 ms."]);
    redis.wake();
    isLate = false;
    await until(async () => (await ask()).isShared);
    expect(gateway.told).toEqual(["Redis did not answer within 4000 ms.", "recovered"]);
  }, 40_000);

  test("one that takes nothing, such as a replica, is told of with its own words", async () => {
    redis = await startRedis();
    const gateway = await join(redis.url);
    const client = new RedisClient(redis.url);
    await client.send("REPLICAOF", ["127.0.0.1", "1"]);
    await until(async () => {
      const { isTaken, isShared } = await gateway.counters.take([need("requests", 1e9)]);
      expect([isTaken, isShared]).toEqual([true, false]);
      return gateway.told.length > 0;
    });
    expect(gateway.told).toEqual([expect.stringContaining("READONLY")]);
    await client.send("REPLICAOF", ["NO", "ONE"]);
    client.close();
    await until(async () => (await gateway.counters.take([need("requests", 1e9)])).isShared);
    expect(gateway.told.at(-1)).toBe("recovered");
  }, 40_000);

  test("a moment without Redis lets nobody in where others have all places", async () => {
    redis = await startRedis();
    const { url } = redis;
    const [one, two] = [await join(url), await join(url, { deadlineMs: 50 })];
    for (let turn = 0; turn < 2; turn++) expect(await takeShared(one, [need("slots", 2)])).toBe(true);
    await until(async () => {
      const { isTaken, isShared } = await two.counters.take([need("slots", 2)]);
      expect(isTaken).toBe(false);
      return isShared;
    });
    redis.freeze();
    expect(await two.counters.take([need("slots", 2)])).toMatchObject({ isTaken: false, isShared: false });
    expect(await two.counters.take([need("slots", 3)])).toMatchObject({ isTaken: true, isShared: false });
  });

  test("what others held is old news soon also where the clock is set back meanwhile", async () => {
    redis = await startRedis();
    const { url } = redis;
    const [one, two] = [await join(url), await join(url)];
    expect(await takeShared(one, [need("slots", 1)])).toBe(true);
    expect(await takeShared(two, [need("slots", 1)])).toBe(false);
    await redis.stop();
    await until(() => !two.counters.isConnected());
    setSystemTime(new Date(Date.now() - 3_600_000));
    try {
      const startedMs = performance.now();
      while (!(await two.counters.take([need("slots", 1)])).isTaken && performance.now() - startedMs < 4_000)
        await new Promise(setImmediate);
      expect(performance.now() - startedMs).toBeLessThan(4_000);
    } finally {
      setSystemTime();
    }
  }, 20_000);

  test("a place that was given here, as Redis was late, stays taken once its answer comes after all", async () => {
    redis = await startRedis();
    const { url } = redis;
    // Nothing is renewed, so that what is known there is what came of the answer.
    const clock: Pick<Clock, "after"> = {
      after: (ms, work) => systemClock.after(ms > 60_000 ? 1e9 : ms, work),
    };
    const [late, other] = [await join(url, { deadlineMs: 50, leaseMs: 600_000, clock }), await join(url)];
    const place = need("slots", 1);
    redis.freeze();
    expect(await late.counters.take([place])).toMatchObject({ isTaken: true, isShared: false });
    redis.wake();
    await until(() => late.counters.isConnected());
    await until(async () => (await late.counters.take([need("requests", 1e9)])).isShared);
    expect(await takeShared(other, [place])).toBe(false);
    late.counters.leave(place);
    await until(() => takeShared(other, [place]));
  }, 30_000);

  test("while Redis is away each gateway counts by itself, and it is shared again when it is back", async () => {
    redis = await startRedis();
    const port = Number(new URL(redis.url).port);
    const gateway = await join(redis.url);
    expect(await takeShared(gateway, [need("requests", 3), need("slots", 9)])).toBe(true);
    await redis.stop();
    await until(() => !gateway.counters.isConnected());
    const taken = [];
    for (let turn = 0; turn < 3; turn++)
      taken.push(await gateway.counters.take([need("requests", 3), need("slots", 9)]));
    expect(taken.map(({ isTaken, isShared }) => [isTaken, isShared])).toEqual([
      [true, false],
      [true, false],
      [false, false],
    ]);
    redis = await startRedis(port);
    await until(() => gateway.counters.isConnected());
    expect(gateway.told.at(-1)).toBe("recovered");
    // What it let in meanwhile is known there.
    await until(async () => (await gateway.counters.look("team", ["slots"]))[0]?.used === 3);
  }, 60_000);

  test("what was let in while Redis hung is known there once it answers again", async () => {
    redis = await startRedis();
    const [gateway, other] = [await join(redis.url, { deadlineMs: 200 }), await join(redis.url)];
    const asked = [need("requests", 5), need("tokens", 500, { amount: 100 })];
    const take = () => gateway.counters.take(asked);
    const shared = await take();
    redis.freeze();
    const taken = [await take(), await take(), await take()];
    expect([shared, ...taken].map(({ isTaken }) => isTaken)).toEqual([true, true, true, true]);
    const tokens = taken[0]?.seen[1];
    if (tokens !== undefined) gateway.counters.adjust(tokens, -70, false);
    redis.wake();
    const look = async () => (await other.counters.look("team", ["requests", "tokens"])).map(({ used }) => used);
    await until(async () => (await look()).join() === "4,330");
    expect([await takeShared(other, asked), await takeShared(other, asked)]).toEqual([true, false]);
  }, 30_000);

  test("two whole gateways share what the clients of both may ask", async () => {
    redis = await startRedis();
    const { url } = redis;
    const rigs = await Promise.all(
      [1, 2].map(async () => {
        const { counters } = await join(url);
        return openLimited({ counters, limits: { all: { requests: 4, slots: 4 } } });
      }),
    );
    const statuses: number[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const rig = rigs[turn % 2];
      if (rig !== undefined) statuses.push((await rig.chat(ASK)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429]);
  }, 30_000);
});

// The connections to a Redis that are made again for as long as it takes. On a real server.

import { afterEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { systemClock } from "../../src/lib/clock.ts";
import { type Link, openLink } from "../../src/store/redis/link.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";

let redis: TestRedis | null = null;
let link: Link | null = null;
afterEach(async () => {
  link?.stop();
  redis?.wake();
  await redis?.stop();
  redis = null;
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

interface Seen {
  link: Link;
  told: string[];
  /** What was waited for since it was there for the first time, in milliseconds. */
  waits: number[];
  heard: string[];
}

async function join(url: string): Promise<Seen> {
  const seen = { told: [] as string[], waits: [] as number[], heard: [] as string[] };
  link = openLink({
    url,
    channel: "test",
    // Nobody waits for the next try.
    clock: {
      after(ms, work) {
        seen.waits.push(ms);
        return systemClock.after(ms === 1_000 ? 1 : ms, work);
      },
    },
    hear: (message) => void seen.heard.push(message),
    opened: () => Promise.resolve(),
    onFault: ({ message }) => void seen.told.push(message),
    onRecovery: () => void seen.told.push("recovered"),
  });
  const own = link;
  await until(() => own.client() !== null);
  seen.waits.length = 0;
  return { ...seen, link: own };
}

describe.if(hasRedis)("a link to Redis", () => {
  test("that is given up says why, and is made again once, after the shortest wait", async () => {
    redis = await startRedis();
    const { link: own, told, waits, heard } = await join(redis.url);
    own.use(() => Promise.reject(new Error("It takes nothing.")));
    await until(() => own.client() === null);
    await until(() => own.client() !== null);
    expect(told).toEqual(["It takes nothing.", "recovered"]);
    expect(waits.filter((ms) => ms === 1_000 || ms === 4_000)).toEqual([1_000]);
    const client = new RedisClient(redis.url);
    expect(await client.publish("test", "once")).toBe(1);
    client.close();
    await until(() => heard.length > 0);
    expect(heard).toEqual(["once"]);
  });

  test("that the server ends is made again likewise", async () => {
    redis = await startRedis();
    const { link: own, told, waits } = await join(redis.url);
    const client = new RedisClient(redis.url);
    for (const type of ["normal", "pubsub"]) await client.send("CLIENT", ["KILL", "TYPE", type, "SKIPME", "yes"]);
    await until(() => own.client() === null);
    await until(() => own.client() !== null);
    expect(await client.send("PUBSUB", ["NUMSUB", "test"])).toMatchObject(["test", 1]);
    client.close();
    expect(told).toEqual(["Connection closed", "recovered"]);
    expect(waits.filter((ms) => ms === 1_000 || ms === 4_000)).toEqual([1_000]);
  });
});

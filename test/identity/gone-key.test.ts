// What the memory copy of keys forgets, so that keys which come and go do not add up: who is gone, and answers that nobody asked for of late.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Actor, type Directory, createDirectory, createKeyRing } from "../../src/identity/index.ts";
import { createTimetable, type House, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };

let house: House;
/** The command line, at work on the same database. */
let elsewhere: Directory;

beforeEach(async () => {
  house = await openHouse();
  const other = await house.openAgain();
  elsewhere = createDirectory({ store: other.identity, now: () => house.clock.now });
});
afterEach(() => house.close());

function build() {
  const timetable = createTimetable();
  const ring = createKeyRing({
    store: house.store.identity,
    now: () => house.clock.now,
    schedule: timetable.schedule,
    onError(error) {
      throw error;
    },
  });
  /** Lets the scheduled poll run to its end. */
  async function poll(): Promise<void> {
    timetable.turn();
    while (timetable.delays().length === 0) await new Promise(setImmediate);
  }
  return { ring, poll };
}

async function addKey() {
  const user = await elsewhere.createUser(OPERATOR, { email: `${crypto.randomUUID()}@x.y`, displayName: "Ann" });
  return { user, ...(await elsewhere.createKey(OPERATOR, user.id, {})) };
}

describe("who is gone", () => {
  const passSweep = async (poll: () => Promise<void>, ms: number): Promise<void> => {
    house.clock.now += ms;
    await poll();
  };

  test("is told why for a quarter of an hour, and is unknown then, as after a start", async () => {
    const [revoked, deleted, stays] = [await addKey(), await addKey(), await addKey()];
    const { ring, poll } = build();
    await ring.load();
    ring.start();
    await elsewhere.revokeKey(OPERATOR, revoked.key.id);
    await elsewhere.deleteUser(OPERATOR, deleted.user.id, { hard: false });
    await passSweep(poll, 6_000);
    const resolve = () => [revoked, deleted].map(({ token }) => ring.resolve(token));
    expect(resolve()).toEqual(["revoked", "deleted"]);
    await passSweep(poll, 14 * 60_000);
    expect(resolve()).toEqual(["revoked", "deleted"]);
    await passSweep(poll, 60_000 + 6_000);
    expect(resolve()).toEqual(["unknown", "unknown"]);
    expect(ring.resolve(stays.token)).toBeObject();
    const again = build().ring;
    await again.load();
    expect([revoked, deleted].map(({ token }) => again.resolve(token))).toEqual(["unknown", "unknown"]);
    await ring.stop();
  });
});

test("a key that nobody used for long is answered as ever, and its use is noted once again", async () => {
  const { user, key, token } = await addKey();
  const { ring, poll } = build();
  await ring.load();
  ring.start();
  const first = ring.resolve(token);
  for (const minutes of [1, 16, 16]) {
    house.clock.now += minutes * 60_000;
    await poll();
  }
  const again = ring.resolve(token);
  expect(again).toEqual(first);
  expect(ring.resolve(token)).toBe(again);
  await elsewhere.updateUser(OPERATOR, user.id, { status: "suspended" });
  house.clock.now += 6_000;
  await poll();
  expect(ring.resolve(token)).toBe("suspended");
  const noted = await house.store.identity.findKey(key.id);
  expect(noted?.lastUsedAt?.getTime()).toBe(house.clock.now - 6_000);
  await ring.stop();
});

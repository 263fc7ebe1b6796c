// What goes on by a key or a session ends with it, wherever that was ended: the memory copy tells, and asks the database nothing for it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type Actor,
  type Directory,
  createDirectory,
  createKeyRing,
  createSignIn,
  hashToken,
} from "../../src/identity/index.ts";
import { createTimetable, type House, NOON, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };
const REVOKED = "This API key was revoked. Ask an administrator for a new one.";
const DELETED = "The owner of this API key was deleted, and the key with him. Ask an administrator.";
const EXPIRED = "This API key has expired. Ask an administrator for a new one.";

let house: House;
/** The command line, at work on the same database. */
let elsewhere: Directory;

beforeEach(async () => {
  house = await openHouse();
  const other = await house.openAgain();
  elsewhere = createDirectory({ store: other.identity, now: () => house.clock.now });
});
afterEach(() => house.close());

function build({ changes }: Partial<Pick<Parameters<typeof createKeyRing>[0]["store"], "changes">> = {}) {
  const timetable = createTimetable();
  const { identity } = house.store;
  const ring = createKeyRing({
    store: { ...identity, changes: changes ?? ((revision) => identity.changes(revision)) },
    now: () => house.clock.now,
    schedule: timetable.schedule,
    onError: () => undefined,
  });
  /** Lets the scheduled poll run to its end. */
  async function poll(): Promise<void> {
    timetable.turn();
    while (timetable.delays().length === 0) await new Promise(setImmediate);
  }
  return { ring, poll };
}

async function addKey(options: Parameters<Directory["createKey"]>[2] = {}) {
  const user = await elsewhere.createUser(OPERATOR, { email: `${crypto.randomUUID()}@x.y`, displayName: "Ann" });
  return { user, ...(await elsewhere.createKey(OPERATOR, user.id, options)) };
}

describe("what goes on by a key or a session", () => {
  function follow(ring: ReturnType<typeof createKeyRing>, mark: string | undefined) {
    const ends: string[] = [];
    const watched = { mark, end: ({ message }: Error) => void ends.push(message) };
    ring.watch(watched);
    return { ends, watched };
  }

  test("is told at the next poll that it ended elsewhere, once, and nobody else is", async () => {
    const [gone, kept, idle] = [await addKey(), await addKey(), await addKey()];
    const { ring, poll } = build();
    await ring.load();
    ring.start();
    const [one, two, other, unwatched, nobody] = [
      follow(ring, hashToken(gone.token)),
      follow(ring, hashToken(gone.token)),
      follow(ring, hashToken(kept.token)),
      follow(ring, hashToken(idle.token)),
      follow(ring, undefined),
    ];
    ring.unwatch(unwatched.watched);
    await elsewhere.deleteUser(OPERATOR, gone.user.id, { hard: false });
    await elsewhere.revokeKey(OPERATOR, idle.key.id);
    await poll();
    await poll();
    expect([one.ends, two.ends]).toEqual([[DELETED], [DELETED]]);
    expect([other.ends, unwatched.ends, nobody.ends]).toEqual([[], [], []]);
  });

  test("ends with its key's time, though the database does not answer", async () => {
    const { token } = await addKey({ expiresAt: new Date(NOON + 1_000) });
    let isDown = false;
    const { ring, poll } = build({
      changes: (revision) => (isDown ? Promise.reject(new Error("down")) : house.store.identity.changes(revision)),
    });
    await ring.load();
    ring.start();
    isDown = true;
    const { ends } = follow(ring, hashToken(token));
    await poll();
    expect(ends).toEqual([]);
    house.clock.now += 1_000;
    await poll();
    expect(ends).toEqual([EXPIRED]);
  });

  test("ends with its session", async () => {
    const { user } = await addKey();
    const signIn = createSignIn({ store: house.store.identity, now: () => house.clock.now });
    const [entered, other] = [
      await signIn.enter(user, { userAgent: null, address: null }),
      await signIn.enter(user, { userAgent: null, address: null }),
    ];
    const { ring, poll } = build();
    await ring.load();
    ring.start();
    const [one, two] = [follow(ring, hashToken(entered.token)), follow(ring, hashToken(other.token))];
    await signIn.endSession(entered.of.id, null);
    await poll();
    expect([one.ends, two.ends]).toEqual([[REVOKED], []]);
    await elsewhere.updateUser(OPERATOR, user.id, { status: "suspended" });
    await poll();
    expect(two.ends).toHaveLength(1);
  });

  test("goes on with the same limits of its key, however many keys have others", async () => {
    const { user, token } = await addKey({ allowedModels: ["gpt-*"] });
    const first = await house.store.identity.changes(null);
    const [own] = first.keys;
    if (own === undefined) throw new Error("there is no key");
    const tokens = Array.from({ length: 10_001 }, (_, index) => `tok_${String(index).padStart(43, "0")}`);
    const others = tokens.map((each, index) => ({
      ...own,
      id: `key-${index}`,
      hash: hashToken(each),
      limits: { models: [`model-${index}`] },
    }));
    let isFirst = true;
    const { ring, poll } = build({
      async changes(revision) {
        const found = isFirst ? first : await house.store.identity.changes(revision);
        const keys = isFirst ? [...found.keys, ...others] : found.keys;
        isFirst = false;
        return { ...found, keys };
      },
    });
    await ring.load();
    ring.start();
    const rights = ring.resolve(token);
    if (typeof rights === "string") throw new Error(rights);
    const ends: string[] = [];
    ring.watch({ mark: rights.mark, rights, end: ({ message }) => void ends.push(message) });
    for (const each of tokens) expect(ring.resolve(each)).toBeObject();
    await elsewhere.updateUser(OPERATOR, user.id, { displayName: "Bea" });
    await poll();
    expect(ring.resolve(token)).toMatchObject({ displayName: "Bea" });
    expect(ends).toEqual([]);
    await elsewhere.updateKey(OPERATOR, own.id, { allowedModels: ["claude-*"] });
    await poll();
    expect(ends).toHaveLength(1);
  });
});

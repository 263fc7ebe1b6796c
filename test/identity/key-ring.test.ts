// The memory copy of users and keys: what it answers, how it keeps up, and what it does while the database is away.

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
const UNKNOWN = `tok_${"x".repeat(43)}`;

let house: House;
/** The command line, at work on the same database. */
let elsewhere: Directory;
let reports: string[];

beforeEach(async () => {
  house = await openHouse();
  const other = await house.openAgain();
  elsewhere = createDirectory({ store: other.identity, now: () => house.clock.now });
  reports = [];
});
afterEach(() => house.close());

function build(store: Partial<Parameters<typeof createKeyRing>[0]["store"]> = {}) {
  const timetable = createTimetable();
  const { identity } = house.store;
  const ring = createKeyRing({
    store: {
      changes: (revision) => identity.changes(revision),
      findSession: (id) => identity.findSession(id),
      touchKeys: (uses) => identity.touchKeys(uses),
      touchSessions: (uses) => identity.touchSessions(uses),
      ...store,
    },
    now: () => house.clock.now,
    schedule: timetable.schedule,
    onError: (error) => reports.push(`lost: ${(error as Error).message}`),
    onRecover: () => reports.push("back"),
  });
  /** Lets the scheduled poll run to its end. */
  async function poll(): Promise<void> {
    timetable.turn();
    while (timetable.delays().length === 0) await new Promise(setImmediate);
  }
  return { ring, timetable, poll };
}

async function addKey(options: Parameters<Directory["createKey"]>[2] = {}) {
  const user = await elsewhere.createUser(OPERATOR, { email: `${crypto.randomUUID()}@x.y`, displayName: "Ann" });
  return { user, ...(await elsewhere.createKey(OPERATOR, user.id, options)) };
}

describe("a token", () => {
  test("opens the door for its owner, with the same prebuilt answer each time", async () => {
    const { user, key, token } = await addKey({ scopes: ["usage:read"] });
    const { ring } = build();
    await ring.load();
    const caller = ring.resolve(token);
    expect(caller).toEqual({
      userId: user.id,
      email: user.email,
      displayName: "Ann",
      role: "gateway_user",
      keyId: key.id,
      sessionId: null,
      scopes: ["usage:read"],
      isStrict: false,
      limits: null,
      tags: null,
      mark: hashToken(token),
    });
    expect(Object.isFrozen(caller)).toBe(true);
    expect(ring.resolve(token)).toBe(caller);
  });

  test("that is unknown, cut, or no token at all does not", async () => {
    const { token } = await addKey();
    const { ring } = build();
    await ring.load();
    for (const text of [
      UNKNOWN,
      "",
      "Bearer",
      token.slice(0, -1),
      `${token}x`,
      ` ${token}`,
      token.toUpperCase(),
      "x".repeat(100_000),
    ]) {
      expect(ring.resolve(text)).toBe("unknown");
    }
  });

  test("expires at its moment, without anybody telling", async () => {
    const { token } = await addKey({ expiresAt: new Date(NOON + 1000) });
    const { ring } = build();
    await ring.load();
    house.clock.now = NOON + 999;
    expect(ring.resolve(token)).toBeObject();
    house.clock.now = NOON + 1000;
    expect(ring.resolve(token)).toBe("expired");
  });
});

describe("changes by another process", () => {
  test("hold at the next look: new, changed, suspended, revoked, purged", async () => {
    const { ring, poll, timetable } = build();
    await ring.load();
    ring.start();
    expect(timetable.delays()).toEqual([400]);

    const { user, key, token } = await addKey();
    expect(ring.resolve(token)).toBe("unknown");
    await poll();
    expect(ring.resolve(token)).toMatchObject({ role: "gateway_user" });

    await elsewhere.updateUser(OPERATOR, user.id, { role: "gateway_admin", displayName: "Bea" });
    await poll();
    expect(ring.resolve(token)).toMatchObject({ role: "gateway_admin", displayName: "Bea", keyId: key.id });

    await elsewhere.updateUser(OPERATOR, user.id, { status: "suspended" });
    await poll();
    expect(ring.resolve(token)).toBe("suspended");

    await elsewhere.updateUser(OPERATOR, user.id, { status: "active" });
    const twin = await elsewhere.createKey(OPERATOR, user.id, {});
    await elsewhere.deleteKey(OPERATOR, key.id, { hard: false });
    await poll();
    expect(ring.resolve(token)).toBe("revoked");
    expect(ring.resolve(twin.token)).toMatchObject({ keyId: twin.key.id });

    await elsewhere.deleteKey(OPERATOR, twin.key.id, { hard: true });
    await poll();
    expect(ring.resolve(twin.token)).toBe("unknown");
    await ring.stop();
  });

  test("a deleted user's keys say so; a purged one's unknown", async () => {
    const [first, second, third] = [await addKey(), await addKey(), await addKey()];
    const { ring } = build();
    await ring.load();
    await elsewhere.deleteUser(OPERATOR, first.user.id, { hard: false });
    await ring.refresh();
    expect(ring.resolve(first.token)).toBe("deleted");
    await elsewhere.deleteUser(OPERATOR, second.user.id, { hard: true });
    await ring.refresh();
    expect(ring.resolve(second.token)).toBe("unknown");
    expect(ring.resolve(third.token)).toMatchObject({ userId: third.user.id });
  });

  test("a rotated key works beside its heir until the overlap ends", async () => {
    const old = await addKey();
    const { ring } = build();
    await ring.load();
    const next = await elsewhere.rotateKey(OPERATOR, old.key.id, { overlapMs: 1000 });
    await ring.refresh();
    expect([ring.resolve(old.token), ring.resolve(next.token)]).toEqual([expect.any(Object), expect.any(Object)]);
    house.clock.now += 1000;
    expect([ring.resolve(old.token), ring.resolve(next.token)]).toEqual(["expired", expect.any(Object)]);
  });
});

describe("a look", () => {
  test("that is under way is followed by another for whoever asks meanwhile", async () => {
    const gates: (() => void)[] = [];
    const { identity } = house.store;
    const { ring } = build({
      touchSessions: async () => undefined,
      touchKeys: (uses) => identity.touchKeys(uses),
      async changes(revision) {
        const result = await identity.changes(revision);
        await new Promise<void>((resolve) => gates.push(resolve));
        return result;
      },
    });
    const opened = async (count: number) => {
      while (gates.length < count) await new Promise(setImmediate);
      gates[count - 1]?.();
    };
    const first = ring.refresh();
    while (gates.length < 1) await new Promise(setImmediate);
    // The first look has read its answer already; this key can only come with a second one.
    const { token } = await addKey();
    const later = [ring.refresh(), ring.refresh()];
    await opened(1);
    await first;
    expect(ring.resolve(token)).toBe("unknown");
    await opened(2);
    await Promise.all(later);
    expect(ring.resolve(token)).toBeObject();
    expect(gates).toHaveLength(2);
  });

  test("that fails keeps the copy, is reported once, and is forgotten when the database is back", async () => {
    const { token } = await addKey();
    let down = false;
    const { identity } = house.store;
    const { ring, poll } = build({
      touchSessions: async () => undefined,
      touchKeys: (uses) => identity.touchKeys(uses),
      changes: (revision) => (down ? Promise.reject(new Error("gone")) : identity.changes(revision)),
    });
    await ring.load();
    ring.start();
    down = true;
    const next = await addKey();
    for (let round = 0; round < 3; round++) {
      await poll();
      expect(ring.resolve(token)).toBeObject();
    }
    await ring.refresh();
    expect(reports).toEqual(["lost: gone"]);
    down = false;
    await poll();
    expect(ring.resolve(next.token)).toBeObject();
    await poll();
    expect(reports).toEqual(["lost: gone", "back"]);
    await ring.stop();
  });

  test("at the start fails loudly", async () => {
    const { ring } = build();
    await house.store.close();
    await expect(ring.load()).rejects.toThrow();
    expect(reports).toEqual([]);
  });
});

describe("last use", () => {
  const lastUse = async (id: string) => (await elsewhere.getKey(id)).lastUsedAt;

  test("is written every few seconds, with the latest moment, for keys that opened the door", async () => {
    const [used, idle] = [await addKey(), await addKey({ expiresAt: new Date(NOON + 10) })];
    const { ring, poll } = build();
    await ring.load();
    ring.start();
    ring.resolve(used.token);
    house.clock.now = NOON + 4000;
    ring.resolve(used.token);
    ring.resolve(idle.token);
    await poll();
    expect(await lastUse(used.key.id)).toBeNull();
    house.clock.now = NOON + 5000;
    await poll();
    expect(await lastUse(used.key.id)).toEqual(new Date(NOON + 4000));
    expect(await lastUse(idle.key.id)).toBeNull();
    await ring.stop();
  });

  test("is written at the stop, and no poll follows", async () => {
    const { key, token } = await addKey();
    const { ring, timetable } = build();
    await ring.load();
    ring.start();
    ring.start();
    expect(timetable.delays()).toHaveLength(1);
    ring.resolve(token);
    await ring.stop();
    expect(await lastUse(key.id)).toEqual(new Date(NOON));
    expect(timetable.delays()).toEqual([]);
  });

  test("that cannot be written is kept and written later; a disk that is full is reported once, though reading works", async () => {
    const { key, token } = await addKey();
    let full = true;
    const { identity } = house.store;
    const { ring, poll } = build({
      changes: (revision) => identity.changes(revision),
      touchSessions: async () => undefined,
      touchKeys: (uses) => (full ? Promise.reject(new Error("full")) : identity.touchKeys(uses)),
    });
    await ring.load();
    ring.start();
    ring.resolve(token);
    for (let round = 0; round < 3; round++) {
      house.clock.now += 5000;
      await poll();
    }
    expect(reports).toEqual(["lost: full"]);
    full = false;
    await ring.stop();
    expect(reports).toEqual(["lost: full", "back"]);
    expect(await lastUse(key.id)).toEqual(new Date(NOON));
  });
});

describe("a token that nobody knows yet", () => {
  test("is looked for once more, in one look for all who ask, and then known", async () => {
    let looks = 0;
    const { changes, touchKeys } = house.store.identity;
    const { ring, timetable } = build({
      changes: (revision) => {
        looks++;
        return changes(revision);
      },
      touchKeys,
      touchSessions: async () => undefined,
    });
    await ring.load();
    const { user, token } = await addKey();
    looks = 0;
    expect(ring.resolve(token)).toBe("unknown");
    const answers = Promise.all([ring.resolveLate(token), ring.resolveLate(UNKNOWN), ring.resolveLate("no token")]);
    // The look, and each asker's longest wait; running the look alone is enough.
    expect(timetable.delays().toSorted((left, right) => left - right)).toEqual([0, 1000, 1000]);
    timetable.turn(0);
    const [late, stranger, shapeless] = await answers;
    expect([late, stranger, shapeless]).toEqual([expect.objectContaining({ userId: user.id }), "unknown", "unknown"]);
    expect(looks).toBe(1);
    const again = ring.resolveLate(UNKNOWN);
    expect(timetable.delays()).toContain(100);
    timetable.turn(100);
    expect(await again).toBe("unknown");
  });

  test("is looked for as soon as ever where the clock was set back, and uses are written as often", async () => {
    const written: string[] = [];
    const { ring, timetable, poll } = build({
      touchKeys: async (uses) => void written.push(...uses.map(({ id }) => id)),
    });
    await ring.load();
    const first = ring.resolveLate(UNKNOWN);
    timetable.turn(0);
    await first;
    house.clock.now -= 3_600_000;
    const { key, token } = await addKey();
    const late = ring.resolveLate(token);
    timetable.turn(100);
    expect(await late).toBeObject();
    ring.start();
    await poll();
    expect(written).toEqual([key.id]);
    await ring.stop();
  });

  test("is refused after a bounded wait where the database does not answer", async () => {
    const { ring, timetable } = build({
      changes: () => new Promise(() => undefined),
      touchSessions: async () => undefined,
      touchKeys: async () => undefined,
    });
    const answer = ring.resolveLate(UNKNOWN);
    timetable.turn();
    expect(await answer).toBe("unknown");
  });
});

describe("a session", () => {
  const HOUR_MS = 3_600_000;

  test("that another gateway has seen since is not idle here, and one that nobody has seen is", async () => {
    const user = await elsewhere.createUser(OPERATOR, { email: "ann@x.y" });
    const signIn = createSignIn({ store: house.store.identity, now: () => house.clock.now });
    const { token, of } = await signIn.enter(user, { userAgent: null, address: null });
    const { ring, timetable } = build();
    await ring.load();
    expect(ring.resolveSession(token)).toBeObject();
    const late = async () => {
      const answer = ring.resolveSessionLate(token);
      timetable.turn(100);
      return answer;
    };
    house.clock.now += 13 * HOUR_MS;
    expect(ring.resolveSession(token)).toBe("expired");
    await house.store.identity.touchSessions([{ id: of.id, at: new Date(house.clock.now - HOUR_MS) }]);
    expect(await late()).toMatchObject({ userId: user.id });
    house.clock.now += 13 * HOUR_MS;
    expect(await late()).toBe("expired");
    // However often it is seen, it has an end.
    await house.store.identity.touchSessions([{ id: of.id, at: new Date(house.clock.now) }]);
    expect(await late()).toMatchObject({ userId: user.id });
    house.clock.now += 7 * 24 * HOUR_MS;
    await house.store.identity.touchSessions([{ id: of.id, at: new Date(house.clock.now) }]);
    expect(await late()).toBe("expired");
  });
});

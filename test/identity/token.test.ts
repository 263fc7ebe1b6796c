// How a token is found in memory: by the hash of all of it, with what its key is limited to, and with the tokens that it had before.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type Actor,
  createDirectory,
  createKeyRing,
  type Directory,
  hashToken,
  type IdentityStore,
} from "../../src/identity/index.ts";
import { type House, NOON, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

function openRing(store: IdentityStore = house.store.identity) {
  return createKeyRing({
    store,
    now: () => house.clock.now,
    onError: (error) => {
      throw error;
    },
  });
}

async function addKey(options: Parameters<Directory["createKey"]>[2] = {}) {
  const user = await house.directory.createUser(OPERATOR, { email: `${crypto.randomUUID()}@x.y` });
  return house.directory.createKey(OPERATOR, user.id, options);
}

describe("a token", () => {
  test("is known by the hash of all of it, and by nothing that could be compared bit by bit", async () => {
    const { token, key } = await addKey();
    const { identity } = house.store;
    const twin = `${token.slice(0, 46)}${token.endsWith("A") ? "B" : "A"}`;
    // All that the ring is told of a key: a hash. Here it is told that the key's is another token's.
    const ring = openRing({
      ...identity,
      async changes(revision) {
        const changes = await identity.changes(revision);
        expect(JSON.stringify(changes)).not.toContain(token.slice(4, 30));
        return { ...changes, keys: changes.keys.map((one) => ({ ...one, hash: hashToken(twin) })) };
      },
    });
    await ring.load();
    expect(ring.resolve(twin)).toMatchObject({ keyId: key.id });
    expect(ring.resolve(token)).toBe("unknown");
    for (let at = 4; at < token.length; at++) {
      const other = twin.slice(0, at) + (twin[at] === "x" ? "y" : "x") + twin.slice(at + 1);
      expect([at, ring.resolve(other)]).toEqual([at, "unknown"]);
    }
  });

  test("that begins like another's is another's", async () => {
    const bytes = (last: number) => new Uint8Array(32).fill(7).with(31, last);
    const made = await Promise.all(
      [1, 2].map(async (last) => {
        const directory = createDirectory({
          store: house.store.identity,
          now: () => NOON,
          randomBytes: () => bytes(last),
        });
        const { id } = await directory.createUser(OPERATOR, { email: `twin${last}@x.y` });
        return directory.createKey(OPERATOR, id, {});
      }),
    );
    const ring = openRing();
    await ring.load();
    const [first, second] = made;
    expect(first?.token.slice(0, 44)).toBe(second?.token.slice(0, 44) ?? "");
    for (const { token, key } of made) expect(ring.resolve(token)).toMatchObject({ keyId: key.id, userId: key.userId });
  });

  test("brings what its key is limited to, made ready once, and nothing where there is none", async () => {
    const wish = { allowedModels: ["gpt-*"], allowedIps: ["10.0.0.0/8"], tags: ["team=a"] };
    const [bound, free] = [await addKey(wish), await addKey()];
    const ring = openRing();
    await ring.load();
    const caller = ring.resolve(bound.token);
    if (typeof caller === "string") throw new Error(caller);
    expect(caller.tags).toEqual(["team=a"]);
    expect([caller.limits?.models?.isWanted("gpt-4o"), caller.limits?.models?.isWanted("o3")]).toEqual([true, false]);
    expect([caller.limits?.ips?.("10.1.1.1"), caller.limits?.ips?.("11.1.1.1")]).toEqual([true, false]);
    expect(caller.limits?.providers).toBeNull();
    expect(ring.resolve(bound.token)).toBe(caller);
    expect(ring.resolve(free.token)).toMatchObject({ limits: null, tags: null });
    await house.directory.updateKey(OPERATOR, bound.key.id, { allowedModels: [], allowedIps: [], tags: [] });
    await ring.refresh();
    expect(ring.resolve(bound.token)).toMatchObject({ limits: null, tags: null });
  });
});

describe("revoked, and rotated again", () => {
  test("ends all tokens of a key at once, those of before among them", async () => {
    const old = await addKey();
    const ring = openRing();
    const second = await house.directory.rotateKey(OPERATOR, old.key.id, { overlapMs: 60_000 });
    const third = await house.directory.rotateKey(OPERATOR, old.key.id, { overlapMs: 30_000 });
    await ring.load();
    const tokens = [old.token, second.token, third.token];
    const ask = () =>
      tokens.map((token) => ring.resolve(token)).map((found) => (typeof found === "string" ? found : found.keyId));
    const { id } = old.key;
    expect(ask()).toEqual([id, id, id]);
    house.clock.now += 30_000;
    expect(ask()).toEqual([id, "expired", id]);
    await house.directory.rotateKey(OPERATOR, id, { overlapMs: 0 });
    await ring.refresh();
    expect(ask()).toEqual([id, "unknown", "unknown"]);
    await house.directory.revokeKey(OPERATOR, id);
    await ring.refresh();
    expect(ask()[0]).toBe("revoked");
  });
});

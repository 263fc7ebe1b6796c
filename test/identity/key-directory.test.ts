// The rules of API keys, on a real store.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Actor, createDirectory, hashToken, isTokenShaped, type User } from "../../src/identity/index.ts";
import { type House, NOON, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

function invalid(param: string) {
  return { kind: "invalid_request", param };
}

let serial = 0;
function addUser(): Promise<User> {
  return house.directory.createUser(OPERATOR, { email: `user${++serial}@example.com` });
}

describe("API keys", () => {
  test("have a token that is shown once and kept as a hash", async () => {
    const user = await addUser();
    const bytes = new Uint8Array(32).fill(255);
    const directory = createDirectory({
      store: house.store.identity,
      now: () => NOON,
      newId: () => "id-1",
      randomBytes: () => bytes,
    });
    const expiresAt = new Date(NOON + 1);
    const { key, token } = await directory.createKey(OPERATOR, user.email, {
      name: " CI ",
      scopes: ["inference:chat", "usage:read", "usage:read"],
      expiresAt,
    });
    expect(token).toBe(`tok_${"_".repeat(42)}8`);
    expect(token).toHaveLength(47);
    expect(isTokenShaped(token)).toBe(true);
    expect(key).toEqual({
      id: "id-1",
      userId: user.id,
      name: "CI",
      prefix: "tok_________",
      scopes: ["inference:chat", "usage:read"],
      strict: false,
      allowedModels: [],
      allowedProviders: [],
      allowedIps: [],
      tags: [],
      former: [],
      expiresAt,
      lastUsedAt: null,
      revokedAt: null,
      createdAt: new Date(NOON),
      updatedAt: new Date(NOON),
    });
    const { keys } = await house.store.identity.changes(null);
    expect(keys.map(({ hash }) => hash)).toEqual([hashToken(token)]);
    expect(JSON.stringify(keys)).not.toContain(token);
    expect(await directory.listKeys(user.email)).toEqual([key]);
    expect(await directory.listKeys(null)).toEqual([key]);
    expect(await directory.getKey(key.id)).toEqual(key);
  });

  test("differ from each other", async () => {
    const user = await addUser();
    const issued = await Promise.all([1, 2, 3].map(() => house.directory.createKey(OPERATOR, user.id, {})));
    expect(new Set(issued.map(({ token }) => token)).size).toBe(3);
    for (const { token } of issued) expect(token).toMatch(/^tok_[\w-]{43}$/);
  });

  test("are refused with unknown scopes, past or unreal expiries, and strange names", async () => {
    const { id } = await addUser();
    const create = (options: object) => house.directory.createKey(OPERATOR, id, options);
    await expect(create({ scopes: ["chat"] })).rejects.toMatchObject({
      ...invalid("scopes"),
      message: expect.stringMatching(
        /^There is no scope "chat"; use admin, .*, inference:chat, .* or vector_stores\.$/u,
      ),
    });
    await expect(create({ scopes: ["toString"] })).rejects.toMatchObject(invalid("scopes"));
    for (const moment of [NOON, NOON - 1, Number.NaN, 8.64e15]) {
      await expect(create({ expiresAt: new Date(moment) })).rejects.toMatchObject(invalid("expires_at"));
    }
    await expect(create({ name: "a\nb" })).rejects.toMatchObject(invalid("name"));
    await expect(house.directory.createKey(OPERATOR, "nobody@x", {})).rejects.toMatchObject({ kind: "not_found" });
    expect(await house.directory.listKeys(null)).toEqual([]);
  });

  test("can be deleted, softly and for good", async () => {
    const { id } = await addUser();
    for (const hard of [false, true]) {
      const { key } = await house.directory.createKey(OPERATOR, id, {});
      expect(await house.directory.deleteKey(OPERATOR, key.id, { hard })).toEqual(key);
      await expect(house.directory.getKey(key.id)).rejects.toMatchObject({ kind: "not_found" });
      // Asked again, it is as good as the first time.
      expect(await house.directory.deleteKey(OPERATOR, key.id, { hard })).toEqual(hard ? null : key);
    }
    await expect(house.directory.deleteKey(OPERATOR, "never-was", { hard: true })).rejects.toMatchObject({
      kind: "not_found",
    });
  });

  test("rotate: the same key with a new token; the one before is known until it ends", async () => {
    const { id } = await addUser();
    const expiresAt = new Date(NOON + 90_000);
    const old = await house.directory.createKey(OPERATOR, id, { name: "CI", scopes: ["inference"], expiresAt });
    const next = await house.directory.rotateKey(OPERATOR, old.key.id, { overlapMs: 60_000 });
    expect(next.token).not.toBe(old.token);
    const former = [{ prefix: old.key.prefix, endsAt: new Date(NOON + 60_000) }];
    expect(next.key).toEqual({ ...old.key, prefix: next.token.slice(0, 12), former });
    expect(await house.directory.getKey(old.key.id)).toEqual(next.key);
    const last = await house.directory.rotateKey(OPERATOR, old.key.id, { overlapMs: 0 });
    expect(last.key.former).toEqual(former);
    house.clock.now += 60_000;
    const again = await house.directory.rotateKey(OPERATOR, old.key.id, { overlapMs: 1_000 });
    expect(again.key.former).toEqual([{ prefix: last.key.prefix, endsAt: new Date(NOON + 61_000) }]);
    expect(await house.directory.listKeys(id)).toEqual([again.key]);
  });

  test("keep each former token for as long as it was promised, and are not exchanged more often than that can be", async () => {
    const { id } = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, id, {});
    const rotate = (overlapMs: number) => house.directory.rotateKey(OPERATOR, key.id, { overlapMs });
    for (let count = 0; count < 20; count++) await rotate(60_000);
    await expect(rotate(60_000)).rejects.toMatchObject({
      kind: "conflict",
      message: expect.stringContaining("20 former tokens of this API key still work"),
    });
    expect((await rotate(0)).key.former).toHaveLength(20);
    house.clock.now += 60_000;
    expect((await rotate(60_000)).key.former).toHaveLength(1);
  });

  test("do not rotate once they expired, nor with an overlap that is none", async () => {
    const { id } = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, id, { expiresAt: new Date(NOON + 10) });
    for (const overlapMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 365 * 86_400_000 + 1]) {
      await expect(house.directory.rotateKey(OPERATOR, key.id, { overlapMs })).rejects.toMatchObject(
        invalid("overlap_seconds"),
      );
    }
    const endless = await house.directory.createKey(OPERATOR, id, {});
    await house.directory.rotateKey(OPERATOR, endless.key.id, { overlapMs: 365 * 86_400_000 });
    house.clock.now += 10;
    await expect(house.directory.rotateKey(OPERATOR, key.id, { overlapMs: 0 })).rejects.toMatchObject({
      kind: "conflict",
    });
  });
});

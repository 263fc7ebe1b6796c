// What every engine's store must do with API keys. Part of the contract.

import { beforeEach, describe, expect, test } from "bun:test";
import type { User } from "../../src/identity/model.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, kindOf, LATER, makeKey, makeUser } from "./sample.ts";

export function describeKeys(get: () => Store): void {
  describe("keys", () => {
    let owner: User;
    beforeEach(async () => {
      owner = makeUser();
      await get().identity.createUsers([owner]);
    });

    test("come back as they were stored, oldest first, for one user and for all", async () => {
      const { identity } = get();
      const full = makeKey(owner.id, {
        name: "CI – 工",
        scopes: ["inference:chat", "usage:read"],
        expiresAt: LATER,
        createdAt: LATER,
      });
      const plain = makeKey(owner.id);
      await identity.createKey(full);
      await identity.createKey(plain);
      expect(await identity.findKey(full.key.id)).toEqual(full.key);
      expect(await identity.listKeys(owner.id)).toEqual([plain.key, full.key]);
      expect((await identity.listKeys(null)).map((key) => key.id)).toContain(full.key.id);
      expect(await identity.listKeys("nobody")).toEqual([]);
    });

    test("need an owner, and a hash of their own", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      expect(await kindOf(() => identity.createKey({ ...makeKey(owner.id), hash: record.hash }))).toBe("conflict");
      expect(await kindOf(() => identity.createKey(makeKey(Bun.randomUUIDv7())))).toBe("not_found");
      await identity.deleteUser(owner.id, LATER);
      expect(await kindOf(() => identity.createKey(makeKey(owner.id)))).toBe("not_found");
    });

    test("can be revoked and purged", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      expect(await identity.revokeKey(record.key.id, LATER)).toBe(true);
      expect(await identity.revokeKey(record.key.id, LATER)).toBe(false);
      expect(await identity.findKey(record.key.id)).toBeNull();
      expect(await identity.listKeys(owner.id)).toEqual([]);
      expect(await identity.purgeKey(record.key.id)).toBe(true);
      expect(await identity.purgeKey(record.key.id)).toBe(false);
    });

    test("rotate with an overlap, which never lengthens an earlier expiry", async () => {
      const { identity } = get();
      const soon = new Date(AT.getTime() + 1000);
      const endless = makeKey(owner.id);
      const brief = makeKey(owner.id, { expiresAt: soon });
      await identity.createKey(endless);
      await identity.createKey(brief);
      expect(await identity.rotateKey(endless.key.id, makeKey(owner.id), LATER)).toBe(true);
      expect(await identity.rotateKey(brief.key.id, makeKey(owner.id), LATER)).toBe(true);
      expect((await identity.findKey(endless.key.id))?.expiresAt).toEqual(LATER);
      expect((await identity.findKey(brief.key.id))?.expiresAt).toEqual(soon);
      expect(await identity.listKeys(owner.id)).toHaveLength(4);
    });

    test("rotate without overlap revokes at once; what is not there is not rotated and leaves no new key", async () => {
      const { identity } = get();
      const old = makeKey(owner.id);
      const next = makeKey(owner.id);
      await identity.createKey(old);
      expect(await identity.rotateKey(old.key.id, next, AT)).toBe(true);
      expect(await identity.rotateKey(old.key.id, makeKey(owner.id), AT)).toBe(false);
      expect(await identity.listKeys(owner.id)).toEqual([next.key]);
      expect(await kindOf(() => identity.rotateKey(next.key.id, { ...makeKey(owner.id), hash: next.hash }, AT))).toBe(
        "conflict",
      );
      expect(await identity.listKeys(owner.id)).toEqual([next.key]);
    });

    test("keep the latest use, whatever order stamps arrive in, and it is no change", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      const { revision } = await identity.changes(null);
      await identity.touchKeys([
        { id: record.key.id, at: LATER },
        { id: "unknown", at: LATER },
      ]);
      await identity.touchKeys([{ id: record.key.id, at: AT }]);
      await identity.touchKeys([]);
      expect(await identity.findKey(record.key.id)).toEqual({ ...record.key, lastUsedAt: LATER });
      expect(await identity.changes(revision)).toEqual({
        revision,
        complete: false,
        users: [],
        keys: [],
        sessions: [],
      });
    });
  });
}

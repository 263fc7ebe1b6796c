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

    const token = (letter: string) => ({
      hash: new Bun.CryptoHasher("sha256").update(owner.id + letter).digest("hex"),
      prefix: `tok_${letter.repeat(8)}`,
    });
    /** Of the owner, as a server reads them. */
    const readKeys = async () => (await get().identity.changes(null)).keys.filter(({ userId }) => userId === owner.id);

    test("come back as they were stored, in the order of their making, for one user and for all", async () => {
      const { identity } = get();
      const full = makeKey(owner.id, {
        name: "CI – 工",
        scopes: ["inference:chat", "usage:read"],
        strict: true,
        allowedModels: ["gpt-*", "!gpt-4"],
        allowedProviders: ["openai"],
        allowedIps: ["10.0.0.0/8", "2001:db8::/32"],
        tags: ["team=a", "env=prod"],
        expiresAt: LATER,
      });
      const plain = makeKey(owner.id);
      await identity.createKey(full);
      await identity.createKey(plain);
      expect(await identity.findKey(full.key.id)).toEqual(full.key);
      expect(await identity.listKeys({ userId: owner.id })).toEqual([full.key, plain.key]);
      expect((await identity.listKeys({})).map((key) => key.id)).toContain(full.key.id);
      expect(await identity.listKeys({ userId: "nobody" })).toEqual([]);
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

    test("are revoked once, and stay in the list with the moment", async () => {
      const { identity } = get();
      const [first, second] = [makeKey(owner.id), makeKey(owner.id)];
      await identity.createKey(first);
      await identity.createKey(second);
      const revoked = { ...first.key, revokedAt: LATER, updatedAt: LATER };
      expect(await identity.revokeKeys([first.key.id, "nothing"], LATER)).toEqual([revoked]);
      expect(await identity.revokeKeys([first.key.id], AT)).toEqual([]);
      expect(await identity.findKey(first.key.id)).toEqual(revoked);
      expect(await identity.listKeys({ userId: owner.id })).toEqual([revoked, second.key]);
      expect(await identity.listKeys({ userId: owner.id, isOpen: true })).toEqual([second.key]);
      expect((await readKeys()).map(({ id }) => id)).toEqual([second.key.id]);
    });

    test("are revoked by the thousand", async () => {
      const { identity } = get();
      const records = Array.from({ length: 1_201 }, () => makeKey(owner.id));
      await Promise.all(records.map((record) => identity.createKey(record)));
      const ids = records.map(({ key }) => key.id);
      expect(await identity.revokeKeys(ids, LATER)).toHaveLength(1_201);
      expect(await readKeys()).toEqual([]);
    });

    test("can be deleted and purged", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      expect(await identity.deleteKey(record.key.id, LATER)).toBe(true);
      expect(await identity.deleteKey(record.key.id, LATER)).toBe(false);
      expect(await identity.findKey(record.key.id)).toBeNull();
      expect(await identity.listKeys({ userId: owner.id })).toEqual([]);
      expect(await identity.updateKey(record.key.id, { name: "x" }, LATER)).toBeNull();
      expect(await identity.purgeKey(record.key.id)).toBe(true);
      expect(await identity.purgeKey(record.key.id)).toBe(false);
    });

    test("are changed in what is said, and in nothing else", async () => {
      const { identity } = get();
      const record = makeKey(owner.id, { name: "a", allowedModels: ["x"], tags: ["team=a"], expiresAt: LATER });
      await identity.createKey(record);
      const { revision } = await identity.changes(null);
      const next = { ...record.key, allowedProviders: ["openai"], updatedAt: LATER };
      expect(await identity.updateKey(record.key.id, { allowedProviders: ["openai"] }, LATER)).toEqual(next);
      const bare = { ...next, name: null, allowedModels: [], allowedProviders: [], tags: [], expiresAt: null };
      const { name, allowedModels, allowedProviders, tags, expiresAt } = bare;
      const patch = { name, allowedModels, allowedProviders, tags, expiresAt };
      expect(await identity.updateKey(record.key.id, patch, LATER)).toEqual(bare);
      expect((await identity.changes(revision)).keys).toMatchObject([{ id: record.key.id, limits: null, tags: null }]);
      expect(await identity.updateKey("nothing", patch, LATER)).toBeNull();
    });

    test("are changed in several lists at once by several, and all of it stays", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      await Promise.all([
        identity.updateKey(record.key.id, { allowedModels: ["m"] }, LATER),
        identity.updateKey(record.key.id, { allowedProviders: ["p"] }, LATER),
        identity.updateKey(record.key.id, { allowedIps: ["10.0.0.0/8"] }, LATER),
      ]);
      const found = await identity.findKey(record.key.id);
      expect(found).toMatchObject({ allowedModels: ["m"], allowedProviders: ["p"], allowedIps: ["10.0.0.0/8"] });
    });

    test("are found by prefix, tag and use, page by page", async () => {
      const { identity } = get();
      const make = async (change: Parameters<typeof makeKey>[1]) => {
        const record = makeKey(owner.id, change);
        await identity.createKey(record);
        return record.key.id;
      };
      const a = await make({ prefix: "tok_aaaaaaaa", tags: ["team=a", "x"] });
      const b = await make({ prefix: "tok_aaaabbbb" });
      const c = await make({ prefix: "tok_%aaaaaaa", tags: ["team=b"] });
      const find = async (filter: object) => (await identity.listKeys(filter)).map(({ id }) => id);
      const userId = owner.id;
      expect(await find({ userId, prefix: "tok_aaaa" })).toEqual([a, b]);
      expect(await find({ userId, prefix: "tok_%" })).toEqual([c]);
      expect(await find({ userId, prefix: "tok_aaaabbbbAndTheRestOfIt" })).toEqual([b]);
      expect(await find({ userId, tag: "team=a" })).toEqual([a]);
      expect(await find({ userId, tag: "team" })).toEqual([]);
      await identity.touchKeys([{ id: a, at: LATER }]);
      expect(await find({ userId, unusedSince: LATER })).toEqual([b, c]);
      expect(await find({ userId, unusedSince: AT })).toEqual([]);
      await identity.rotateKey(b, token("z"), { endsAt: LATER, at: AT });
      expect(await find({ userId, prefix: "tok_aaaab" })).toEqual([b]);
      expect(await find({ userId, prefix: "tok_zzzz" })).toEqual([b]);
      const page = async (after: string | null) =>
        (await identity.listKeys({ userId }, { after, limit: 2 })).map(({ id }) => id);
      expect([await page(null), await page(b), await page(c)]).toEqual([[a, b], [c], []]);
    });

    test("that lie unused are found alike whether they are few or many", async () => {
      const { identity } = get();
      const early = (second: number) => new Date(AT.getTime() - 3_600_000 + second * 1_000);
      const records = Array.from({ length: 620 }, (_, at) =>
        makeKey(owner.id, {
          // The later it was made, the longer it is unused.
          createdAt: early(620 - at),
          prefix: at % 2 === 0 ? "tok_unusedaa" : "tok_unusedbb",
          tags: at % 5 === 0 ? ["team=a"] : [],
        }),
      );
      await Promise.all(records.map((record) => identity.createKey(record)));
      const keys = records.map(({ key }) => key);
      const [used, deleted, revoked] = [keys[600], keys[601], keys[602]].map((key) => key?.id ?? "");
      await identity.touchKeys([{ id: used ?? "", at: AT }]);
      await identity.deleteKey(deleted ?? "", AT);
      await identity.revokeKeys([revoked ?? ""], AT);
      const userId = owner.id;
      for (const unusedSince of [early(1), early(40), early(500), early(505), early(700)]) {
        const isIt = (key: (typeof keys)[number]) =>
          key.createdAt < unusedSince && key.id !== used && key.id !== deleted;
        const find = async (filter: object, page?: { after: string | null; limit: number }) =>
          (await identity.listKeys({ userId, unusedSince, ...filter }, page)).map(({ id }) => id);
        const meant = keys.filter(isIt);
        const ids = (list: typeof keys) => list.map(({ id }) => id);
        expect(await find({})).toEqual(ids(meant));
        expect(await find({ isOpen: true })).toEqual(ids(meant.filter(({ id }) => id !== revoked)));
        expect(await find({ prefix: "tok_unusedb" })).toEqual(
          ids(meant.filter(({ prefix }) => prefix === "tok_unusedbb")),
        );
        expect(await find({ tag: "team=a" })).toEqual(ids(meant.filter(({ tags }) => tags.length > 0)));
        expect(await find({ userId: "nobody" })).toEqual([]);
        const after = keys[605]?.id ?? "";
        const page = ids(meant.filter(({ id }) => id > after).slice(0, 5));
        expect(await find({}, { after, limit: 5 })).toEqual(page);
      }
    });

    test("rotate: the same key, whose former token is known until it ends", async () => {
      const { identity } = get();
      const record = makeKey(owner.id, { expiresAt: LATER });
      await identity.createKey(record);
      const { id } = record.key;
      const first = await identity.rotateKey(id, token("b"), { endsAt: LATER, at: AT });
      expect(first).toEqual({
        ...record.key,
        prefix: "tok_bbbbbbbb",
        former: [{ prefix: record.key.prefix, endsAt: LATER }],
      });
      expect(await readKeys()).toMatchObject([
        { id, hash: token("b").hash, former: [{ hash: record.hash, endsAt: LATER }] },
      ]);
      const second = await identity.rotateKey(id, token("c"), { endsAt: AT, at: AT });
      expect(second?.former).toEqual(first?.former ?? []);
      const third = await identity.rotateKey(id, token("d"), { endsAt: LATER, at: LATER });
      expect(third?.former).toEqual([]);
      expect(await identity.listKeys({ userId: owner.id })).toHaveLength(1);
    });

    test("rotated by several at once, each token works on; what is not there is not rotated", async () => {
      const { identity } = get();
      const record = makeKey(owner.id);
      await identity.createKey(record);
      const letters = ["b", "c", "d"];
      const when = { endsAt: LATER, at: AT };
      await Promise.all(letters.map((letter) => identity.rotateKey(record.key.id, token(letter), when)));
      const [kept] = await readKeys();
      const hashes = new Set([kept?.hash, ...(kept?.former ?? []).map(({ hash }) => hash)]);
      expect(hashes).toEqual(new Set([record.hash, ...letters.map((letter) => token(letter).hash)]));
      const other = makeKey(owner.id);
      await identity.createKey(other);
      const taken = { hash: other.hash, prefix: "tok_taken" };
      expect(await kindOf(() => identity.rotateKey(record.key.id, taken, when))).toBe("conflict");
      expect(await identity.rotateKey("nothing", token("e"), when)).toBeNull();
      await identity.revokeKeys([record.key.id], LATER);
      expect(await identity.rotateKey(record.key.id, token("e"), when)).toBeNull();
    });

    test("are touched by several gateways at once, in whatever order each has them, and revoked meanwhile", async () => {
      const { identity } = get();
      const records = Array.from({ length: 200 }, () => makeKey(owner.id));
      await Promise.all(records.map((record) => identity.createKey(record)));
      const ids = records.map(({ key }) => key.id);
      for (let round = 1; round <= 16; round++) {
        const uses = ids.map((id) => ({ id, at: new Date(AT.getTime() + round) }));
        await Promise.all([
          identity.touchKeys(uses),
          identity.touchKeys(uses.toReversed().map(({ id, at }) => ({ id, at: new Date(at.getTime() + 1) }))),
          identity.revokeKeys(ids.slice(round * 10, round * 10 + 10).toReversed(), LATER),
        ]);
      }
      const found = await identity.listKeys({ userId: owner.id });
      expect(new Set(found.map(({ lastUsedAt }) => lastUsedAt?.getTime()))).toEqual(new Set([AT.getTime() + 17]));
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

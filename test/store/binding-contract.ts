// What every engine's store must do with the owners of kept objects. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { ObjectBinding } from "../../src/identity/object.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER } from "./sample.ts";

export function describeBindings(get: () => Store): void {
  describe("bindings", () => {
    const make = (change: Partial<ObjectBinding> = {}): ObjectBinding => ({
      objectId: `file-${Bun.randomUUIDv7()}`,
      provider: "one",
      userId: `user-${Bun.randomUUIDv7()}`,
      family: "files",
      createdAt: AT,
      ...change,
    });

    test("come back as they were given, also where two providers gave the same id", async () => {
      const { bindings } = get();
      const here = make();
      const there = make({ objectId: here.objectId, provider: "two" });
      await bindings.bind([here, there]);
      await bindings.bind([]);
      const found = await bindings.find(here.objectId);
      expect(found.toSorted((left, right) => left.provider.localeCompare(right.provider))).toEqual([here, there]);
      expect(await bindings.find("file-nobody")).toEqual([]);
    });

    test("stay their first owner's", async () => {
      const { bindings } = get();
      const first = make();
      const other = make();
      await bindings.bind([first]);
      await bindings.bind([{ ...first, userId: "thief" }, other]);
      expect(await bindings.find(first.objectId)).toEqual([first]);
      expect(await bindings.find(other.objectId)).toEqual([other]);
    });

    test("are listed for one owner and one family, newest first", async () => {
      const { bindings } = get();
      const old = make();
      const fresh = make({ userId: old.userId, createdAt: LATER });
      await bindings.bind([old, fresh, make({ userId: old.userId, family: "batches" }), make()]);
      expect(await bindings.list(old.userId, "files")).toEqual([fresh, old]);
    });

    test("end with their object, at that provider only", async () => {
      const { bindings } = get();
      const here = make();
      const there = make({ objectId: here.objectId, provider: "two" });
      await bindings.bind([here, there]);
      await bindings.unbind("one", here.objectId);
      await bindings.unbind("one", here.objectId);
      expect(await bindings.find(here.objectId)).toEqual([there]);
    });

    test("that nobody has booked are listed by family and age, newest first, with the key and tags that they were made by", async () => {
      const { bindings } = get();
      const [families, since] = [[`batches-${Bun.randomUUIDv7()}`], AT];
      const family = families[0] ?? "";
      const old = make({ family, createdAt: new Date(AT.getTime() - 1) });
      const first = make({ family, keyId: "key-1", tags: ["team:a"] });
      const booked = make({ family });
      const last = make({ family, createdAt: LATER });
      await bindings.bind([old, first, booked, last, make()]);
      expect(await bindings.claimBooking(booked.provider, booked.objectId)).toBe(true);
      expect(await bindings.listUnbooked({ families, since, limit: 9 })).toEqual([last, first]);
      expect(await bindings.listUnbooked({ families, since, limit: 1 })).toEqual([last]);
    });

    test("take any text for an id", async () => {
      const { bindings } = get();
      const odd = make({ objectId: `a\0b'; drop table users; -- ${Bun.randomUUIDv7()} 工` });
      await bindings.bind([odd]);
      expect((await bindings.find(odd.objectId)).map(({ userId }) => userId)).toEqual([odd.userId]);
    });
  });
}

// What every engine's store must do with rate limits that are set while the gateway runs. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER } from "./sample.ts";

export function describeLimits(get: () => Store): void {
  describe("rate limits", () => {
    test("come back as they were set, by name, each change a version more", async () => {
      const { limits } = get();
      const before = await limits.revision();
      const fields = { requests_per_minute: "60", model: "naïve 🦊" };
      const made = await limits.put({ name: "b", fields }, { expected: undefined, at: AT });
      expect(made).toEqual({ name: "b", version: 1, fields, createdAt: AT, updatedAt: AT });
      await limits.put({ name: "a", fields: { concurrent: "1" } }, { expected: 0, at: AT });
      const changed = await limits.put({ name: "b", fields: { concurrent: "2" } }, { expected: 1, at: LATER });
      expect(changed).toEqual({ name: "b", version: 2, fields: { concurrent: "2" }, createdAt: AT, updatedAt: LATER });
      expect((await limits.list()).map(({ name, version }) => [name, version])).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
      expect(await limits.revision()).toBe(before + 3);
      expect(await limits.delete("b", 1)).toBe(false);
      expect(await limits.delete("b", 2)).toBe(true);
      expect(await limits.delete("b", undefined)).toBe(false);
      expect([await limits.wasDeleted("a"), await limits.wasDeleted("b")]).toEqual([false, true]);
      expect(await limits.delete("a", undefined)).toBe(true);
      expect(await limits.list()).toEqual([]);
    });

    test("that are made again have no version that there was: who saw the one before changes no other", async () => {
      const { limits } = get();
      const seen = new Set<number>();
      for (let time = 0; time < 4; time++) {
        for (const expected of [0, undefined]) {
          const row = await limits.put({ name: "again", fields: {} }, { expected, at: AT });
          expect(seen.has(row?.version ?? 0)).toBe(false);
          seen.add(row?.version ?? 0);
        }
        for (const old of [...seen].slice(0, -1)) {
          expect(await limits.put({ name: "again", fields: {} }, { expected: old, at: AT })).toBeNull();
          expect(await limits.delete("again", old)).toBe(false);
        }
        expect(await limits.delete("again", Math.max(...seen))).toBe(true);
      }
      expect([seen.has(0), Math.min(...seen)]).toEqual([false, 1]);
    });

    test("of several that change one version at once one is taken, and nothing moves for the others", async () => {
      const { limits } = get();
      const before = await limits.revision();
      const race = (expected: number): Promise<unknown[]> =>
        Promise.all(Array.from({ length: 8 }, () => limits.put({ name: "race", fields: {} }, { expected, at: AT })));
      for (const expected of [0, 1]) {
        expect((await race(expected)).filter((row) => row !== null)).toHaveLength(1);
      }
      expect(await limits.revision()).toBe(before + 2);
      await limits.delete("race", undefined);
    });
  });
}

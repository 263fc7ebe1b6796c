// What every engine's store must do with routes that are declared while the gateway runs. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { RouteVersion } from "../../src/gateway/way/book.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER } from "./sample.ts";

const make = (name: string, version: number, over: Partial<RouteVersion> = {}): RouteVersion => ({
  id: Bun.randomUUIDv7(),
  name,
  version,
  fields: { targets: "openai weight=2", "set.generationConfig.topK": "3" },
  comment: "naïve 🦊",
  author: "ada@example.com",
  authorId: "u1",
  createdAt: AT,
  ...over,
});

export function describeRoutes(get: () => Store): void {
  describe("routes", () => {
    test("come back as they were written, the newest of each in the list, all of them in the history", async () => {
      const { routes } = get();
      const [one, two] = [
        make("b", 1),
        make("b", 2, { fields: null, comment: null, authorId: null, createdAt: LATER }),
      ];
      const other = make("a", 1);
      const before = await routes.revision();
      for (const version of [one, two, other]) expect(await routes.add(version)).toBe(true);
      expect(await routes.list()).toEqual([other, two]);
      expect(await routes.history("b")).toEqual([two, one]);
      expect(await routes.history("nobody\0")).toEqual([]);
      expect(await routes.revision()).toBe(before + 3);
    });

    test("of several that are the next version at once one is taken, and nothing moves for the others", async () => {
      const { routes } = get();
      const before = await routes.revision();
      const added = await Promise.all(Array.from({ length: 8 }, () => routes.add(make("race", 1))));
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await routes.history("race")).toHaveLength(1);
      expect(await routes.revision()).toBe(before + 1);
    });
  });
}

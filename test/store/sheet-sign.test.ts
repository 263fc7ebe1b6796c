// What a sheet says it may hold: never less than it holds, and seldom more.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { listWanted, mayHold, signSheet } from "../../src/store/sheet/sign.ts";

const anyName = fc.string({ minLength: 1, maxLength: 12 });

test("whatever is in a sheet is found by its sign", () => {
  fc.assert(
    fc.property(
      fc.array(anyName, { minLength: 1, maxLength: 200 }),
      anyName,
      fc.constantFrom(200, 429, 503),
      (users, tag, status) => {
        const sign = signSheet([
          ["userId", users],
          ["status", [status]],
          ["tags", [null, JSON.stringify([tag, "other"])]],
          ["modelAsked", ["m"]],
          ["modelServed", ["served", null]],
        ]);
        const userId = users.at(-1) ?? "";
        const wanted = [
          { userId },
          { status },
          { status: Math.floor(status / 100) },
          { tags: [tag, "other"] },
          { model: "served" },
        ];
        for (const filter of wanted) expect(mayHold(sign, listWanted(filter))).toBeTrue();
        expect(mayHold(sign, listWanted({ userId, status, tags: ["other"], model: "m" }))).toBeTrue();
      },
    ),
    { seed: 3 },
  );
});

test("a user who is not there is mostly known not to be", () => {
  const sign = signSheet([["userId", Array.from({ length: 1_000 }, (_, index) => `user-${index}`)]]);
  const found = Array.from({ length: 1_000 }, (_, index) => `other-${index}`).filter((userId) =>
    mayHold(sign, listWanted({ userId })),
  );
  expect(found.length).toBeLessThan(80);
});

test("users whose names hardly differ are told apart", () => {
  const sign = signSheet([
    ["userId", ["user-20", "user-21", "user-22", "user-23"]],
    ["tags", ['["team=t1","env=prod"]']],
  ]);
  const found = Array.from({ length: 1_000 }, (_, index) => `user-${index + 24}`).filter((userId) =>
    mayHold(sign, listWanted({ userId })),
  );
  expect(found.length).toBeLessThan(20);
});

// Many users at once: all rows or none, on a real store.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Actor, createDirectory } from "../../src/identity/index.ts";
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

describe("importing users", () => {
  const ROOT: Actor = { kind: "user", userId: "root", role: "root_admin" };
  const STRICT = { skipExisting: false, dryRun: false };

  test("adds all rows", async () => {
    const result = await house.directory.importUsers(
      OPERATOR,
      [
        { email: "A@x.y", role: "", displayName: "A" },
        { email: "b@x.y", role: "gateway_admin" },
        { email: "r@x.y", role: "root_admin" },
      ],
      STRICT,
    );
    expect(result.skipped).toEqual([]);
    expect(await house.directory.listUsers()).toEqual(result.created);
    expect(result.created.map((user) => [user.email, user.role, user.displayName])).toEqual([
      ["a@x.y", "gateway_user", "A"],
      ["b@x.y", "gateway_admin", null],
      ["r@x.y", "root_admin", null],
    ]);
  });

  test("writes nothing where one row is wrong, and names the row", async () => {
    const good = { email: "a@x.y" };
    const bad = [
      [
        { email: "nonsense" },
        { ...invalid("users.1.email"), message: 'Row 2: "nonsense" is not an e-mail address such as ada@example.com.' },
      ],
      [{ email: "b@x.y", role: "king" }, invalid("users.1.role")],
      [{ email: " A@x.y " }, { ...invalid("users.1.email"), message: "Row 2: a@x.y: same e-mail as row 1." }],
    ] as const;
    for (const [row, error] of bad) {
      await expect(house.directory.importUsers(OPERATOR, [good, row], STRICT)).rejects.toMatchObject(error);
    }
    await house.directory.createUser(OPERATOR, { email: "old@x.y" });
    await expect(house.directory.importUsers(OPERATOR, [good, { email: "old@x.y" }], STRICT)).rejects.toMatchObject({
      kind: "conflict",
      message: "Row 2: old@x.y: a user with this e-mail already exists.",
    });
    expect(await house.directory.listUsers()).toHaveLength(1);
  });

  test("makes root admins for the operator only", async () => {
    const rows = [{ email: "a@x.y" }, { email: "r@x.y", role: "root_admin" }];
    await expect(house.directory.importUsers(ROOT, rows, STRICT)).rejects.toMatchObject({
      kind: "forbidden",
      message: "Row 2: an import cannot make root admins.",
    });
    expect(await house.directory.listUsers()).toEqual([]);
  });

  test("skips known and repeated e-mails on demand; a dry run writes nothing", async () => {
    await house.directory.createUser(OPERATOR, { email: "old@x.y" });
    const rows = [{ email: "old@x.y" }, { email: "new@x.y" }, { email: "NEW@x.y" }];
    const expected = [
      { row: 1, email: "old@x.y", reason: "a user with this e-mail already exists" },
      { row: 3, email: "new@x.y", reason: "same e-mail as row 2" },
    ];
    const dry = await house.directory.importUsers(OPERATOR, rows, { skipExisting: true, dryRun: true });
    expect(dry.skipped).toEqual(expected);
    expect(dry.created.map((user) => user.email)).toEqual(["new@x.y"]);
    expect(await house.directory.listUsers()).toHaveLength(1);
    const wet = await house.directory.importUsers(OPERATOR, rows, { skipExisting: true, dryRun: false });
    expect(wet.skipped).toEqual(expected);
    expect(await house.directory.listUsers()).toHaveLength(2);
  });

  test("by two at once with skipping: each user is there once", async () => {
    const other = createDirectory({ store: (await house.openAgain()).identity, now: () => NOON });
    const rows = Array.from({ length: 20 }, (_, index) => ({ email: `u${index}@x.y` }));
    const options = { skipExisting: true, dryRun: false };
    const results = await Promise.all([
      house.directory.importUsers(OPERATOR, rows, options),
      other.importUsers(OPERATOR, rows, options),
    ]);
    expect(results[0].created.length + results[1].created.length).toBe(20);
    expect(await house.directory.listUsers()).toHaveLength(20);
  });
});

// The rules of users, and of who may change whom, on a real store.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Actor, createDirectory, type Role, type User } from "../../src/identity/index.ts";
import { type House, NOON, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const refused = { kind: "forbidden" };

function invalid(param: string) {
  return { kind: "invalid_request", param };
}

function actAs(role: Role): Actor {
  return { kind: "user", userId: Bun.randomUUIDv7(), role };
}

let serial = 0;
function addUser(role: Role = "gateway_user"): Promise<User> {
  return house.directory.createUser(OPERATOR, { email: `user${++serial}@example.com`, role });
}

describe("creating users", () => {
  test("gives them an id, a clean e-mail, and the humblest role", async () => {
    const user = await house.directory.createUser(OPERATOR, { email: "  Ann@Example.COM ", displayName: " Ann " });
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: "ann@example.com",
      role: "gateway_user",
      displayName: "Ann",
      status: "active",
      createdAt: new Date(NOON),
      updatedAt: new Date(NOON),
    });
    expect(await house.directory.getUser(user.id)).toEqual(user);
    expect(await house.directory.getUser("ANN@example.com")).toEqual(user);
    expect(await house.directory.listUsers()).toEqual([user]);
  });

  test.each([
    "admin@local",
    "a+b.c@x.example",
    "ünï@bücher.example",
    "o'brien@x.example",
    `${"a".repeat(64)}@${"b".repeat(189)}`,
  ])("takes %s", async (email) => {
    expect((await house.directory.createUser(OPERATOR, { email })).email).toBe(email);
  });

  test.each([
    "",
    " ",
    "ann",
    "@x",
    "ann@",
    "a@b@c",
    "a b@c",
    "a\n@b",
    "a\0@b",
    "a\u200b@b",
    ".a@b",
    "a@b..c",
    "a@b.",
    "<a@b>",
    "a,b@c",
    `${"a".repeat(65)}@b`,
    `a@${"b".repeat(253)}`,
  ])("refuses %j as an e-mail", async (email) => {
    await expect(house.directory.createUser(OPERATOR, { email })).rejects.toMatchObject(invalid("email"));
    expect(await house.directory.listUsers()).toEqual([]);
  });

  test("refuses unknown roles and unfit names, and says which words there are", async () => {
    const create = (more: object) => house.directory.createUser(OPERATOR, { email: "a@b.c", ...more });
    await expect(create({ role: "king" })).rejects.toMatchObject({
      ...invalid("role"),
      message: 'There is no role "king"; use root_admin, gateway_admin or gateway_user.',
    });
    await expect(create({ role: "" })).rejects.toMatchObject(invalid("role"));
    await expect(create({ displayName: "a\u0000b" })).rejects.toMatchObject(invalid("display_name"));
    await expect(create({ displayName: "x".repeat(201) })).rejects.toMatchObject(invalid("display_name"));
  });

  test("of an e-mail that is taken is a conflict, and none where it was freed", async () => {
    const first = await house.directory.createUser(OPERATOR, { email: "a@b.c" });
    await expect(house.directory.createUser(OPERATOR, { email: "A@b.c" })).rejects.toMatchObject({ kind: "conflict" });
    await house.directory.deleteUser(OPERATOR, first.id, { hard: false });
    const second = await house.directory.createUser(OPERATOR, { email: "a@b.c" });
    expect(second.id).not.toBe(first.id);
  });
});

describe("who may do what", () => {
  test("a gateway user may change nothing but his own keys", async () => {
    const me = await addUser();
    const other = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, other.id, {});
    const actor: Actor = { kind: "user", userId: me.id, role: "gateway_user" };
    const { directory } = house;
    for (const attempt of [
      () => directory.createUser(actor, { email: "x@y.z" }),
      () => directory.importUsers(actor, [], { skipExisting: true, dryRun: true }),
      () => directory.updateUser(actor, me.id, { displayName: "x" }),
      () => directory.deleteUser(actor, me.id, { hard: false }),
      () => directory.createKey(actor, other.id, {}),
      () => directory.deleteKey(actor, key.id, { hard: false }),
      () => directory.rotateKey(actor, key.id, { overlapMs: 0 }),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refused);
    }
    const own = await directory.createKey(actor, me.id, {});
    const next = await directory.rotateKey(actor, own.key.id, { overlapMs: 0 });
    expect(await directory.deleteKey(actor, next.key.id, { hard: false })).toMatchObject({ userId: me.id });
  });

  test("a gateway admin rules over all but root admins and the making of them", async () => {
    const root = await addUser("root_admin");
    const user = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, root.id, {});
    const actor = actAs("gateway_admin");
    const { directory } = house;
    for (const attempt of [
      () => directory.createUser(actor, { email: "x@y.z", role: "root_admin" }),
      () => directory.updateUser(actor, user.id, { role: "root_admin" }),
      () => directory.updateUser(actor, root.id, { displayName: "x" }),
      () => directory.deleteUser(actor, root.id, { hard: true }),
      () => directory.createKey(actor, root.id, {}),
      () => directory.deleteKey(actor, key.id, { hard: false }),
      () => directory.rotateKey(actor, key.id, { overlapMs: 0 }),
    ]) {
      await expect(attempt()).rejects.toMatchObject(refused);
    }
    await directory.createUser(actor, { email: "x@y.z", role: "gateway_admin" });
    await directory.updateUser(actor, user.id, { role: "gateway_admin" });
    const issued = await directory.createKey(actor, user.id, {});
    await directory.deleteKey(actor, issued.key.id, { hard: false });
    await directory.deleteUser(actor, user.id, { hard: false });
  });

  test("a root admin may make and change another", async () => {
    const actor = actAs("root_admin");
    const { id } = await house.directory.createUser(actor, { email: "x@y.z", role: "root_admin" });
    await house.directory.createUser(actor, { email: "y@y.z", role: "root_admin" });
    expect((await house.directory.updateUser(actor, id, { role: "gateway_user" })).role).toBe("gateway_user");
  });
});

describe("changing users", () => {
  test("touches only what is given, and empty text clears a name", async () => {
    const user = await house.directory.createUser(OPERATOR, { email: "a@b.c", displayName: "Ann" });
    house.clock.now += 1000;
    const at = new Date(house.clock.now);
    const promoted = await house.directory.updateUser(OPERATOR, "a@b.c", { role: "gateway_admin" });
    expect(promoted).toEqual({ ...user, role: "gateway_admin", updatedAt: at });
    const suspended = await house.directory.updateUser(OPERATOR, user.id, {
      status: "inactive",
      displayName: undefined,
    });
    expect(suspended).toEqual({ ...promoted, status: "suspended" });
    expect((await house.directory.updateUser(OPERATOR, user.id, { displayName: "" })).displayName).toBeNull();
  });

  test("refuses unknown words and unknown users", async () => {
    const { id } = await addUser();
    const { directory } = house;
    await expect(directory.updateUser(OPERATOR, id, { status: "asleep" })).rejects.toMatchObject({
      ...invalid("status"),
      message: 'There is no status "asleep"; use active or suspended.',
    });
    await expect(directory.updateUser(OPERATOR, id, { status: "suspend" })).rejects.toMatchObject({
      message: 'There is no status "suspend" (did you mean "suspended"?); use active or suspended.',
    });
    await expect(directory.updateUser(OPERATOR, id, { role: "gateway_amdin" })).rejects.toMatchObject({
      message: expect.stringContaining('"gateway_amdin" (did you mean "gateway_admin"?); use'),
    });
    await expect(directory.updateUser(OPERATOR, id, { role: "x" })).rejects.toMatchObject(invalid("role"));
    for (const idOrEmail of ["", "\0", "nobody@x", Bun.randomUUIDv7()]) {
      await expect(directory.updateUser(OPERATOR, idOrEmail, {})).rejects.toMatchObject({ kind: "not_found" });
      await expect(directory.deleteUser(OPERATOR, idOrEmail, { hard: true })).rejects.toMatchObject({
        kind: "not_found",
      });
    }
  });

  test("keeps the last active root admin", async () => {
    const root = await addUser("root_admin");
    const idle = await addUser("root_admin");
    const { directory } = house;
    await directory.updateUser(OPERATOR, idle.id, { status: "suspended" });
    for (const attempt of [
      () => directory.updateUser(OPERATOR, root.id, { role: "gateway_admin" }),
      () => directory.updateUser(OPERATOR, root.id, { status: "suspended" }),
      () => directory.deleteUser(OPERATOR, root.id, { hard: false }),
      () => directory.deleteUser(OPERATOR, root.id, { hard: true }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ kind: "conflict" });
    }
    await directory.deleteUser(OPERATOR, idle.id, { hard: true });
    expect(await directory.getUser(root.id)).toEqual(root);
  });
});

describe("the root admin of the first start", () => {
  test("is made once", async () => {
    const root = await house.directory.ensureRoot("admin@local");
    expect(root).toMatchObject({ email: "admin@local", role: "root_admin", status: "active" });
    expect(await house.directory.ensureRoot("other@local")).toEqual(root);
    expect(await house.directory.listUsers()).toEqual([root]);
  });

  test("is the user of that e-mail where there is one", async () => {
    const { id } = await house.directory.createUser(OPERATOR, { email: "boss@x.example", displayName: "Boss" });
    await house.directory.updateUser(OPERATOR, id, { status: "suspended" });
    expect(await house.directory.ensureRoot("Boss@x.example")).toMatchObject({
      id,
      role: "root_admin",
      status: "active",
      displayName: "Boss",
    });
  });

  test("is one where several processes start at once", async () => {
    const others = await Promise.all([house.openAgain(), house.openAgain(), house.openAgain()]);
    const directories = others.map((store) => createDirectory({ store: store.identity, now: () => NOON }));
    const roots = await Promise.all(directories.map((directory) => directory.ensureRoot("admin@local")));
    expect(new Set(roots.map((root) => root.id)).size).toBe(1);
    expect(await house.directory.listUsers()).toHaveLength(1);
  });
});

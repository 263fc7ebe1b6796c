// What every engine's store must do with users. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { User } from "../../src/identity/model.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, kindOf, LATER, makeKey, makeUser, open, type Place } from "./sample.ts";

export function describeUsers(get: () => Store, place: Place): void {
  describe("users", () => {
    test("come back as they were stored, by id and by e-mail", async () => {
      const { identity } = get();
      const odd = makeUser({
        displayName: "Zoë 🦊 \u2028 日本 'quoted\" \\ %_",
        role: "gateway_admin",
        status: "suspended",
      });
      const plain = makeUser({ createdAt: LATER, updatedAt: LATER });
      await identity.createUsers([odd, plain]);
      expect(await identity.findUser(odd.id)).toEqual(odd);
      expect(await identity.findUserByEmail(plain.email)).toEqual(plain);
      const order = (await identity.listUsers()).map((user) => user.id);
      expect(order.indexOf(odd.id)).toBeLessThan(order.indexOf(plain.id));
    });

    test("are not found under an unknown id, nor under one that no database takes", async () => {
      const { identity } = get();
      expect(await identity.findUser(Bun.randomUUIDv7())).toBeNull();
      expect(await identity.findUser("\0")).toBeNull();
      expect(await identity.findUserByEmail("nobody\0@\ud800")).toBeNull();
      expect(await identity.updateUser("none", { displayName: "x" }, AT)).toBeNull();
      expect(await identity.updateUser("none", { status: "suspended" }, AT)).toBeNull();
      expect(await identity.deleteUser("none", AT)).toBe(false);
      expect(await identity.purgeUser("none")).toBe(false);
    });

    test("are inserted all or none, in thousands", async () => {
      const { identity } = get();
      const many = Array.from({ length: 1200 }, () => makeUser());
      const last = many.at(-1) as User;
      await identity.createUsers([last]);
      expect(await kindOf(() => identity.createUsers(many))).toBe("conflict");
      expect(await identity.findUser(many[0]?.id ?? "")).toBeNull();
      await identity.createUsers(many.slice(0, -1));
      expect(await identity.findUser(many[1198]?.id ?? "")).not.toBeNull();
      await identity.createUsers([]);
    });

    test("of one e-mail made at the same moment: one wins, the others are conflicts that name the reason", async () => {
      const { identity } = get();
      const email = "race@example.com";
      const results = await Promise.allSettled(
        Array.from({ length: 6 }, () => identity.createUsers([makeUser({ email })])),
      );
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") {
          expect(result.reason).toMatchObject({ kind: "conflict", message: "A user with this e-mail already exists." });
        }
      }
    });

    test("change only in the fields given", async () => {
      const { identity } = get();
      const user = makeUser({ displayName: "Ann" });
      await identity.createUsers([user]);
      const promoted = await identity.updateUser(user.id, { role: "gateway_admin" }, LATER);
      expect(promoted).toEqual({ ...user, role: "gateway_admin", updatedAt: LATER });
      const nameless = await identity.updateUser(user.id, { displayName: null, status: "suspended" }, LATER);
      expect(nameless).toEqual({
        ...user,
        role: "gateway_admin",
        displayName: null,
        status: "suspended",
        updatedAt: LATER,
      });
    });

    test("who rise leave their keys the reach of before, and no key of others another one", async () => {
      const { identity } = get();
      const [user, other] = [makeUser(), makeUser({ role: "gateway_admin" })];
      await identity.createUsers([user, other]);
      const [bare, narrow, foreign] = [makeKey(user.id), makeKey(user.id), makeKey(other.id)];
      narrow.key.scopes = ["inference"];
      for (const record of [bare, narrow, foreign]) await identity.createKey(record);
      const formerReach = [{ role: "gateway_user", scopes: ["files", "inference"] }] as const;
      const how = { formerReach: formerReach.map(({ role, scopes }) => ({ role, scopes: [...scopes] })) };
      for (const { id } of [user, other]) await identity.updateUser(id, { role: "root_admin" }, LATER, undefined, how);
      const scopes = async ({ key: { id } }: typeof bare) => (await identity.findKey(id))?.scopes;
      expect(await scopes(bare)).toEqual(["files", "inference"]);
      expect(await scopes(narrow)).toEqual(["inference"]);
      expect(await scopes(foreign)).toEqual([]);
    });

    test("deleted softly are gone, free their e-mail and take their keys along", async () => {
      const { identity } = get();
      const user = makeUser();
      const record = makeKey(user.id);
      await identity.createUsers([user]);
      await identity.createKey(record);
      expect(await identity.deleteUser(user.id, LATER)).toBe(true);
      expect(await identity.deleteUser(user.id, LATER)).toBe(false);
      expect(await identity.findUser(user.id)).toBeNull();
      expect(await identity.findKey(record.key.id)).toBeNull();
      expect(await identity.updateUser(user.id, { displayName: "x" }, LATER)).toBeNull();
      await identity.createUsers([makeUser({ email: user.email })]);
      expect(await identity.findUserByEmail(user.email)).not.toBeNull();
      // What was deleted softly can still be removed for good.
      expect(await identity.purgeUser(user.id)).toBe(true);
    });

    test("purged take their keys along", async () => {
      const { identity } = get();
      const user = makeUser();
      const record = makeKey(user.id);
      await identity.createUsers([user]);
      await identity.createKey(record);
      expect(await identity.purgeUser(user.id)).toBe(true);
      expect(await identity.findUser(user.id)).toBeNull();
      // The same hash again would be a clash if the row were still there.
      const heir = makeUser();
      await identity.createUsers([heir]);
      await identity.createKey({ ...makeKey(heir.id), hash: record.hash });
    });

    test("never lose the last active root admin, even where two processes act at once", async () => {
      const location = await place.create();
      const stores = [await open(location), await open(location)] as const;
      const roots = [makeUser({ role: "root_admin" }), makeUser({ role: "root_admin" })] as const;
      const idle = makeUser({ role: "root_admin", status: "suspended" });
      await stores[0].identity.createUsers([...roots, idle]);
      const ends = [
        () => stores[0].identity.updateUser(roots[0].id, { role: "gateway_user" }, LATER),
        () => stores[1].identity.deleteUser(roots[1].id, LATER),
      ];
      const results = await Promise.allSettled(ends.map((end) => end()));
      expect(results.map((result) => result.status).toSorted()).toEqual(["fulfilled", "rejected"]);
      const left = (await stores[0].identity.listUsers()).find(
        (user) => user.role === "root_admin" && user.status === "active",
      );
      const { identity } = stores[1];
      const id = left?.id ?? "";
      expect(await kindOf(() => identity.updateUser(id, { status: "suspended" }, LATER))).toBe("conflict");
      expect(await kindOf(() => identity.updateUser(id, { role: "gateway_admin" }, LATER))).toBe("conflict");
      expect(await kindOf(() => identity.deleteUser(id, LATER))).toBe("conflict");
      expect(await kindOf(() => identity.purgeUser(id))).toBe("conflict");
      expect(await identity.updateUser(id, { displayName: "Root" }, LATER)).toMatchObject({ displayName: "Root" });
      await identity.updateUser(idle.id, { status: "active" }, LATER);
      expect(await identity.deleteUser(id, LATER)).toBe(true);
      await Promise.all(stores.map((store) => store.close()));
    });
  });
}

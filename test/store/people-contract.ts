// What every engine's store must do with lists of people, their links and sessions, and how soon another process knows. Part of the contract.

import { describe, expect, test } from "bun:test";
import { type UserFilter, createDirectory, createKeyRing, createSignIn } from "../../src/identity/index.ts";
import type { User } from "../../src/identity/model.ts";
import type { Store } from "../../src/store/index.ts";
import { createTimetable } from "../identity/harness.ts";
import { AT, kindOf, LATER, makeUser, open, type Place } from "./sample.ts";

const OPERATOR = { kind: "operator" } as const;
const SECOND_MS = 1_000;

export function describePeople(get: () => Store, place: Place): void {
  describe("lists of users", () => {
    const list = async (filter: UserFilter, after: string | null = null, limit = 10): Promise<string[]> =>
      (await get().identity.pageUsers(filter, { after, limit })).map(({ email }) => email);

    test("are read in pages by id, and by address where one begins like that, whatever else it holds", async () => {
      const { identity } = get();
      const mark = `p${crypto.randomUUID().slice(0, 8)}`;
      const make = (name: string, change: Partial<User> = {}) => makeUser({ email: `${mark}${name}`, ...change });
      const people = [
        make("c@x.example", { role: "gateway_admin" }),
        make("_b@x.example"),
        make("%a@x.example", { status: "suspended" }),
        make("é@x.example"),
        make("z🦊@x.example", { role: "gateway_admin", status: "suspended" }),
      ];
      await identity.createUsers(people);
      const all = people.map(({ email }) => email);
      expect((await list({ emailPrefix: mark })).toSorted()).toEqual(all.toSorted());
      expect(await list({ emailPrefix: `${mark}%` })).toEqual([`${mark}%a@x.example`]);
      expect(await list({ emailPrefix: `${mark}_` })).toEqual([`${mark}_b@x.example`]);
      expect(await list({ emailPrefix: `${mark}é` })).toEqual([`${mark}é@x.example`]);
      expect(await list({ emailPrefix: `${mark}z🦊` })).toEqual([`${mark}z🦊@x.example`]);
      expect((await list({ emailPrefix: mark, role: "gateway_admin" })).length).toBe(2);
      expect(await list({ emailPrefix: mark, role: "gateway_admin", status: "suspended" })).toEqual([
        `${mark}z🦊@x.example`,
      ]);
      expect(await list({ emailPrefix: "\0" })).toEqual([]);
      const first = await list({ emailPrefix: mark }, null, 2);
      const rest = await list({ emailPrefix: mark }, first.at(-1) ?? "");
      expect([...first, ...rest]).toEqual(await list({ emailPrefix: mark }));
      const ids = people.map(({ id }) => id);
      const page = await identity.pageUsers({}, { after: ids[0] ?? "", limit: 3 });
      expect(page.map(({ id }) => id)).toEqual(ids.slice(1, 4));
      expect(
        (await identity.pageUsers({ role: "gateway_admin" }, { after: ids[0] ?? "", limit: 9 })).map(({ id }) => id),
      ).toEqual([ids[4] ?? ""]);
      expect(
        (await identity.pageUsers({ status: "suspended" }, { after: ids[1] ?? "", limit: 9 })).map(({ id }) => id),
      ).toEqual([ids[2] ?? "", ids[4] ?? ""]);
      await identity.deleteUser(ids[1] ?? "", LATER);
      expect(await list({ emailPrefix: `${mark}_` })).toEqual([]);
    });

    test("say which addresses are taken, of thousands", async () => {
      const { identity } = get();
      const [here, gone] = [makeUser(), makeUser()];
      await identity.createUsers([here, gone]);
      await identity.deleteUser(gone.id, LATER);
      const asked = [...Array.from({ length: 1_200 }, () => makeUser().email), here.email, gone.email, "\0@x.y"];
      expect(await identity.findTaken(asked)).toEqual(new Set([here.email]));
      expect(await identity.findTaken([])).toEqual(new Set());
    });

    test("name the oldest active root", async () => {
      const store = await open(await place.create());
      try {
        expect(await store.identity.findRoot()).toBeNull();
        const [idle, one, two] = [
          makeUser({ role: "root_admin", status: "suspended" }),
          makeUser({ role: "root_admin" }),
          makeUser({ role: "root_admin" }),
        ];
        await store.identity.createUsers([idle, two, one, makeUser()]);
        expect((await store.identity.findRoot())?.id).toBe(one.id);
      } finally {
        await store.close();
      }
    });
  });

  describe("an address", () => {
    test("changes, is taken from nobody, and takes its links along", async () => {
      const { identity } = get();
      const [ann, bob] = [makeUser(), makeUser()];
      await identity.createUsers([ann, bob]);
      const directory = createDirectory({ store: identity, now: () => AT.getTime() });
      const signIn = createSignIn({ store: identity, now: () => AT.getTime() });
      const [old, bobs] = await signIn.makeLinks([ann, bob]);
      expect(await kindOf(() => directory.updateUser(OPERATOR, ann.id, { email: bob.email }))).toBe("conflict");
      expect((await identity.findLink(old?.of.hash ?? "", AT))?.userId).toBe(ann.id);
      const moved = await directory.updateUser(OPERATOR, ann.id, { email: `Moved-${ann.email}` });
      expect(moved).toMatchObject({ id: ann.id, email: `moved-${ann.email}` });
      expect(await identity.findLink(old?.of.hash ?? "", AT)).toBeNull();
      expect((await identity.findLink(bobs?.of.hash ?? "", AT))?.userId).toBe(bob.id);
    });
  });

  describe("sessions of others", () => {
    test("are listed with their owners, newest first, and ended by role", async () => {
      const store = await open(await place.create());
      try {
        const { identity } = store;
        const [root, clerk, ann] = [makeUser({ role: "root_admin" }), makeUser({ role: "gateway_admin" }), makeUser()];
        await identity.createUsers([root, clerk, ann]);
        const signIn = createSignIn({ store: identity, now: () => AT.getTime() });
        const made: string[] = [];
        for (const user of [root, clerk, ann, ann]) {
          made.push((await signIn.enter(user, { userAgent: null, address: null })).of.id);
        }
        const read = async (userId: string | null, after: string | null, limit: number) =>
          (await identity.pageSessions({ userId, now: AT, seenAfter: new Date(0) }, { after, limit })).map(
            ({ session, email }) => [session.id, email],
          );
        const expected = [ann, ann, clerk, root].map(({ email }, index) => [made.toReversed()[index], email]);
        expect(await read(null, null, 10)).toEqual(expected as string[][]);
        expect(await read(null, made[2] ?? "", 1)).toEqual(expected.slice(2, 3) as string[][]);
        expect(await read(ann.id, null, 10)).toEqual(expected.slice(0, 2) as string[][]);
        expect((await identity.findSession(made[0] ?? ""))?.userId).toBe(root.id);
        expect(await identity.endSessionsOf(["gateway_admin", "gateway_user"], made[1] ?? "", LATER)).toBe(2);
        expect((await read(null, null, 10)).map(([id]) => id)).toEqual([made[1] ?? "", made[0] ?? ""]);
        expect(await identity.findSession(made[2] ?? "")).toBeNull();
        expect(await identity.endSessionsOf(["gateway_user"], null, LATER)).toBe(0);
      } finally {
        await store.close();
      }
    });
  });

  describe("another process", () => {
    test.each<[string, (store: Store, id: string) => Promise<unknown>, string]>([
      ["suspended", ({ identity }, id) => identity.updateUser(id, { status: "suspended" }, LATER), "suspended"],
      ["deleted", ({ identity }, id) => identity.deleteUser(id, LATER), "deleted"],
      ["removed for good", ({ identity }, id) => identity.purgeUser(id), "unknown"],
    ])("lets nobody in who is %s here, neither by key nor by session, within a second", async (_name, end, fault) => {
      const location = await place.create();
      const [here, there] = [await open(location), await open(location)];
      const timetable = createTimetable();
      const now = (): number => AT.getTime();
      try {
        const directory = createDirectory({ store: here.identity, now });
        const user = await directory.createUser(OPERATOR, { email: "ann@example.com" });
        const { token } = await directory.createKey(OPERATOR, user.id, {});
        const signIn = createSignIn({ store: here.identity, now });
        const session = await signIn.enter(user, { userAgent: null, address: null });
        const ring = createKeyRing({
          store: there.identity,
          now,
          schedule: timetable.schedule,
          onError: (error) => expect(error).toBeNull(),
        });
        await ring.load();
        ring.start();
        expect(ring.resolve(token)).toMatchObject({ userId: user.id });
        expect(ring.resolveSession(session.token)).toMatchObject({ userId: user.id });
        await end(here, user.id);
        expect(Math.max(...timetable.delays())).toBeLessThan(SECOND_MS);
        timetable.turn();
        while (timetable.delays().length === 0) await new Promise(setImmediate);
        expect(ring.resolve(token)).toBe(fault as "unknown");
        expect(ring.resolveSession(session.token)).toBe("unknown");
        // The address is free again.
        if (fault !== "suspended") await directory.createUser(OPERATOR, { email: "ann@example.com" });
        await ring.stop();
      } finally {
        await Promise.all([here.close(), there.close()]);
      }
    });
  });
}

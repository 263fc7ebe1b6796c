// What every engine's store must do with accounts at an identity provider, and with sessions and links that are over. Part of the contract.

import { describe, expect, test } from "bun:test";
import type { User } from "../../src/identity/index.ts";
import type { Errand, OutsideIdentity } from "../../src/identity/outside.ts";
import type { LinkRecord, Session } from "../../src/identity/session.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, kindOf, LATER, makeUser } from "./sample.ts";

const ISSUER = "https://login.example.com";

function makeIdentity(userId: string, over: Partial<OutsideIdentity> = {}): OutsideIdentity {
  return {
    id: Bun.randomUUIDv7(),
    userId,
    issuer: ISSUER,
    subject: Bun.randomUUIDv7(),
    email: "ann@example.com",
    createdAt: AT,
    lastUsedAt: AT,
    ...over,
  };
}

function makeLink(userId: string): LinkRecord {
  const [id, hash] = [Bun.randomUUIDv7(), Bun.randomUUIDv7()];
  return { id, userId, kind: "hand-out", hash, browserHash: null, createdAt: AT, expiresAt: LATER };
}

function makeSession(id: string, userId: string, at: number): Session {
  const times = { createdAt: new Date(at), lastSeenAt: new Date(at), expiresAt: new Date(at + 1_000) };
  return { id, userId, ...times, userAgent: null, address: null };
}

function makeErrand(over: Partial<Errand> = {}): Errand {
  return {
    id: Bun.randomUUIDv7(),
    hash: Bun.randomUUIDv7(),
    issuer: ISSUER,
    returnTo: "/ui/",
    userId: null,
    createdAt: AT,
    expiresAt: LATER,
    ...over,
  };
}

export function describeOutside(get: () => Store): void {
  describe("accounts elsewhere", () => {
    test("come back with their user, by issuer and subject, and remember when they were used", async () => {
      const { identity } = get();
      const user = makeUser();
      await identity.createUsers([user]);
      const account = makeIdentity(user.id);
      await identity.createIdentity(account);
      expect(await identity.findIdentity(ISSUER, account.subject)).toEqual({
        identity: account,
        user,
        isDeleted: false,
      });
      expect(await identity.findIdentity("https://other.example.com", account.subject)).toBeNull();
      await identity.touchIdentity(account.id, { email: null, at: LATER });
      expect(await identity.listIdentities(user.id)).toEqual([{ ...account, email: null, lastUsedAt: LATER }]);
      expect(await identity.deleteIdentity(account.id, Bun.randomUUIDv7())).toBe(false);
      expect(await identity.deleteIdentity(account.id, user.id)).toBe(true);
      expect(await identity.findIdentity(ISSUER, account.subject)).toBeNull();
    });

    test("belong to one user each, and a user has one of each issuer", async () => {
      const { identity } = get();
      const [first, second] = [makeUser(), makeUser()];
      await identity.createUsers([first, second]);
      const account = makeIdentity(first.id);
      await identity.createIdentity(account);
      expect(await kindOf(() => identity.createIdentity(makeIdentity(second.id, { subject: account.subject })))).toBe(
        "conflict",
      );
      expect(await kindOf(() => identity.createIdentity(makeIdentity(first.id)))).toBe("conflict");
      const third = makeUser();
      const taken = makeIdentity(third.id, { subject: account.subject });
      expect(await kindOf(() => identity.createUserWithIdentity(third, taken))).toBe("conflict");
      expect(await identity.findUser(third.id)).toBeNull();
      await identity.createUserWithIdentity(third, makeIdentity(third.id));
      expect(await identity.listIdentities(third.id)).toHaveLength(1);
    });

    test("of a user who is deleted stay his until somebody else has them, and go with one who is purged", async () => {
      const { identity } = get();
      const [gone, next] = [makeUser(), makeUser()];
      await identity.createUsers([gone, next]);
      const account = makeIdentity(gone.id);
      await identity.createIdentity(account);
      await identity.deleteUser(gone.id, LATER);
      expect(await identity.findIdentity(ISSUER, account.subject)).toMatchObject({ isDeleted: true });
      await identity.createIdentity(makeIdentity(next.id, { subject: account.subject }));
      expect(await identity.findIdentity(ISSUER, account.subject)).toMatchObject({
        user: { id: next.id },
        isDeleted: false,
      });
      await identity.purgeUser(next.id);
      expect(await identity.findIdentity(ISSUER, account.subject)).toBeNull();
    });

    test("are remembered of one who is purged, as is his address", async () => {
      const { identity } = get();
      const [gone, there] = [makeUser(), makeUser()];
      await identity.createUsers([gone, there]);
      const [account, other] = [makeIdentity(gone.id), makeIdentity(there.id)];
      for (const each of [account, other]) await identity.createIdentity(each);
      const subject = Bun.randomUUIDv7();
      const byAccount = { issuer: ISSUER, subject: account.subject, email: "new@example.com" };
      const byAddress = { issuer: ISSUER, subject, email: gone.email };
      for (const who of [byAccount, byAddress]) expect(await identity.wasPurged(who)).toBe(false);
      await identity.purgeUser(gone.id);
      for (const who of [byAccount, byAddress]) expect(await identity.wasPurged(who)).toBe(true);
      expect(await identity.wasRemoved("identity", account.id)).toBe(true);
      expect(await identity.wasPurged({ ...byAccount, issuer: "https://other.example.com" })).toBe(false);
      expect(await identity.wasPurged({ issuer: ISSUER, subject: other.subject, email: there.email })).toBe(false);
    });
  });

  describe("errands", () => {
    test("are found by their hash until they are over, and used once", async () => {
      const { identity } = get();
      const errand = makeErrand();
      await identity.createErrand(errand);
      expect(await identity.findErrand(errand.hash, AT)).toEqual(errand);
      expect(await identity.findErrand(errand.hash, LATER)).toBeNull();
      const tries = await Promise.all(Array.from({ length: 5 }, () => identity.consumeErrand(errand.id, AT)));
      expect(tries.filter(Boolean)).toHaveLength(1);
      expect(await identity.findErrand(errand.hash, AT)).toBeNull();
    });

    test("that nobody came back from are gone with the next", async () => {
      const { identity } = get();
      const old = makeErrand({ expiresAt: AT });
      await identity.createErrand(old);
      await identity.createErrand(makeErrand({ createdAt: LATER, expiresAt: new Date(LATER.getTime() + 1_000) }));
      // Looked for before it was over, it would have been found.
      expect(await identity.findErrand(old.hash, new Date(0))).toBeNull();
    });
  });

  describe("sessions and links", () => {
    test("are made for a user as he was seen, and for nobody who is another by now", async () => {
      const { identity } = get();
      const make = async (user: User) => {
        const link = makeLink(user.id);
        const session = { session: makeSession(Bun.randomUUIDv7(), user.id, AT.getTime()), hash: Bun.randomUUIDv7() };
        const made = [await identity.createLink(link, user), await identity.createSession(session, user)];
        const kept = [await identity.findLink(link.hash, AT), await identity.findSession(session.session.id)];
        expect(kept.map((each) => each !== null)).toEqual(made);
        return made;
      };
      for (const change of [
        { role: "gateway_admin" },
        { email: "other@example.com" },
        { status: "suspended" },
      ] as const) {
        const seen = makeUser({ role: "gateway_user" });
        await identity.createUsers([seen]);
        expect(await make(seen)).toEqual([true, true]);
        const now = await identity.updateUser(seen.id, change, LATER);
        expect(await make(seen)).toEqual([false, false]);
        const isActive = now?.status === "active";
        expect(await make(now ?? seen)).toEqual([isActive, isActive]);
        await identity.deleteUser(seen.id, LATER);
        expect(await make(now ?? seen)).toEqual([false, false]);
      }
    });

    test("that are not made end none of those that are there", async () => {
      const { identity } = get();
      const user = makeUser({ role: "gateway_user" });
      await identity.createUsers([user]);
      const link = makeLink(user.id);
      await identity.createLink(link, user);
      await identity.createLink(makeLink(user.id), { ...user, role: "root_admin" });
      expect(await identity.findLink(link.hash, AT)).toEqual(link);
    });
  });

  describe("what is over", () => {
    test("is swept away, but for each user's last session", async () => {
      const { identity } = get();
      const user = makeUser({ role: "gateway_admin" });
      await identity.createUsers([user]);
      const make = (id: string, at: number) =>
        identity.createSession({ session: makeSession(id, user.id, at), hash: Bun.randomUUIDv7() }, user);
      const ids = [Bun.randomUUIDv7(), Bun.randomUUIDv7(), Bun.randomUUIDv7()] as const;
      const start = AT.getTime();
      await make(ids[0], start);
      await make(ids[1], start + 10_000);
      await make(ids[2], start + 20_000);
      const when = { now: new Date(start), seenAfter: new Date(0) };
      const listed = async () => (await identity.listSessions(user.id, when)).map(({ id }) => id).toSorted();
      expect(await listed()).toEqual([...ids].toSorted());
      await identity.sweepSessions(new Date(start + 15_000), new Date(start + 5_000));
      expect(await listed()).toEqual([ids[2]]);
      expect(await identity.findSession(ids[1])).toBeNull();
      await identity.sweepSessions(new Date(start + 90_000), new Date(start + 80_000));
      expect(await identity.hasSignedIn("gateway_admin")).toBe(true);
    });

    test("the door without proof stays closed", async () => {
      const { identity } = get();
      await identity.closeProoflessDoor();
      await identity.closeProoflessDoor();
      expect(await identity.isProoflessDoorClosed()).toBe(true);
    });
  });
}

// What every engine's store must do with the record of changes. Part of the contract.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type ChangePage, verifyChanges } from "../../src/audit/index.ts";
import { type ChangeAction, type ChangeRow, linkChange, type Origin } from "../../src/lib/change.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, kindOf, LATER, makeKey, makeUser, open, type Place } from "./sample.ts";

const BY: Origin = {
  actor: "user",
  actorId: "admin-1",
  actorName: "admin@example.com",
  keyId: "key-1",
  address: "203.0.113.7",
  requestId: "req-1",
  at: AT,
};

export function describeRecord(place: Place): void {
  describe("the record of changes", () => {
    let here: Store;
    let there: Store;
    beforeEach(async () => {
      const location = await place.create();
      [here, there] = [await open(location), await open(location)];
    });
    afterEach(() => Promise.all([here.close(), there.close()]));

    const list = async (filter = {}): Promise<ChangeRow[]> => (await there.changes.page(filter, 100, null)).changes;
    const verify = () =>
      verifyChanges({ book: there.changes, kept: [], trusted: null, own: null, onProgress: () => undefined });

    test("says who, from where, what there was and what there is, in a chain without gaps", async () => {
      const user = makeUser({ displayName: "Ana" });
      await here.identity.createUsers([user], BY);
      await here.identity.updateUser(user.id, { displayName: "Bea" }, LATER, { ...BY, at: LATER });
      await here.identity.deleteUser(user.id, LATER, { ...BY, at: new Date(LATER.getTime() + 1) });
      const [deleted, updated, created] = await list();
      const who = { ...BY, subjectKind: "user", subjectId: user.id };
      expect(created).toMatchObject({ ...who, action: "user.create", seq: 1, previous: "", before: null });
      expect(created?.after).toMatchObject({ email: user.email, display_name: "Ana", role: "gateway_user" });
      expect(updated).toMatchObject({ ...who, at: LATER, action: "user.update", seq: 2, previous: created?.hash });
      expect([updated?.before?.["display_name"], updated?.after?.["display_name"]]).toEqual(["Ana", "Bea"]);
      expect(deleted).toMatchObject({ action: "user.delete", seq: 3, previous: updated?.hash, after: null });
      expect(deleted?.before).toMatchObject({ display_name: "Bea" });
      for (const row of [created, updated, deleted]) expect(row && linkChange(row)).toBe(row?.hash ?? "none");
      expect(await verify()).toMatchObject({ rows: 3, findings: [] });
    });

    test("has nothing of what was not done", async () => {
      const user = makeUser();
      await here.identity.createUsers([user], BY);
      expect(await kindOf(() => here.identity.createUsers([makeUser({ email: user.email })], BY))).toBe("conflict");
      expect(await here.identity.updateUser("nobody", { displayName: "x" }, LATER, BY)).toBeNull();
      expect(await here.identity.deleteUser("nobody", LATER, BY)).toBe(false);
      expect(await here.identity.revokeKeys(["none"], LATER, BY)).toEqual([]);
      expect(await here.identity.deleteKey("none", LATER, BY)).toBe(false);
      expect(await here.identity.updateKey("none", { name: "x" }, LATER, BY)).toBeNull();
      expect(await kindOf(() => here.identity.createKey(makeKey("nobody"), BY))).toBe("not_found");
      expect((await list()).map(({ action }) => action)).toEqual(["user.create"]);
    });

    test("stays in one order while several write at once", async () => {
      const users = Array.from({ length: 40 }, () => makeUser());
      await Promise.all(users.map((user, at) => (at % 2 === 0 ? here : there).identity.createUsers([user], BY)));
      await Promise.all(
        users.map((user, at) => (at % 2 === 0 ? there : here).identity.createKey(makeKey(user.id), BY)),
      );
      const rows = await list();
      expect(rows.map(({ seq }) => seq).toSorted((left, right) => left - right)).toEqual(
        Array.from({ length: 80 }, (_, at) => at + 1),
      );
      expect(new Set(rows.map(({ chain }) => chain)).size).toBe(1);
      expect(await verify()).toMatchObject({ rows: 80, findings: [] });
    });

    test("names every one of many users that were made at once", async () => {
      const users = Array.from({ length: 1_203 }, () => makeUser());
      await here.identity.createUsers(users, BY);
      expect(await verify()).toMatchObject({ rows: 1_203, findings: [] });
      const [only, ...more] = await list({ subject: users[1_100]?.id });
      expect([only?.action, more]).toEqual(["user.create", []]);
    });

    test("tells of keys without what they are found by, and of a rotation both tokens", async () => {
      const user = makeUser();
      const [first, second] = [makeKey(user.id, { scopes: ["inference"] }), makeKey(user.id)];
      await here.identity.createUsers([user], BY);
      await here.identity.createKey(first, BY);
      const token = { hash: second.hash, prefix: "tok_secondxx" };
      await here.identity.rotateKey(first.key.id, token, { endsAt: LATER, at: AT }, BY);
      await here.identity.updateKey(first.key.id, { tags: ["team=a"] }, LATER, BY);
      await here.identity.revokeKeys([first.key.id], LATER, BY);
      await here.identity.deleteKey(first.key.id, LATER, BY);
      const [deleted, revoked, updated, rotated, created] = await list({ action: "key" });
      expect(created?.after).toMatchObject({ scopes: ["inference"], key_hash: "[redacted]" });
      expect(rotated).toMatchObject({ action: "key.rotate", subjectId: first.key.id });
      const former = [{ hash: "[redacted]", prefix: first.key.prefix }];
      expect(rotated?.before).toMatchObject({ key_prefix: first.key.prefix, former: null });
      expect(rotated?.after).toMatchObject({ id: first.key.id, key_prefix: "tok_secondxx", former });
      expect([updated?.action, updated?.before?.["tags"], updated?.after?.["tags"]]).toEqual([
        "key.update",
        null,
        ["team=a"],
      ]);
      expect(revoked).toMatchObject({ action: "key.revoke", subjectId: first.key.id, before: { revoked_at: null } });
      expect(revoked?.after?.["revoked_at"]).toBe(LATER.toISOString());
      expect(deleted).toMatchObject({ action: "key.delete", subjectId: first.key.id, after: null });
      const text = JSON.stringify(await list());
      for (const { hash } of [first, second]) expect(text).not.toContain(hash);
    });

    test("holds no secret, however it got into what was changed", async () => {
      const known = "hunter2-canary-0123";
      here.changes.hide([known]);
      const user = makeUser({ displayName: `Ana ${known} sk-canary0123456789abcdef` });
      await here.identity.createUsers([user], { ...BY, requestId: `req ${known}` });
      await here.changes.tell(BY, {
        action: "provider.update",
        subjectKind: "provider",
        subjectId: "openai",
        before: { apiKey: "canary-one", nested: [{ client_secret: "canary-two", password: ["canary-three"] }] },
        after: { authorization: { header: "canary-four" }, [`x ${known}`]: `a ${known} b`, limitTokens: 5 },
      });
      const rows = await list();
      const text = JSON.stringify(rows);
      expect(text).not.toMatch(/canary/u);
      expect(rows[0]?.after).toMatchObject({ authorization: "[redacted]", limit_tokens: 5 });
      expect(await verify()).toMatchObject({ findings: [] });
    });

    test("takes any text, and gives back what it sealed", async () => {
      const odd = {
        name: '\u0000 \ud800 \u2028 🦊 "\\',
        list: [1.5, -0, 1e21, true, null, []],
        at: LATER,
        none: undefined,
      };
      await here.changes.tell(BY, {
        action: "cache.clear",
        subjectKind: "x",
        subjectId: "\u0000",
        before: odd,
        after: {},
      });
      expect(await verify()).toMatchObject({ rows: 1, findings: [] });
      const [row] = await list();
      expect(row?.before).toMatchObject({ list: [1.5, 0, 1e21, true, null, []], at: LATER.toISOString() });
    });

    test("is read in pages from either end, by who, what, whom and when", async () => {
      const users = Array.from({ length: 7 }, (_, at) => ({
        user: makeUser(),
        at: new Date(AT.getTime() + at * 1_000),
      }));
      for (const { user, at } of users) await here.identity.createUsers([user], { ...BY, at });
      // Several in one moment, too.
      await here.identity.createUsers(
        Array.from({ length: 5 }, () => makeUser()),
        { ...BY, actor: "operator", actorId: null, actorName: "ops", keyId: null, at: LATER },
      );
      const walk = async (name: "page" | "readOldest"): Promise<string[]> => {
        const ids: string[] = [];
        for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
          const page: ChangePage = await there.changes[name]({}, 3, cursor);
          expect(page.changes.length).toBeLessThanOrEqual(3);
          ids.push(...page.changes.map((row) => row.id));
          cursor = page.nextCursor;
        }
        return ids;
      };
      const newest = await walk("page");
      expect(new Set(newest).size).toBe(12);
      expect((await walk("readOldest")).toReversed()).toEqual(newest);
      const counts = async (filter: object): Promise<number> => (await list(filter)).length;
      expect(await counts({ actor: "operator" })).toBe(5);
      expect(await counts({ actor: "ops" })).toBe(5);
      expect(await counts({ actor: "admin@example.com" })).toBe(7);
      expect(await counts({ actor: "key-1" })).toBe(7);
      expect(await counts({ action: "user" })).toBe(12);
      expect(await counts({ action: "user.create" })).toBe(12);
      expect(await counts({ action: "use" })).toBe(0);
      expect(await counts({ subject: "user" })).toBe(12);
      expect(await counts({ subject: users[3]?.user.id })).toBe(1);
      expect(await counts({ from: users[2]?.at, to: users[5]?.at })).toBe(3);
      expect(await kindOf(() => there.changes.page({}, 3, "nonsense"))).toBe("invalid_request");
    });

    test("is read by a kind, by an id and by a word that is both, beside all else that is asked", async () => {
      const tell = (second: number, action: ChangeAction, subjectId: string, actorName: string) =>
        here.changes.tell(
          { ...BY, actorName, at: new Date(AT.getTime() + second * 1_000) },
          { action, subjectKind: action.split(".")[0] ?? "", subjectId, before: null, after: {} },
        );
      await tell(1, "route.create", "key", "ana");
      await tell(2, "key.create", "k1", "bea");
      await tell(3, "key.update", "k1", "ana");
      await tell(4, "key.create", "key", "ana");
      await tell(5, "user.create", "k1", "ana");
      const seconds = async (filter: object) =>
        (await list(filter)).map(({ at }) => (at.getTime() - AT.getTime()) / 1_000);
      expect(await seconds({ subject: "key" })).toEqual([4, 3, 2, 1]);
      expect(await seconds({ subject: "k1" })).toEqual([5, 3, 2]);
      expect(await seconds({ subject: "key", actor: "ana" })).toEqual([4, 3, 1]);
      expect(await seconds({ subject: "key", actor: "user" })).toEqual([4, 3, 2, 1]);
      expect(await seconds({ subject: "key", action: "key.create" })).toEqual([4, 2]);
      expect(await seconds({ subject: "key", action: "key", actor: "ana" })).toEqual([4, 3]);
      expect(await seconds({ subject: "k1", action: "key", actor: "ana" })).toEqual([3]);
      expect(await seconds({ subject: "k1", action: "key.*", from: new Date(AT.getTime() + 3_000) })).toEqual([3]);
      expect(await seconds({ subject: "nothing" })).toEqual([]);
      const first = await there.changes.page({ subject: "key" }, 2, null);
      const second = await there.changes.page({ subject: "key" }, 2, first.nextCursor);
      expect([...first.changes, ...second.changes].map(({ action }) => action)).toEqual([
        "key.create",
        "key.update",
        "key.create",
        "route.create",
      ]);
      expect(second.nextCursor).toBeNull();
    });

    test("has budgets, routes and what is out of service, each with the change", async () => {
      await here.controls.put(
        { provider: "p", account: null, model: "m", action: "disable", sinceMs: AT.getTime(), by: "admin-1" },
        BY,
      );
      await here.controls.remove([{ provider: "p", account: null, model: "m" }]);
      const version = { id: "v1", name: "fast", comment: null, author: "a", authorId: null, createdAt: AT };
      await here.routes.add({ ...version, version: 1, fields: { targets: "loopback" } }, BY);
      await here.routes.add({ ...version, id: "v2", version: 2, fields: null }, BY);
      expect(await here.routes.add({ ...version, id: "v3", version: 2, fields: {} }, BY)).toBe(false);
      const rows = (await list()).toSorted((left, right) => left.seq - right.seq);
      expect(rows.map(({ action, subjectId }) => [action, subjectId])).toEqual([
        ["provider.disable", "p/m"],
        ["provider.enable", null],
        ["route.create", "fast"],
        ["route.delete", "fast"],
      ]);
      expect(rows[3]?.before).toMatchObject({ version: 1, fields: { targets: "loopback" } });
      expect(await verify()).toMatchObject({ findings: [] });
    });
  });
}

// What every engine's store must do: one suite, run on each of them. Knows no engine; a place is a new, empty database.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/index.ts";
import { describeAnswers } from "./answer-contract.ts";
import { describeAuditors } from "./audit-contract.ts";
import { describeMarks } from "./mark-contract.ts";
import { describeRecounts } from "./recount-contract.ts";
import { describeBindings } from "./binding-contract.ts";
import { describeRecord } from "./change-contract.ts";
import { describeBudgetBeginnings } from "./budget-begin-contract.ts";
import { describeBudgets } from "./budget-contract.ts";
import { describeBudgetSums } from "./budget-sum-contract.ts";
import { describeControls } from "./control-contract.ts";
import { describeDamage } from "./damage-contract.ts";
import { describeKeys } from "./key-contract.ts";
import { describeBooks, describePages } from "./ledger-contract.ts";
import { describeOutside } from "./outside-contract.ts";
import { describePeople } from "./people-contract.ts";
import { describeProviders } from "./provider-contract.ts";
import { describeLimits } from "./limit-contract.ts";
import { describeRoutes } from "./route-contract.ts";
import { describeLedgerPages } from "./page-contract.ts";
import { describeHours } from "./hour-contract.ts";
import { describeReports } from "./report-contract.ts";
import { describeRetention } from "./retention-contract.ts";
import { kindOf, LATER, makeKey, makeUser, open, type Place } from "./sample.ts";
import { describeSettings } from "./setting-contract.ts";
import { describeUntimed } from "./untimed-contract.ts";
import { describeUsers } from "./user-contract.ts";

export function describeStore(place: Place): void {
  describeOpening(place);
  let store: Store;
  beforeAll(async () => {
    store = await open(await place.create());
  });
  afterAll(() => store.close());
  describeUsers(() => store, place);
  describePeople(() => store, place);
  describeKeys(() => store);
  describeOutside(() => store);
  describeBindings(() => store);
  describeControls(() => store);
  describeAnswers(() => store, place);
  describeBudgets(() => store);
  describeBudgetSums(place);
  describeBudgetBeginnings(place);
  describeLimits(() => store);
  describeSettings(() => store);
  describeRoutes(() => store);
  describeProviders(() => store);
  describeChanges(place);
  describeRecord(place);
  describeBooks(() => store);
  describePages(place);
  describeLedgerPages(place);
  describeHours(place);
  describeReports(place);
  describeRetention(place);
  describeUntimed(place);
  describeDamage(place);
  describeMarks(place);
  describeRecounts(place);
  describeAuditors(place);
}

function describeOpening(place: Place): void {
  describe("opening", () => {
    test("makes the tables once, and says which engine it is", async () => {
      const location = await place.create();
      const first = await open(location);
      const user = makeUser();
      await first.identity.createUsers([user]);
      await first.close();
      const again = await open(location);
      expect(again.engine).toBe(place.engine);
      expect(await again.identity.listUsers()).toEqual([user]);
      await again.ping();
      await again.close();
      expect(await kindOf(() => again.ping())).not.toBe("no error");
    });

    test("eight at once on an empty database all succeed and share it", async () => {
      const location = await place.create();
      const stores = await Promise.all(Array.from({ length: 8 }, () => open(location)));
      await stores[0]?.identity.createUsers([makeUser()]);
      for (const store of stores) expect(await store.identity.listUsers()).toHaveLength(1);
      await Promise.all(stores.map((store) => store.close()));
    });

    test("refuses a database that a newer program wrote, by the migration's name, and leaves it as it is", async () => {
      const location = await place.create();
      await (await open(location)).close();
      await place.run(
        location,
        "insert into tokligence_migrations (name, applied_at) values ('29990101000000_tomorrow', 'x')",
      );
      await expect(open(location)).rejects.toThrow(
        /was written by a newer version of tokligence \(migration 29990101000000_tomorrow\); start that version, or restore a backup\.$/,
      );
      await place.run(location, "delete from tokligence_migrations where name = '29990101000000_tomorrow'");
      await (await open(location)).close();
    });

    test("refuses a database of the earlier edition, also one of its books alone, and makes nothing in it", async () => {
      for (const tables of [["usage_entries"], ["users", "api_keys"]]) {
        const location = await place.create();
        for (const table of tables) await place.run(location, `create table ${table} (id int)`);
        await expect(open(location)).rejects.toThrow(/is a database of the earlier edition, and stays as it is;/u);
        for (const table of tables) await place.run(location, `drop table ${table}`);
        await (await open(location)).close();
      }
    });

    test("a migration that fails half way leaves nothing behind", async () => {
      const location = await place.create();
      // The first table of the migration can be made, this one is in its way.
      await place.run(location, "create table users (x int)");
      expect(await kindOf(() => open(location))).toBe("internal");
      await place.run(location, "drop table users");
      await (await open(location)).close();
    });
  });
}

function describeChanges(place: Place): void {
  describe("changes", () => {
    let here: Store;
    let there: Store;
    beforeEach(async () => {
      const location = await place.create();
      [here, there] = [await open(location), await open(location)];
    });
    afterEach(() => Promise.all([here.close(), there.close()]));

    test("an empty database has none", async () => {
      expect(await here.identity.changes(null)).toEqual({
        revision: 0,
        complete: true,
        users: [],
        keys: [],
        sessions: [],
      });
    });

    test("another process sees each write, deletions included, once", async () => {
      const user = makeUser();
      const record = makeKey(user.id, { scopes: ["admin"] });
      await here.identity.createUsers([user]);
      const first = await there.identity.changes(null);
      const { createdAt: _made, updatedAt: _changed, ...known } = user;
      expect(first).toMatchObject({ complete: true, users: [{ ...known, deleted: false }], keys: [], sessions: [] });

      await here.identity.createKey(record);
      const second = await there.identity.changes(first.revision);
      expect(second).toMatchObject({
        complete: false,
        users: [],
        keys: [{ id: record.key.id, hash: record.hash, scopes: ["admin"], limits: null, isOver: false }],
      });

      await here.identity.updateUser(user.id, { status: "suspended" }, LATER);
      const third = await there.identity.changes(second.revision);
      expect(third).toMatchObject({
        complete: false,
        users: [{ status: "suspended", deleted: false }],
        keys: [],
        sessions: [],
      });

      await here.identity.deleteUser(user.id, LATER);
      const fourth = await there.identity.changes(third.revision);
      expect(fourth).toMatchObject({
        users: [{ id: user.id, deleted: true }],
        keys: [{ id: record.key.id, isOver: true }],
      });
      expect(await there.identity.changes(fourth.revision)).toEqual({
        revision: fourth.revision,
        complete: false,
        users: [],
        keys: [],
        sessions: [],
      });
      expect(await there.identity.changes(null)).toMatchObject({ complete: true, users: [], keys: [], sessions: [] });
    });

    test("a purge asks for a whole new look, once", async () => {
      const [gone, stays] = [makeUser(), makeUser()];
      await here.identity.createUsers([gone, stays]);
      const before = await there.identity.changes(null);
      await here.identity.purgeUser(gone.id);
      const after = await there.identity.changes(before.revision);
      expect(after.complete).toBe(true);
      expect(after.users.map((user) => user.id)).toEqual([stays.id]);
      await here.identity.updateUser(stays.id, { displayName: "x" }, LATER);
      expect(await there.identity.changes(after.revision)).toMatchObject({
        complete: false,
        users: [{ displayName: "x" }],
      });
    });

    test("so does a database that went back to an older state", async () => {
      await here.identity.createUsers([makeUser()]);
      expect(await here.identity.changes(1_000_000)).toMatchObject({ complete: true, users: [{}] });
    });

    test("a failed write is none", async () => {
      const user = makeUser();
      await here.identity.createUsers([user]);
      const { revision } = await here.identity.changes(null);
      await kindOf(() => here.identity.createUsers([makeUser({ email: user.email })]));
      await here.identity.deleteUser("nobody", LATER);
      expect((await here.identity.changes(revision)).revision).toBe(revision);
    });

    test("none is missed while many write at once", async () => {
      const users = Array.from({ length: 40 }, () => makeUser());
      let { revision } = await there.identity.changes(null);
      const seen = new Set<string>();
      const look = async () => {
        const changes = await there.identity.changes(revision);
        revision = changes.revision;
        for (const user of changes.users) seen.add(user.id);
      };
      const writes = Promise.all(users.map((user, index) => (index % 2 ? here : there).identity.createUsers([user])));
      let writing = true;
      void writes.finally(() => (writing = false));
      while (writing) await look();
      await writes;
      await look();
      expect([...seen].toSorted()).toEqual(users.map((user) => user.id).toSorted());
    });
  });
}

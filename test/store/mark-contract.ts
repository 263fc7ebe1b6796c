// How far chains are summed up, and the sums themselves, changed in the database by hand: no row is missed or counted twice, what can be summed up is,
// and all of it can be made anew. Part of the contract.

import { describe, expect, test } from "bun:test";
import { sumRemains, summarize } from "../../src/ledger/index.ts";
import type { Store } from "../../src/store/index.ts";
import { checkRollups } from "../../src/store/rollup/check.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const AT_MS = Date.UTC(2026, 4, 5, 8);
const FAR = new Date(Date.UTC(2030, 0));

const makeRows = (chain: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    makeEntry({
      chain,
      seq: from + index,
      hash: `${chain}${from + index}`,
      createdAt: new Date(AT_MS + (from + index) * 300_000),
      userId: (from + index) % 500 === 0 ? "rare" : "often",
      costNanos: 7,
    }),
  );

const rollUp = async (store: Store): Promise<void> => {
  while ((await store.ledger.rollUp(600)).rows > 0);
};

async function ask({ ledger, budgets }: Store) {
  const count = async (by: ("user" | "model" | "tag")[]) =>
    summarize((await ledger.report({ filter: {}, by, edges: [] })).groups).consume.requests;
  const scope = { provider: null, tag: null };
  const window = { startMs: AT_MS, endMs: Infinity };
  const owners = { user: true, key: false };
  const { groups } = await budgets.readSums({ window, scope, models: false, owners, isRestApart: false }, null);
  return {
    counts: [await count([]), await count(["user", "model"]), await count(["tag"])],
    rare: (await ledger.page({ userId: "rare" }, 10, null)).entries.map(({ seq }) => seq),
    spent: groups.reduce((sum, { costNanos }) => sum + costNanos, 0),
  };
}

export function describeMarks(place: Place): void {
  describe("how far chains are summed up", () => {
    const openBooks = async (): Promise<{ store: Store; location: string }> => {
      const location = await place.create();
      const store = await open(location);
      await store.ledger.append([...makeRows("c", 1, 1_200), ...makeRows("d", 1, 10)]);
      await rollUp(store);
      await store.ledger.append([...makeRows("c", 1_201, 1_205), ...makeRows("d", 11, 20)]);
      return { store, location };
    };
    const check = async (location: string) =>
      (await checkRollups(location, { cutChains: [], from: null, to: null, onProgress: () => undefined })).wrong;

    test("where it was damaged, none is missed, none counted twice, and none goes by age", async () => {
      const { store, location } = await openBooks();
      const before = await ask(store);
      expect(before.counts).toEqual([1_225, 1_225, 1_225]);
      const own = place.engine === "sqlite" ? ["seq = 'x'", "seq = 1.5"] : ["seq = 9223372036854775807"];
      for (const set of ["seq = 1206", "seq = -5", "detail_seq = -1", ...own]) {
        expect(await store.ledger.listOddMarks()).toEqual([]);
        // A second note of it is enough.
        await place.run(location, `update ledger_marks set ${set} where chain = 'c'`);
        expect([set, await ask(store)]).toEqual([set, before]);
        expect(await store.ledger.hasUnsummed()).toBe(true);
        expect(await store.ledger.rollUp(600)).toMatchObject({ healed: ["c"] });
        await rollUp(store);
        expect([set, await ask(store)]).toEqual([set, before]);
        expect(await store.ledger.listOddMarks()).toEqual([]);
        // Without it, the chain waits.
        await place.run(location, "delete from tokligence_sheet_state");
        await place.run(location, `update ledger_marks set ${set} where chain = 'c'`);
        await rollUp(store);
        expect([set, await ask(store)]).toEqual([set, before]);
        expect(await store.ledger.hasUnsummed()).toBe(false);
        expect(await store.ledger.listOddMarks()).toEqual(["c"]);
        // The other chain is not held up.
        expect((await store.ledger.findCuts(FAR)).map(({ chain, seq }) => [chain, seq])).toEqual([["d", 20]]);
        await store.ledger.rebuildSums(() => undefined);
        await rollUp(store);
        expect([set, await ask(store)]).toEqual([set, before]);
      }
      expect((await store.ledger.findCuts(FAR)).map(({ chain, seq }) => [chain, seq])).toEqual([
        ["c", 1_205],
        ["d", 20],
      ]);
      await store.close();
      expect(await check(location)).toEqual([]);
    }, 120_000);

    test("a mark of a chain that is nowhere holds up nothing, and goes when sums are made anew", async () => {
      const { store, location } = await openBooks();
      const before = await ask(store);
      await place.run(location, "insert into ledger_marks (chain, seq) values ('ghost', 7)");
      expect(await store.ledger.listOddMarks()).toEqual([]);
      await rollUp(store);
      expect(await ask(store)).toEqual(before);
      await store.ledger.rebuildSums(() => undefined);
      expect(await ask(store)).toEqual(before);
      await store.close();
    }, 120_000);

    test("one that cannot be set right is left alone, where a chain is said to end before its mark and its rows are gone", async () => {
      const { store, location } = await openBooks();
      await rollUp(store);
      const started = "started_at, key_id, public_key";
      const at = place.engine === "sqlite" ? AT_MS : "now()";
      await place.run(
        location,
        `insert into ledger_chains (chain, slot, seq, hash, ${started}) values ('d', 9, 3, '', ${at}, 'k', 'p')`,
      );
      for (const cut of (await store.ledger.findCuts(FAR)).filter(({ chain }) => chain === "d"))
        while ((await store.ledger.dropRows(cut, 1_000, sumRemains)) > 0);
      expect(await store.ledger.listOddMarks()).toEqual(["d"]);
      expect(await store.ledger.rollUp(600)).not.toHaveProperty("healed");
      expect(await store.ledger.hasUnsummed()).toBe(false);
      expect(await store.ledger.rebuildSums(() => undefined)).toMatchObject({ marks: ["d"] });
      await rollUp(store);
      expect(await store.ledger.listOddMarks()).toEqual([]);
      expect((await ask(store)).counts).toEqual([1_225, 1_225, 1_225]);
      await store.close();
    }, 30_000);

    test("what is told of rows that are gone by age stays as it was, by the quarter", async () => {
      const store = await open(await place.create());
      await store.ledger.append(makeRows("c", 1, 600));
      await rollUp(store);
      const query = (userId: string) => {
        const filter = { userId, from: new Date(AT_MS + 900_000), to: new Date(AT_MS + 9 * 900_000) };
        return store.ledger.report({ filter, by: [], edges: [] });
      };
      const before = summarize((await query("often")).groups).consume;
      expect(before.requests).toBe(24);
      for (const cut of await store.ledger.findCuts(new Date(AT_MS + 86_400_000)))
        while ((await store.ledger.dropRows(cut, 1_000, sumRemains)) > 0);
      await rollUp(store);
      expect(summarize((await query("often")).groups).consume).toEqual(before);
      await store.ledger.rebuildSums(() => undefined);
      await rollUp(store);
      expect(summarize((await query("often")).groups).consume).toEqual(before);
      await store.close();
    }, 30_000);

    test("rows that go by age while sums are made anew stay in the sums", async () => {
      const location = await place.create();
      const store = await open(location);
      const DAYS = 8;
      const rows = makeRows("c", 1, 80).map((row, index) => ({
        ...row,
        createdAt: new Date(AT_MS + (index % 10) * 3_600_000 + Math.floor(index / 10) * 86_400_000),
      }));
      await store.ledger.append(rows);
      await rollUp(store);
      const before = (await ask(store)).counts;
      let going: Promise<void> | null = null;
      const age = async (): Promise<void> => {
        const cuts = await store.ledger.findCuts(new Date(AT_MS + (DAYS - 1) * 86_400_000));
        for (const cut of cuts) while ((await store.ledger.dropRows(cut, 1_000, sumRemains)) > 0);
      };
      await store.ledger.rebuildSums(() => void (going ??= age()));
      await going;
      await rollUp(store);
      expect((await ask(store)).counts).toEqual(before);
      await store.close();
    }, 30_000);

    test.each([
      "update ledger_rollups set requests = 99, cost_nanos = 1",
      "update ledger_rollups set started_at = (select max(started_at) from ledger_rollups)",
      "delete from ledger_hours",
      "delete from ledger_marks",
      `update tokligence_sheets set body = ${place.engine === "sqlite" ? "x'0102'" : "'\\x0102'"}`,
    ])(
      "sums that were damaged are made anew, and then are those of their rows (%s)",
      async (change) => {
        const { store, location } = await openBooks();
        const before = await ask(store);
        await place.run(location, change);
        // Whatever the gateway makes of it meanwhile.
        await rollUp(store).catch(() => undefined);
        await store.ledger.rebuildSums(() => undefined);
        await rollUp(store);
        expect(await ask(store)).toEqual(before);
        await store.close();
        expect(await check(location)).toEqual([]);
      },
      30_000,
    );
  });
}

// What every engine's store must do with kept answers. Part of the contract.

import { beforeEach, describe, expect, test } from "bun:test";
import type { AnswerStore, KeptAnswer } from "../../src/gateway/answer-store.ts";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER, makeUser, open, type Place } from "./sample.ts";

type Put = KeptAnswer & { items: readonly string[] };

const NEVER = new Date("2099-01-01T00:00:00.000Z");
let serial = 0;

function makeAnswer(userId: string, change: Partial<Put> = {}): Put {
  return {
    id: `resp_${++serial}`,
    userId,
    provider: "openai",
    model: "gpt-4o",
    previousId: null,
    isUpstream: false,
    input: '[{"role":"user","content":"hi"}]',
    body: '{"id":"x"}',
    leaseUntil: null,
    createdAt: new Date(AT.getTime() + serial),
    expiresAt: NEVER,
    items: [],
    ...change,
  };
}

function strip(answer: Put): KeptAnswer {
  const kept: Partial<Put> = { ...answer };
  delete kept.items;
  return kept as KeptAnswer;
}

export function describeAnswers(get: () => Store, place: Place): void {
  describe("kept answers", () => {
    let answers: AnswerStore;
    let ann = "";
    let bob = "";
    beforeEach(async () => {
      answers = get().answers;
      const users = [makeUser(), makeUser()] as const;
      await get().identity.createUsers(users);
      [ann, bob] = [users[0].id, users[1].id];
    });

    test("come back as they were put, to their owner alone", async () => {
      const odd = 'Zoë 🦊 \\u0000 \\ud800 \u2028 "\\';
      const one = makeAnswer(ann, { input: JSON.stringify([odd, "\0\ud800"]), body: JSON.stringify({ odd }) });
      const two = makeAnswer(ann, { previousId: one.id, isUpstream: true, leaseUntil: LATER });
      await answers.put([one, two]);
      expect(await answers.find(one.id, ann, AT)).toEqual(strip(one));
      expect(await answers.find(two.id, ann, AT)).toEqual(strip(two));
      expect(await answers.find(one.id, bob, AT)).toBeNull();
      expect(await answers.find("resp_none", ann, AT)).toBeNull();
      expect(await answers.find("\0", ann, AT)).toBeNull();
      await answers.put([]);
    });

    test("are replaced by their owner, and by nobody else", async () => {
      const first = makeAnswer(ann, { items: ["msg_same"] });
      await answers.put([first]);
      await answers.put([{ ...first, body: '{"id":"y"}' }]);
      expect(await answers.find(first.id, ann, AT)).toMatchObject({ body: '{"id":"y"}' });
      await answers.put([makeAnswer(bob, { id: first.id, body: '{"id":"z"}', items: ["msg_own"] }), makeAnswer(bob)]);
      expect(await answers.find(first.id, ann, AT)).toMatchObject({ body: '{"id":"y"}' });
      expect(await answers.find(first.id, bob, AT)).toBeNull();
      expect(await answers.findHolders(["msg_own", "msg_same"], bob, AT)).toEqual([]);
    });

    test("form a chain, newest first, that ends where a turn is missing", async () => {
      const turns = [makeAnswer(ann)];
      for (let turn = 1; turn < 6; turn++) turns.push(makeAnswer(ann, { previousId: turns.at(-1)?.id ?? null }));
      await answers.put(turns);
      const ids = turns.map((turn) => turn.id).toReversed();
      const limits = { count: 100, bytes: 1_000_000 };
      const chain = async (id: string, userId = ann, own = limits) =>
        (await answers.chain(id, userId, { now: AT, limits: own })).map((answer) => answer.id);
      expect(await chain(ids[0] ?? "")).toEqual(ids);
      expect(await chain(ids[2] ?? "")).toEqual(ids.slice(2));
      expect(await chain(ids[0] ?? "", ann, { ...limits, count: 2 })).toEqual(ids.slice(0, 2));
      expect(await chain(ids[0] ?? "", ann, { ...limits, bytes: 100 })).toEqual(ids.slice(0, 2));
      expect(await chain(ids[0] ?? "", bob)).toEqual([]);
      await answers.remove(ids[3] ?? "", ann);
      expect(await chain(ids[0] ?? "")).toEqual(ids.slice(0, 3));
      // One that a provider gave the id of its own predecessor has no end.
      await answers.put([makeAnswer(ann, { id: "resp_loop", previousId: "resp_loop" })]);
      expect(await chain("resp_loop", ann)).toEqual(["resp_loop"]);
    });

    test("never lead from one owner's into another's", async () => {
      const own = makeAnswer(ann);
      const foreign = makeAnswer(bob, { previousId: own.id });
      await answers.put([own, foreign]);
      const chain = await answers.chain(foreign.id, bob, { now: AT, limits: { count: 9, bytes: 9_999 } });
      expect(chain.map((answer) => answer.id)).toEqual([foreign.id]);
    });

    test("are found by the items in them, which go with them", async () => {
      const many = Array.from({ length: 1_200 }, (_, index) => `msg_${index}`);
      const holder = makeAnswer(ann, { items: [...many, "msg_0"] });
      await answers.put([holder, makeAnswer(ann, { items: ["rs_1"] })]);
      const ids = async (items: string[], userId = ann) =>
        (await answers.findHolders(items, userId, AT)).map((answer) => answer.id);
      expect(await ids(["msg_1199", "msg_3", "msg_none"])).toEqual([holder.id]);
      expect(await ids(["msg_3"], bob)).toEqual([]);
      expect(await ids([])).toEqual([]);
      await answers.remove(holder.id, ann);
      expect(await ids(["msg_3"])).toEqual([]);
    });

    test("are removed by their owner alone", async () => {
      const answer = makeAnswer(ann);
      await answers.put([answer]);
      expect(await answers.remove(answer.id, bob)).toBe(false);
      expect(await answers.remove(answer.id, ann)).toBe(true);
      expect(await answers.remove(answer.id, ann)).toBe(false);
      expect(await answers.find(answer.id, ann, AT)).toBeNull();
    });

    test("that are being made end once, whoever ends them first", async () => {
      const answer = makeAnswer(ann, { leaseUntil: AT });
      await answers.put([answer]);
      expect(await answers.renew({ ...answer, body: '{"s":1}' }, LATER)).toBe(true);
      expect(await answers.find(answer.id, ann, AT)).toMatchObject({ body: '{"s":1}', leaseUntil: LATER });
      expect(await answers.renew({ ...answer, userId: bob }, LATER)).toBe(false);
      expect(await answers.finish({ ...answer, userId: bob })).toBe(false);
      expect(await answers.finish({ ...answer, body: '{"s":2}', items: ["msg_end"] })).toBe(true);
      expect(await answers.finish({ ...answer, body: '{"s":3}' })).toBe(false);
      expect(await answers.renew(answer, LATER)).toBe(false);
      expect(await answers.find(answer.id, ann, AT)).toMatchObject({ body: '{"s":2}', leaseUntil: null });
      expect(await answers.findHolders(["msg_end"], ann, AT)).toHaveLength(1);
      expect((await answers.tally(ann)).bytes).toBe(answer.input.length + 7);
    });

    test("that have expired are not found, and a sweep removes them for good", async () => {
      const location = await place.create();
      const store = await open(location);
      await store.identity.createUsers([makeUser({ id: ann }), makeUser({ id: bob })]);
      const short = makeAnswer(ann, { expiresAt: LATER, items: ["msg_short"] });
      const long = makeAnswer(ann, { previousId: short.id });
      const orphan = makeAnswer("nobody");
      await store.answers.put([short, long, orphan, makeAnswer(bob)]);
      expect(await store.answers.find(short.id, ann, LATER)).toBeNull();
      expect(await store.answers.findHolders(["msg_short"], ann, LATER)).toEqual([]);
      const limits = { count: 9, bytes: 9_999 };
      expect(await store.answers.chain(long.id, ann, { now: LATER, limits })).toHaveLength(1);
      expect(await store.answers.chain(long.id, ann, { now: AT, limits })).toHaveLength(2);
      await store.identity.deleteUser(bob, AT);
      await store.answers.sweep(LATER);
      expect(await store.answers.tally(null)).toEqual({ count: 1, bytes: long.input.length + long.body.length });
      await store.close();
      // Nothing of it stays behind in another table.
      await place.run(location, "create table proof (n int check (n = 0))");
      await place.run(location, "insert into proof select count(*) from stored_items");
    });

    test("go with their owner, deleted softly or for good", async () => {
      await answers.put([makeAnswer(ann), makeAnswer(bob)]);
      await get().identity.deleteUser(ann, LATER);
      await get().identity.purgeUser(bob);
      expect([await answers.tally(ann), await answers.tally(bob)]).toEqual([
        { count: 0, bytes: 0 },
        { count: 0, bytes: 0 },
      ]);
    });

    test("are bounded by number and size, the oldest going first", async () => {
      const [first, second, third] = [makeAnswer(ann), makeAnswer(ann), makeAnswer(ann)];
      await answers.put([third, second, first, makeAnswer(bob)]);
      const size = first.input.length + first.body.length;
      expect(await answers.tally(ann)).toEqual({ count: 3, bytes: 3 * size });
      await answers.trimOwner(ann, { count: 2, bytes: 1_000_000 });
      expect(await answers.find(first.id, ann, AT)).toBeNull();
      expect(await answers.tally(ann)).toEqual({ count: 2, bytes: 2 * size });
      await answers.trimOwner(ann, { count: 100, bytes: size });
      expect(await answers.find(third.id, ann, AT)).not.toBeNull();
      expect([await answers.tally(ann), await answers.tally(bob)]).toEqual([
        { count: 1, bytes: size },
        { count: 1, bytes: size },
      ]);
      await answers.trimOwner(ann, { count: 0, bytes: 0 });
      expect((await answers.tally(ann)).count).toBe(0);
    });

    test("are bounded for all owners together", async () => {
      const store = await open(await place.create());
      const [old, young] = [makeAnswer(ann), makeAnswer(bob)];
      await store.answers.put([young, old]);
      await store.answers.trimAll(old.input.length + old.body.length);
      expect(await store.answers.find(old.id, ann, AT)).toBeNull();
      expect(await store.answers.find(young.id, bob, AT)).not.toBeNull();
      await store.close();
    });
  });
}

// Keeping answers on a real database, with time in the test's hand: when they are found, when they are written, and what happens where that
// fails.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Memory, createMemory } from "../../src/gateway/index.ts";
import type { GatewayError } from "../../src/ir/index.ts";
import { type Store, openStore } from "../../src/store/index.ts";
import { type TestClock, makeClock } from "../rig.ts";
import { makeUser } from "../store/sample.ts";

let folder = "";
let store: Store;
let clock: TestClock;
let faults: GatewayError[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-memory-"));
  const path = join(folder, "data.db");
  store = await openStore({
    identityPath: path,
    ledgerPath: path,
    database: { maxConnections: 4, maxIdleMs: 60_000, maxLifetimeMs: 600_000 },
  });
  await store.identity.createUsers([makeUser({ id: "ann" }), makeUser({ id: "bob" })]);
  clock = makeClock();
  faults = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(isShared: boolean): Memory {
  return createMemory({
    store: store.answers,
    clock,
    limits: { keepMs: 60_000, countPerUser: 1_000, bytesPerUser: 1_000_000, bytes: 1_000_000 },
    isShared,
    onFault: (error) => void faults.push(error),
  });
}

function answer(id: string, userId: string, body = "{}") {
  const rest = { provider: "p", model: "m", previousId: null, isUpstream: false, input: "[]" };
  return { id, userId, body, ...rest };
}

async function countKept(): Promise<number> {
  return (await store.answers.tally(null)).count;
}

test("alone on its database, an answer is found at once and written with others a moment later", async () => {
  const memory = open(false);
  expect(memory.keep(answer("a", "ann"), ["msg_a"])).toBeUndefined();
  expect(memory.keep(answer("b", "ann"), [])).toBeUndefined();
  expect((await memory.find("a", "ann"))?.id).toBe("a");
  expect(await memory.find("a", "bob")).toBeNull();
  expect((await memory.findHolders(["msg_a"], "ann")).map(({ id }) => id)).toEqual(["a"]);
  expect(await countKept()).toBe(0);
  clock.advance(20);
  await memory.stop();
  expect(await countKept()).toBe(2);
  await store.close();
});

test("where others share it, nobody is told of an answer before all can find it", async () => {
  const memory = open(true);
  const waits = ["a", "b", "c"].map((id) => memory.keep(answer(id, "ann"), []));
  await Promise.all(waits.map((wait) => wait ?? Promise.reject(new Error("nothing to wait for"))));
  expect(await countKept()).toBe(3);
  await memory.stop();
  await store.close();
});

test("one id of two owners is each one's own while it waits", async () => {
  const memory = open(false);
  void memory.keep(answer("same", "ann", '{"of":"ann"}'), []);
  void memory.keep(answer("same", "bob", '{"of":"bob"}'), []);
  expect((await memory.find("same", "ann"))?.body).toBe('{"of":"ann"}');
  expect((await memory.find("same", "bob"))?.body).toBe('{"of":"bob"}');
  await memory.stop();
  await store.close();
});

test("removed before it was written, it is never written", async () => {
  const memory = open(false);
  void memory.keep(answer("a", "ann"), []);
  expect(await memory.remove("a", "bob")).toBe(false);
  expect(await memory.remove("a", "ann")).toBe(true);
  expect(await memory.find("a", "ann")).toBeNull();
  await memory.stop();
  expect(await countKept()).toBe(0);
  await store.close();
});

test("a database that fails costs the answer, is told once a batch, and holds up nobody", async () => {
  const memory = open(true);
  await store.close();
  await memory.keep(answer("a", "ann"), []);
  await memory.keep(answer("b", "ann"), []);
  expect(faults).toHaveLength(2);
  expect(faults.map(({ message }) => message).join()).not.toContain("ann");
});

test("no more answers are made in the background for one owner than may be, also where all are asked for at once", async () => {
  const memory = open(true);
  const begun = Array.from({ length: 120 }, (_, number) => memory.begin(answer(`run_${number}`, "ann")));
  const outcomes = await Promise.all(begun.map((each) => each.catch(({ kind }: GatewayError) => kind)));
  expect(outcomes.filter((outcome) => outcome === "rate_limited")).toHaveLength(20);
  const runs = outcomes.filter((outcome) => typeof outcome === "object");
  runs[0]?.close();
  const another = await memory.begin(answer("another", "ann"));
  for (const run of [...runs, another]) run.close();
  await memory.stop();
  await store.close();
});

test("a place in the background is there again where its answer could not be written down", async () => {
  const memory = open(true);
  await store.close();
  const begin = () => memory.begin(answer("run", "ann")).catch(({ kind }: GatewayError) => kind);
  for (let turn = 0; turn < 101; turn++) expect(await begin()).not.toBe("rate_limited");
  await memory.stop();
});

test("one id that two providers gave is each owner's own while both answers are made", async () => {
  const memory = open(true);
  const [ann, bob] = ["ann", "bob"].map((userId) => memory.track({ id: "same", userId, body: "" }));
  expect([memory.findRun("same", "ann") === ann, memory.findRun("same", "bob") === bob]).toEqual([true, true]);
  ann?.close();
  expect([memory.findRun("same", "ann"), memory.findRun("same", "bob") === bob]).toEqual([null, true]);
  bob?.close();
  await memory.stop();
  await store.close();
});

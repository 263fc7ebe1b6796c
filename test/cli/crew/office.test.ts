// What the office does about workers that come and go, and what those hear that come. The processes are no real ones.

import { expect, test } from "bun:test";
import { createOffice, type OfficeParts } from "../../../src/cli/crew/office.ts";
import type { BeginSeat, Ending } from "../../../src/cli/crew/seat.ts";
import type { OfficeWords } from "../../../src/cli/crew/word.ts";
import { makeClock } from "../../clock.ts";

interface Worker {
  index: number;
  words: Pick<OfficeWords, "enrol" | "ready">;
  /** What it was told. */
  heard: string[];
  /** Says that it has done what it was asked. */
  answer: () => void;
  end(ending?: Ending): Promise<void>;
}

function open(count: number, hasProcesses = true) {
  const clock = makeClock();
  const workers: Worker[] = [];
  const system = { hasProcesses };
  const beginSeat: BeginSeat = ({ index, offer }) => {
    if (!system.hasProcesses) throw new Error("EAGAIN: no process to be had");
    const { promise: exited, resolve } = Promise.withResolvers<Ending>();
    const heard: string[] = [];
    const answered = Promise.withResolvers<never>();
    const line = {
      tell: (...words: unknown[]) => void heard.push(String(words[0])),
      ask: () => answered.promise,
      hear: () => undefined,
      cut: () => undefined,
    };
    const end = async (ending: Ending = { code: 1, signal: null }): Promise<void> => {
      resolve(ending);
      await settle();
    };
    const answer = (): void => answered.resolve(null as never);
    workers.push({ index, words: offer as unknown as Worker["words"], heard, answer, end });
    return { index, pid: workers.length, line, exited, kill: () => void end({ code: null, signal: "SIGKILL" }) };
  };
  const note = (): void => undefined;
  const log = { debug: note, info: note, warn: note, error: note } as never;
  const office = createOffice({ count, clock, log, outside: undefined, beginSeat });
  const nothing = async (): Promise<undefined> => undefined;
  const counts = { reopened: 0 };
  const parts = {
    app: { fetch: () => new Response(), resume: nothing },
    books: { origin: {}, adopt: nothing },
    budgets: { list: () => [], version: () => 0, reopen: () => void counts.reopened++ },
    listControls: () => [],
  };
  return { clock, workers, office, system, counts, opened: office.open(parts as unknown as OfficeParts, 0) };
}

/** What was promised comes to pass. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("another worker takes the place of one that died before it served, also while others of the first begin yet", async () => {
  const { clock, workers, opened } = open(2);
  const [first, second] = workers;
  first?.words.ready();
  await first?.end();
  clock.advance(50);
  await settle();
  expect(workers.map(({ index }) => index)).toEqual([1, 2, 1]);
  await workers[2]?.end();
  second?.words.ready();
  await settle();
  clock.advance(1_000);
  await settle();
  expect(workers.map(({ index }) => index)).toEqual([1, 2, 1, 1]);
  await opened;
});

test("where the system has no process to give at the start, the gateway does not start, and says what to do", async () => {
  const { opened } = open(2, false);
  expect(await opened.catch((error: unknown) => error)).toMatchObject({
    message: "Worker 1 could not be begun: Error: EAGAIN: no process to be had",
    hint: expect.stringContaining("workers = 1"),
  });
});

test("where the system has no process to give, it is asked again", async () => {
  const { clock, workers, office, system, opened } = open(1);
  workers[0]?.words.ready();
  await opened;
  system.hasProcesses = false;
  await workers[0]?.end();
  for (let turn = 0; turn < 2; turn++) {
    clock.advance(200);
    await settle();
  }
  expect([workers.length, office.countWorkers()]).toEqual([1, 0]);
  system.hasProcesses = true;
  clock.advance(10_000);
  await settle();
  workers[1]?.words.ready();
  expect([workers.map(({ index }) => index), office.countWorkers()]).toEqual([[1, 1], 1]);
});

test("where the system has no process to give for long, the gateway ends", async () => {
  const { clock, workers, office, system, opened } = open(1);
  workers[0]?.words.ready();
  await opened;
  system.hasProcesses = false;
  await workers[0]?.end();
  for (let turn = 0; turn < 6; turn++) {
    clock.advance(10_000);
    await settle();
  }
  await office.failed;
});

test("a worker that began before others were told to read files again is told so once it serves", async () => {
  const { clock, workers, office, opened } = open(2);
  const [first, second] = workers;
  for (const worker of [first, second]) worker?.words.enrol();
  first?.words.ready();
  office.reload();
  office.readPrices();
  second?.words.ready();
  await opened;
  const heard = (worker: Worker | undefined) => worker?.heard.filter((word) => word !== "hear").toSorted();
  expect(heard(first)).toEqual(["readPrices", "reload"]);
  // Before it served, nothing that it was told could be done.
  expect(heard(second)).toEqual(["readPrices", "readPrices", "reload", "reload"]);
  await second?.end();
  clock.advance(50);
  await settle();
  workers[2]?.words.enrol();
  workers[2]?.words.ready();
  expect(heard(workers[2])).toEqual([]);
});

test("what a slow worker wrote before it heard of a budget is counted, however late it hears of it", async () => {
  const { clock, workers, counts, opened } = open(1);
  workers[0]?.words.ready();
  await opened;
  clock.advance(1_000);
  await settle();
  expect(counts.reopened).toBe(1);
  workers[0]?.answer();
  await settle();
  expect(counts.reopened).toBe(2);
  clock.advance(1_000);
  await settle();
  expect(counts.reopened).toBe(2);
});

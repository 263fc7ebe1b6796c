// The queue before the counting thread: it takes what it can, says of the rest why not, and outlives its thread.

import { describe, expect, test } from "bun:test";
import { type RecounterInit, type RunningRecounter, createRecounter } from "../../src/audit/index.ts";
import type { Thread, ThreadEvents } from "../../src/audit/recount/thread.ts";
import { startThread } from "../../src/audit/recount/thread.ts";
import { decodeLine, LINE_FIELDS, type Recount, type RecountOffer } from "../../src/ledger/index.ts";
import { makeEntry } from "../ledger/entry.ts";
import { type TestClock, makeClock } from "../rig.ts";

type Settings = RecounterInit["settings"];

interface Desk {
  recounter: RunningRecounter;
  clock: TestClock;
  rows: Recount[];
  /** The threads that were started, by hand or for real. */
  threads: { events: ThreadEvents; thread: Thread; sent: unknown[] }[];
  crashes: string[];
}

/** With `isReal`, threads are real ones; else they take jobs and never answer. */
function makeDesk(
  settings: Partial<Settings> = {},
  isReal = false,
  countInput: RecounterInit["countInput"] = null,
): Desk {
  const clock = makeClock();
  const desk: Omit<Desk, "recounter"> = { clock, rows: [], threads: [], crashes: [] };
  const recounter = createRecounter({
    gatherMs: 0,
    settings: { isOn: true, tolerancePercent: 3, maxRows: 10, maxBytes: 10_000, tokenizers: [], ...settings },
    clock,
    startThread(events) {
      const sent: unknown[] = [];
      const thread = isReal
        ? startThread(events)
        : { send: (message: unknown) => void sent.push(message), end: () => undefined };
      desk.threads.push({ events, thread, sent });
      return thread;
    },
    write: async (lines) => void desk.rows.push(...lines.map(decodeRecount)),
    countInput,
    async *readHistory() {},
    onCrash: (cause) => void desk.crashes.push(cause.message),
    onTokenizerFault: (name) => void desk.crashes.push(name),
  });
  return { ...desk, recounter };
}

function decodeRecount(text: string): Recount {
  const line = decodeLine(text, LINE_FIELDS);
  if (line?.type !== "recount") throw new TypeError(`no recount: ${text}`);
  return line.recount;
}

let next = 0;

function makeOffer(over: Partial<RecountOffer> = {}, text = "Say hi in Portuguese"): RecountOffer {
  const messages = [
    { role: "system", content: "You are a helpful assistant" },
    { role: "user", content: text },
  ];
  return {
    entry: makeEntry({
      id: Bun.randomUUIDv7(),
      requestId: `request-${next++}`,
      modelServed: "gpt-4o-2024-08-06",
      provider: "openai",
      freshInputTokens: 20,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
      usageSource: "provider",
      status: 200,
      errorKind: null,
    }),
    format: "openai-chat",
    request: JSON.stringify({ model: "gpt-4o", messages }),
    answer: JSON.stringify({ choices: [{ message: { role: "assistant", content: "Oi!" } }] }),
    missing: null,
    ...over,
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("with a thread that never answers", () => {
  test("what does not fit is skipped, and says so", async () => {
    const { recounter, clock, rows } = makeDesk({ maxRows: 5 });
    for (let count = 0; count < 12; count++) recounter.offer(makeOffer());
    clock.advance(1_000);
    await tick();
    expect(rows.map(({ state, reason }) => `${state} ${reason}`)).toEqual(Array(7).fill("skipped queue_full"));
    expect(recounter.stats()).toMatchObject({ waiting: 5, skipped: { queue_full: 7 }, counted: 0 });
    expect(recounter.stats().waitingBytes).toBeGreaterThan(100);
  });

  test("bytes are bounded like rows, and one call alone may be too large", async () => {
    const { recounter, clock, rows } = makeDesk({ maxBytes: 1_000 });
    recounter.offer(makeOffer({}, "x".repeat(600)));
    recounter.offer(makeOffer({}, "x".repeat(600)));
    recounter.offer(makeOffer({}, "x".repeat(2_000)));
    clock.advance(1_000);
    await tick();
    expect(rows.map(({ reason }) => reason)).toEqual(["queue_full", "too_large"]);
  });

  test("one that takes too long is skipped, and those behind it are given to a new thread", async () => {
    const { recounter, clock, rows, threads } = makeDesk();
    const offers = [makeOffer(), makeOffer(), makeOffer()];
    for (const offer of offers) recounter.offer(offer);
    await tick();
    expect(threads).toHaveLength(1);
    // Nobody knows yet which of the three it is: each is sent again by itself.
    clock.advance(31_000);
    await tick();
    expect(threads[1]?.sent).toHaveLength(2);
    clock.advance(31_000);
    await tick();
    clock.advance(1_000);
    expect(rows.map(({ entryId, reason }) => [entryId, reason])).toEqual([[offers[0]?.entry.id ?? "", "timeout"]]);
    expect(threads).toHaveLength(3);
    expect(recounter.stats().waiting).toBe(2);
  });

  test("a crash costs the row that was being counted; the next start waits longer each time", async () => {
    const { recounter, clock, rows, threads, crashes } = makeDesk();
    for (let count = 0; count < 3; count++) recounter.offer(makeOffer());
    await tick();
    threads[0]?.events.onCrash(new Error("out of memory"));
    await tick();
    expect(threads).toHaveLength(1);
    clock.advance(100);
    await tick();
    expect(threads).toHaveLength(2);
    // Which of the three it was is known once one is alone with the thread.
    threads[1]?.events.onCrash(new Error("again"));
    clock.advance(100);
    await tick();
    expect(threads).toHaveLength(2);
    clock.advance(100);
    await tick();
    expect(threads).toHaveLength(3);
    clock.advance(1_000);
    expect(rows.map(({ reason }) => reason)).toEqual(["thread_crashed"]);
    expect(crashes).toEqual(["out of memory", "again"]);
    expect(recounter.stats()).toMatchObject({ crashes: 2, starts: 3, waiting: 2 });
  });

  test("where no thread can be started, the rows say so", async () => {
    const clock = makeClock();
    const rows: Recount[] = [];
    const recounter = createRecounter({
      gatherMs: 0,
      settings: { isOn: true, tolerancePercent: 3, maxRows: 10, maxBytes: 10_000, tokenizers: [] },
      clock,
      startThread() {
        throw new Error("no memory for a thread");
      },
      write: async (lines) => void rows.push(...lines.map(decodeRecount)),
      countInput: null,
      async *readHistory() {},
      onCrash: () => undefined,
      onTokenizerFault: () => undefined,
    });
    recounter.offer(makeOffer());
    recounter.offer(makeOffer());
    for (let round = 0; round < 6; round++) {
      await tick();
      clock.advance(1_000);
    }
    expect(rows.map(({ reason }) => reason)).toEqual(["thread_crashed", "thread_crashed"]);
    expect(recounter.stats()).toMatchObject({ crashes: 3, waiting: 0 });
  });

  test("a stop waits no longer than it may, and leaves no row without a word", async () => {
    const { recounter, clock, rows } = makeDesk();
    for (let count = 0; count < 6; count++) recounter.offer(makeOffer());
    await tick();
    const stopped = recounter.stop(2_000);
    clock.advance(2_000);
    await stopped;
    expect(rows.map(({ reason }) => reason)).toEqual(Array(6).fill("shutdown"));
  });

  test("a stop leaves none without a word of which a provider has not said yet how much it was, and hears it no more", async () => {
    const said = Promise.withResolvers<number | null>();
    const { recounter, clock, rows, threads } = makeDesk({}, false, () => said.promise);
    const offer = makeOffer();
    recounter.offer(offer);
    await tick();
    const asks = { lines: [], counted: 0, over: 0, under: 0, skipped: {}, asks: [0], faults: [], lessons: [] };
    threads[0]?.events.onDone({ number: 1, ...asks });
    await tick();
    const stopped = recounter.stop(2_000);
    clock.advance(2_000);
    await stopped;
    said.resolve(20);
    await tick();
    expect(rows.map(({ entryId, reason }) => [entryId, reason])).toEqual([[offer.entry.id, "shutdown"]]);
    expect(recounter.stats()).toMatchObject({ waiting: 0, waitingBytes: 0 });
  });

  test("a provider is asked by the model that it answered with, whatever was asked beside it", async () => {
    const asked: string[] = [];
    const { recounter, threads } = makeDesk({}, false, async ({ model }) => (asked.push(model), 20));
    const offer = makeOffer();
    const blank = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1, provider: "openai" };
    const attempts = [
      { ...blank, model: "gpt-4o" },
      { ...blank, model: "gpt-4o-mini", status: null, errorKind: "cancelled" as const },
    ];
    recounter.offer({ ...offer, entry: { ...offer.entry, attempts } });
    await tick();
    const asks = { lines: [], counted: 0, over: 0, under: 0, skipped: {}, asks: [0], faults: [], lessons: [] };
    threads[0]?.events.onDone({ number: 1, ...asks });
    await tick();
    expect(asked).toEqual(["gpt-4o"]);
  });

  test.each([
    ["a failed call", { entry: { status: 500, errorKind: "internal" as const } }, "failed"],
    ["a call without the provider's figures", { entry: { usageSource: "estimate" as const } }, "no_provider_usage"],
    ["what is no text", { format: null }, "not_text"],
  ])("%s is skipped", async (_name, { entry, ...over }: { entry?: object; format?: null }, reason) => {
    const { recounter, clock, rows } = makeDesk();
    const offer = makeOffer(over);
    recounter.offer({ ...offer, entry: { ...offer.entry, ...entry } });
    clock.advance(1_000);
    expect(rows).toMatchObject([{ state: "skipped", reason, entryId: offer.entry.id, verdict: null }]);
  });

  test("switched off, nothing is taken and nothing is written", async () => {
    const { recounter, clock, rows, threads } = makeDesk({ isOn: false });
    recounter.offer(makeOffer());
    await tick();
    clock.advance(1_000);
    expect([rows, threads]).toEqual([[], []]);
    expect(recounter.heardBytes).toBe(0);
  });
});

describe("with a real thread", () => {
  test("calls are counted, in the order in which they came, and the thread ends when it is idle", async () => {
    const { recounter, clock, rows, threads } = makeDesk({}, true);
    const offers = [makeOffer(), makeOffer({}, "Say hi in Portuguese and in Danish")];
    for (const offer of offers) recounter.offer(offer);
    await waitUntil(() => recounter.stats().waiting === 0);
    clock.advance(1_000);
    expect(rows.map(({ entryId }) => entryId)).toEqual(offers.map(({ entry }) => entry.id));
    expect(rows[0]).toMatchObject({
      state: "counted",
      method: "exact",
      reason: null,
      tokenizer: "o200k_base",
      tokenizerVersion: "gpt-tokenizer@4.0.0",
      inputTokens: 20,
      inputLow: 20,
      inputHigh: 20,
      outputTokens: 2,
      verdict: "within",
    });
    expect(rows[1]).toMatchObject({ inputTokens: 23, verdict: "under" });
    clock.advance(120_000);
    recounter.offer(makeOffer());
    await waitUntil(() => recounter.stats().waiting === 0);
    expect(threads).toHaveLength(2);
    await recounter.stop(0);
  });

  test("a thread that dies in the middle is replaced", async () => {
    const { recounter, clock, rows, threads, crashes } = makeDesk({}, true);
    recounter.offer(makeOffer());
    await waitUntil(() => recounter.stats().counted === 1);
    // What no job can be: the thread chokes on it.
    threads[0]?.thread.send(null as never);
    await waitUntil(() => crashes.length === 1 || recounter.stats().crashes === 1);
    clock.advance(10_000);
    recounter.offer(makeOffer());
    await waitUntil(() => recounter.stats().counted === 2);
    expect(threads).toHaveLength(2);
    expect(crashes).toHaveLength(1);
    await recounter.stop(0);
    expect(rows.map(({ state }) => state)).toEqual(["counted", "counted"]);
  });

  test("what its format cannot be is skipped, and the thread lives on", async () => {
    const { recounter, rows, threads } = makeDesk({}, true);
    recounter.offer(makeOffer({ request: "not JSON" }));
    recounter.offer(makeOffer({ answer: "[]" }));
    recounter.offer(makeOffer());
    await waitUntil(() => recounter.stats().waiting === 0);
    await recounter.stop(0);
    expect(rows.map(({ state, reason }) => `${state} ${reason}`)).toEqual([
      "skipped unreadable",
      "skipped unreadable",
      "counted null",
    ]);
    expect(threads).toHaveLength(1);
  });
});

/** Threads answer when they do. */
async function waitUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) await tick();
}

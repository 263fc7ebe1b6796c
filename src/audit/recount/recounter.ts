// Has the text of settled calls counted by a thread of its own, and puts the outcome on the books beside the provider's figures. It may fall
// behind or fail, and then says so on the row: no request waits for it. Knows no HTTP and no SQL.

import type { InputQuestion, RecountOffer, Recounter } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { findAnswering } from "../../lib/share.ts";
import { createBooks } from "./books.ts";
import { createLessonBook, type PastRecount, readLessons } from "./lessons.ts";
import { type Outcome, packBatch } from "./message.ts";
import type { TokenizerFile } from "./profile.ts";
import { type Waiting, createQueue, measure } from "./queue.ts";
import { findSkip } from "./skip.ts";
import type { StartThread, Thread } from "./thread.ts";

export interface RecounterInit {
  settings: RecountSettings;
  startThread: StartThread;
  clock: Clock;
  /** How long jobs gather before they go to the thread together; 0: until it is free. */
  gatherMs: number;
  /** Puts rows on the books, as lines of the journal; what it rejects with is the books' own trouble, and told there. */
  write: (lines: readonly string[]) => Promise<void>;
  /** What a provider says of a request that only it can count; null where nobody is to be asked. Never rejects. */
  countInput: ((question: InputQuestion) => Promise<number | null>) | null;
  /** Earlier recounts, newest first, from which is learned how providers count. */
  readHistory: () => AsyncIterable<PastRecount>;
  onCrash: (cause: Error) => void;
  /** A tokenizer of the operator's cannot be used; told once of each. */
  onTokenizerFault: (name: string) => void;
}

export interface RecountSettings {
  isOn: boolean;
  tolerancePercent: number;
  maxRows: number;
  maxBytes: number;
  tokenizers: readonly TokenizerFile[];
}

export interface RunningRecounter extends Recounter {
  /** Puts on the books what is counted so far. */
  flush(): Promise<void>;
  /** Waits until all is counted and written, at most so long; what is left is put down as skipped. */
  stop(limitMs: number): Promise<void>;
}

/** What is sent to the thread together at most; the next jobs gather meanwhile. */
const MAX_FLIGHTS = 256;
const MAX_FLIGHT_BYTES = 1024 * 1024;
/** So many requests are with their providers to be counted. */
const MAX_ASKING = 8;
/** No text takes so long to be counted. */
const PATIENCE_MS = 30_000;
/** The thread costs memory while it lives. */
const IDLE_MS = 60_000;
/** After a crash the next start waits, twice as long each time. */
const RESTART_MS = 100;
const LONGEST_RESTART_MS = 30_000;

export function createRecounter(init: RecounterInit): RunningRecounter {
  const { settings, clock } = init;
  const queue = createQueue({ rows: settings.maxRows, bytes: settings.maxBytes });
  const books = createBooks(init);
  const lessons = createLessonBook();
  /** Earlier recounts are read at the first need; nothing is judged before. */
  let history: "read" | "reading" | "unread" = "unread";
  const faulty = new Set<string>();
  let thread: Thread | null = null;
  /** What is with the thread. */
  let flights: Waiting[] = [];
  let batch = 0;
  let crashesInARow = 0;
  /** Of these, their providers have not said yet how much it was. */
  const asking = new Set<Waiting>();
  let isHeld = false;
  let isPumping = false;
  /** The thread was lost: until the jobs that were with it are through, each goes alone, so that the one it died of is known. */
  let alone = 0;
  let callOffAlarm: (() => void) | null = null;
  /** Since when the thread has been busy with one job, or with none. */
  let sinceMs = 0;
  let onEmpty: (() => void) | null = null;

  const skip = (item: RecountOffer, reason: string): void => books.skip(item.entry, reason);

  const offer = (given: RecountOffer): void => {
    if (!settings.isOn) return;
    const reason = findSkip(given);
    const { entry, format, request, answer, missing } = given;
    if (reason !== null || format === null) return skip(given, reason ?? "not_text");
    const bytes = measure(given);
    if (bytes > settings.maxBytes) return skip(given, "too_large");
    if (!queue.push({ entry, format, request, answer, missing, bytes, asked: null })) return skip(given, "queue_full");
    schedulePump();
  };

  /** Never within the call that offered. */
  const schedulePump = (): void => {
    if (isPumping || isHeld) return;
    isPumping = true;
    setImmediate(() => {
      isPumping = false;
      pump();
    });
  };

  const pump = (): void => {
    if (!isHeld && flights.length === 0 && queue.rows() > 0) {
      if (history === "read") dispatch(takeBatch());
      else if (history === "unread") void learn();
    }
    watch();
    tellEmpty();
  };

  const learn = async (): Promise<void> => {
    history = "reading";
    await readLessons(lessons, init.readHistory());
    history = "read";
    pump();
  };

  const takeBatch = (): Waiting[] => {
    const batch: Waiting[] = [];
    let bytes = 0;
    const most = alone > 0 ? 1 : MAX_FLIGHTS;
    while (batch.length < most && bytes < MAX_FLIGHT_BYTES) {
      const item = queue.shift();
      if (item === undefined) break;
      batch.push(item);
      bytes += item.bytes;
    }
    alone = Math.max(0, alone - batch.length);
    return batch;
  };

  const dispatch = (tasks: Waiting[]): void => {
    if (tasks.length === 0) return;
    sinceMs = clock.monotonicMs();
    flights = tasks;
    const askable = init.countInput === null ? 0 : MAX_ASKING - asking.size;
    try {
      thread ??= start();
      thread.send(packBatch({ number: ++batch, atMs: clock.wallMs(), askable, tasks }));
    } catch (error) {
      crash(error instanceof Error ? error : new Error(String(error)));
    }
  };

  const start = (): Thread => {
    books.figures.starts++;
    const { tokenizers, tolerancePercent } = settings;
    const started = init.startThread({ onDone: land, onCrash: crash });
    started.send({ tokenizers, tolerance: tolerancePercent / 100, lessons: lessons.all() });
    return started;
  };

  /** Looks after the thread: for a job that takes too long, however many come after it, and for one that has nothing to do. */
  const watch = (): void => {
    if (thread === null || callOffAlarm !== null) return;
    const restMs = (flights.length > 0 ? PATIENCE_MS : IDLE_MS) - (clock.monotonicMs() - sinceMs);
    if (restMs > 0) {
      // One alarm for many jobs: setting one for each would cost more than they do.
      callOffAlarm = clock.after(Math.min(restMs, PATIENCE_MS), () => {
        callOffAlarm = null;
        watch();
      });
    } else if (flights.length > 0) giveUp("timeout");
    else endThread();
  };

  const tellEmpty = (): void => {
    if (flights.length === 0 && queue.rows() === 0 && asking.size === 0) onEmpty?.();
  };

  const endThread = (): void => {
    callOffAlarm?.();
    callOffAlarm = null;
    thread?.end();
    thread = null;
  };

  const land = (outcome: Outcome): void => {
    if (outcome.number !== batch) return;
    const landed = flights;
    flights = [];
    sinceMs = clock.monotonicMs();
    crashesInARow = 0;
    books.add(outcome);
    // Kept here as well, for the thread ends when it is idle.
    for (const [name, lesson] of outcome.lessons) lessons.set(name, lesson);
    for (const name of outcome.faults) noteTokenizer(name);
    for (const place of outcome.asks) void ask(landed[place]);
    const isUrgent = queue.rows() >= MAX_FLIGHTS || alone > 0 || onEmpty !== null;
    if (init.gatherMs === 0 || isUrgent) schedulePump();
    else gather();
  };

  /** Each message wakes a thread, which may take this one's core: what comes in the next moment goes with one. */
  const gather = (): void => {
    isPumping = true;
    clock.after(init.gatherMs, () => {
      isPumping = false;
      pump();
    });
    tellEmpty();
  };

  /** Where only the provider can tell, it is asked: of few calls at a time, for their text is kept meanwhile. Then they are counted with its answer. */
  const ask = async (item: Waiting | undefined): Promise<void> => {
    if (item === undefined) return;
    const { entry, format, request } = item;
    const model = findAnswering(entry)?.model ?? entry.modelAsked;
    asking.add(item);
    const asked = await init.countInput?.({ provider: entry.provider ?? "", model, format, request });
    // It was put down as skipped.
    if (!asking.delete(item)) return;
    queue.unshift([{ ...item, asked: asked ?? "unknown" }]);
    schedulePump();
  };

  const noteTokenizer = (name: string): void => {
    if (!faulty.has(name)) init.onTokenizerFault(name.replace(/^file:/u, ""));
    faulty.add(name);
  };

  /** One that was alone with the thread is what it was lost to; of several nobody knows which, so each is sent again by itself. */
  const giveUp = (reason: string): void => {
    endThread();
    const lost = flights;
    flights = [];
    const [only, second] = lost;
    if (only !== undefined && second === undefined) skip(only, reason);
    else {
      queue.unshift(lost);
      alone = lost.length;
    }
    schedulePump();
  };

  const crash = (cause: Error): void => {
    books.figures.crashes++;
    init.onCrash(cause);
    isHeld = true;
    clock.after(Math.min(RESTART_MS * 2 ** crashesInARow++, LONGEST_RESTART_MS), () => {
      isHeld = false;
      schedulePump();
    });
    giveUp("thread_crashed");
  };

  return {
    heardBytes: settings.isOn ? settings.maxBytes : 0,
    offer,
    stats: () => ({
      ...books.figures,
      skipped: { ...books.figures.skipped },
      waiting: queue.rows() + flights.length + asking.size,
      waitingBytes: queue.bytes() + flights.reduce((sum, { bytes }) => sum + bytes, 0),
    }),
    flush: books.flush,
    async stop(limitMs) {
      if (flights.length > 0 || queue.rows() > 0 || asking.size > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        onEmpty = resolve;
        const cancel = clock.after(limitMs, resolve);
        // What is being gathered need not wait for more.
        pump();
        await promise;
        cancel();
      }
      isHeld = true;
      endThread();
      for (const item of [...flights, ...asking, ...queue.clear()]) skip(item, "shutdown");
      flights = [];
      asking.clear();
      await books.flush();
    },
  };
}

// Has the text of settled calls counted by a thread of its own, and puts the outcome on the books beside the provider's figures. It may fall
// behind or fail, and then says so on the row: no request waits for it. Knows no HTTP and no SQL.

import type { InputQuestion, Recount, RecountOffer, Recounter } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { createBooks } from "./books.ts";
import type { Counted, Side } from "./count.ts";
import { judge, mayAsk } from "./judge.ts";
import { type PastRecount, createLessons } from "./lessons.ts";
import { type Done, packJobs } from "./message.ts";
import { type Profile, type TokenizerFile, chooseProfile } from "./profile.ts";
import { type Waiting, createQueue, measure } from "./queue.ts";
import { findSkip } from "./skip.ts";
import type { StartThread, Thread } from "./thread.ts";

export interface RecounterInit {
  settings: RecountSettings;
  startThread: StartThread;
  clock: Clock;
  /** How long jobs gather before they go to the thread together; 0: until it is free. */
  gatherMs: number;
  /** Puts rows on the books; what it rejects with is the books' own trouble, and told there. */
  write: (recounts: readonly Recount[]) => Promise<void>;
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

interface Flight {
  number: number;
  item: Waiting;
  profile: Profile;
}

/** What is sent to the thread together at most; the next jobs gather meanwhile. */
const MAX_FLIGHTS = 64;
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
  const lessons = createLessons(init.readHistory);
  const faulty = new Set<string>();
  let thread: Thread | null = null;
  let flights: Flight[] = [];
  let number = 0;
  let crashesInARow = 0;
  let asking = 0;
  let isHeld = false;
  let isPumping = false;
  /** The thread was lost: until the jobs that were with it are through, each goes alone, so that the one it died of is known. */
  let alone = 0;
  let callOffAlarm: (() => void) | null = null;
  /** Since when the thread has been busy with one job, or with none. */
  let sinceMs = 0;
  let onEmpty: (() => void) | null = null;

  const skip = (item: RecountOffer, reason: string): void => books.skip(item.entry.id, reason);

  const offer = (given: RecountOffer): void => {
    if (!settings.isOn) return;
    const reason = findSkip(given);
    if (reason !== null || given.format === null) return skip(given, reason ?? "not_text");
    const item = { ...given, format: given.format, bytes: measure(given) };
    if (item.bytes > settings.maxBytes) return skip(given, "too_large");
    if (!queue.push(item)) return skip(given, "queue_full");
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
    if (!isHeld && flights.length === 0) dispatch(takeBatch());
    watch();
    tellEmpty();
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

  const dispatch = (batch: readonly Waiting[]): void => {
    if (batch.length === 0) return;
    sinceMs = clock.monotonicMs();
    flights = batch.map((item) => {
      const model = item.entry.modelServed ?? item.entry.modelAsked;
      return { number: ++number, item, profile: chooseProfile(model, settings.tokenizers) };
    });
    try {
      thread ??= start();
      thread.send(
        packJobs(
          flights.map(({ number: of, profile, item: { format, request, answer } }) => ({
            number: of,
            job: { format, profile, request, answer },
          })),
        ),
      );
    } catch (error) {
      crash(error instanceof Error ? error : new Error(String(error)));
    }
  };

  const start = (): Thread => {
    books.figures.starts++;
    lessons.load();
    const started = init.startThread({ onDone: land, onCrash: crash });
    started.send({ files: new Map(settings.tokenizers.map(({ name, file }) => [name, file])) });
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
    if (flights.length === 0 && queue.rows() === 0 && asking === 0) onEmpty?.();
  };

  const endThread = (): void => {
    callOffAlarm?.();
    callOffAlarm = null;
    thread?.end();
    thread = null;
  };

  const land = (all: readonly Done[]): void => {
    const landed = flights;
    if (landed[0]?.number !== all[0]?.number) return;
    flights = [];
    sinceMs = clock.monotonicMs();
    crashesInARow = 0;
    for (const [index, flight] of landed.entries()) {
      const done = all[index];
      if (done?.failed === null) void conclude(flight, done.counted, done.version);
      else skip(flight.item, done?.failed ?? "unreadable");
      if (done?.failed === "tokenizer") noteTokenizer(flight.profile.tokenizer);
    }
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

  /** Where only the provider can tell, it is asked: of few calls at a time, for their text is kept meanwhile. */
  const conclude = async (flight: Flight, counted: Counted, version: string): Promise<void> => {
    const { entry, format, request } = flight.item;
    const isAsked = asking < MAX_ASKING && mayAsk(counted.input, flight.profile);
    if (init.countInput === null || entry.provider === null || !isAsked)
      return settle(flight, counted, { version, asked: null });
    const model = entry.attempts.at(-1)?.model ?? entry.modelAsked;
    asking++;
    const asked = await init.countInput({ provider: entry.provider, model, format, request });
    settle(flight, counted, { version, asked });
    asking--;
    tellEmpty();
  };

  const settle = (
    { item: { entry, missing, format }, profile }: Flight,
    found: Counted,
    { version, asked }: { version: string; asked: number | null },
  ): void => {
    const isMarkedTools = found.input.toolTokens > 0;
    // How tools are framed depends on the format.
    const measure = `${profile.tokenizer}:${profile.prior.name}/${format}`;
    const key = lessons.name(entry, { measure, version, isMarkedTools });
    const counted = missing === null ? found : { ...found, output: hideOutput(missing) };
    const { input, output } = counted;
    if (asked === null && input.tokens === null && (output === null || output.tokens === null)) {
      return books.skip(entry.id, `hidden: ${input.hidden ?? "content"}`);
    }
    lessons.whenLoaded(() => {
      const tolerance = settings.tolerancePercent / 100;
      const grounds = { profile, measure, lesson: lessons.get(key), tolerance, isMarkedTools, asked };
      const judged = judge(entry, counted, grounds);
      lessons.set(key, judged.lesson);
      books.add({ ...judged.recount, entryId: entry.id, state: "counted", tokenizerVersion: version });
    });
  };

  const noteTokenizer = (name: string): void => {
    if (!faulty.has(name)) init.onTokenizerFault(name.replace(/^file:/u, ""));
    faulty.add(name);
  };

  /** One that was alone with the thread is what it was lost to; of several nobody knows which, so each is sent again by itself. */
  const giveUp = (reason: string): void => {
    endThread();
    const lost = flights.map(({ item }) => item);
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
      waiting: queue.rows() + flights.length + asking,
      waitingBytes: queue.bytes() + flights.reduce((sum, { item }) => sum + item.bytes, 0),
    }),
    async flush() {
      await lessons.settled();
      await books.flush();
    },
    async stop(limitMs) {
      if (flights.length > 0 || queue.rows() > 0 || asking > 0) {
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
      for (const { item } of flights) skip(item, "shutdown");
      flights = [];
      for (const item of queue.clear()) skip(item, "shutdown");
      await lessons.settled();
      await books.flush();
    },
  };
}

/** The answer had text that is not here. */
function hideOutput(reason: string): Side {
  return {
    tokens: null,
    frame: 0,
    kinds: { prose: 0, code: 0, cjk: 0, other: 0 },
    marks: 0,
    toolTokens: 0,
    calls: 0,
    images: 0,
    messages: 0,
    thoughtTokens: 0,
    hasThoughts: false,
    tellsThoughts: false,
    inexact: null,
    hidden: reason,
  };
}

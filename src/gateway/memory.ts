// Keeps answers for their owners: at once in this process, and soon after, in groups, in the database. Knows no SQL and no format.

import { type GatewayError, toGatewayError } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { AnswerStore, KeptAnswer } from "./answer-store.ts";
import { type Run, createRuns } from "./run.ts";

export interface MemoryLimits {
  /** Milliseconds that an answer is kept; 0: none is. */
  keepMs: number;
  /** Answers and bytes of one owner, and bytes of all; the oldest go first. */
  countPerUser: number;
  bytesPerUser: number;
  bytes: number;
}

export type NewAnswer = Omit<KeptAnswer, "createdAt" | "expiresAt" | "leaseUntil">;

/** Whatever is another owner's is not there. */
export interface Memory {
  /** False where nothing is kept at all. */
  isOn(): boolean;
  find(id: string, userId: string): Promise<KeptAnswer | null>;
  /** The answer and those that it went on from, newest first, up to one that is missing. */
  chain(id: string, userId: string): Promise<KeptAnswer[]>;
  /** The answers in which these items are. */
  findHolders(items: readonly string[], userId: string): Promise<KeptAnswer[]>;
  /**
   * From now on `find` knows it. What is returned is to be waited for before the client learns that the answer is complete: it resolves once
   * every process finds it; undefined where they do already. Never rejects.
   */
  keep(answer: NewAnswer, items: readonly string[]): Promise<void> | undefined;
  /** Removes it for good. False where it is not there. */
  remove(id: string, userId: string): Promise<boolean>;
  /** Likewise. `end`: the answer's text once it was over, for another process that follows it and will not find it at its provider any more. */
  removeEnded(answer: KeptAnswer, end: string): Promise<void>;
  /** The text that it had last, where it was kept by any process; null where that is not known. Of a removed answer it is told once. */
  readLast(id: string, userId: string): Promise<string | null>;
  /** A place among the answers that are made for an owner in the background, until it is given back. Throws rate_limited where there is none. */
  takePlace(userId: string): () => void;
  /** An answer that is being made behind the client's back: durable when this resolves. */
  begin(answer: NewAnswer): Promise<Run>;
  /** False where it ended otherwise meanwhile, or is gone. */
  finish(answer: Pick<KeptAnswer, "id" | "userId" | "body">, items: readonly string[]): Promise<boolean>;
  /** An answer that its provider makes, followed in this process. */
  track(answer: Pick<KeptAnswer, "body" | "id" | "userId">): Run;
  /** The making of an answer, where it happens in this process. */
  findRun(id: string, userId: string): Run | null;
  /** The pieces of its stream, where it was made in this process of late; none else. */
  readEnded(id: string, userId: string): readonly string[];
  /** Ends what is being made, and writes what was not yet written. */
  stop(): Promise<void>;
}

interface MemoryInit {
  store: AnswerStore;
  clock: Clock;
  limits: MemoryLimits;
  /** True where other processes work on the same database. */
  isShared: boolean;
  /** A failure that concerns no single request. */
  onFault: (error: GatewayError) => void;
}

type Entry = KeptAnswer & { items: readonly string[] };

/** How long answers wait for others to be written with them. */
const GROUP_MS = 20;
/** Beyond this, the next answer waits until the database has taken what is there. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const SWEEP_MS = 10 * 60_000;
/** Whoever follows an answer that was removed looks for its end within this time. */
const LAST_WORD_MS = 60_000;
/** The most of a conversation that is put together for one request. */
const CHAIN_LIMITS = { count: 2_000, bytes: 64 * 1024 * 1024 };
/** Owners whose sums are remembered between two sweeps. */
const MAX_TALLIES = 10_000;

export function createMemory(init: MemoryInit): Memory {
  const { store, clock, limits } = init;
  const queue = createQueue(init);
  const runs = createRuns({ store, clock, onFault: init.onFault });
  let cancelSweep: (() => void) | null = null;
  const now = (): Date => new Date(clock.wallMs());

  const sweep = async (): Promise<void> => {
    await store
      .sweep(new Date(clock.wallMs() - LAST_WORD_MS))
      .catch((error: unknown) => init.onFault(toGatewayError(error)));
    queue.forgetTallies();
    cancelSweep = clock.after(SWEEP_MS, () => void sweep());
  };
  cancelSweep = clock.after(GROUP_MS, () => void sweep());

  const stamp = (answer: NewAnswer): Omit<KeptAnswer, "leaseUntil"> => {
    const createdAt = now();
    return { ...answer, createdAt, expiresAt: new Date(createdAt.getTime() + limits.keepMs) };
  };

  const find = async (id: string, userId: string): Promise<KeptAnswer | null> => {
    const pending = queue.find(id, userId);
    if (pending !== undefined) return pending.expiresAt > now() ? pending : null;
    return store.find(id, userId, now());
  };

  const remove = async (id: string, userId: string): Promise<boolean> => {
    if (queue.find(id, userId) !== undefined) await queue.flush();
    const isGone = await store.remove(id, userId);
    if (isGone) queue.forgetTallies();
    return isGone;
  };

  return {
    isOn: () => limits.keepMs > 0,
    find,
    async chain(id, userId) {
      const recent: KeptAnswer[] = [];
      let next: string | null = id;
      // Each only once, should a provider have given one id twice.
      for (const seen = new Set<string>(); next !== null && !seen.has(next);) {
        seen.add(next);
        const pending = queue.find(next, userId);
        if (pending === undefined) break;
        recent.push(pending);
        next = pending.previousId;
      }
      if (next === null) return recent;
      return [...recent, ...(await store.chain(next, userId, { now: now(), limits: CHAIN_LIMITS }))];
    },
    async findHolders(items, userId) {
      const pending = queue.list().filter((entry) => entry.userId === userId);
      const recent = pending.filter((entry) => items.some((item) => entry.items.includes(item)));
      const rest = items.filter((item) => !recent.some((entry) => entry.items.includes(item)));
      return rest.length === 0 ? recent : [...recent, ...(await store.findHolders(rest, userId, now()))];
    },
    keep: (answer, items) => queue.add({ ...stamp(answer), leaseUntil: null, items }),
    remove,
    async removeEnded(answer, end) {
      if (!init.isShared) {
        await remove(answer.id, answer.userId);
        return;
      }
      await queue.flush();
      // What has expired is found by nobody who asks for it, and swept soon.
      await store.put([{ ...answer, input: "[]", body: end, expiresAt: now(), items: [] }]);
      queue.forgetTallies();
    },
    async readLast(id, userId) {
      const pending = queue.find(id, userId);
      if (pending !== undefined) return pending.body;
      const found = await store.find(id, userId, new Date(0));
      if (found !== null && found.expiresAt <= now()) await store.remove(id, userId);
      return found?.body ?? null;
    },
    takePlace: runs.takePlace,
    track: runs.track,
    begin: (answer) => runs.begin(stamp(answer)),
    finish: ({ id, userId, body }, items) => store.finish({ id, userId, body, items }),
    findRun: runs.find,
    readEnded: runs.readEnded,
    async stop() {
      cancelSweep?.();
      await runs.stop();
      await queue.flush();
    },
  };
}

interface Queue {
  /** Resolves once it is written, or given up; undefined where nobody need wait for that. */
  add(entry: Entry): Promise<void> | undefined;
  find(id: string, userId: string): Entry | undefined;
  list(): Entry[];
  /** Resolves once everything given so far is written, or given up. */
  flush(): Promise<void>;
  forgetTallies(): void;
}

/** What is written at once. */
interface Batch {
  entries: Map<string, Entry>;
  done: Promise<void>;
  resolve: () => void;
}

function openBatch(): Batch {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { entries: new Map(), done: promise, resolve };
}

function createQueue({ store, clock, limits, isShared, onFault }: MemoryInit): Queue {
  const pending = new Map<string, Entry>();
  let open = openBatch();
  let writing: Batch | null = null;
  let pendingBytes = 0;
  let cancelNext: (() => void) | null = null;
  const bounds = createBounds(store, limits);

  const write = async (batch: Batch): Promise<void> => {
    const entries = [...batch.entries.values()];
    try {
      await store.put(entries);
      await bounds.hold(entries);
    } catch (error) {
      onFault(toGatewayError(error));
    }
    for (const entry of entries) {
      pendingBytes -= measure(entry);
      // A later answer of the same id may be waiting already.
      if (pending.get(nameEntry(entry)) === entry) pending.delete(nameEntry(entry));
    }
    writing = null;
    batch.resolve();
    if (open.entries.size > 0) start();
  };

  const start = (): void => {
    cancelNext?.();
    cancelNext = null;
    if (writing !== null || open.entries.size === 0) return;
    writing = open;
    open = openBatch();
    void write(writing);
  };

  return {
    add(entry) {
      const name = nameEntry(entry);
      const before = open.entries.get(name);
      if (before !== undefined) pendingBytes -= measure(before);
      pending.set(name, entry);
      open.entries.set(name, entry);
      pendingBytes += measure(entry);
      if (isShared || pendingBytes > MAX_PENDING_BYTES) {
        const { done } = open;
        start();
        return done;
      }
      cancelNext ??= clock.after(GROUP_MS, start);
      return undefined;
    },
    find: (id, userId) => pending.get(nameEntry({ id, userId })),
    list: () => [...pending.values()],
    async flush() {
      const { entries, done } = open;
      start();
      await (entries.size > 0 ? done : writing?.done);
    },
    forgetTallies: bounds.forget,
  };
}

/** Two providers may give one id to two owners. */
function nameEntry({ id, userId }: Pick<KeptAnswer, "id" | "userId">): string {
  return `${userId}/${id}`;
}

function measure({ input, body }: KeptAnswer): number {
  return input.length + body.length;
}

interface Tally {
  count: number;
  bytes: number;
}

/** Sums are counted on from what was read once, so that the database is not asked for them at every answer. */
function createBounds(store: AnswerStore, limits: MemoryLimits) {
  const tallies = new Map<string, Tally>();
  let all: Tally | null = null;
  const own = { count: limits.countPerUser, bytes: limits.bytesPerUser };
  const ownLeft = { count: leave(own.count), bytes: leave(own.bytes) };

  const holdOwner = async (userId: string, added: Tally): Promise<void> => {
    const known = tallies.get(userId);
    let tally = known === undefined ? await store.tally(userId) : sum(known, added);
    if (tally.count > own.count || tally.bytes > own.bytes) {
      await store.trimOwner(userId, ownLeft);
      tally = await store.tally(userId);
      all = null;
    }
    if (tallies.size >= MAX_TALLIES) tallies.clear();
    tallies.set(userId, tally);
  };

  return {
    async hold(entries: readonly Entry[]): Promise<void> {
      const added = new Map<string, Tally>();
      let total: Tally = { count: 0, bytes: 0 };
      for (const entry of entries) {
        const one = { count: 1, bytes: Buffer.byteLength(entry.input) + Buffer.byteLength(entry.body) };
        added.set(entry.userId, sum(added.get(entry.userId) ?? { count: 0, bytes: 0 }, one));
        total = sum(total, one);
      }
      for (const [userId, tally] of added) await holdOwner(userId, tally);
      all = all === null ? await store.tally(null) : sum(all, total);
      if (all.bytes <= limits.bytes) return;
      await store.trimAll(leave(limits.bytes));
      tallies.clear();
      all = null;
    },
    forget(): void {
      tallies.clear();
      all = null;
    },
  };
}

/** A little less than the limit, so that not every answer beyond it has the whole table looked through. */
function leave(limit: number): number {
  return Math.ceil(limit * 0.95);
}

function sum(left: Tally, right: Tally): Tally {
  return { count: left.count + right.count, bytes: left.bytes + right.bytes };
}

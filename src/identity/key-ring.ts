// The memory copy of users and keys that the request path asks. Knows no SQL and no HTTP; it reads the store, and writes nothing but last-use stamps.

import type { Caller, User } from "./model.ts";
import type { IdentityChanges, IdentityStore, KeyRecord } from "./store.ts";
import { hashToken, isTokenShaped } from "./token.ts";

/** Why a token does not open the door. */
export type KeyFault = "expired" | "revoked" | "suspended" | "unknown";

export interface KeyRingOptions {
  store: Pick<IdentityStore, "changes" | "touchKeys">;
  /** Epoch milliseconds. */
  now: () => number;
  /** Milliseconds between two looks at the database; 400 unless given, so that a change elsewhere holds within a second. */
  pollMs?: number;
  /** Runs `task` once after `afterMs` and answers how to call it off; a timer that keeps no process alive unless given. */
  schedule?: Schedule;
  /** Told once when the database stops answering, not at every poll. */
  onError: (error: unknown) => void;
  /** Told when it answers again. */
  onRecover?: () => void;
}

export type Schedule = (task: () => void, afterMs: number) => () => void;

export interface KeyRing {
  /** The first load; rejects where the database does not answer. */
  load(): Promise<void>;
  /** From memory: who holds this token, or why it is refused. */
  resolve(token: string): Caller | KeyFault;
  /**
   * For a token that `resolve` does not know: looks at the database once more before it is refused, so that a key works from the moment it
   * was made. Such looks are shared and spaced, however many strangers knock; the wait is bounded where the database is slow.
   */
  resolveLate(token: string): Promise<Caller | KeyFault>;
  /** Starts looking for changes and writing last-use stamps. */
  start(): void;
  /** Ends that and writes the stamps still in memory; await it before the store closes. */
  stop(): Promise<void>;
  /** Looks at the database now, for a change that this process just made. Never rejects: a failure goes to `onError`. */
  refresh(): Promise<void>;
}

const POLL_MS = 400;
const FLUSH_MS = 5000;
/** Between two looks for the sake of unknown tokens. */
const LATE_SPACING_MS = 100;
/** The longest that an unknown token is kept waiting. */
const LATE_LIMIT_MS = 1000;

export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { store, now, pollMs = POLL_MS, schedule = runLater } = options;
  const copy = createCopy();
  const uses = createUses(store);
  // Watched apart, for a full disk can still be read.
  const reading = createWatch(options);
  const writing = createWatch(options);
  let revision: number | null = null;
  let lastFlush = now();
  /** Calls off the next poll; null while stopped. */
  let cancel: (() => void) | null = null;
  let polling: Promise<void> | null = null;

  async function load(): Promise<void> {
    const changes = await store.changes(revision);
    copy.apply(changes);
    revision = changes.revision;
  }

  const refresh = oneAtATime(() => reading.attempt(load));

  async function poll(): Promise<void> {
    await refresh();
    if (!reading.failing() && now() - lastFlush >= FLUSH_MS) {
      lastFlush = now();
      await writing.attempt(() => uses.flush());
    }
    if (cancel !== null) plan();
  }

  function plan(): void {
    cancel = schedule(() => {
      polling = poll();
    }, pollMs);
  }

  function resolve(token: string): Caller | KeyFault {
    const at = now();
    const found = copy.find(token, at);
    if (typeof found === "object") uses.note(found.keyId, at);
    return found;
  }

  const lookLate = createSpaced(refresh, { now, schedule });

  return {
    load,
    resolve,
    async resolveLate(token) {
      if (isTokenShaped(token)) await lookLate();
      return resolve(token);
    },
    start() {
      if (cancel === null) plan();
    },
    async stop() {
      cancel?.();
      cancel = null;
      await polling;
      await writing.attempt(() => uses.flush());
    },
    refresh,
  };
}

/**
 * A call during a run starts another one after it, shared by all who call meanwhile: the run under way may have read before
 * the change that the caller means.
 */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let waiting: Promise<void> | null = null;
  return function run(): Promise<void> {
    if (running !== null) return (waiting ??= running.then(run));
    waiting = null;
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
}

/** One look for all who ask before it begins, no sooner than LATE_SPACING_MS after the one before; nobody waits longer than LATE_LIMIT_MS. */
function createSpaced(look: () => Promise<void>, { now, schedule }: { now: () => number; schedule: Schedule }) {
  let last = -Infinity;
  let next: Promise<void> | null = null;

  function plan(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    schedule(
      () => {
        next = null;
        last = now();
        void look().then(resolve);
      },
      Math.max(0, last + LATE_SPACING_MS - now()),
    );
    return promise;
  }

  return async function wait(): Promise<void> {
    next ??= plan();
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = schedule(resolve, LATE_LIMIT_MS);
    await Promise.race([next, promise]);
    callOff();
  };
}

/** The last use of each key since the last flush. */
function createUses(store: Pick<IdentityStore, "touchKeys">) {
  const uses = new Map<string, number>();
  return {
    note(keyId: string, at: number): void {
      uses.set(keyId, at);
    },
    async flush(): Promise<void> {
      if (uses.size === 0) return;
      const batch = [...uses];
      uses.clear();
      try {
        await store.touchKeys(batch.map(([id, at]) => ({ id, at: new Date(at) })));
      } catch (error) {
        for (const [id, at] of batch) uses.set(id, Math.max(at, uses.get(id) ?? 0));
        throw error;
      }
    },
  };
}

/** Reports the first failure of a series and the end of the series. The copy stays as it is meanwhile: who had access keeps it. */
function createWatch({ onError, onRecover }: Pick<KeyRingOptions, "onError" | "onRecover">) {
  let failing = false;
  return {
    failing: () => failing,
    async attempt(work: () => Promise<void>): Promise<void> {
      try {
        await work();
        if (failing) onRecover?.();
        failing = false;
      } catch (error) {
        if (!failing) onError(error);
        failing = true;
      }
    },
  };
}

/** A key with the answer to it, made beforehand: nothing is built while a request waits. */
interface Entry {
  record: KeyRecord;
  deleted: boolean;
  expiresAt: number;
  answer: Caller | KeyFault;
}

function createCopy() {
  const users = new Map<string, IdentityChanges["users"][number]>();
  const byHash = new Map<string, Entry>();
  /** Entries of each user, for when the user changes. */
  const byUser = new Map<string, Map<string, Entry>>();

  function put({ key, hash, deleted }: IdentityChanges["keys"][number]): void {
    const entry: Entry = {
      record: { key, hash },
      deleted,
      expiresAt: key.expiresAt?.getTime() ?? Infinity,
      answer: "unknown",
    };
    byHash.set(hash, entry);
    const entries = byUser.get(key.userId) ?? new Map<string, Entry>();
    entries.set(key.id, entry);
    byUser.set(key.userId, entries);
  }

  return {
    apply(changes: IdentityChanges): void {
      if (changes.complete) {
        users.clear();
        byHash.clear();
        byUser.clear();
      }
      for (const user of changes.users) users.set(user.id, user);
      for (const key of changes.keys) put(key);
      const touched = new Set([...changes.users.map((user) => user.id), ...changes.keys.map(({ key }) => key.userId)]);
      for (const userId of touched) {
        for (const entry of byUser.get(userId)?.values() ?? []) entry.answer = toAnswer(entry, users.get(userId));
      }
    },
    find(token: string, at: number): Caller | KeyFault {
      const entry = isTokenShaped(token) ? byHash.get(hashToken(token)) : undefined;
      if (entry === undefined) return "unknown";
      return typeof entry.answer === "object" && entry.expiresAt <= at ? "expired" : entry.answer;
    },
  };
}

function toAnswer({ record, deleted }: Entry, user: (User & { deleted: boolean }) | undefined): Caller | KeyFault {
  // A key may be read a moment before its owner; the next look brings the owner.
  if (user === undefined) return "unknown";
  if (deleted || user.deleted) return "revoked";
  if (user.status === "suspended") return "suspended";
  const { id: userId, email, displayName, role } = user;
  return Object.freeze({
    userId,
    email,
    displayName,
    role,
    keyId: record.key.id,
    scopes: Object.freeze([...record.key.scopes]),
    isStrict: record.key.strict,
  });
}

function runLater(task: () => void, afterMs: number): () => void {
  const timer = setTimeout(task, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
}

// The memory copy of users and keys that the request path asks. Knows no SQL and no HTTP; it reads the store, and writes nothing but last-use stamps.

import type { Caller } from "./model.ts";
import type { GatewayError } from "../ir/index.ts";
import { type KeyFault, explainFault, rightsChanged } from "./fault.ts";
import { createCopy } from "./ring-copy.ts";
import type { IdentityStore } from "./store.ts";
import { isSessionShaped, isTokenShaped } from "./token.ts";

export interface KeyRingOptions {
  store: Pick<IdentityStore, "changes" | "findSession" | "touchKeys" | "touchSessions">;
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

/** Something that goes on for a while by the right that its caller came in with. */
export interface Watched {
  /** Of the caller; who has none is not watched. */
  mark: string | undefined;
  /** Called at most once: what he came in by opens nothing any more, or not the same. */
  end(error: GatewayError): void;
  /** Where it goes on for as long as it likes: it ends as well once the caller's rights are not those that he came in with. */
  rights?: HeldRights | undefined;
}

export type HeldRights = Pick<Caller, "isStrict" | "limits" | "role" | "scopes">;

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
  /** Whose session this cookie's token is, or why it is none. */
  resolveSession(token: string): Caller | KeyFault;
  /** Likewise, for one that `resolveSession` does not know, or takes for idle: another gateway may have seen it since. */
  resolveSessionLate(token: string): Promise<Caller | KeyFault>;
  /** A user of himself, by id; in whose name somebody acts who has shown no key. */
  resolveUser(userId: string): Caller | KeyFault;
  /** From now on it is ended within a second of what it goes on by, here or wherever that is ended. Costs no look at the database. */
  watch(watched: Watched): void;
  /** It is over by itself. */
  unwatch(watched: Watched): void;
  /** Ends all that goes on. */
  endAll(error: GatewayError): void;
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
  const uses = createUses((batch) => store.touchKeys(batch));
  const watching = createWatching(copy);
  const visits = createUses((batch) => store.touchSessions(batch));
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
    // Whether anything changed or not: some of it ends by its age.
    watching.judge(now());
  }

  async function flush(): Promise<void> {
    for (const { id, at } of copy.takeUses()) uses.note(id, at);
    await uses.flush();
    await visits.flush();
  }

  const refresh = oneAtATime(() => reading.attempt(load));

  async function poll(): Promise<void> {
    await refresh();
    if (reading.failing()) watching.judge(now());
    const sinceMs = now() - lastFlush;
    // Of a clock that was set back it is not known how long ago that was.
    if (!reading.failing() && (sinceMs < 0 || sinceMs >= FLUSH_MS)) {
      lastFlush = now();
      copy.sweep(lastFlush);
      await writing.attempt(flush);
    }
    if (cancel !== null) plan();
  }

  function plan(): void {
    cancel = schedule(() => {
      polling = poll();
    }, pollMs);
  }

  const resolve = (token: string): Caller | KeyFault => copy.find(token, now());

  function resolveSession(token: string): Caller | KeyFault {
    const at = now();
    const found = copy.findSession(token, at);
    if (typeof found === "object" && found.sessionId !== null) visits.note(found.sessionId, at);
    return found;
  }

  /** Being seen moves no revision: whoever takes a session for idle asks whether another gateway has seen it. */
  async function lookWhetherIdle(token: string): Promise<void> {
    const session = copy.findIdle(token, now());
    const seen = session === null ? null : await store.findSession(session.id);
    if (seen !== null) copy.noteSeen(token, seen.lastSeenAt.getTime());
  }

  const lookLate = createSpaced(refresh, { now, schedule });

  return {
    load,
    resolve,
    async resolveLate(token) {
      if (isTokenShaped(token)) await lookLate();
      return resolve(token);
    },
    resolveSession,
    resolveUser: copy.findUser,
    watch: watching.add,
    unwatch: watching.remove,
    endAll: watching.endAll,
    async resolveSessionLate(token) {
      if (isSessionShaped(token)) await lookLate();
      const found = resolveSession(token);
      if (found !== "expired") return found;
      await reading.attempt(() => lookWhetherIdle(token));
      return resolveSession(token);
    },
    start() {
      if (cancel === null) plan();
    },
    async stop() {
      cancel?.();
      cancel = null;
      await polling;
      await writing.attempt(flush);
    },
    refresh,
  };
}

/** What goes on, each by the mark of its caller. One look at all of them is cheap, and made a few times a second. */
function createWatching(copy: Pick<ReturnType<typeof createCopy>, "judge">) {
  const open = new Set<Watched>();
  return {
    add(watched: Watched): void {
      if (watched.mark !== undefined) open.add(watched);
    },
    remove: (watched: Watched): void => void open.delete(watched),
    endAll(error: GatewayError): void {
      for (const watched of open) {
        open.delete(watched);
        watched.end(error);
      }
    },
    judge(at: number): void {
      for (const watched of open) {
        const found = watched.mark === undefined ? null : copy.judge(watched.mark, at);
        const error = found === null ? null : findEnd(found, watched.rights);
        if (error === null) continue;
        open.delete(watched);
        watched.end(error);
      }
    },
  };
}

function findEnd(found: Caller | KeyFault, rights: HeldRights | undefined): GatewayError | null {
  if (typeof found === "string") return explainFault(found);
  return rights === undefined || areSame(found, rights) ? null : rightsChanged();
}

function areSame(one: HeldRights, other: HeldRights): boolean {
  return RIGHTS.every((name) => one[name] === other[name]) && one.limits?.name === other.limits?.name;
}

/** Of these, two that are the same are one value. */
const RIGHTS = ["isStrict", "role", "scopes"] as const satisfies (keyof HeldRights)[];

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
      // However far a clock was set back.
      Math.min(LATE_SPACING_MS, Math.max(0, last + LATE_SPACING_MS - now())),
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

/** The last use of each key or session since the last flush. */
function createUses(write: (uses: readonly { id: string; at: Date }[]) => Promise<void>) {
  const uses = new Map<string, number>();
  return {
    note(id: string, at: number): void {
      uses.set(id, at);
    },
    async flush(): Promise<void> {
      if (uses.size === 0) return;
      const batch = [...uses];
      uses.clear();
      try {
        await write(batch.map(([id, at]) => ({ id, at: new Date(at) })));
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

function runLater(task: () => void, afterMs: number): () => void {
  const timer = setTimeout(task, afterMs);
  timer.unref();
  return () => clearTimeout(timer);
}

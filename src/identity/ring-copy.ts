// Users, their keys and their sessions as this process remembers them. There may be very many keys of which few are used: the answer to one is made
// when it is first asked for, and once. Knows no database and no clock.

import type { KeyFault } from "./fault.ts";
import { type KeyLimits, type LimitWords, compileLimits, nameLimits } from "./limit.ts";
import type { Caller, Scope } from "./model.ts";
import { createGone } from "./ring-gone.ts";
import { type Session, SESSION_IDLE_MS } from "./session.ts";
import type { IdentityChanges, KeyChange, KnownUser } from "./store.ts";
import { hashToken, isSessionShaped, isTokenShaped } from "./token.ts";

interface OpenSession {
  session: Session;
  /** Epoch milliseconds; in this process at once, elsewhere once it is written. */
  seenAt: number;
}

/** Stays the same while the user changes: keys hold on to it, and no look-up finds it for each request. */
interface Holder {
  user: KnownUser | undefined;
}

/** A token that a newer one took the place of. */
interface Former {
  entry: Entry;
  /** Epoch milliseconds. */
  endsAt: number;
  /** Made of this answer of the key's. */
  of: Caller | null;
  answer: Caller | null;
}

/** What is needed of a key, flat: there may be very many. */
interface Entry extends Omit<KeyChange, "expiresAt" | "userId"> {
  holder: Holder;
  /** Epoch milliseconds. */
  expiresAt: number;
  /** Whose answer it is: where the user is another value by now, it is made anew. */
  of: KnownUser | undefined;
  answer: Caller | KeyFault | null;
  /** Epoch milliseconds; 0: never here. */
  usedAt: number;
  /** Used since somebody took note. */
  isUsed: boolean;
}

export function createCopy() {
  const holders = new Map<string, Holder>();
  /**
   * By the hash of the whole token, and by nothing that is a part of it: how long a look takes says nothing of how much of a token is right,
   * and no two tokens are taken for one.
   */
  const byHash = new Map<string, Entry>();
  const byFormer = new Map<string, Former>();
  const sessions = new Map<string, OpenSession>();
  const gone = createGone<Entry>();
  const shareScopes = createShare();
  const shareLimits = createLimitShare();
  let used: Entry[] = [];
  const answered = createAnswered();

  function findHolder(userId: string): Holder {
    const known = holders.get(userId);
    if (known !== undefined) return known;
    const holder: Holder = { user: undefined };
    holders.set(userId, holder);
    return holder;
  }

  function forget({ hash: own, former }: Entry): void {
    byHash.delete(own);
    for (const { hash } of former) byFormer.delete(hash);
  }

  /** Changes are rare: to go through all keys then takes less than to remember each by its id from the start. */
  function forgetAll(keys: readonly KeyChange[]): void {
    if (keys.length === 0 || byHash.size === 0) return;
    const ids = new Set(keys.map(({ id }) => id));
    for (const entry of byHash.values()) if (ids.has(entry.id)) forget(entry);
  }

  function put({ id, userId, hash: own, scopes, strict, limits, tags, former, expiresAt, isOver }: KeyChange): void {
    const entry: Entry = {
      id,
      hash: own,
      scopes: shareScopes(scopes),
      strict,
      limits,
      tags,
      former,
      isOver,
      holder: findHolder(userId),
      expiresAt: expiresAt?.getTime() ?? Infinity,
      of: undefined,
      answer: null,
      usedAt: 0,
      isUsed: false,
    };
    byHash.set(own, entry);
    if (isOver) gone.add(entry);
    for (const { hash, endsAt } of former)
      byFormer.set(hash, { entry, endsAt: endsAt.getTime(), of: null, answer: null });
  }

  /** Of those who are gone nobody asks for long, and keys come and go: who shows one later is told that it is unknown, as after a start. */
  function forgetGone(at: number): void {
    const { entries, users } = gone.take(at);
    const ids = new Set<string>();
    for (const id of users) {
      if (holders.get(id)?.user?.deleted !== true) continue;
      ids.add(id);
      holders.delete(id);
    }
    for (const entry of entries) if (byHash.get(entry.hash) === entry) forget(entry);
    if (ids.size === 0) return;
    for (const entry of byHash.values()) if (ids.has(entry.holder.user?.id ?? "")) forget(entry);
  }

  function look(entry: Entry, at: number): Caller | KeyFault {
    const { user } = entry.holder;
    if (entry.answer === null || entry.of !== user) {
      if (entry.answer === null) answered.add(entry);
      entry.of = user;
      entry.answer = toAnswer(entry, user, shareLimits);
    }
    if (typeof entry.answer === "string") return entry.answer;
    return entry.expiresAt <= at ? "expired" : entry.answer;
  }

  function answer(entry: Entry, at: number): Caller | KeyFault {
    const found = look(entry, at);
    if (typeof found === "string") return found;
    if (!entry.isUsed) used.push(entry);
    entry.isUsed = true;
    entry.usedAt = at;
    return found;
  }

  /** Whoever came in by it has a mark of his own: it is over before the key is. */
  function answerFormer(former: Former, hash: string, at: number): Caller | KeyFault {
    if (former.endsAt <= at) return "expired";
    const found = answer(former.entry, at);
    if (typeof found === "string") return found;
    if (former.answer === null || former.of !== found) {
      former.of = found;
      former.answer = Object.freeze({ ...found, mark: hash });
    }
    return former.answer;
  }

  function lookAtSession({ session, seenAt }: OpenSession, at: number): KnownUser | KeyFault | undefined {
    if (at >= session.expiresAt.getTime() || at - seenAt >= SESSION_IDLE_MS) return "expired";
    return holders.get(session.userId)?.user;
  }

  return {
    apply(changes: IdentityChanges): void {
      if (changes.complete) {
        holders.clear();
        byHash.clear();
        byFormer.clear();
        sessions.clear();
      }
      for (const user of changes.users) {
        findHolder(user.id).user = user;
        if (user.deleted) gone.add(user.id);
      }
      forgetAll(changes.keys);
      for (const key of changes.keys) put(key);
      for (const { session, hash, ended } of changes.sessions) {
        // What is over is looked up no more; whoever shows its cookie is unknown.
        if (ended) sessions.delete(hash);
        else sessions.set(hash, { session, seenAt: session.lastSeenAt.getTime() });
      }
    },
    findSession(token: string, at: number): Caller | KeyFault {
      const hash = isSessionShaped(token) ? hashToken(token) : "";
      const open = sessions.get(hash);
      if (open === undefined) return "unknown";
      const user = lookAtSession(open, at);
      if (typeof user === "string") return user;
      const caller = toCaller(user, { ...NO_KEY, sessionId: open.session.id, mark: hash });
      if (typeof caller === "object") open.seenAt = at;
      return caller;
    },
    findUser: (userId: string): Caller | KeyFault =>
      toCaller(holders.get(userId)?.user, { ...NO_KEY, sessionId: null }),
    /** Who would come in by what bears this mark, or why nobody does any more. Nobody uses it by that. */
    judge(mark: string, at: number): Caller | KeyFault {
      const entry = byHash.get(mark);
      if (entry !== undefined) return look(entry, at);
      const former = byFormer.get(mark);
      if (former !== undefined) return former.endsAt <= at ? "expired" : look(former.entry, at);
      const open = sessions.get(mark);
      if (open === undefined) return "revoked";
      const user = lookAtSession(open, at);
      return typeof user === "string" ? user : toCaller(user, { ...NO_KEY, sessionId: open.session.id, mark });
    },
    /** The session of this token, where it may only seem idle here. */
    findIdle(token: string, at: number): Session | null {
      const open = isSessionShaped(token) ? sessions.get(hashToken(token)) : undefined;
      return open === undefined || at >= open.session.expiresAt.getTime() ? null : open.session;
    },
    /** Somewhere else it was used since. */
    noteSeen(token: string, seenAt: number): void {
      const open = sessions.get(hashToken(token));
      if (open !== undefined) open.seenAt = Math.max(open.seenAt, seenAt);
    },
    /** Forgets what is over by its age. */
    sweep(at: number): void {
      for (const [hash, { session }] of sessions) if (at >= session.expiresAt.getTime()) sessions.delete(hash);
      forgetGone(at);
      answered.sweep(at);
    },
    /** The last use of each key since the last time that somebody asked. */
    takeUses(): { id: string; at: number }[] {
      const taken = used.map((entry) => ({ id: entry.id, at: entry.usedAt }));
      for (const entry of used) entry.isUsed = false;
      used = [];
      return taken;
    },
    find(token: string, at: number): Caller | KeyFault {
      if (!isTokenShaped(token)) return "unknown";
      const hash = hashToken(token);
      const entry = byHash.get(hash);
      if (entry !== undefined) return answer(entry, at);
      const former = byFormer.get(hash);
      return former === undefined ? "unknown" : answerFormer(former, hash, at);
    },
  };
}

/** A key that is not used for so long is answered anew: most are used now and then, and all together would be very many answers. */
const ANSWER_MS = 15 * 60_000;

/** Entries that have an answer. */
function createAnswered() {
  let all: Entry[] = [];
  let sweptAt = Number.NEGATIVE_INFINITY;
  return {
    add: (entry: Entry) => void all.push(entry),
    sweep(at: number): void {
      if (at - sweptAt < ANSWER_MS) return;
      sweptAt = at;
      const old = all;
      all = [];
      for (const entry of old) {
        if (at - entry.usedAt < ANSWER_MS) all.push(entry);
        else entry.answer = null;
      }
    },
  };
}

/** Very many keys have the same few lists. */
function createShare(): (scopes: readonly Scope[]) => readonly Scope[] {
  const known = new Map<string, readonly Scope[]>();
  // Whoever reads them all at once gives one list for many keys.
  const seen = new WeakMap<readonly Scope[], readonly Scope[]>();
  return (scopes) => {
    const found = seen.get(scopes);
    if (found !== undefined) return found;
    const name = scopes.join(" ");
    const shared = known.get(name) ?? Object.freeze([...scopes]);
    known.set(name, shared);
    seen.set(scopes, shared);
    return shared;
  };
}

/** More lists of limits than that are not remembered. */
const MAX_SHARED_LIMITS = 10_000;

/** The same words mostly give the same value: very many keys have the same few limits. */
function createLimitShare(): (words: LimitWords | null) => KeyLimits | null {
  const known = new Map<string, KeyLimits | null>();
  return (words) => {
    if (words === null) return null;
    const name = nameLimits(words);
    const shared = known.get(name) ?? compileLimits(words);
    if (known.size >= MAX_SHARED_LIMITS) known.clear();
    known.set(name, shared);
    return shared;
  };
}

function toAnswer(
  key: Entry,
  user: KnownUser | undefined,
  shareLimits: ReturnType<typeof createLimitShare>,
): Caller | KeyFault {
  // With a user go all keys: who holds one is told why.
  if (user?.deleted === true) return "deleted";
  if (key.isOver) return "revoked";
  const { id: keyId, hash: mark, scopes, strict: isStrict, tags } = key;
  return toCaller(user, { keyId, sessionId: null, mark, scopes, isStrict, limits: shareLimits(key.limits), tags });
}

type Credential = Pick<Caller, "isStrict" | "keyId" | "limits" | "mark" | "scopes" | "sessionId" | "tags">;

const NO_KEY = { keyId: "", scopes: Object.freeze([]), isStrict: false, limits: null, tags: null };

function toCaller(user: KnownUser | undefined, credential: Credential): Caller | KeyFault {
  const found = findFault(user);
  if (typeof found === "string") return found;
  const { id: userId, email, displayName, role } = found;
  return Object.freeze({ userId, email, displayName, role, ...credential });
}

function findFault(user: KnownUser | undefined): KnownUser | KeyFault {
  // What a user has may be read a moment before its owner; the next look brings the owner.
  if (user === undefined) return "unknown";
  if (user.deleted) return "deleted";
  return user.status === "suspended" ? "suspended" : user;
}

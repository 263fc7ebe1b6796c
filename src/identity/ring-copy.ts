// Users, their keys and their sessions as this process remembers them, with the answers made beforehand. Knows no database and no clock.

import type { Caller, Scope, User } from "./model.ts";
import { type Session, SESSION_IDLE_MS } from "./session.ts";
import type { IdentityChanges, KeyRecord } from "./store.ts";
import { hashToken, isSessionShaped, isTokenShaped } from "./token.ts";

/** Why a token does not open the door. */
export type KeyFault = "expired" | "revoked" | "suspended" | "unknown";

interface OpenSession {
  session: Session;
  /** Epoch milliseconds; in this process at once, elsewhere once it is written. */
  seenAt: number;
}

/** A key with the answer to it, made beforehand: nothing is built while a request waits. */
interface Entry {
  record: KeyRecord;
  deleted: boolean;
  expiresAt: number;
  answer: Caller | KeyFault;
}

export function createCopy() {
  const users = new Map<string, IdentityChanges["users"][number]>();
  const byHash = new Map<string, Entry>();
  /** Entries of each user, for when the user changes. */
  const byUser = new Map<string, Map<string, Entry>>();
  const sessions = new Map<string, OpenSession>();

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
        sessions.clear();
      }
      for (const user of changes.users) users.set(user.id, user);
      for (const key of changes.keys) put(key);
      const touched = new Set([...changes.users.map((user) => user.id), ...changes.keys.map(({ key }) => key.userId)]);
      for (const userId of touched) {
        for (const entry of byUser.get(userId)?.values() ?? []) entry.answer = toAnswer(entry, users.get(userId));
      }
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
      const { session } = open;
      if (at >= session.expiresAt.getTime() || at - open.seenAt >= SESSION_IDLE_MS) return "expired";
      const answer = toCaller(users.get(session.userId), {
        keyId: "",
        sessionId: session.id,
        scopes: [],
        strict: false,
      });
      if (typeof answer === "object") open.seenAt = at;
      return answer;
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
    },
    find(token: string, at: number): Caller | KeyFault {
      const entry = isTokenShaped(token) ? byHash.get(hashToken(token)) : undefined;
      if (entry === undefined) return "unknown";
      return typeof entry.answer === "object" && entry.expiresAt <= at ? "expired" : entry.answer;
    },
  };
}

function toAnswer({ record, deleted }: Entry, user: KnownUser | undefined): Caller | KeyFault {
  if (deleted) return "revoked";
  const { id: keyId, scopes, strict } = record.key;
  return toCaller(user, { keyId, sessionId: null, scopes, strict });
}

type KnownUser = User & { deleted: boolean };

interface Credential {
  keyId: string;
  sessionId: string | null;
  scopes: readonly Scope[];
  strict: boolean;
}

function toCaller(user: KnownUser | undefined, { keyId, sessionId, scopes, strict }: Credential): Caller | KeyFault {
  // What a user has may be read a moment before its owner; the next look brings the owner.
  if (user === undefined) return "unknown";
  if (user.deleted) return "revoked";
  if (user.status === "suspended") return "suspended";
  const { id: userId, email, displayName, role } = user;
  return Object.freeze({
    userId,
    email,
    displayName,
    role,
    keyId,
    sessionId,
    scopes: Object.freeze([...scopes]),
    isStrict: strict,
  });
}

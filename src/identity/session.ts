// Who is signed in, and the links by which people sign in: values, and what they need of a database. Knows no SQL and no HTTP.

import type { Origin } from "../lib/change.ts";
import type { Role, User } from "./model.ts";

/** A session that nothing was asked with for so long is over. */
export const SESSION_IDLE_MS = 12 * 60 * 60 * 1000;

/** A browser that is signed in. */
export interface Session {
  id: string;
  userId: string;
  createdAt: Date;
  /** Written in batches, so some seconds old. */
  lastSeenAt: Date;
  /** However much it is used, it ends then. */
  expiresAt: Date;
  /** What the browser called itself when it signed in. */
  userAgent: string | null;
  /** From where it signed in. */
  address: string | null;
}

/** With whose it is. */
export interface OwnedSession {
  session: Session;
  email: string;
}

export interface SessionRecord {
  session: Session;
  /** Lower-case hex SHA-256 of the token in the cookie. */
  hash: string;
}

/** `login`: asked for at the form; `hand-out`: made by an operator to be handed over; `setup`: the first start's. */
export const LINK_KINDS = ["hand-out", "login", "setup"] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

export interface LinkRecord {
  id: string;
  userId: string;
  kind: LinkKind;
  /** Lower-case hex SHA-256 of the token in the link. */
  hash: string;
  /** Likewise of the token that the asking browser has as a cookie; null where no browser asked. */
  browserHash: string | null;
  createdAt: Date;
  expiresAt: Date;
}

/** What is over by then, or idle since before the other moment, does not count. */
export interface SessionMoment {
  now: Date;
  seenAfter: Date;
}

/** @param now epoch milliseconds */
export function toSessionMoment(now: number): SessionMoment {
  return { now: new Date(now), seenAfter: new Date(now - SESSION_IDLE_MS) };
}

/** By what a session or link is meant for a user: a change of it ends them all. */
export type Seen = Pick<User, "email" | "role">;

/** Writes move the identity's revision, as those of users and keys do. */
export interface SessionStore {
  /** False, and no session, where the user is another by now than `seen`: of another role or address, suspended or gone. */
  createSession(record: SessionRecord, seen: Seen, by?: Origin): Promise<boolean>;
  /** Those that are neither over nor idle, newest first; all users' where `userId` is null. */
  listSessions(userId: string | null, when: SessionMoment): Promise<Session[]>;
  /** Likewise, from behind the id `after` on, with the address of each session's user. */
  pageSessions(
    filter: { userId: string | null } & SessionMoment,
    page: { after: string | null; limit: number },
  ): Promise<OwnedSession[]>;
  /** One that was not ended; null where there is none. */
  findSession(id: string): Promise<Session | null>;
  /** One that is over, as long as that is remembered; null where there is none of that id, or it is not over. */
  findOverSession(id: string): Promise<Session | null>;
  /** `userId`: of this user alone. `isSignOut`: whoever it belongs to ends it, with itself. False where there is none. */
  endSession(
    id: string,
    userId: string | null,
    at: Date,
    how?: { by?: Origin | undefined; isSignOut?: boolean },
  ): Promise<boolean>;
  /** The one of this token, if there is any. */
  endSessionByHash(hash: string, at: Date, by?: Origin): Promise<void>;
  /** All of a user; `but`: except this one. Answers how many. */
  endSessions(userId: string, but: string | null, at: Date, by?: Origin): Promise<number>;
  /** All of those whose users have one of these roles, likewise. */
  endSessionsOf(roles: readonly Role[], but: string | null, at: Date, by?: Origin): Promise<number>;
  /** Last-seen stamps. Does not move the revision. */
  touchSessions(uses: readonly { id: string; at: Date }[]): Promise<void>;
  /** Marks those that are over as ended, and drops what is older than `keptSince` but each user's last session. Does not move the revision. */
  sweepSessions(now: Date, keptSince: Date): Promise<void>;
  /**
   * Older unused links of the same user and kind are over with it. Recorded unless it was asked for at the form, which gives nobody anything. False, and
   * no link, where the user is another by now, as with createSession.
   */
  createLink(link: LinkRecord, seen: Seen, by?: Origin): Promise<boolean>;
  /** For users that have none yet. Answers the ids of those who are not another by now, as with createSession: the others get none. */
  createLinks(links: readonly { link: LinkRecord; seen: Seen }[], by?: Origin): Promise<ReadonlySet<string>>;
  findLink(hash: string, now: Date): Promise<LinkRecord | null>;
  /** Uses it up: of many who try at once, one is told true. */
  consumeLink(id: string, at: Date): Promise<boolean>;
  /** The active user who may do more than a gateway user, where there is none beside, suspended and deleted ones included. */
  findLoneAdmin(): Promise<User | null>;
  /** From now on nobody signs in without proof, whatever becomes of the reason. */
  closeProoflessDoor(by?: Origin): Promise<void>;
  isProoflessDoorClosed(): Promise<boolean>;
  /** Whether anybody with this role has ever signed in by a session. */
  hasSignedIn(role: string): Promise<boolean>;
}

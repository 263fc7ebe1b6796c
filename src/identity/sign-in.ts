// How people get a session: links that are used once, and the rules of the sessions that come of them. Knows no SQL, no HTTP and no mail.

import { timingSafeEqual } from "node:crypto";
import { GatewayError } from "../ir/index.ts";
import { type Origin, byProgram } from "../lib/change.ts";
import type { DirectoryOptions } from "./context.ts";
import { normalizeEmail } from "./check.ts";
import type { User } from "./model.ts";
import { type LinkKind, type LinkRecord, type Session, toSessionMoment } from "./session.ts";
import { hashToken, isSessionShaped, issueSecret } from "./token.ts";

/** Of a link that somebody asked for at the form. */
export const LINK_MS = 15 * 60 * 1000;
/** Of the link that the first start prints. */
export const SETUP_MS = 30 * 60 * 1000;
/** Of a link that is handed over: people do not read their mail within a quarter of an hour. */
export const INVITE_MS = 7 * 24 * 60 * 60 * 1000;
/** However much it is used. */
export const SESSION_MS = 7 * 24 * 60 * 60 * 1000;

/** From where somebody knocks, as it is kept with the session. */
export interface Visitor {
  userAgent: string | null;
  address: string | null;
  /** Of the request by which somebody comes in. */
  requestId?: string | null;
}

/** A link, or a session, together with its token, which exists nowhere else. */
export interface Issued<Of> {
  token: string;
  of: Of;
}

export interface SignIn {
  /** For an active user; null for everybody else, whose address nobody is told of. `browser`: the token that the asking browser was given. */
  askLink(email: string, browser: string): Promise<(Issued<LinkRecord> & { user: User }) | null>;
  /** What a browser that asks for a link is given, to be known by when it comes back with it. */
  markBrowser(): string;
  /**
   * A link to be handed over by whoever may, usable in any browser; for a user by id or e-mail, or as one was looked at. Throws not_found, forbidden for a
   * suspended user, or conflict where the user was changed since.
   */
  makeLink(
    whom: User | string,
    options: { kind: LinkKind; ttlMs: number; by?: Origin | undefined },
  ): Promise<Issued<LinkRecord> & { user: User }>;
  /** Likewise for users who were just made, good for as long as an invitation; in their order. */
  makeLinks(users: readonly User[], by?: Origin): Promise<(Issued<LinkRecord> | null)[]>;
  /**
   * Uses a link up. Throws unauthenticated for one that is unknown, used or over; conflict with the code `other_browser` where another
   * browser asked for it and `isConfirmed` is not said: then it is still good.
   */
  redeem(token: string, options: { browser: string | null; isConfirmed: boolean; visitor: Visitor }): Promise<Entered>;
  /** A session without any proof: the caller has made sure of who asks. */
  enter(user: User, visitor: Visitor): Promise<Entered>;
  /** Ends the session of this token, whosever it is: its browser has another one now. */
  leave(token: string, by?: Origin): Promise<void>;
  /**
   * The root administrator who needs no proof at this very machine: the only administrator that there has ever been. Null for good once there
   * was another, or once `isClosed` was said, whatever comes later.
   */
  findProofless(isClosed: boolean): Promise<User | null>;
  /** Whether a root administrator has ever been signed in: until then the gateway is not set up. */
  isSetUp(): Promise<boolean>;
  listSessions(userId: string | null): Promise<Session[]>;
  /** `userId`: of this user alone. Throws not_found. */
  endSession(id: string, userId: string | null, by?: Origin): Promise<void>;
  /** Ends the session that somebody speaks with, if it is not over already. */
  signOut(id: string, userId: string, by?: Origin): Promise<void>;
  /** Answers how many. */
  endSessions(userId: string, but: string | null, by?: Origin): Promise<number>;
}

export interface Entered extends Issued<Session> {
  user: User;
}

export function createSignIn({
  store,
  now,
  newId = Bun.randomUUIDv7,
  randomBytes = fromSystem,
}: DirectoryOptions): SignIn {
  const secret = () => issueSecret(randomBytes);
  let sweptAt = -Infinity;

  /** Now and then, by whoever comes: what is long over fills no table. */
  const sweep = async (at: number): Promise<void> => {
    if (at - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = at;
    await store.sweepSessions(new Date(at), new Date(at - KEEP_OVER_MS));
  };

  const issueLink = (
    user: User,
    { kind, ttlMs, browser }: { kind: LinkKind; ttlMs: number; browser: string | null },
  ): Issued<LinkRecord> => {
    const { token, hash } = secret();
    const at = now();
    const browserHash = browser === null ? null : hashToken(browser);
    const of = {
      id: newId(),
      userId: user.id,
      kind,
      hash,
      browserHash,
      createdAt: new Date(at),
      expiresAt: new Date(at + ttlMs),
    };
    return { token, of };
  };

  const createLink = async (
    user: User,
    { by, ...wanted }: Parameters<typeof issueLink>[1] & { by?: Origin | undefined },
  ): Promise<Issued<LinkRecord> & { user: User }> => {
    const issued = issueLink(user, wanted);
    if (!(await store.createLink(issued.of, user, by ?? byProgram("gateway", issued.of.createdAt)))) throw changed();
    return { ...issued, user };
  };

  const enter = async (user: User, { userAgent, address, requestId = null }: Visitor): Promise<Entered> => {
    const { token, hash } = secret();
    const at = now();
    await sweep(at);
    const session: Session = {
      id: newId(),
      userId: user.id,
      createdAt: new Date(at),
      lastSeenAt: new Date(at),
      expiresAt: new Date(at + SESSION_MS),
      userAgent: userAgent?.slice(0, MAX_AGENT_LENGTH) ?? null,
      address,
    };
    const who = { actor: "user", actorId: user.id, actorName: user.email, keyId: null } as const;
    const by = { ...who, address, requestId, at: new Date(at) };
    if (!(await store.createSession({ session, hash }, user, by))) throw changed();
    return { token, of: session, user };
  };

  const findUser = (idOrEmail: string): Promise<User | null> =>
    idOrEmail.includes("@") ? store.findUserByEmail(normalizeEmail(idOrEmail)) : store.findUser(idOrEmail.trim());

  return {
    async askLink(email, browser) {
      const user = await store.findUserByEmail(normalizeEmail(email));
      if (user?.status !== "active") return null;
      return createLink(user, { kind: "login", ttlMs: LINK_MS, browser });
    },
    markBrowser: () => secret().token,
    async makeLink(whom, { kind, ttlMs, by }) {
      const user = typeof whom === "string" ? await findUser(whom) : whom;
      if (user === null) throw new GatewayError({ kind: "not_found", message: "There is no such user." });
      if (user.status !== "active") {
        throw new GatewayError({ kind: "forbidden", code: "user_suspended", message: "This user is suspended." });
      }
      return createLink(user, { kind, ttlMs, browser: null, by });
    },
    async makeLinks(users, by) {
      const issued = users.map((user) => issueLink(user, { kind: "hand-out", ttlMs: INVITE_MS, browser: null }));
      const meant = await store.createLinks(
        users.flatMap((seen, index) => {
          const link = issued[index]?.of;
          return link === undefined ? [] : [{ link, seen }];
        }),
        by,
      );
      return issued.map((each) => (meant.has(each.of.userId) ? each : null));
    },
    async redeem(token, { browser, isConfirmed, visitor }) {
      const link = isSessionShaped(token) ? await store.findLink(hashToken(token), new Date(now())) : null;
      if (link === null) throw spent();
      const isSame =
        link.browserHash === null || (browser !== null && isSameHash(hashToken(browser), link.browserHash));
      if (!isSame && !isConfirmed) {
        throw new GatewayError({
          kind: "conflict",
          code: "other_browser",
          message: "This link was asked for in another browser. Confirm that it was you who asked for it.",
        });
      }
      const user = await store.findUser(link.userId);
      if (user?.status !== "active") throw spent();
      if (!(await store.consumeLink(link.id, new Date(now())))) throw spent();
      return enter(user, visitor);
    },
    enter,
    async leave(token, by) {
      if (isSessionShaped(token)) await store.endSessionByHash(hashToken(token), new Date(now()), by);
    },
    async findProofless(isClosed) {
      if (await store.isProoflessDoorClosed()) return null;
      const root = isClosed ? null : await store.findLoneAdmin();
      if (root?.role === "root_admin") return root;
      await store.closeProoflessDoor();
      return null;
    },
    isSetUp: () => store.hasSignedIn("root_admin"),
    listSessions: (userId) => store.listSessions(userId, toSessionMoment(now())),
    async endSession(id, userId, by) {
      if (await store.endSession(id, userId, new Date(now()), { by })) return;
      if ((await store.findOverSession(id))?.userId === userId) return;
      throw new GatewayError({ kind: "not_found", message: "There is no such session." });
    },
    async signOut(id, userId, by) {
      await store.endSession(id, userId, new Date(now()), { by, isSignOut: true });
    },
    endSessions: (userId, but, by) => store.endSessions(userId, but, new Date(now()), by),
  };
}

const MAX_AGENT_LENGTH = 300;
const SWEEP_EVERY_MS = 60 * 60 * 1000;
/** How long sessions and links that are over can still be looked at. */
const KEEP_OVER_MS = 30 * 24 * 60 * 60 * 1000;

function isSameHash(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}

/** One word for all that is wrong with a link: whoever guesses learns nothing. */
function spent(): GatewayError {
  return new GatewayError({
    kind: "unauthenticated",
    code: "invalid_link",
    message: "This link does not work (any more): each works once and for a short time. Ask for a new one.",
  });
}

function changed(): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "user_changed",
    message: "This user's role, e-mail or status was changed at this very moment. Try again.",
  });
}

function fromSystem(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

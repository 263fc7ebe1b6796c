// What commands do with sessions, accounts elsewhere and links, here or at a gateway elsewhere. Prints nothing.

import { findAddress } from "../../config/index.ts";
import {
  type Admission,
  type NewUser,
  type Session,
  type SessionDirectory,
  createAdmission,
  createSessionDirectory,
  createSignIn,
  inviteUser,
  printUser,
} from "../../identity/index.ts";
import { CliError, EXIT } from "../error.ts";
import { OPERATOR, byOperator } from "../open.ts";
import type { Here, Place } from "../place.ts";
import { type Remote, createTrail, segment } from "../remote/client.ts";
import { SHOWING } from "../remote/directory.ts";
import {
  type PrintedIdentity,
  type PrintedSession,
  type PrintedUser,
  readIdentity,
  readSession,
} from "../remote/read.ts";

type Sessions = Omit<SessionDirectory, "end"> & { end(actor: typeof OPERATOR, id: string): Promise<unknown> };

export function openSessions(place: Place): Sessions {
  const { remote } = place;
  if (remote === null)
    return createSessionDirectory({ store: place.store.identity, now: Date.now, directory: place.directory });
  const path = "/api/v1/admin/sessions";
  return {
    async page(_actor, user, { limit, cursor }) {
      const page = await remote.ask<{ sessions: (PrintedSession & { email: string })[]; next_cursor: string | null }>(
        {
          method: "GET",
          path,
          query: { user, limit, cursor },
        },
        "sessions",
      );
      const items = page.sessions.map(({ email, ...session }) => ({ session: readSession(session), email }));
      return { items, nextCursor: page.next_cursor };
    },
    end: (_actor, id) => remote.ask({ method: "DELETE", path: `${path}/${segment(id, "session")}` }),
    async endOf(_actor, user) {
      return (await remote.ask<{ ended: number }>({ method: "DELETE", path, query: { user } }, "ended")).ended;
    },
    async endAll() {
      return (await remote.ask<{ ended: number }>({ method: "DELETE", path }, "ended")).ended;
    },
  };
}

const MOST_A_PAGE = 1_000;

/** All of a user, newest first. */
export async function listSessions(place: Place, userId: string): Promise<Session[]> {
  const sessions: Session[] = [];
  const directory = openSessions(place);
  const follow = createTrail();
  for (let cursor: string | null = null; ;) {
    const page = await directory.page(OPERATOR, userId, { limit: MOST_A_PAGE, cursor });
    sessions.push(...page.items.map(({ session }) => session));
    cursor = follow(page.nextCursor);
    if (cursor === null) return sessions;
  }
}

/** `list` takes an id or an e-mail. */
export function openIdentities(place: Place): Pick<Admission, "list" | "remove"> {
  const { remote } = place;
  if (remote === null) {
    const admission = createAdmission({ store: place.store.identity, now: Date.now });
    return {
      list: async (user) => admission.list((await place.directory.getUser(user)).id),
      remove: admission.remove,
    };
  }
  return {
    async list(user) {
      const path = `/api/v1/admin/users/${segment(user, "user")}/identities`;
      const { identities } = await remote.ask<{ identities: PrintedIdentity[] }>({ method: "GET", path }, "identities");
      return identities.map(readIdentity);
    },
    async remove(_actor, id) {
      const path = `/api/v1/admin/identities/${segment(id, "account")}`;
      const gone = await remote.ask<{ identity: PrintedIdentity } | null>(
        { method: "DELETE", path, headers: SHOWING },
        "identity",
      );
      return gone === null ? null : readIdentity(gone.identity);
    },
  };
}

export interface Invited {
  user: PrintedUser;
  created: boolean;
  sent: boolean;
  /** Where it was not sent by mail. */
  link?: string;
  expires_at: string;
}

type Wanted = NewUser & { ttlMs: number };

export function invite(place: Place, { ttlMs, ...wanted }: Wanted): Promise<Invited> {
  if (place.remote === null) return inviteHere(place, { ...wanted, ttlMs });
  const { email, role, displayName } = wanted;
  return place.remote.ask({
    method: "POST",
    path: "/api/v1/admin/users/invite",
    body: { email, role, display_name: displayName, ttl_seconds: ttlMs / 1000 },
  });
}

async function inviteHere({ config, store, directory }: Here, wanted: Wanted): Promise<Invited> {
  const signIn = createSignIn({ store: store.identity, now: Date.now });
  const invitation = await inviteUser(OPERATOR, wanted, { directory, signIn });
  const { user, isNew, token, expiresAt } = invitation;
  const link = `${findAddress(config)}/ui/login#${token}`;
  const { smtp } = config;
  if (smtp !== null) {
    const [{ sendMail }, { composeInvitation }] = await Promise.all([
      import("../../notice/index.ts"),
      import("../../server/admin/invite-mail.ts"),
    ]);
    await mail(() => sendMail(smtp, composeInvitation(user.email, { link, expiresAt })), user.email);
  }
  return {
    user: printUser(user),
    created: isNew,
    sent: smtp !== null,
    ...(smtp === null ? { link } : {}),
    expires_at: expiresAt.toISOString(),
  };
}

async function mail(send: () => Promise<void>, email: string): Promise<void> {
  try {
    await send();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`The user is there, but the invitation could not be sent: ${reason}`, {
      exitCode: EXIT.unavailable,
      hint: `See what tokligence doctor says of it, or hand a link over: tokligence admin login-link --email ${email}`,
    });
  }
}

export interface Handed {
  url: string;
  email: string;
  expires_at: string;
}

/** `email` undefined: the root administrator's. */
export function handLink(
  place: Place,
  { email, ttlMs }: { email: string | undefined; ttlMs: number },
): Promise<Handed> {
  return place.remote === null ? handHere(place, email, ttlMs) : handThere(place.remote, email, ttlMs);
}

async function handHere({ config, store }: Here, email: string | undefined, ttlMs: number): Promise<Handed> {
  const signIn = createSignIn({ store: store.identity, now: Date.now });
  const { token, of, user } = await signIn.makeLink(email ?? config.adminEmail, {
    kind: "hand-out",
    ttlMs,
    by: byOperator(),
  });
  return {
    url: `${findAddress(config)}/ui/login#${token}`,
    email: user.email,
    expires_at: of.expiresAt.toISOString(),
  };
}

/** Where the gateway can reach the mailbox, it sends the link there, and nobody else sees it. */
async function handThere(remote: Remote, email: string | undefined, ttlMs: number): Promise<Handed> {
  if (email === undefined) {
    throw new CliError("A link for the root administrator is made at the gateway's own machine alone.", {
      exitCode: EXIT.usage,
      hint: "Say whose it is to be, with --email, or run tokligence admin login-link there, without --url.",
    });
  }
  // No user is made by it.
  await remote.ask({ method: "GET", path: `/api/v1/admin/users/${segment(email, "user")}` });
  const { user, link, expires_at } = await remote.ask<Invited>({
    method: "POST",
    path: "/api/v1/admin/users/invite",
    body: { email, ttl_seconds: ttlMs / 1000 },
  });
  if (link !== undefined) return { url: link, email: user.email, expires_at };
  throw new CliError(`The gateway has sent the link to ${user.email} by mail, and shows it to nobody else.`, {
    exitCode: EXIT.unavailable,
    code: "sent_by_mail",
    hint: "A link to hand over is made at its own machine: tokligence admin login-link --email ADDRESS",
  });
}

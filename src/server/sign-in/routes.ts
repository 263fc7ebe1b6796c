// Signing in and out by HTTP: links asked for and used, sessions listed and ended. The rules are identity's; here are addresses, cookies and words.

import { z } from "zod";
import { type Entered, type Session, type User, LINK_MS, printSession } from "../../identity/index.ts";
import { printProfile } from "../profile.ts";
import { BRIEF_BYTES, readJson } from "../request.ts";
import type { GuardedRoute, PublicRoute, Route, RouteContext, Socket } from "../route.ts";
import { SESSION_COOKIE, printBrowser, printCookie, readBrowser } from "./cookie.ts";
import { type DoorParts, isHttps, noteFailure, openDoor, readVisitor, requireOwnPage } from "./door.ts";
import { isAtThisMachine, isSecure } from "./origin.ts";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { answerPage } from "../page.ts";
import { ENDED, OWN_SESSION, PROFILE } from "../shape/person.ts";
import { TIME } from "../shape/basic.ts";

export interface SignInParts extends DoorParts {
  /** The root who needs no mailbox, where such a one may sign in from this machine without any proof; null where nobody may. */
  findLocalRoot: () => Promise<User | null>;
  /** Sends a link to whoever is known by this address, when the answer is out; null where there is no mail server. */
  mailLink: () => ((email: string, browser: string) => void) | null;
  /** What people call the identity provider; null where there is none. */
  elsewhere: () => string | null;
  listensOn: () => string | null;
  isContainer: boolean;
  /** Whether the program at the other end is another user's of this machine, or a server's that passes requests on; missing where the system tells nobody. */
  isForeign?: ((socket: Socket) => boolean) | undefined;
}

const LOGIN = z.strictObject({ email: z.string().max(320) });
const VERIFY = z.strictObject({ token: z.string().max(200), confirm: z.boolean().optional() });

const tag = "Sign-in";
const PENDING = z.object({ status: z.literal("pending"), expires_at: TIME, message: z.string() });
const ABOUT = {
  end: { tag, summary: "End a session of one's own", answer: null, errors: [404] },
  endAll: { tag, summary: "End all other sessions of one's own", answer: ENDED },
  list: {
    tag,
    summary: "List one's own sessions",
    query: z.object(PAGE_QUERY),
    answer: z.object({ sessions: z.array(OWN_SESSION), ...NEXT_CURSOR }),
  },
  login: {
    tag,
    summary: "Ask for a link to sign in",
    more: "The answer is the same whether the address is known or not. At the machine itself the first administrator is let in at once.",
    body: LOGIN,
    answer: z.union([PENDING, PROFILE]),
    status: [202, 200],
    errors: [403, 429],
  },
  logout: { tag, summary: "Sign out", answer: null },
  verify: {
    tag,
    summary: "Sign in by a link",
    more: "A link works once. The answer sets the session's cookie.",
    body: VERIFY,
    answer: PROFILE,
    errors: [401, 403, 409, 429],
  },
} as const satisfies Record<string, About>;

export function makeSignInRoutes(parts: SignInParts): Route[] {
  return [...makeDoors(parts), ...makeSessionRoutes(parts)];
}

function makeDoors(parts: SignInParts): PublicRoute[] {
  const { signIn, nowMs, throttle } = parts;
  return [
    {
      method: "POST",
      path: "/api/v1/auth/login",
      authority: "public",
      about: ABOUT.login,
      async handle(context) {
        requireOwnPage(context, parts);
        const { email } = await readJson(context.request, BRIEF_BYTES, LOGIN);
        const peer = context.peer();
        await throttle.knock({ peer, email: null });
        const socket = context.socket();
        const { isContainer, listensOn, publicUrl } = parts;
        const standing = {
          peer: socket?.address ?? null,
          listensOn: listensOn(),
          isContainer,
          publicUrl: publicUrl(),
        };
        const root = isAtThisMachine(context.request, standing) ? await parts.findLocalRoot() : null;
        const isMeant = root !== null && root.email === email.trim().toLowerCase();
        // Asked last: to look at all that runs here takes its time.
        if (isMeant && !(socket !== null && parts.isForeign?.(socket) === true)) {
          return enter(parts, context, await signIn.enter(root, readVisitor(context)));
        }
        await throttle.knock({ peer: null, email });
        const browser = signIn.markBrowser();
        const mailLink = parts.mailLink();
        mailLink?.(email, browser);
        return Response.json(
          {
            status: "pending",
            expires_at: new Date(nowMs() + LINK_MS).toISOString(),
            message: mailLink === null ? sayNoMail(parts.elsewhere()) : SENT,
          },
          {
            status: 202,
            headers: { "set-cookie": printBrowser(browser, { maxAgeMs: LINK_MS, isSecure: isHttps(context, parts) }) },
          },
        );
      },
    },
    {
      method: "POST",
      path: "/api/v1/auth/verify",
      authority: "public",
      about: ABOUT.verify,
      async handle(context) {
        requireOwnPage(context, parts);
        const { token, confirm = false } = await readJson(context.request, BRIEF_BYTES, VERIFY);
        await throttle.knock({ peer: context.peer(), email: null });
        const browser = readBrowser(context.request.headers, isHttps(context, parts));
        const visitor = readVisitor(context);
        try {
          return await enter(parts, context, await signIn.redeem(token, { browser, isConfirmed: confirm, visitor }));
        } catch (error) {
          await noteFailure(error, context, parts);
          throw error;
        }
      },
    },
  ];
}

/** The same for addresses that are known and for those that are not. */
const SENT =
  "If this address is known here, a link is on its way to it. It works once, for 15 minutes, in this browser.";
function sayNoMail(elsewhere: string | null): string {
  const way =
    elsewhere === null
      ? "Its operator makes a link for you"
      : `Continue with ${elsewhere}, or let its operator make a link for you`;
  return `This gateway sends no e-mail. ${way}: tokligence admin login-link --email ADDRESS`;
}

async function enter(parts: SignInParts, context: RouteContext, entered: Entered): Promise<Response> {
  const cookie = await openDoor(parts, context, entered);
  await parts.throttle.forgive({ peer: context.peer() });
  const { user } = entered;
  const headers = { "set-cookie": cookie, "cache-control": "no-store" };
  return Response.json(printProfile({ ...user, userId: user.id }), { headers });
}

function makeSessionRoutes({ signIn, changed, publicUrl }: SignInParts): GuardedRoute[] {
  return [
    {
      method: "POST",
      path: "/api/v1/auth/logout",
      authority: "any-key",
      about: ABOUT.logout,
      async handle({ request, caller }) {
        if (caller.sessionId !== null) await signIn.signOut(caller.sessionId, caller.userId, caller.from);
        await changed();
        const gone = { value: "", maxAgeMs: 0, isSecure: isSecure(request.url, publicUrl()) };
        return new Response(null, { status: 204, headers: { "set-cookie": printCookie(SESSION_COOKIE, gone) } });
      },
    },
    {
      method: "GET",
      path: "/api/v1/auth/sessions",
      authority: { anyOf: ["profile:read"] },
      about: ABOUT.list,
      async handle({ caller, query }) {
        const sessions = await signIn.listSessions(caller.userId);
        const print = (session: Session) => ({ ...printSession(session), current: session.id === caller.sessionId });
        return Response.json(await answerPage(query, sessions, { name: "sessions", idOf: ({ id }) => id, print }));
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/auth/sessions/:id",
      authority: { anyOf: ["profile:write"] },
      about: ABOUT.end,
      async handle({ caller, params }) {
        await signIn.endSession(params["id"] ?? "", caller.userId, caller.from);
        await changed();
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/auth/sessions",
      authority: { anyOf: ["profile:write"] },
      about: ABOUT.endAll,
      async handle({ caller }) {
        const ended = await signIn.endSessions(caller.userId, caller.sessionId, caller.from);
        await changed();
        return Response.json({ ended });
      },
    },
  ];
}

// Signing in and out by HTTP: links asked for and used, sessions listed and ended. The rules are identity's; here are addresses, cookies and words.

import { z } from "zod";
import {
  type Entered,
  type SignIn,
  type User,
  type Visitor,
  LINK_MS,
  SESSION_MS,
  printSession,
} from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import { printProfile } from "../profile.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute, PublicRoute, Route, RouteContext } from "../route.ts";
import { SESSION_COOKIE, printBrowser, printCookie, readBrowser } from "./cookie.ts";
import { isAtThisMachine, isSecure, isSameOrigin } from "./origin.ts";
import type { FailureRecord } from "./failure.ts";
import type { Knock } from "./throttle.ts";

export interface SignInParts {
  signIn: SignIn;
  /** The root who needs no mailbox, where such a one may sign in from this machine without any proof; null where nobody may. */
  findLocalRoot: () => Promise<User | null>;
  /** Sends the link by e-mail; null where there is no mail server. Not waited for, so that no answer takes longer for an address that is known. */
  mailLink: () => ((to: string, link: string) => void) | null;
  /** Records those that could not sign in. */
  failures: FailureRecord;
  /** How often one may try. Rejects with rate_limited. */
  throttle: (knock: Knock) => Promise<void>;
  publicUrl: () => string | null;
  listensOn: () => string | null;
  isContainer: boolean;
  /** Largest body in bytes. */
  limit: () => number;
  /** Brings this process's memory up to date before the answer goes out. */
  changed: () => Promise<void>;
  nowMs: () => number;
}

const LOGIN = z.strictObject({ email: z.string().max(320) });
const VERIFY = z.strictObject({ token: z.string().max(200), confirm: z.boolean().optional() });

export function makeSignInRoutes(parts: SignInParts): Route[] {
  return [...makeDoors(parts), ...makeSessionRoutes(parts)];
}

/** What a page asks for a session: no stranger's page may. */
function requireOwnPage({ request }: RouteContext, { publicUrl }: SignInParts): void {
  // Programs send neither header, and have no cookie that anybody could misuse.
  const says = request.headers.has("origin") || request.headers.has("sec-fetch-site");
  if (!says || isSameOrigin(request.headers, request.url, publicUrl())) return;
  throw new GatewayError({ kind: "forbidden", code: "cross_site", message: "Sign in on the gateway's own page." });
}

function makeDoors(parts: SignInParts): PublicRoute[] {
  const { signIn, limit, nowMs } = parts;
  const secure = ({ request }: RouteContext): boolean => isSecure(request.url, parts.publicUrl());
  return [
    {
      method: "POST",
      path: "/api/v1/auth/login",
      authority: "public",
      async handle(context) {
        requireOwnPage(context, parts);
        const { email } = await readJson(context.request, limit(), LOGIN);
        await parts.throttle({ peer: context.peer(), email });
        const standing = { peer: context.peer(), listensOn: parts.listensOn(), isContainer: parts.isContainer };
        const root = isAtThisMachine(context.request, standing) ? await parts.findLocalRoot() : null;
        if (root?.email === email.trim().toLowerCase()) {
          return enter(parts, context, await signIn.enter(root, readVisitor(context)));
        }
        const browser = signIn.markBrowser();
        const mailLink = parts.mailLink();
        const asked = mailLink === null ? null : await signIn.askLink(email, browser);
        if (asked !== null) mailLink?.(asked.user.email, printLink(parts, context, asked.token));
        return Response.json(
          {
            status: "pending",
            expires_at: new Date(nowMs() + LINK_MS).toISOString(),
            message: mailLink === null ? NO_MAIL : SENT,
          },
          {
            status: 202,
            headers: { "set-cookie": printBrowser(browser, { maxAgeMs: LINK_MS, isSecure: secure(context) }) },
          },
        );
      },
    },
    {
      method: "POST",
      path: "/api/v1/auth/verify",
      authority: "public",
      async handle(context) {
        requireOwnPage(context, parts);
        const { token, confirm = false } = await readJson(context.request, limit(), VERIFY);
        await parts.throttle({ peer: context.peer(), email: null });
        const browser = readBrowser(context.request.headers);
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

/** A link that is only in another browser may still be used: nobody was refused yet. */
async function noteFailure(
  error: unknown,
  { peer, requestId }: RouteContext,
  { failures, nowMs }: SignInParts,
): Promise<void> {
  if (!(error instanceof GatewayError) || error.kind !== "unauthenticated") return;
  const who = { actor: "visitor", actorId: null, actorName: null, keyId: null } as const;
  const by = { ...who, address: peer(), requestId, at: new Date(nowMs()) };
  await failures.note(by, error.code ?? error.kind);
}

/** The same for addresses that are known and for those that are not. */
const SENT =
  "If this address is known here, a link is on its way to it. It works once, for 15 minutes, in this browser.";
const NO_MAIL =
  "This gateway sends no e-mail. Its operator makes a link for you: tokligence admin login-link --email ADDRESS";

async function enter(parts: SignInParts, context: RouteContext, { token, user }: Entered): Promise<Response> {
  await parts.changed();
  const isHttps = isSecure(context.request.url, parts.publicUrl());
  const cookie = printCookie(SESSION_COOKIE, { value: token, maxAgeMs: SESSION_MS, isSecure: isHttps });
  return Response.json(printProfile({ ...user, userId: user.id }), { headers: { "set-cookie": cookie } });
}

/** The token stands behind the #, which no server, proxy or log ever sees. */
function printLink({ publicUrl }: SignInParts, { request }: RouteContext, token: string): string {
  const base = publicUrl() ?? new URL(request.url).origin;
  return `${base.replace(/\/$/u, "")}/ui/login#${token}`;
}

function readVisitor({ request, peer, requestId }: RouteContext): Visitor {
  return { userAgent: request.headers.get("user-agent"), address: peer(), requestId };
}

function makeSessionRoutes({ signIn, changed, publicUrl }: SignInParts): GuardedRoute[] {
  return [
    {
      method: "POST",
      path: "/api/v1/auth/logout",
      authority: "any-key",
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
      handle: async ({ caller }) =>
        Response.json({
          sessions: (await signIn.listSessions(caller.userId)).map((session) => ({
            ...printSession(session),
            current: session.id === caller.sessionId,
          })),
        }),
    },
    {
      method: "DELETE",
      path: "/api/v1/auth/sessions/:id",
      authority: { anyOf: ["profile:read"] },
      async handle({ caller, params }) {
        await signIn.endSession(params["id"] ?? "", caller.userId, caller.from);
        await changed();
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/auth/sessions",
      authority: { anyOf: ["profile:read"] },
      async handle({ caller }) {
        const ended = await signIn.endSessions(caller.userId, caller.sessionId, caller.from);
        await changed();
        return Response.json({ ended });
      },
    },
  ];
}

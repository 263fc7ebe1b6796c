// Signing in at an identity provider by HTTP: the way out, the way back, and accounts there that belong to users here. Speaks no protocol itself.

import {
  type Admission,
  type Caller,
  type Errand,
  type KeyFault,
  type KeyRing,
  type OutsideRules,
  errandOver,
  printIdentity,
} from "../../identity/index.ts";
import { GatewayError, invalidRequest, toGatewayError } from "../../ir/index.ts";
import type { Log } from "../../telemetry/log.ts";
import { reportFailure } from "../error.ts";
import type { GuardedRoute, PublicRoute, Route, RouteContext } from "../route.ts";
import { answerNotice } from "../ui/notice.ts";
import { ERRAND_COOKIE, SESSION_COOKIE, printCookie, readCookie } from "./cookie.ts";
import { type DoorParts, isHttps, isSame, noteFailure, openDoor, originOfVisitor, readVisitor } from "./door.ts";
import type { IdentityProvider, Settings, WaySecrets } from "./provider.ts";
import { z } from "zod";
import { type About } from "../about.ts";
import { IDENTITY } from "../shape/person.ts";

export interface OutsideParts extends DoorParts {
  admission: Admission;
  provider: IdentityProvider;
  ring: Pick<KeyRing, "resolveSession" | "resolveSessionLate">;
  /** Null: there is no identity provider. */
  settings: () => Settings | null;
  sendsMail: () => boolean;
  log: Log;
}

const START = "/api/v1/auth/oidc/start";
const CALLBACK = "/api/v1/auth/oidc/callback";
const HOME = "/ui/";

const tag = "Sign-in";
const AWAY = {
  tag,
  answer: null,
  status: [303],
  errors: [401, 403, 404, 409, 429, 502],
  isPlaced: true,
} as const;
const ABOUT = {
  callback: { ...AWAY, summary: "Come back from the identity provider", query: "any" },
  connect: {
    tag,
    summary: "Connect an account at the identity provider",
    more: "Takes a session. The answer says where the browser is to go.",
    answer: z.object({ url: z.string() }),
    errors: [404, 502],
  },
  delete: { tag, summary: "Disconnect an account at the identity provider", answer: null, errors: [404] },
  list: {
    tag,
    summary: "List one's own accounts at the identity provider",
    answer: z.object({ identities: z.array(IDENTITY) }),
  },
  methods: {
    tag,
    summary: "Say by which ways people sign in",
    answer: z.object({
      link: z.object({ mail: z.boolean() }),
      oidc: z.object({ name: z.string(), issuer: z.string(), start: z.string() }).nullable(),
      signed_in: z.boolean().describe("Whether the browser that asks has a session"),
    }),
  },
  start: {
    ...AWAY,
    summary: "Go to the identity provider",
    query: z.object({ return_to: z.string().optional(), hop: z.string().optional() }),
  },
} as const satisfies Record<string, About>;

export function makeOutsideRoutes(parts: OutsideParts): Route[] {
  return [...makeWays(parts), ...makeAccountRoutes(parts)];
}

function makeWays(parts: OutsideParts): PublicRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/auth/methods",
      authority: "public",
      about: ABOUT.methods,
      async handle(context) {
        const settings = parts.settings();
        const oidc = settings === null ? null : { name: settings.name, issuer: settings.issuer, start: START };
        const isIn = typeof (await findSession(parts, context)) === "object";
        const ways = { link: { mail: parts.sendsMail() }, oidc, signed_in: isIn };
        return Response.json(ways, { headers: { "cache-control": "no-store" } });
      },
    },
    {
      method: "GET",
      path: START,
      authority: "public",
      about: ABOUT.start,
      handle: showFailure(parts, (context) => setOut(parts, context)),
    },
    {
      method: "GET",
      path: CALLBACK,
      authority: "public",
      about: ABOUT.callback,
      handle: showFailure(parts, (context) => comeBack(parts, context)),
    },
  ];
}

/** A person who came by a link or a redirect sees a page; a program reads what it reads elsewhere. */
function showFailure(parts: OutsideParts, handle: (context: RouteContext) => Promise<Response>) {
  const { log } = parts;
  return async (context: RouteContext): Promise<Response> => {
    requireOwnWay(context);
    try {
      return await handle(context);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      await noteFailure(error, context, parts);
      if (error.cause !== undefined && error.status < 500) {
        // Whose fault it is, only the operator can find out.
        log.warn("A sign-in at the identity provider failed", { request_id: context.requestId, cause: error.cause });
      }
      const isPerson = context.request.headers.get("accept")?.includes("text/html") === true;
      if (!isPerson) throw error;
      reportFailure(error, context.requestId, log);
      const { status, message: words, retryAfterMs } = error;
      const headers = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
      return answerNotice({ status, title: "You are not signed in", words, headers });
    }
  };
}

/** A stranger's page that asks for this as for a picture, again and again, must not use up the tries of everybody behind the same address. */
function requireOwnWay({ request }: RouteContext): void {
  const dest = request.headers.get("sec-fetch-dest");
  if (dest === null || dest === "document") return;
  throw new GatewayError({
    kind: "forbidden",
    code: "cross_site",
    message: "Whoever signs in goes to this address himself: it is no part of another page.",
  });
}

async function setOut(parts: OutsideParts, context: RouteContext): Promise<Response> {
  const settings = requireSettings(parts);
  await parts.throttle.knock({ peer: context.peer(), email: null, isOutside: true });
  const returnTo = readReturn(context.query.get("return_to"));
  // The browser comes back to our own address, and its cookie has to be of that one: who came by another begins there.
  const host = context.request.headers.get("host");
  const isElsewhere = host !== null && host !== new URL(parts.address()).host;
  if (isElsewhere && !context.query.has("hop")) {
    const query = new URLSearchParams({ return_to: returnTo, hop: "1" });
    return redirect(`${parts.address()}${START}?${query.toString()}`, []);
  }
  const { url, cookie } = await prepare(parts, context, { settings, returnTo, userId: null });
  return redirect(url, [cookie]);
}

/** Where the browser is to be sent, and by what it is known when it comes back. */
async function prepare(
  parts: OutsideParts,
  context: RouteContext,
  { settings, returnTo, userId }: { settings: Settings } & Pick<Errand, "returnTo" | "userId">,
): Promise<{ url: string; cookie: string }> {
  const { token, errand } = await parts.admission.setOut({ issuer: settings.issuer, returnTo, userId });
  const redirectUri = `${parts.address()}${CALLBACK}`;
  const url = await parts.provider.address(settings, { ...deriveSecrets(token), redirectUri });
  const maxAgeMs = errand.expiresAt.getTime() - errand.createdAt.getTime();
  return { url, cookie: printCookie(ERRAND_COOKIE, { value: token, maxAgeMs, isSecure: isHttps(context, parts) }) };
}

async function comeBack(parts: OutsideParts, context: RouteContext): Promise<Response> {
  const settings = requireSettings(parts);
  const knock = { peer: context.peer(), email: null, isOutside: true };
  await parts.throttle.knock(knock);
  const token = readCookie(context.request.headers, ERRAND_COOKIE, isHttps(context, parts));
  const errand = token === null ? null : await parts.admission.recognise(token);
  // An errand of another provider's, from before the configuration changed, is none of this one's.
  if (token === null || errand === null || errand.issuer !== settings.issuer) throw errandOver();
  const secrets = deriveSecrets(token);
  const states = context.query.getAll("state");
  // Looked at before the errand is used up: a stranger's address spoils nobody's sign-in.
  if (states.length !== 1 || !isSame(states[0] ?? "", secrets.state)) throw errandOver();
  await parts.admission.finish(errand);
  const answer = new URL(`${parts.address()}${CALLBACK}`);
  answer.search = context.query.toString();
  const claim = await parts.provider.readAnswer(settings, answer, secrets);
  const gone = printCookie(ERRAND_COOKIE, { value: "", maxAgeMs: 0, isSecure: isHttps(context, parts) });
  const rules = toRules(settings);
  const from = originOfVisitor(context, parts);
  if (errand.userId !== null) {
    const { userId, email } = await requireSessionOf(parts, context, errand.userId);
    await parts.admission.connect(userId, claim, rules, { ...from, actor: "user", actorId: userId, actorName: email });
    return redirect(errand.returnTo, [gone]);
  }
  // Whoever knocks decides nothing: it is the provider's word that makes users, and says what they may do.
  const { user, how } = await parts.admission.admit(claim, rules, { ...from, actorName: settings.issuer });
  const entered = await parts.signIn.enter(user, readVisitor(context));
  const cookie = await openDoor(parts, context, entered);
  await parts.throttle.forgive(knock);
  parts.log.info("Somebody signed in at the identity provider", { user_id: user.id, how });
  return redirect(errand.returnTo, [gone, cookie]);
}

/** Each from the token alone, and none of them tells another: the database needs to keep none. */
function deriveSecrets(token: string): WaySecrets {
  const derive = (name: string): string => new Bun.CryptoHasher("sha256", token).update(name).digest("base64url");
  return { state: derive("state"), nonce: derive("nonce"), verifier: derive("verifier") };
}

function toRules({ domains, trustsIssuer, createsUsers, roleClaim, roles, defaultRole }: Settings): OutsideRules {
  return { domains, trustsIssuer, createsUsers, decidesRoles: roleClaim !== null, roles, defaultRole };
}

function requireSettings({ settings }: OutsideParts): Settings {
  const found = settings();
  if (found !== null) return found;
  throw new GatewayError({
    kind: "not_found",
    code: "no_identity_provider",
    message: "Nobody signs in at an identity provider here: oidc_issuer is not set.",
  });
}

/** A path of this gateway's own, and nothing that a browser could take for the name of another server. */
function readReturn(given: string | null): string {
  if (given === null || given === "") return HOME;
  const base = "http://gateway.invalid";
  // oxlint-disable-next-line no-control-regex -- browsers drop some of them, and read what is left
  const isPath = /^\/(?![/\\])[^\\\u0000-\u0020\u007f]*$/u.test(given) && given.length <= RETURN_MAX;
  const url = isPath ? URL.parse(given, base) : null;
  if (url !== null && url.origin === base && !url.pathname.startsWith("//"))
    return `${url.pathname}${url.search}${url.hash}`;
  throw invalidRequest("return_to must be a path of this gateway, such as /ui/.", "return_to", "invalid_return_to");
}

const RETURN_MAX = 1_000;

async function requireSessionOf(parts: OutsideParts, context: RouteContext, userId: string): Promise<Caller> {
  const caller = await findSession(parts, context);
  if (typeof caller === "object" && caller.userId === userId) return caller;
  throw errandOver();
}

async function findSession({ ring, publicUrl }: OutsideParts, context: RouteContext): Promise<Caller | KeyFault> {
  const cookie = readCookie(context.request.headers, SESSION_COOKIE, isHttps(context, { publicUrl }));
  if (cookie === null) return "unknown";
  const known = ring.resolveSession(cookie);
  return typeof known === "string" ? ring.resolveSessionLate(cookie) : known;
}

/** Nothing of the address that was asked, which may hold a code, goes along to the next page. */
function redirect(location: string, cookies: readonly string[]): Response {
  const headers = new Headers({ location, "cache-control": "no-store", "referrer-policy": "no-referrer" });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}

function makeAccountRoutes(parts: OutsideParts): GuardedRoute[] {
  const authority = { anyOf: ["profile:read"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/auth/identities",
      authority,
      about: ABOUT.list,
      handle: async ({ caller }) =>
        Response.json({ identities: (await parts.admission.list(caller.userId)).map(printIdentity) }),
    },
    {
      method: "POST",
      path: "/api/v1/auth/oidc/connect",
      authority,
      about: ABOUT.connect,
      async handle(context) {
        const settings = requireSettings(parts);
        const { caller, request } = context;
        // A key that leaks must not open a way in that outlives it.
        if (caller.sessionId === null) {
          throw new GatewayError({
            kind: "forbidden",
            code: "session_needed",
            message: "Only whoever is signed in at the page connects an account; an API key may not.",
          });
        }
        const origin = request.headers.get("origin");
        const own = new URL(parts.address()).origin;
        if (origin !== null && origin !== own) {
          throw invalidRequest(`Open the page at ${own}/ui/: the identity provider sends people back there.`);
        }
        await parts.throttle.knock({ peer: context.peer(), email: null, isOutside: true });
        const { url, cookie } = await prepare(parts, context, { settings, returnTo: HOME, userId: caller.userId });
        return Response.json({ url }, { headers: { "set-cookie": cookie, "cache-control": "no-store" } });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/auth/identities/:id",
      authority: { anyOf: ["profile:write"] },
      about: ABOUT.delete,
      async handle({ caller, params }) {
        await parts.admission.disconnect(params["id"] ?? "", caller.userId, caller.from);
        return new Response(null, { status: 204 });
      },
    },
  ];
}

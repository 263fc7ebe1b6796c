// What the ways of signing in have in common: who asks, from where, by which cookies, and the session at the end. Knows no way.

import { timingSafeEqual } from "node:crypto";
import { type Entered, type SignIn, type Visitor, SESSION_MS } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import type { RouteContext } from "../route.ts";
import { SESSION_COOKIE, printCookie, readCookie } from "./cookie.ts";
import type { FailureRecord } from "./failure.ts";
import { isSameOrigin, isSecure } from "./origin.ts";
import type { Throttle } from "./throttle.ts";

export interface DoorParts {
  signIn: SignIn;
  throttle: Throttle;
  /** As the operator says; null: nothing is said. */
  publicUrl: () => string | null;
  /** Where links lead to, without a trailing slash: never by what a request says of itself. */
  address: () => string;
  /** Records those that could not sign in. */
  failures: FailureRecord;
  nowMs: () => number;
  /** Brings this process's memory up to date before the answer goes out. */
  changed: () => Promise<void>;
}

/** Whether the browser came by https, which is what its cookies are called by. */
export function isHttps({ request }: RouteContext, { publicUrl }: Pick<DoorParts, "publicUrl">): boolean {
  return isSecure(request.url, publicUrl());
}

/** What a page asks for a session: no stranger's page may. */
export function requireOwnPage({ request }: RouteContext, { publicUrl }: Pick<DoorParts, "publicUrl">): void {
  // Programs send neither header, and have no cookie that anybody could misuse.
  const says = request.headers.has("origin") || request.headers.has("sec-fetch-site");
  if (!says || isSameOrigin(request.headers, request.url, publicUrl())) return;
  throw new GatewayError({ kind: "forbidden", code: "cross_site", message: "Sign in on the gateway's own page." });
}

export function readVisitor({ request, peer, requestId }: RouteContext): Visitor {
  return { userAgent: request.headers.get("user-agent"), address: peer(), requestId };
}

/** What is recorded of somebody who is not signed in yet. */
export function originOfVisitor({ peer, requestId }: RouteContext, { nowMs }: Pick<DoorParts, "nowMs">): Origin {
  const who = { actor: "visitor", actorId: null, actorName: null, keyId: null } as const;
  return { ...who, address: peer(), requestId, at: new Date(nowMs()) };
}

/** A link that is only in another browser may still be used: nobody was refused yet. Nor was who has only come too often. */
export async function noteFailure(error: unknown, context: RouteContext, parts: DoorParts): Promise<void> {
  if (!(error instanceof GatewayError) || !(error.kind === "unauthenticated" || error.kind === "forbidden")) return;
  await parts.failures.note(originOfVisitor(context, parts), error.code ?? error.kind);
}

/** The cookie of a session that has just begun; the one that this browser had before is over. */
export async function openDoor(parts: DoorParts, context: RouteContext, entered: Entered): Promise<string> {
  const isSecureCookie = isHttps(context, parts);
  const before = readCookie(context.request.headers, SESSION_COOKIE, isSecureCookie);
  if (before !== null) await parts.signIn.leave(before, originOfVisitor(context, parts));
  await parts.changed();
  return printCookie(SESSION_COOKIE, { value: entered.token, maxAgeMs: SESSION_MS, isSecure: isSecureCookie });
}

/** In a time that tells nothing of where they differ. */
export function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

// Brings requests to their routes: looks them up, lets in who may, and answers errors in the caller's format. Knows no route by name.

import { Hono } from "hono";
import type { Caller } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import { createRedactor } from "../lib/redact.ts";
import type { Session } from "../gateway/index.ts";
import type { Log } from "../telemetry/log.ts";
import { guessWireAt } from "../wire/index.ts";
import { type QueryNames, matchQueries, refuseStray } from "./about.ts";
import { type AdmitParts, admit, authorize } from "./admit.ts";
import { answerError } from "./error.ts";
import { type Permit, matchPermits } from "./permit.ts";
import { API_PATHS } from "./refusal.ts";
import { chooseRequestId, readQuery } from "./request.ts";
import type { GuardedRoute, Route, RouteContext } from "./route.ts";
import { refuseCrossSite } from "./sign-in/index.ts";

/** The listening server, as far as a route needs it. */
export interface Listener {
  requestIP(request: Request): { address: string; port?: number } | null;
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, init: { data: Session; headers: Record<string, string> }): boolean;
}

/** Of a connection on which nothing moves. */
export const IDLE_SECONDS = 60;

/** Answers in the place of a route, or says null. */
export type Pass = (request: Request, listener: Listener | undefined) => Promise<Response> | null;

export interface MountParts extends AdmitParts {
  /** Routes that may be another process's business. */
  passes?: ReadonlyMap<Route, Pass>;
  newId: () => string;
  log: Log;
}

interface Environment {
  Bindings: { listener: Listener | undefined };
}

/** With what is looked for once: the permit of each route, and what the query of each of the gateway's own may hold. */
interface Mounted extends MountParts {
  permits: ReadonlyMap<Route, Permit>;
  queries: ReadonlyMap<Route, QueryNames | null>;
}

type Fetcher = (request: Request, listener: Listener | undefined) => Response | Promise<Response>;

/**
 * Model calls are looked up by their whole path, which spares them the router; everything else goes through it. Throws where a route has no
 * permit, or under /api/v1 no description.
 */
export function mount(routes: readonly Route[], given: MountParts): Fetcher {
  const parts: Mounted = { ...given, permits: matchPermits(routes), queries: matchQueries(routes) };
  const hono = new Hono<Environment>();
  const models = createModelTable();
  for (const route of routes) {
    if (route.authority !== "public" && route.wire !== undefined) models.add(route);
    else
      hono.on(route.method, route.path, (context) => {
        const { raw } = context.req;
        const { listener } = context.env;
        return given.passes?.get(route)?.(raw, listener) ?? respond(route, parts, raw, listener, context.req.param());
      });
  }
  // By itself it would print the error, and whatever secret stands in it, beside the log.
  hono.onError((error) => answerError(error, { requestId: given.newId(), wire: undefined, log: given.log }));
  hono.notFound(({ req: { raw, path }, env: { listener } }) => {
    const known = path.startsWith(API_PATHS)
      ? METHODS.filter((each) => hono.router.match(each, path)[0].length > 0)
      : [];
    return refuseUnknown(parts, raw, { path, listener, known });
  });
  return (request, listener) => {
    const found = models.find(request.method, readPath(request.url));
    if (found === null) return hono.fetch(request, { listener });
    return respond(found.route, parts, request, listener, found.params);
  };
}

/** Of which the gateway's own addresses may take one. */
const METHODS = ["DELETE", "GET", "PATCH", "POST", "PUT"];

interface ModelTable {
  add(route: GuardedRoute): void;
  find(method: string, path: string): { route: GuardedRoute; params: Readonly<Record<string, string>> } | null;
}

const NO_PARAMS = Object.freeze({});

/** Whole paths, and paths in the middle of which a model's name stands: slashes and all, which no router takes. */
function createModelTable(): ModelTable {
  const exact = new Map<string, { route: GuardedRoute; params: Readonly<Record<string, string>> }>();
  const templates: { method: string; start: string; end: string; route: GuardedRoute }[] = [];
  return {
    add(route) {
      const [start = "", end] = route.path.split("{model}");
      if (end === undefined) exact.set(`${route.method} ${route.path}`, { route, params: NO_PARAMS });
      else templates.push({ method: route.method, start, end, route });
    },
    find(method, path) {
      const found = exact.get(`${method} ${path}`);
      if (found !== undefined) return found;
      for (const { start, end, ...template } of templates) {
        if (template.method !== method || !path.startsWith(start) || !path.endsWith(end)) continue;
        const model = decodePiece(path.slice(start.length, path.length - end.length));
        if (model !== "") return { route: template.route, params: { model } };
      }
      return null;
    },
  };
}

/** Empty where it is not properly encoded: such an address does not exist. */
function decodePiece(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The path of an absolute URL, without the cost of parsing it all. */
function readPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

async function respond(
  route: Route,
  parts: Mounted,
  request: Request,
  listener: Listener | undefined,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  const requestId = chooseRequestId(request.headers, parts.newId);
  const startedMs = parts.clock.monotonicMs();
  const peer = (): string | null => findPeer(parts, request, listener);
  const letGo = (): void => listener?.timeout(request, IDLE_SECONDS);
  try {
    const response = await enter(route, parts, {
      request,
      requestId,
      params,
      path: readPath(request.url),
      get query() {
        return readQuery(request);
      },
      peer,
      socket() {
        const found = listener?.requestIP(request) ?? null;
        return found === null ? null : { address: found.address, port: found.port ?? null };
      },
      keepOpen: () => listener?.timeout(request, 0),
      letGo,
      upgrade: (session, headers) => listener?.upgrade(request, { data: session, headers }) === true,
    });
    if (!response.headers.has("x-request-id")) response.headers.set("x-request-id", requestId);
    if (route.method === "GET" && route.authority !== "public") keepFromCaches(response.headers);
    // Nobody reads it, and what makes it would wait for that.
    if (request.method === "HEAD") await response.body?.cancel();
    parts.log.debug("Answered", {
      request_id: requestId,
      method: request.method,
      path: readPath(request.url),
      status: response.status,
      // Read only where somebody listens.
      get from() {
        return peer();
      },
      ms: parts.clock.monotonicMs() - startedMs,
    });
    return response;
  } catch (error) {
    letGo();
    const wire = "wire" in route ? route.wire : route.wireOf?.(request);
    const own = route.path.startsWith(API_PATHS) ? request.headers : undefined;
    const answer = answerError(error, { requestId, wire, log: parts.log, from: peer(), own });
    if (route.method === "GET") keepFromCaches(answer.headers);
    return answer;
  }
}

/** Caches between us and the client know an answer for one alone by `Authorization`, and no other way in which a key or a session comes. */
function keepFromCaches(headers: Headers): void {
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
}

function findPeer({ entry }: MountParts, request: Request, listener: Listener | undefined): string | null {
  return entry.findPeer(request.headers, listener?.requestIP(request)?.address ?? null);
}

/** A key that stands in an address by mistake is not repeated. */
const maskForms = createRedactor([]);

/** An address that is not there, or not by this method but by those `known`, told only to those who hold a key. */
async function refuseUnknown(
  parts: MountParts,
  request: Request,
  { path, listener, known }: { path: string; listener: Listener | undefined; known: readonly string[] },
): Promise<Response> {
  const peer = (): string | null => findPeer(parts, request, listener);
  const requestId = chooseRequestId(request.headers, parts.newId);
  try {
    await admit(parts, { request, requestId, peer, socket: () => null }, path.startsWith(API_PATHS));
    throw new GatewayError({
      kind: "not_found",
      code: "unknown_url",
      message: `Unknown request URL: ${request.method} ${maskForms(path)}. ${known.length === 0 ? "README lists the routes" : `It takes ${known.join(", ")}`}.`,
    });
  } catch (error) {
    const wire = guessWireAt(path, request.headers);
    const answer = answerError(error, { requestId, wire, log: parts.log, from: peer() });
    keepFromCaches(answer.headers);
    if (answer.status !== 404 || known.length === 0) return answer;
    answer.headers.set("allow", known.flatMap((each) => (each === "GET" ? [each, "HEAD"] : [each])).join(", "));
    return new Response(answer.body, { status: 405, headers: answer.headers });
  }
}

/** Where all is known at once, there is no promise between the client and the route. */
function enter(route: Route, parts: Mounted, context: RouteContext): Response | Promise<Response> {
  if (route.authority === "public") {
    const names = parts.queries.get(route) ?? null;
    if (names !== null) refuseStray(context.query, names);
    return route.handle(context);
  }
  // What a browser may do with its session; model calls take a key.
  const found = admit(parts, context, route.path.startsWith(API_PATHS));
  return found instanceof Promise
    ? found.then((holder) => enterAs(holder, route, parts, context))
    : enterAs(found, route, parts, context);
}

// oxlint-disable-next-line max-params -- an object for them would be made with every request
function enterAs(
  holder: Caller,
  route: GuardedRoute,
  parts: Mounted,
  context: RouteContext,
): Response | Promise<Response> {
  const names = parts.queries.get(route) ?? null;
  const caller =
    isModelCall(route) || holder.from !== undefined ? holder : { ...holder, from: readOrigin(holder, parts, context) };
  if (caller.sessionId !== null) refuseCrossSite(context.request, parts.entry.publicUrl);
  authorize(caller, parts.permits.get(route));
  if (names !== null) refuseStray(context.query, names);
  // A copy of what stands there would cost more than the call itself.
  const known = context as RouteContext & { caller: Caller };
  known.caller = caller;
  return route.handle(known);
}

/** These pay for nothing that only changes need. */
function isModelCall({ method, wire, wireOf }: GuardedRoute): boolean {
  return method === "GET" || wire !== undefined || wireOf !== undefined;
}

function readOrigin(
  { userId, email, keyId }: Caller,
  { clock }: MountParts,
  { peer, requestId }: RouteContext,
): Origin {
  const who = { actor: "user", actorId: userId, actorName: email, keyId: keyId === "" ? null : keyId } as const;
  return { ...who, address: peer(), requestId, at: new Date(clock.wallMs()) };
}

export function refuseWhile(isClosed: () => boolean, route: GuardedRoute): GuardedRoute {
  return {
    ...route,
    handle(context) {
      if (!isClosed()) return route.handle(context);
      throw refuseClosing();
    },
  };
}

export function refuseClosing(): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "shutting_down",
    message: "The gateway is shutting down. Try again in a moment.",
    retryAfterMs: 1_000,
  });
}

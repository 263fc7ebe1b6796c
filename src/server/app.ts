// Assembles the whole gateway from its parts, without opening a port: every route in one table, each behind its authority.

import { Hono } from "hono";
import type { Config } from "../config/value.ts";
import {
  type AnswerShelf,
  type Capture,
  type Connect,
  type Fetch,
  type Memory,
  type Session,
  type SocketTools,
  countInput,
  createAnswerCache,
  createBindings,
  createFleet,
  createMirrors,
  createRetryBudgets,
} from "../gateway/index.ts";
import { type BindingStore, type Caller, type Directory, type KeyRing, allows } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import {
  type BudgetDirectory,
  type Budgets,
  type BudgetStore,
  createBudgetDirectory,
  type InputQuestion,
  type LedgerWriter,
  type PriceBook,
  type Recounter,
} from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { createErrands } from "../lib/errand.ts";
import type { Spool } from "../lib/spool.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metric.ts";
import { guessWireAt } from "../wire/index.ts";
import type { RecountStore } from "../store/recount.ts";
import { makeApiKeyRoutes } from "./admin/api-key.ts";
import { makeBudgetRoutes } from "./admin/budget.ts";
import { makeRouteRoutes } from "./admin/route.ts";
import { makeUserRoutes } from "./admin/user.ts";
import { listRecountGauges, makeAuditRoutes } from "./audit.ts";
import { makeOwnBudgetRoutes } from "./budget.ts";
import { makeCapabilityRoutes } from "./capability.ts";
import { answerError, reportFailure } from "./error.ts";
import { makeHealthRoutes } from "./health.ts";
import { makeKeptRoutes } from "./kept.ts";
import { listLedgerGauges, makeMetricRoutes } from "./metric.ts";
import { makeModelRoutes } from "./models.ts";
import { makeUnpricedNote } from "./price.ts";
import { makeProfileRoutes } from "./profile.ts";
import { chooseRequestId, identify } from "./request.ts";
import type { GuardedRoute, Route, RouteContext } from "./route.ts";
import { makeRestRoutes } from "./rest.ts";
import type { LedgerReader } from "./reader/reader.ts";
import { makeRootRoutes } from "./root.ts";
import { buildScene, guardCalls } from "./scene.ts";
import { type SocketEvents, driveSessions, makeSocketRoutes } from "./socket.ts";
import { makeSurface } from "./surface.ts";
import { makeUsageRoutes } from "./usage.ts";

export interface AppParts {
  config: Config;
  directory: Directory;
  ring: KeyRing;
  books: LedgerReader;
  recounts: RecountStore;
  ledger: LedgerWriter;
  capture: Capture;
  prices: PriceBook;
  recounter: Recounter;
  budgets: Budgets;
  budgetStore: BudgetStore;
  bindings: BindingStore;
  openSpool: () => Spool;
  memory: Memory;
  /** Where answers are kept to be given again; null: nowhere. */
  shelf: AnswerShelf | null;
  ping: () => Promise<void>;
  fetch: Fetch;
  /** Opens a WebSocket to a provider. */
  connect: Connect;
  /** All addresses of a host, where calls are to be kept from those that a provider may not lead to. */
  lookup?: (hostname: string) => Promise<readonly string[]>;
  clock: Clock;
  newId: () => string;
  log: Log;
  metrics: Metrics;
  version: string;
  commit: string;
}

/** The listening server, as far as a route needs it. */
interface Listener {
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, init: { data: Session; headers: Record<string, string> }): boolean;
}

export interface App {
  fetch(request: Request, listener?: Listener): Response | Promise<Response>;
  /** What the listening server is to do with its WebSockets. */
  sockets: SocketEvents;
  routes: readonly Route[];
  /** Puts a new configuration in force, as a whole: requests that are running keep the old one. */
  reload(config: Config): void;
  /** What the provider of a call says of its request's tokens; null where it says nothing. */
  countInput(question: InputQuestion): Promise<number | null>;
  /** From now on readiness says 503 and new model calls are refused; running ones go on. */
  drain(): void;
  close(): void;
}

export function createApp(parts: AppParts): App {
  let config = parts.config;
  const fetch = guardCalls(parts.fetch, parts, () => config);
  const sessions = new Set<Session>();
  const outside = { ...parts, fetch, signIn: parts.fetch };
  let scene = buildScene(config, outside);
  let isDraining = false;
  parts.metrics.watch([...listLedgerGauges(parts.ledger), ...listRecountGauges(parts.recounter)]);
  const tools: SocketTools = {
    connect: guardCalls(parts.connect, parts, () => config),
    scene: () => scene,
    fetch,
    clock: parts.clock,
    ledger: parts.ledger,
    capture: parts.capture,
    prices: parts.prices,
    fleet: createFleet({ clock: parts.clock, random: Math.random }),
    mirrors: createMirrors(),
    retryBudgets: createRetryBudgets(),
    unpriced: makeUnpricedNote(parts.log),
    metrics: parts.metrics,
    errands: createErrands(),
    recounter: parts.recounter,
    budgets: parts.budgets,
    bindings: createBindings(parts.bindings),
    openSpool: parts.openSpool,
    memory: parts.memory,
    cache: parts.shelf === null ? null : createAnswerCache(parts.shelf, parts.clock.wallMs),
    report: (error, requestId) => reportFailure(error, requestId, parts.log),
  };
  const limit = (): number => config.http.maxBodyBytes;
  const admin = { directory: parts.directory, limit, changed: () => parts.ring.refresh() };
  const calls = { maxBodyBytes: limit, newId: parts.newId };
  const surface = makeSurface(tools, calls);
  const routes: Route[] = [
    ...[...surface, ...makeRestRoutes(tools, calls), ...makeSocketRoutes(tools, { ...calls, sessions })].map((route) =>
      refuseWhile(() => isDraining, route),
    ),
    ...makeKeptRoutes(tools),
    ...makeModelRoutes(() => scene, Math.floor(parts.clock.wallMs() / 1000)),
    ...makeCapabilityRoutes(() => scene),
    ...makeRootRoutes(),
    ...makeUsageRoutes({ reader: parts.books, directory: parts.directory, now: parts.clock.wallMs }),
    ...makeAuditRoutes({ ...parts, now: parts.clock.wallMs, pricingOf: (name) => scene.providers.get(name)?.pricing }),
    ...makeProfileRoutes(),
    ...makeUserRoutes(admin),
    ...makeApiKeyRoutes(admin),
    ...makeBudgetRoutes({ rules: makeRules(parts), budgets: parts.budgets, limit }),
    ...makeOwnBudgetRoutes(parts.budgets),
    ...makeRouteRoutes(() => scene),
    ...makeMetricRoutes(parts.metrics, config.metrics.isPublic),
    ...makeHealthRoutes({
      version: parts.version,
      commit: parts.commit,
      isDraining: () => isDraining,
      ping: parts.ping,
      countUsableProviders: () => [...scene.providers.values()].filter((provider) => provider.missing === null).length,
      ledgerFault: parts.ledger.fault,
    }),
  ];
  const answer = mount(routes, parts);
  return {
    fetch: (request, listener) => answer(request, listener),
    sockets: driveSessions(sessions),
    routes,
    reload(next) {
      const old = scene;
      scene = buildScene(next, outside, old.catalog);
      config = next;
      old.catalog.stop();
    },
    countInput: (question) => countInput(question, tools),
    drain() {
      isDraining = true;
      for (const session of sessions) session.leave();
    },
    close: () => scene.catalog.stop(),
  };
}

function makeRules({ budgetStore, directory, clock, newId }: AppParts): BudgetDirectory {
  return createBudgetDirectory({
    store: budgetStore,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: clock.wallMs,
    newId,
  });
}

interface Environment {
  Bindings: { listener: Listener | undefined };
}

type Fetcher = (request: Request, listener: Listener | undefined) => Response | Promise<Response>;

/** Model calls are looked up by their whole path, which spares them the router; everything else goes through it. */
function mount(routes: readonly Route[], parts: AppParts): Fetcher {
  const hono = new Hono<Environment>();
  const models = createModelTable();
  for (const route of routes) {
    if (route.authority !== "public" && route.wire !== undefined) models.add(route);
    else
      hono.on(route.method, route.path, (context) =>
        respond(route, parts, context.req.raw, context.env.listener, context.req.param()),
      );
  }
  hono.notFound((context) => refuseUnknown(parts, context.req.raw, context.req.path));
  return (request, listener) => {
    const found = models.find(request.method, readPath(request.url));
    if (found === null) return hono.fetch(request, { listener });
    return respond(found.route, parts, request, listener, found.params);
  };
}

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
  parts: AppParts,
  request: Request,
  listener: Listener | undefined,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  const requestId = chooseRequestId(request.headers, parts.newId);
  const startedMs = parts.clock.monotonicMs();
  try {
    const response = await enter(route, parts, {
      request,
      requestId,
      params,
      path: readPath(request.url),
      get query() {
        return new URL(request.url).searchParams;
      },
      keepOpen: () => listener?.timeout(request, 0),
      upgrade: (session, headers) => listener?.upgrade(request, { data: session, headers }) === true,
    });
    if (!response.headers.has("x-request-id")) response.headers.set("x-request-id", requestId);
    parts.log.debug("Answered", {
      request_id: requestId,
      method: request.method,
      path: readPath(request.url),
      status: response.status,
      ms: parts.clock.monotonicMs() - startedMs,
    });
    return response;
  } catch (error) {
    const wire = "wire" in route ? route.wire : route.wireOf?.(request);
    return answerError(error, { requestId, wire, log: parts.log });
  }
}

/** An address that is not there, told only to those who hold a key. */
async function refuseUnknown(parts: AppParts, request: Request, path: string): Promise<Response> {
  const requestId = chooseRequestId(request.headers, parts.newId);
  try {
    await identify(request, parts.ring);
    throw new GatewayError({
      kind: "not_found",
      code: "unknown_url",
      message: `Unknown request URL: ${request.method} ${path}. README lists the routes.`,
    });
  } catch (error) {
    return answerError(error, { requestId, wire: guessWireAt(path, request.headers), log: parts.log });
  }
}

async function enter(route: Route, parts: AppParts, context: RouteContext): Promise<Response> {
  if (route.authority === "public") return route.handle(context);
  const found = identify(context.request, parts.ring);
  const caller = found instanceof Promise ? await found : found;
  authorize(caller, route);
  return route.handle(Object.assign(context, { caller }));
}

function authorize(caller: Caller, route: GuardedRoute): void {
  if (route.authority === "any-key") return;
  const { anyOf } = route.authority;
  if (anyOf.some((scope) => allows(caller, scope))) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "insufficient_scope",
    message: `This API key may not do that: it takes the scope ${anyOf.join(" or ")}, and an owner whose role allows it.`,
  });
}

function refuseWhile(isClosed: () => boolean, route: GuardedRoute): GuardedRoute {
  return {
    ...route,
    handle(context) {
      if (!isClosed()) return route.handle(context);
      throw new GatewayError({
        kind: "overloaded",
        code: "shutting_down",
        message: "The gateway is shutting down. Try again in a moment.",
        retryAfterMs: 1_000,
      });
    },
  };
}

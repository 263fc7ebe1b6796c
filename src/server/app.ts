// Assembles the whole gateway from its parts, without opening a port: every route in one table, each behind its authority.

import type { Config } from "../config/value.ts";
import {
  type AnswerShelf,
  type Capture,
  type Connect,
  type Counters,
  type Controls,
  type Dial,
  type Knocker,
  type Fetch,
  type LimitStore,
  type Memory,
  type OpenSharing,
  type ProviderStore,
  type RouteStore,
  type SecretKeys,
  type Session,
  type SocketTools,
  countInput,
  LATEST_MS,
  LONG_CALL_MS,
  followObjects,
  resumeCorrections,
  createAdmission,
  createAnswerCache,
  createBindings,
  createHedges,
  createKnocker,
  createMirrors,
  createRetryBudgets,
  createSharing,
  watchConnecting,
} from "../gateway/index.ts";
import {
  type Admission,
  type BindingStore,
  type Directory,
  type KeyRing,
  type SessionDirectory,
  type SignIn,
  type Tries,
  createMemoryTries,
} from "../identity/index.ts";
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
import { createSharedDelay } from "../lib/shared-delay.ts";
import type { Spool } from "../lib/spool.ts";
import type { Mail, Smtp } from "../notice/index.ts";
import type { ChangeStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Gauge, Metrics } from "../telemetry/metric.ts";
import { makeApiKeyRoutes } from "./admin/api-key.ts";
import { makeBudgetRoutes } from "./admin/budget.ts";
import { listCacheGauges, makeCacheRoutes } from "./admin/cache.ts";
import { makeChangeRoutes } from "./admin/change.ts";
import { makeProviderHealthRoutes } from "./admin/health.ts";
import { makeLimitRoutes } from "./admin/limit.ts";
import type { AdminParts } from "./admin/part.ts";
import { makePeopleRoutes } from "./admin/people.ts";
import { makeSettingRoutes } from "./admin/setting.ts";
import { makeProviderRoutes } from "./admin/provider.ts";
import { makeRouteRoutes } from "./admin/route.ts";
import { listRecountGauges, makeAuditRoutes } from "./audit.ts";
import { makeOwnBudgetRoutes } from "./budget.ts";
import { makeCallRoutes } from "./call-route.ts";
import { type Crew, listPasses } from "./crew.ts";
import { isMetered } from "./reach.ts";
import { openCurrent } from "./current.ts";
import { createEntry } from "./entry.ts";
import { reportFailure } from "./error.ts";
import { type Health, openHealth } from "./fleet.ts";
import { listHealthGauges } from "./health-metric.ts";
import { makeKeptRoutes } from "./kept.ts";
import type { LiveProviders } from "./live-provider.ts";
import { type LimitBook, createLimitBook } from "./limit-book.ts";
import type { LocalPasses } from "./local-pass.ts";
import { type LiveLimits, listLimitGauges, openLimits } from "./limit-table.ts";
import { listCallGauges, listLedgerGauges, makeMetricRoutes } from "./metric.ts";
import { type Listener, mount, refuseClosing } from "./mount.ts";
import { makeUnpricedNote } from "./price.ts";
import { makeOwnKeyRoutes } from "./own-key.ts";
import { startProbes } from "./probe.ts";
import { makeReferenceRoutes } from "./openapi/routes.ts";
import { makeProfileRoutes } from "./profile.ts";
import type { Route, Socket } from "./route.ts";
import type { LedgerReader } from "./reader/reader.ts";
import type { LiveRoutes } from "./route-table.ts";
import { guardCalls } from "./scene.ts";
import { type LinkMail, assembleSignIn } from "./sign-in/index.ts";
import { type SocketEvents, driveSessions } from "./socket.ts";
import type { SettingDesk } from "./setting-desk.ts";
import { makeUiRoutes } from "./ui/routes.ts";
import { makeUsageRoutes } from "./usage.ts";

export interface AppParts {
  config: Config;
  directory: Directory;
  signIn: SignIn;
  /** Other people's sessions, for administrators. */
  signedIn: SessionDirectory;
  /** Of people whom an identity provider vouches for. */
  admission: Admission;
  sendMail: (smtp: Smtp, mail: Mail) => Promise<void>;
  /** Whether other machines' requests look here as if they came from this one. */
  isContainer: boolean;
  /** Whether a program at this machine, at the other end of a connection, is another user's or a server's; missing where the system tells nobody. */
  isForeign?: (socket: Socket) => boolean;
  /** How commands at this machine are let in without a key; missing where they are not. */
  localPasses?: LocalPasses;
  ring: KeyRing;
  books: LedgerReader;
  ledger: LedgerWriter;
  capture: Capture;
  prices: PriceBook;
  recounter: Recounter;
  budgets: Budgets;
  budgetStore: BudgetStore;
  bindings: BindingStore;
  /** What of the providers an operator took out of service. */
  controls: Controls;
  /** Where gateways tell each other how the providers are doing; missing where they do not. */
  share?: OpenSharing;
  /** Other processes that serve the same address; missing where this one serves alone. */
  crew?: Crew;
  /** Whether somebody damaged what is noted of the sums of the books; missing where another process reads them. */
  areSumsOdd?: () => boolean;
  routeStore: RouteStore;
  limitStore: LimitStore;
  /** The settings in effect, and those that were changed while the gateway runs. */
  settings: SettingDesk;
  /** Where rate limits are counted, where that is not this process alone. */
  counters?: Counters;
  /** Where tries to get in are counted, where that is not this process alone. */
  tries?: Tries;
  /** Records who changed what, where no statement of another store does. */
  changes: ChangeStore;
  providerStore: ProviderStore;
  /** What credentials of providers are encrypted with that are set while the gateway runs. */
  secretKeys: SecretKeys;
  /** Hears of every configuration that comes into force, before anything is called by it. */
  learn?: (config: Config) => void;
  openSpool: () => Spool;
  memory: Memory;
  /** Where answers are kept to be given again; null: nowhere. */
  shelf: AnswerShelf | null;
  ping: () => Promise<void>;
  fetch: Fetch;
  /** Tries whether a server takes connections, where calls are made directly: then it can be told when one does not. */
  dial?: Dial;
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

export interface App extends LinkMail {
  fetch(request: Request, listener?: Listener): Response | Promise<Response>;
  /** What the listening server is to do with its WebSockets. */
  sockets: SocketEvents;
  routes: readonly Route[];
  /** Puts a new configuration in force, as a whole: requests that are running keep the old one. */
  reload(config: Config): void;
  /** The configuration as it is in force, with the providers that were declared while the gateway runs. */
  config(): Config;
  /** What is known of the providers here. */
  fleet: Pick<Health["fleet"], "list" | "listKeys">;
  /** These providers. */
  providers: Pick<LiveProviders, "open" | "refresh">;
  /** Routes that are declared while the gateway runs. */
  live: LiveRoutes;
  /** Rate limits that are set while the gateway runs. */
  limits: LiveLimits;
  /** Goes on asking providers what calls used that were cut before this process began; never rejects. */
  resume(): Promise<void>;
  /** What the provider of a call says of its request's tokens; null where it says nothing. */
  countInput(question: InputQuestion): Promise<number | null>;
  /** From now on readiness says 503 and new model calls are refused; running ones go on. */
  drain(): void;
  /** Ends running calls, each with an error that says so. */
  cut(): void;
  close(): void;
}

export function createApp(parts: AppParts): App {
  const { call, knocker } = watchCalls(parts);
  const health = openHealth(parts);
  const limits = openLimits(parts);
  const changed = (): void => {
    probes.reload();
    limits.reload(config());
  };
  const current = openCurrent(parts, { call, health, changed });
  const { config, scene, fetch, live, providers, book } = current;
  const sessions = new Set<Session>();
  let isDraining = false;
  const connect = guardCalls(parts.connect, parts, config);
  const tools = makeTools(parts, { scene, fetch, connect, fleet: health.fleet, knocker, limits: limits.limits });
  parts.metrics.watch(listGauges(parts, health, tools));
  const probes = parts.crew?.isOffice === false ? NO_PROBES : startProbes({ ...parts, ...health, config, tools });
  const following = parts.crew?.isOffice === false ? NO_PROBES : followObjects(tools, parts.newId);
  const limit = (): number => config().http.maxBodyBytes;
  const look = async (): Promise<void> => parts.crew?.look();
  const rules = makeRules(parts);
  const admin = {
    directory: parts.directory,
    limit,
    changed: () => parts.ring.refresh(),
    isMetered: (keyId: string) => isMetered(keyId, { limits, rules }),
  };
  const calls = { maxBodyBytes: limit, newId: parts.newId, publicUrl: () => config().signIn.publicUrl };
  const tries = parts.tries ?? createMemoryTries();
  const signingIn = assembleSignIn({ ...parts, ...admin, config, tries });
  const kept = makeKeptRoutes(tools);
  const own = makeCallRoutes(parts, { ...admin, tools, scene, calls, sessions, isDraining: () => isDraining });
  const office: Route[] = [
    ...makeUsageRoutes({ ...parts, reader: parts.books, rights: parts.ring, now: parts.clock.wallMs }),
    ...makeAuditRoutes({
      ...parts,
      now: parts.clock.wallMs,
      pricingOf: (name) => scene().providers.get(name)?.pricing,
    }),
    ...makeOwnRoutes(signingIn.routes, admin),
    ...makePeopleRoutes({ ...parts, ...admin, config }),
    ...makeApiKeyRoutes({ ...parts, ...admin, rules }),
    ...makeBudgetRoutes({ ...parts, rules, nowMs: parts.clock.wallMs, limit }),
    ...makeChangeRoutes({ ...parts, nowMs: parts.clock.wallMs }),
    ...makeLimitRoutes({ ...admin, live: limits, book: makeLimitBook(parts, config) }),
    ...makeCacheRoutes(tools, { ...parts, crew: parts.crew, scene, config }),
    ...makeSettingRoutes(parts.settings, admin),
    ...makeOwnBudgetRoutes(parts.budgets, parts.clock.wallMs),
    ...makeProviderRoutes({ ...parts, book, live: providers, health, scene, tools, limit, effective: config }),
    ...makeProviderHealthRoutes({ health, scene, clock: parts.clock, limit, look }),
    ...makeRouteRoutes({ ...parts, live, config, limit }),
    ...makeMetricRoutes(parts.metrics, parts.config.metrics.isPublic),
    ...makeReferenceRoutes({ routes: () => routes, version: parts.version }),
  ];
  const routes = [...own, ...kept, ...office];
  const entry = createEntry({ ...parts, tries }, config);
  const answer = mount(routes, { ...parts, entry, ...listPasses(parts.crew, { kept, office }) });
  return {
    fetch: (request, listener) => answer(request, listener),
    sockets: driveSessions(sessions),
    routes,
    reload: current.reload,
    config,
    fleet: health.fleet,
    providers,
    countInput: (question) => countInput(question, tools),
    resume: () => resumeAsking(parts, tools),
    ...signingIn.mail,
    drain() {
      isDraining = true;
      for (const session of sessions) session.leave(refuseClosing());
    },
    cut: () => parts.ring.endAll(refuseClosing()),
    live,
    limits,
    close() {
      tries.stop();
      limits.stop();
      current.stop();
      probes.stop();
      following.stop();
      health.close();
    },
  };
}

/** Others see to it. */
const NO_PROBES = { reload: () => undefined, stop: () => undefined };

/** What anybody has here: a way in, the page, a profile and keys. */
function makeOwnRoutes(doors: readonly Route[], admin: AdminParts): Route[] {
  return [...doors, ...makeUiRoutes(), ...makeProfileRoutes(), ...makeOwnKeyRoutes(admin)];
}

/** Only what is in the own chain: the others' gateways live, and ask themselves. */
async function resumeAsking({ books, clock, crew, ledger, log }: AppParts, tools: SocketTools): Promise<void> {
  const listPending = async (): Promise<string[]> => {
    await crew?.look();
    return [...ledger.pending(), ...(crew?.pending() ?? [])];
  };
  try {
    const before = await listPending();
    const { entries, corrections } = await books.listUntold(new Date(clock.wallMs() - LATEST_MS));
    const own = entries.filter(({ chain }) => chain === ledger.chain);
    // Some began, and some ended, while that was read.
    resumeCorrections({ entries: own, corrections }, tools, new Set([...before, ...(await listPending())]));
  } catch (error) {
    log.warn("Calls whose providers are still to be asked what they used could not be looked for", { error });
  }
}

/** Calls to providers, and whether they get through at all. */
function watchCalls({ fetch, dial, clock }: AppParts): { call: Fetch; knocker: Knocker | null } {
  const knocker = dial === undefined ? null : createKnocker({ dial, clock });
  return { call: knocker === null ? fetch : watchConnecting(fetch, knocker), knocker };
}

function listGauges(
  { clock, ledger, recounter }: AppParts,
  health: ReturnType<typeof openHealth>,
  tools: SocketTools,
): Gauge[] {
  return [
    ...listCallGauges(tools),
    ...listLimitGauges(tools.limits),
    ...listHealthGauges({ ...health, nowMs: clock.monotonicMs }),
    ...listLedgerGauges(ledger),
    ...listRecountGauges(recounter),
  ];
}

function makeTools(
  parts: AppParts,
  own: Pick<SocketTools, "connect" | "fetch" | "fleet" | "knocker" | "limits" | "scene">,
): SocketTools {
  return {
    ...own,
    clock: parts.clock,
    longCalls: createSharedDelay(parts.clock, LONG_CALL_MS),
    ledger: parts.ledger,
    books: parts.books,
    capture: parts.capture,
    prices: parts.prices,
    admission: createAdmission({ clock: parts.clock, rules: () => own.scene().caps, makeGate: parts.crew?.makeGate }),
    hedges: createHedges(),
    mirrors: createMirrors(),
    retryBudgets: createRetryBudgets(),
    unpriced: makeUnpricedNote(parts.log),
    metrics: parts.metrics,
    errands: createErrands(),
    rights: parts.ring,
    recounter: parts.recounter,
    budgets: parts.budgets,
    bindings: createBindings(parts.bindings, parts.clock),
    openSpool: parts.openSpool,
    memory: parts.memory,
    ...openReuse(parts),
    report: (error, requestId) => reportFailure(error, requestId, parts.log),
  };
}

/** Answers that are given again, of calls that are over and of those that run. */
function openReuse({ shelf, clock, config, metrics }: AppParts): Pick<SocketTools, "cache" | "sharing"> {
  const nowMs = clock.wallMs;
  const reuse = {
    cache: shelf === null ? null : createAnswerCache(shelf, nowMs),
    sharing: createSharing({ maxBytes: config.idempotency.maxBytes, nowMs }),
  };
  metrics.watch(listCacheGauges(reuse));
  return reuse;
}

function makeLimitBook({ limitStore: store, directory, clock }: AppParts, config: () => Config): LimitBook {
  return createLimitBook({
    store,
    config,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: clock.wallMs,
  });
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

// Builds what a configuration means for the request path: providers, router and catalogue, as one value that is swapped whole.

import { hash } from "node:crypto";
import type { Config } from "../config/value.ts";
import { listCaps, listDeadlines } from "./bound.ts";
import { type Catalog, type GatewayTools, type Scene, createCatalog, createRouter } from "../gateway/index.ts";
import type { Clock } from "../lib/clock.ts";
import { canonicalize } from "../lib/canonical-json.ts";
import { createRedactor } from "../lib/redact.ts";
import {
  type Guard,
  type Provider,
  type ProviderTools,
  type Reach,
  guardFetch,
  listOrigins,
  makeProvider,
} from "../provider/index.ts";
import type { Log } from "../telemetry/log.ts";

/** How long a provider's own sign-in may take. */
const TOKEN_TIMEOUT_MS = 10_000;

/** Of so many it is remembered how far they may lead. */
const MAX_ORIGINS = 1_000;

interface GuardTools<Init> extends Pick<Guard<Init>, "inTime"> {
  clock: Pick<Clock, "monotonicMs">;
  lookup?: (hostname: string) => Promise<readonly string[]>;
}

/** The same calls, kept from addresses to which the providers of the configuration in force may not lead; as they are where none can be looked up. */
export function guardCalls<Init, Answer>(
  call: (url: string, init: Init) => Promise<Answer>,
  { clock, lookup, inTime }: GuardTools<Init>,
  config: () => Config,
): (url: string, init: Init) => Promise<Answer> {
  if (lookup === undefined) return call;
  let places = new Map<string, { reach: Reach; isHeld: boolean }>();
  let of = config();
  const find = (origin: string): { reach: Reach; isHeld: boolean } => {
    const current = config();
    // Worked out once for each configuration and origin, not for each call.
    if (current !== of) [of, places] = [current, new Map()];
    const known = places.get(origin) ?? { reach: findReach(current, origin), isHeld: isRemoteAt(current, origin) };
    if (places.size < MAX_ORIGINS) places.set(origin, known);
    return known;
  };
  return guardFetch(call, {
    lookup,
    reachOf: (origin) => find(origin).reach,
    isHeld: (origin) => find(origin).isHeld,
    hold: (init, addresses) => ({ ...init, addresses }),
    nowMs: clock.monotonicMs,
    ...(inTime === undefined ? {} : { inTime }),
  });
}

/** What was declared while the gateway runs is called at the addresses that were judged, and nowhere else. */
function isRemoteAt({ providers }: Config, origin: string): boolean {
  return providers.some((provider) => provider.isRemote === true && isUnder(provider, origin));
}

/**
 * As the widest of the providers under the origin; for origins that follow from options, as the widest of those that have such. What was declared
 * while the gateway runs widens nothing beyond the addresses that it names.
 */
function findReach(config: Config, origin: string): Reach {
  const under = config.providers.filter((provider) => isUnder(provider, origin));
  const derived = config.providers.filter(
    ({ baseUrl, isRemote, kind }) => baseUrl === "" && isRemote !== true && kind !== "loopback",
  );
  const reaches = (under.length > 0 ? under : derived).map(({ reach }) => reach);
  if (reaches.includes("any")) return "any";
  return reaches.includes("private") ? "private" : "public";
}

/** WebSockets go to the same host and port, by schemes of their own. */
function isUnder(provider: Config["providers"][number], origin: string): boolean {
  const { baseUrl, isRemote } = provider;
  const called = origin.replace(/^ws/u, "http");
  if (isRemote === true) return listOrigins(provider).includes(called);
  return baseUrl !== "" && URL.parse(baseUrl)?.origin === called;
}

export interface BuiltScene extends Scene {
  /** The same, with other routes. */
  reroute(routes: Config["routes"]): BuiltScene;
}

export function buildScene(
  config: Config,
  parts: Pick<GatewayTools, "fetch" | "clock"> & { log: Log; signIn?: GatewayTools["fetch"] },
  {
    before,
    unchanged,
    routes = config.routes,
  }: { before?: Catalog; unchanged?: ReadonlySet<string> | undefined; routes?: Config["routes"] } = {},
): BuiltScene {
  const list = config.providers.map((settings) => makeSceneProvider(settings, parts));
  const providers = new Map(list.map((provider) => [provider.name, provider]));
  const catalog = createCatalog({
    providers: list,
    fetch: parts.fetch,
    clock: parts.clock,
    refreshMs: config.modelsRefreshMs,
    before,
    unchanged,
    onChange: () => router.forget(),
    onError: (provider, error) => parts.log.warn("The provider's models could not be listed", { provider, error }),
  });
  const makeRouter = (rules: Config["routes"]) =>
    createRouter({
      aliases: config.aliases,
      defaultAliases: config.defaultAliases,
      routes: rules,
      defaultRoutes: config.defaultRoutes,
      providers: new Map(
        list.map((provider) => [provider.name, { ready: provider.missing === null, plainName: provider.plainName }]),
      ),
      findLister: (model) => catalog.findLister(model),
    });
  let router = makeRouter(routes);
  const rules = new Map(config.providers.map(({ name, onUnknownPrice }) => [name, onUnknownPrice]));
  const scene: BuiltScene = {
    router,
    catalog,
    providers,
    workMode: config.workMode,
    unknownPrice: (provider) => rules.get(provider) ?? config.prices.onUnknown,
    travel: config.travel,
    keepAliveMs: config.timeouts.keepAliveMs,
    deadlinesOf: listDeadlines(config),
    caps: listCaps(config),
    maxAnswerBytes: config.caps.responseBytes,
    defaultOutputTokens: config.budgets.defaultOutputTokens,
    redact: createRedactor(config.secrets),
    cache: readCacheScene(config),
    sharing: config.idempotency,
    reroute(next) {
      router = makeRouter(next);
      return { ...scene, router };
    },
  };
  return scene;
}

/** A provider, with what it may use of the world. */
export function makeSceneProvider(
  settings: Config["providers"][number],
  parts: Pick<GatewayTools, "fetch"> & { clock: Pick<Clock, "monotonicMs" | "wallMs">; signIn?: GatewayTools["fetch"] },
): Provider {
  // What credentials of the configuration name may be a machine's own service, where no provider's address may lead.
  if (settings.isRemote !== true) return makeProvider(settings, makeProviderTools(parts, parts.signIn ?? parts.fetch));
  return makeProvider(settings, {
    ...makeProviderTools(parts, parts.fetch),
    readText: () => Promise.reject(new Error("files of this machine are the configuration's alone")),
  });
}

function makeProviderTools(
  { clock }: { clock: Pick<Clock, "monotonicMs" | "wallMs"> },
  fetch: GatewayTools["fetch"],
): ProviderTools {
  return {
    fetch: (url, init) =>
      fetch(url, {
        ...init,
        method: init.method === "GET" ? "GET" : "POST",
        redirect: "manual",
        timeout: false,
        signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
      }),
    readText: (path) => Bun.file(path).text(),
    nowMs: clock.wallMs,
    monotonicMs: clock.monotonicMs,
  };
}

function readCacheScene({ cache, providers }: Config): Scene["cache"] {
  const { maxEntryBytes, scope, store, ttlMs } = cache;
  const known = new Map<string, string>();
  return {
    rules: store === "off" ? null : { maxEntryBytes, scope, ttlMs },
    fingerprint(name) {
      const found = known.get(name) ?? describeProvider(providers.find((provider) => provider.name === name));
      known.set(name, found);
      return found;
    },
  };
}

/** All that may show in its answers: with another key or price it answers alike. */
function describeProvider(settings: Config["providers"][number] | undefined): string {
  if (settings === undefined) return "";
  const { baseUrl, headers, kind, maxOutputTokens, options } = settings;
  return hash("sha256", canonicalize({ baseUrl, headers, kind, maxOutputTokens, options }), "base64url");
}

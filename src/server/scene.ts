// Builds what a configuration means for the request path: providers, router and catalogue, as one value that is swapped whole.

import { hash } from "node:crypto";
import type { Config } from "../config/value.ts";
import { listCaps, listDeadlines } from "./bound.ts";
import { type Catalog, type GatewayTools, type Scene, createCatalog, createRouter } from "../gateway/index.ts";
import { canonicalize } from "../lib/canonical-json.ts";
import { createRedactor } from "../lib/redact.ts";
import { type Reach, guardFetch, makeProvider } from "../provider/index.ts";
import type { Log } from "../telemetry/log.ts";

/** How long a provider's own sign-in may take. */
const TOKEN_TIMEOUT_MS = 10_000;

/** Of so many hosts it is remembered how far they may lead. */
const MAX_HOSTS = 1_000;

/** The same calls, kept from addresses to which the providers of the configuration in force may not lead; as they are where none can be looked up. */
export function guardCalls<Init, Answer>(
  call: (url: string, init: Init) => Promise<Answer>,
  { clock, lookup }: Pick<GatewayTools, "clock"> & { lookup?: (hostname: string) => Promise<readonly string[]> },
  config: () => Config,
): (url: string, init: Init) => Promise<Answer> {
  if (lookup === undefined) return call;
  let reaches = new Map<string, Reach>();
  let of = config();
  const reachOf = (hostname: string): Reach => {
    const current = config();
    // Worked out once for each configuration and host, not for each call.
    if (current !== of) [of, reaches] = [current, new Map()];
    const known = reaches.get(hostname) ?? findReach(current, hostname);
    if (reaches.size < MAX_HOSTS) reaches.set(hostname, known);
    return known;
  };
  return guardFetch(call, { lookup, reachOf, nowMs: clock.monotonicMs });
}

/** As the widest of the providers under the host; for hosts that follow from options, as the widest of those that have such. */
function findReach(config: Config, hostname: string): Reach {
  const under = config.providers.filter((provider) => URL.parse(provider.baseUrl)?.hostname === hostname);
  const derived = config.providers.filter(({ baseUrl, kind }) => baseUrl === "" && kind !== "loopback");
  const reaches = (under.length > 0 ? under : derived).map(({ reach }) => reach);
  if (reaches.includes("any")) return "any";
  return reaches.includes("private") ? "private" : "public";
}

export interface BuiltScene extends Scene {
  /** The same, with other routes. */
  reroute(routes: Config["routes"]): BuiltScene;
}

export function buildScene(
  config: Config,
  parts: Pick<GatewayTools, "fetch" | "clock"> & { log: Log; signIn?: GatewayTools["fetch"] },
  before?: Catalog,
  routes: Config["routes"] = config.routes,
): BuiltScene {
  const tools = {
    fetch: (url: string, init: { method: string; headers: Record<string, string>; body?: string }) =>
      // What credentials name may be a machine's own service, where no provider's address may lead.
      (parts.signIn ?? parts.fetch)(url, {
        ...init,
        method: init.method === "GET" ? "GET" : "POST",
        redirect: "manual",
        timeout: false,
        signal: AbortSignal.timeout(TOKEN_TIMEOUT_MS),
      }),
    readText: (path: string) => Bun.file(path).text(),
    nowMs: parts.clock.wallMs,
  };
  const list = config.providers.map((settings) => makeProvider(settings, tools));
  const providers = new Map(list.map((provider) => [provider.name, provider]));
  const catalog = createCatalog({
    providers: list,
    fetch: parts.fetch,
    clock: parts.clock,
    refreshMs: config.modelsRefreshMs,
    before,
    onChange: () => router.forget(),
    onError: (provider, error) => parts.log.warn("The provider's models could not be listed", { provider, error }),
  });
  const makeRouter = (rules: Config["routes"]) =>
    createRouter({
      aliases: config.aliases,
      defaultAliases: config.defaultAliases,
      routes: rules,
      defaultRoutes: config.defaultRoutes,
      providers: new Map(list.map((provider) => [provider.name, { ready: provider.missing === null }])),
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

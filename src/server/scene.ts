// Builds what a configuration means for the request path: providers, router and catalogue, as one value that is swapped whole.

import type { Config } from "../config/value.ts";
import { type Catalog, type GatewayTools, type Scene, createCatalog, createRouter } from "../gateway/index.ts";
import { createRedactor } from "../lib/redact.ts";
import { makeProvider } from "../provider/index.ts";
import type { Log } from "../telemetry/log.ts";

/** How long a provider's own sign-in may take. */
const TOKEN_TIMEOUT_MS = 10_000;

export function buildScene(
  config: Config,
  parts: Pick<GatewayTools, "fetch" | "clock"> & { log: Log },
  before?: Catalog,
): Scene {
  const tools = {
    fetch: (url: string, init: { method: string; headers: Record<string, string>; body?: string }) =>
      parts.fetch(url, {
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
  const router = createRouter({
    aliases: config.aliases,
    defaultAliases: config.defaultAliases,
    routes: config.routes,
    defaultRoutes: config.defaultRoutes,
    providers: new Map(list.map((provider) => [provider.name, { ready: provider.missing === null }])),
    findLister: (model) => catalog.findLister(model),
  });
  return {
    router,
    catalog,
    providers,
    workMode: config.workMode,
    deadlines: { headersMs: config.timeouts.upstreamHeadersMs, idleMs: config.timeouts.upstreamIdleMs },
    redact: createRedactor(config.secrets),
  };
}

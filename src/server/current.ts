// What is in force: the configuration as it was read, the providers and routes that were declared above it while the gateway runs, and the scene that
// they make together. It is swapped as a whole: a request that is running keeps the one that it began with. Knows no HTTP.

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/value.ts";
import { type Fetch, type ProviderBook, connectInTime, createProviderBook } from "../gateway/index.ts";
import type { AppParts } from "./app.ts";
import type { Health } from "./fleet.ts";
import { type LiveProviders, createLiveProviders } from "./live-provider.ts";
import { judgeProvider } from "./provider-table.ts";
import { type LiveRoutes, createLiveRoutes, isSecretText, mergeRoutes } from "./route-table.ts";
import { type BuiltScene, buildScene, guardCalls } from "./scene.ts";

export interface Current {
  config(): Config;
  scene(): BuiltScene;
  /** Calls to providers, kept from where these may not lead. */
  fetch: Fetch;
  live: LiveRoutes;
  providers: LiveProviders;
  book: ProviderBook;
  /** Puts another configuration in force, below what was declared while the gateway runs. */
  reload(next: Config): void;
  stop(): void;
}

function listUnchanged(before: Config, next: Config): ReadonlySet<string> {
  const known = new Map(before.providers.map((provider) => [provider.name, provider]));
  return new Set(
    next.providers.flatMap((provider) =>
      isDeepStrictEqual(known.get(provider.name), provider) ? [provider.name] : [],
    ),
  );
}

interface CurrentInit {
  call: Fetch;
  health: Health;
  /** After every swap. */
  changed: () => void;
}

export function openCurrent(parts: AppParts, { call, health, changed }: CurrentInit): Current {
  let declared = parts.config;
  let config = parts.config;
  const inTime = <Found>({ connecting }: Parameters<Fetch>[1], found: Promise<Found>): Promise<Found> =>
    connectInTime(found, connecting, parts.clock);
  const fetch = guardCalls(call, { ...parts, inTime }, () => config);
  const outside = { ...parts, fetch, signIn: parts.fetch };
  let scene = buildScene(config, outside);
  const live = createLiveRoutes({
    store: parts.routeStore,
    clock: parts.clock,
    log: parts.log,
    adopt(versions) {
      scene = scene.reroute(mergeRoutes(config, versions).rules);
    },
  });
  const swap = (next: Config, unchanged?: ReadonlySet<string>): void => {
    const { catalog: before } = scene;
    parts.learn?.(next);
    health.reload(next);
    // First, for the scene calls providers as it is built, and how far these calls may lead is asked of it.
    config = next;
    scene = buildScene(next, outside, { before, unchanged, routes: mergeRoutes(next, live.versions()).rules });
    changed();
    before.stop();
  };
  const book = createProviderBook({
    store: parts.providerStore,
    keys: parts.secretKeys,
    judge: (...said) => judgeProvider(declared, ...said),
    isSecret: (text) => isSecretText(config, text),
    now: parts.clock.wallMs,
    newId: parts.newId,
  });
  const providers = createLiveProviders({
    ...parts,
    store: parts.providerStore,
    book,
    refreshControls: health.refresh,
    declared: () => declared,
    current: () => config,
    // Whoever changes one provider need not wait for the lists of all the others, nor need these be asked.
    adopt: (next) => swap(next, listUnchanged(config, next)),
  });
  return {
    config: () => config,
    scene: () => scene,
    fetch,
    live,
    providers,
    book,
    reload(next) {
      declared = next;
      swap(providers.merge(next));
    },
    stop() {
      live.stop();
      providers.stop();
      scene.catalog.stop();
    },
  };
}

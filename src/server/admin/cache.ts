// The answers that are given again, by HTTP: what there is of them, of how much use they were, and a way to be rid of them.

import type { Config } from "../../config/value.ts";
import type { GatewayTools, Scene } from "../../gateway/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import { formatUsd } from "../../ledger/index.ts";
import type { Change } from "../../lib/change.ts";
import type { ChangeStore } from "../../store/index.ts";
import type { Gauge } from "../../telemetry/metric.ts";
import { printShelf } from "../cache-print.ts";
import type { Crew } from "../crew.ts";
import type { GuardedRoute } from "../route.ts";
import { originOf } from "./part.ts";
import { type About } from "../about.ts";
import { CACHE_CLEARED, CACHE_REPORT } from "../shape/rule.ts";

type CacheTools = Pick<GatewayTools, "cache" | "sharing">;
type Changes = Pick<ChangeStore, "tell">;

const tag = "Cache";
const ABOUT = {
  clear: { tag, summary: "Throw all kept answers away", answer: CACHE_CLEARED },
  show: { tag, summary: "Show what is kept, and of how much use it was", answer: CACHE_REPORT },
} as const satisfies Record<string, About>;

export function makeCacheRoutes(
  { cache, sharing }: CacheTools,
  {
    scene,
    changes,
    config,
    crew,
  }: {
    scene: () => Pick<Scene, "cache" | "sharing">;
    changes: Changes;
    config: () => Pick<Config, "cache" | "idempotency">;
    /** What other processes of this gateway counted is looked at first, and told with it. */
    crew: Pick<Crew, "count" | "look"> | undefined;
  },
): GuardedRoute[] {
  const address = { path: "/api/v1/admin/cache", authority: { anyOf: ["providers:write"] } } as const;
  return [
    {
      ...address,
      method: "GET",
      about: ABOUT.show,
      async handle() {
        await crew?.look();
        const more = (name: string): number => crew?.count(`tokligence_${name}`) ?? 0;
        return Response.json({
          cache: await printCache(cache, scene(), more),
          idempotency: printSharing(sharing, scene(), more),
          shelf: printShelf(config(), (await cache?.shelf.size()) ?? null),
        });
      },
    },
    {
      ...address,
      method: "DELETE",
      about: ABOUT.clear,
      async handle({ caller }) {
        const store = cache?.shelf.kind ?? "off";
        const removed = (await cache?.shelf.clear()) ?? null;
        await changes.tell(originOf(caller), tellClear(store, removed));
        return Response.json({ store, removed });
      },
    },
  ];
}

/** `removed`: answers; null where there is no telling. */
export function tellClear(store: string, removed: number | null): Change {
  return { action: "cache.clear", subjectKind: "cache", subjectId: store, before: null, after: { removed } };
}

/** What others counted under that name. */
type More = (name: string) => number;

async function printCache(cache: CacheTools["cache"], scene: Pick<Scene, "cache">, more: More): Promise<JsonObject> {
  if (cache === null) return { store: "off" };
  const { rules } = scene.cache;
  const counted = cache.figures();
  const hits = counted.hits + more("cache_hits");
  const misses = counted.misses + more("cache_misses");
  const savedCostNanos = counted.savedCostNanos + more("cache_saved_nanodollars");
  const { entries, bytes } = await cache.shelf.size();
  return {
    store: cache.shelf.kind,
    scope: rules?.scope ?? null,
    ttl_seconds: rules === null ? null : rules.ttlMs / 1000,
    max_entry_bytes: rules?.maxEntryBytes ?? null,
    entries,
    bytes,
    hits,
    misses,
    hit_ratio: hits + misses === 0 ? null : Math.round((hits / (hits + misses)) * 10_000) / 10_000,
    refreshes: counted.refreshes + more("cache_refreshes"),
    bypasses: counted.bypasses + more("cache_bypasses"),
    stored: counted.stored + more("cache_stored"),
    saved_tokens: counted.savedTokens + more("cache_saved_tokens"),
    saved_cost_usd: formatUsd(savedCostNanos),
    saved_cost_nanos: savedCostNanos,
  };
}

function printSharing(sharing: CacheTools["sharing"], scene: Pick<Scene, "sharing">, more: More): JsonObject {
  const { isOn, windowMs } = scene.sharing;
  const names = ["running", "finished", "bytes", "shared", "replayed", "conflicts"] as const;
  const figures = sharing.figures();
  const counted = names.map((name) => [name, figures[name] + more(`idempotency_${name}`)]);
  return { on: isOn, window_seconds: windowMs / 1000, ...Object.fromEntries(counted) };
}

/** For the metrics. */
export function listCacheGauges({ cache, sharing }: CacheTools): Gauge[] {
  const shared = sharing.figures;
  const gauges: Gauge[] = [
    {
      name: "tokligence_idempotency_shared",
      about: "Requests that were given the answer of one under way, by their Idempotency-Key",
      isCounter: true,
      read: () => shared().shared,
    },
    {
      name: "tokligence_idempotency_replayed",
      about: "Requests that were given the answer of one that had ended, by their Idempotency-Key",
      isCounter: true,
      read: () => shared().replayed,
    },
    {
      name: "tokligence_idempotency_conflicts",
      about: "Requests that were refused for an Idempotency-Key of another request",
      isCounter: true,
      read: () => shared().conflicts,
    },
    { name: "tokligence_idempotency_bytes", about: "Bytes that are held for that", read: () => shared().bytes },
    {
      name: "tokligence_idempotency_running",
      about: "Calls with an Idempotency-Key under way",
      read: () => shared().running,
    },
    {
      name: "tokligence_idempotency_finished",
      about: "Answers that are held for calls with the same Idempotency-Key",
      read: () => shared().finished,
    },
  ];
  if (cache === null) return gauges;
  const { figures, shelf } = cache;
  const count = (name: string, about: string, read: () => number): Gauge => ({
    name: `tokligence_cache_${name}`,
    about,
    isCounter: true,
    read,
  });
  return [
    ...gauges,
    count("hits", "Requests that were given an answer of the cache", () => figures().hits),
    count("misses", "Requests whose answer was looked for in vain", () => figures().misses),
    count("refreshes", "Requests whose client wanted a new answer", () => figures().refreshes),
    count("bypasses", "Requests whose answer may not be given again", () => figures().bypasses),
    count("stored", "Answers that were kept", () => figures().stored),
    count("saved_tokens", "Tokens that answers of the cache had used", () => figures().savedTokens),
    count(
      "saved_nanodollars",
      "What answers of the cache had cost, in billionths of a US dollar",
      () => figures().savedCostNanos,
    ),
    {
      name: "tokligence_cache_entries",
      about: "Answers in the cache",
      isCommon: true,
      read: () => shelf.glance().entries,
    },
    {
      name: "tokligence_cache_bytes",
      about: "Bytes of the answers in the cache",
      isCommon: true,
      read: () => shelf.glance().bytes,
    },
  ];
}

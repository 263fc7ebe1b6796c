// Which rate limits are in force: those of the configuration, and those that were set while the gateway runs. Knows no HTTP and no SQL.

import { readLimit } from "../config/index.ts";
import type { Config } from "../config/value.ts";
import {
  type Counters,
  type Limit,
  type LimitRow,
  type LimitStore,
  type RateLimits,
  createMemoryCounters,
  createRateLimits,
} from "../gateway/index.ts";
import { type Directory, judgeNamed } from "../identity/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { Gauge } from "../telemetry/metric.ts";
import { createLive } from "./live.ts";

export interface StandingLimit {
  name: string;
  source: "config" | "runtime";
  /** Null where it cannot be used as it is. */
  limit: Limit | null;
  /** Why it is not in force; null where it is. */
  obstacle: string | null;
  /** Null where it is the configuration's. */
  row: LimitRow | null;
  origin: string;
}

/** By name. What the configuration says, it alone can change: one of the same name that was set otherwise waits until it is gone from there. */
export function mergeLimits({ limits }: Pick<Config, "limits">, rows: readonly LimitRow[]): StandingLimit[] {
  const declared = limits.map(({ limit, origin }): StandingLimit => ({
    name: limit.name,
    source: "config",
    limit,
    obstacle: null,
    row: null,
    origin,
  }));
  const names = new Set(declared.map(({ name }) => name));
  const set = rows.map((row): StandingLimit => {
    const { name, fields, version } = row;
    const { limit, faults } = readLimit(name, new Map(Object.entries(fields)));
    const [fault] = faults;
    const hidden = names.has(name) ? "the configuration declares one of this name" : null;
    const obstacle = fault === undefined ? hidden : `${fault.field}: ${fault.message}`;
    return { name, source: "runtime", limit, obstacle, row, origin: `runtime, version ${version}` };
  });
  return [...declared, ...set].toSorted((left, right) =>
    left.name < right.name ? -1 : Number(left.name > right.name),
  );
}

/** Those whose user or key is gone are in force for nobody. */
export async function judgeLimits(
  all: readonly StandingLimit[],
  listGone: Directory["listGone"],
): Promise<StandingLimit[]> {
  const nameOf = ({ limit }: StandingLimit) => ({ user: limit?.user ?? null, key: limit?.key ?? null });
  const judge = await judgeNamed(all.map(nameOf), listGone);
  return all.map((standing) => ({ ...standing, obstacle: standing.obstacle ?? judge(nameOf(standing)) }));
}

export interface LiveLimits {
  limits: RateLimits;
  standing(): StandingLimit[];
  /** Looks at the database now. Never rejects. */
  refresh(): Promise<void>;
  open(): Promise<void>;
  reload(config: Pick<Config, "limits">): void;
  stop(): void;
}

interface LimitsInit {
  config: Pick<Config, "limits">;
  limitStore: LimitStore;
  /** Where they are counted, where that is not this process alone. */
  counters?: Counters | undefined;
  clock: Pick<Clock, "after">;
  log: Log;
}

/** So that a change elsewhere holds within a second, on a slow database too. */
const EVERY_MS = 500;

export function openLimits({ limitStore, clock, log, ...init }: LimitsInit): LiveLimits {
  let { config } = init;
  const limits = createRateLimits(init.counters ?? createMemoryCounters());
  const adopt = (rows: readonly LimitRow[]): void =>
    limits.replace(
      mergeLimits(config, rows).flatMap(({ limit, obstacle }) => (limit === null || obstacle !== null ? [] : [limit])),
    );
  const live = createLive({ what: "Rate limits", store: limitStore, everyMs: EVERY_MS, clock, log, adopt });
  adopt([]);
  return {
    limits,
    standing: () => mergeLimits(config, live.versions()),
    refresh: live.refresh,
    open: live.open,
    reload(next) {
      config = next;
      adopt(live.versions());
    },
    stop() {
      live.stop();
      limits.counters.stop();
    },
  };
}

/** Whom they refused. */
export function listLimitGauges({ refusals }: Pick<RateLimits, "refusals">): Gauge[] {
  return [
    {
      name: "tokligence_rate_limit_refusals",
      about: "Requests refused by a rate limit, by limit and by what there was no more of",
      isCounter: true,
      points: () =>
        refusals().map(({ limit, unit, count }) => ({
          labels: { limit, unit: unit === "slots" ? "concurrent" : unit },
          value: count,
        })),
    },
  ];
}

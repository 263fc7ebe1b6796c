// What a configuration means for how long calls may take and how many may be under way. Knows no call.

import type { Config } from "../config/value.ts";
import { type Scene, overrule, setDeadlines } from "../gateway/index.ts";

/** Worked out once for each provider; of one that is not there, the gateway's own. */
export function listDeadlines({ timeouts, providers }: Config): Scene["deadlinesOf"] {
  const all = setDeadlines(timeouts.upstream);
  const own = new Map(
    providers.map(({ name, deadlines }) => [
      name,
      overrule(all, deadlines === undefined ? undefined : { section: `provider.${name}`, rules: deadlines }),
    ]),
  );
  return (provider) => own.get(provider) ?? all;
}

export function listCaps({ caps, providers }: Config): Scene["caps"] {
  const { queueLength, queueMs } = caps;
  const rule = (atOnce: number, setting: string) => ({
    atOnce: atOnce === 0 ? null : atOnce,
    queueLength,
    queueMs,
    setting,
  });
  const all = rule(caps.perProvider, "max_concurrent_per_provider");
  const own = new Map(
    providers.map(({ name, cap = {} }) => [
      name,
      {
        ...(cap.atOnce === undefined ? all : rule(cap.atOnce, `max_concurrent of [provider.${name}]`)),
        ...(cap.queueLength === undefined ? {} : { queueLength: cap.queueLength }),
        ...(cap.queueMs === undefined ? {} : { queueMs: cap.queueMs }),
      },
    ]),
  );
  return {
    total: rule(caps.total, "max_concurrent"),
    perKey: rule(caps.perKey, "max_concurrent_per_key"),
    perUser: rule(caps.perUser, "max_concurrent_per_user"),
    of: (provider) => own.get(provider) ?? all,
  };
}

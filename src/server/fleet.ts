// The fleet of this gateway: its rules follow the configuration, and what is found out is told in the log, once. Knows no route of ours.

import type { Config } from "../config/value.ts";
import { type Controls, type Finding, type Fleet, createControls, createFleet } from "../gateway/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { HealthSettings } from "../provider/index.ts";
import type { Log } from "../telemetry/log.ts";

export interface Health {
  fleet: Fleet;
  controls: Controls;
  /** From now on other rules hold, and keys that were exchanged are as if they had never been refused. */
  reload(next: Config): void;
}

export function openHealth({ config: first, clock, log }: { config: Config; clock: Clock; log: Log }): Health {
  let config = first;
  let rules = collectRules(config);
  const controls = createControls();
  const fleet = createFleet({
    clock,
    random: Math.random,
    healthOf: (name) => rules.get(name) ?? config.health,
    controls,
    note: (finding) => tell(finding, log),
  });
  return {
    fleet,
    controls,
    reload(next) {
      for (const name of listExchanged(config, next)) fleet.reset({ ...name, model: null });
      rules = collectRules(next);
      config = next;
    },
  };
}

/** Made once, as the fleet tells by their identity that they are the same. */
function collectRules({ health, providers }: Config): Map<string, HealthSettings> {
  return new Map(
    providers.flatMap((each): [string, HealthSettings][] =>
      each.health === undefined ? [] : [[each.name, { ...health, ...each.health }]],
    ),
  );
}

/** Keys whose text is another than before. */
function listExchanged(before: Config, next: Config): { provider: string; account: string | null }[] {
  const list = ({ providers }: Config): { provider: string; account: string | null; apiKey: string | null }[] =>
    providers.flatMap(({ name: provider, apiKey, keys }) =>
      (keys ?? [{ label: null, apiKey }]).map((key) => ({ provider, account: key.label, apiKey: key.apiKey })),
    );
  const old = list(before);
  return list(next).filter((key) =>
    old.some((each) => each.provider === key.provider && each.account === key.account && each.apiKey !== key.apiKey),
  );
}

function tell({ kind, provider, account, model, reason, forMs }: Finding, log: Log): void {
  const named = { provider, ...(account === null ? {} : { key: account }), ...(model === null ? {} : { model }) };
  if (forMs === null) {
    log.info(kind === "breaker" ? "A provider answers again" : "A provider's key is taken again", named);
    return;
  }
  const facts = { ...named, reason, for_s: Math.ceil(forMs / 1000) };
  if (kind === "breaker") log.warn("A provider is left alone for a while: it failed too often", facts);
  // Limits of a minute are everyday life.
  else if (reason === "rate-limited") log.info("A provider's key is not used for a while", facts);
  else log.warn("A provider's key is not used for a while: it was refused", facts);
}

// The fleet of this gateway: its rules follow the configuration, and what is found out is told in the log, once. Knows no route of ours.

import type { Config } from "../config/value.ts";
import {
  type Control,
  type Controls,
  type Finding,
  type Fleet,
  type News,
  type OpenSharing,
  type PlaceName,
  createFleet,
  mergeKeys,
  mergePlaces,
} from "../gateway/index.ts";
import type { Change, Origin } from "../lib/change.ts";
import type { Clock } from "../lib/clock.ts";
import type { HealthSettings } from "../provider/index.ts";
import type { ChangeStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Crew } from "./crew.ts";

export interface Health {
  /** With what other processes of this gateway know. */
  fleet: Fleet;
  controls: Controls;
  /** Takes something out of service; resolves once that is kept, where it is to be. */
  take(control: Control, by: Origin): Promise<void>;
  /** Lets it in again, with all that belongs to it. */
  enable(name: PlaceName, by: Origin): Promise<void>;
  /** Looks at what is kept of what was taken out of service, as others may have changed it. */
  refresh(): Promise<void>;
  /** Lets bygones be; resolves once that is recorded. */
  reset(name: PlaceName, by: Origin): Promise<void>;
  /** Whether other gateways hear of it: null where nobody set that up. */
  sharing(): "connected" | "disconnected" | null;
  /** From now on other rules hold, and keys that were exchanged are as if they had never been refused. */
  reload(next: Config): void;
  close(): void;
}

interface HealthInit {
  config: Config;
  clock: Clock;
  log: Log;
  controls: Controls;
  /** Records who changed what. */
  changes: Pick<ChangeStore, "tell">;
  /** Where gateways tell each other what they find out; missing where they do not. */
  share?: OpenSharing;
  crew?: Crew | undefined;
}

export function openHealth({ config: first, clock, log, controls, changes, share, crew }: HealthInit): Health {
  let config = first;
  let rules = collectRules(config);
  const fleet = createFleet({
    clock,
    random: Math.random,
    healthOf: (name) => rules.get(name) ?? config.health,
    controls,
    note(finding) {
      tell(finding, log);
      sharing?.tell({ kind: "finding", finding });
    },
  });
  const hear = (news: News): void => {
    // Others may have providers and keys that are not here.
    if (isHere(config, nameAbout(news))) adopt(news, { fleet, controls, log });
  };
  const sharing = share?.(hear);
  const reset = (name: PlaceName): void => {
    fleet.reset(name);
    sharing?.tell({ kind: "reset", name });
  };
  return {
    fleet: crew === undefined ? fleet : joinFleet(fleet, crew),
    controls,
    async take(control, by) {
      await controls.put(control, by);
      logControl(control, log);
      sharing?.tell({ kind: "control", put: control });
    },
    async enable(name, by) {
      const gone = await controls.lift(name, by);
      if (gone.length > 0) log.info("An operator let it in again", nameLog(name));
      sharing?.tell({ kind: "lift", name });
    },
    async refresh() {
      const { put, gone } = await controls.refresh();
      for (const control of put) logControl(control, log);
      for (const control of gone) log.info("An operator let it in again", nameLog(control));
    },
    async reset(name, by) {
      // What cannot be recorded is not done.
      await changes.tell(by, tellReset(name));
      reset(name);
    },
    sharing() {
      const isConnected = sharing?.isConnected() ?? null;
      return isConnected === null ? null : isConnected ? "connected" : "disconnected";
    },
    reload(next) {
      for (const name of listExchanged(config, next)) reset({ ...name, model: null });
      rules = collectRules(next);
      config = next;
    },
    close: () => sharing?.stop(),
  };
}

function joinFleet(fleet: Fleet, crew: Crew): Fleet {
  return {
    ...fleet,
    list: () => mergePlaces([...fleet.list(), ...crew.places()]),
    listKeys: () => mergeKeys([...fleet.listKeys(), ...crew.keys()]),
  };
}

function tellReset({ provider, account, model }: PlaceName): Change {
  const subjectId = [provider, account, model].filter((word) => word !== null).join("/");
  return { action: "provider.reset", subjectKind: "provider", subjectId, before: null, after: null };
}

function isHere({ providers }: Config, { provider, account }: PlaceName): boolean {
  const found = providers.find(({ name }) => name === provider);
  if (found === undefined) return false;
  return account === null || found.keys?.some(({ label }) => label === account) === true;
}

function nameAbout(news: News): PlaceName {
  if (news.kind === "control") return news.put;
  return news.kind === "finding" ? news.finding : news.name;
}

/** What another gateway said. */
function adopt(news: News, { fleet, controls, log }: Pick<Health, "controls" | "fleet"> & { log: Log }): void {
  switch (news.kind) {
    case "control":
      logControl(news.put, log);
      return controls.adopt({ put: news.put });
    case "finding":
      return fleet.adopt(news.finding);
    case "lift":
      return controls.adopt({ lift: news.name });
    case "reset":
      return fleet.reset(news.name);
    default:
      return news satisfies never;
  }
}

function nameLog({ provider, account, model }: PlaceName): Record<string, string> {
  return { provider, ...(account === null ? {} : { key: account }), ...(model === null ? {} : { model }) };
}

function logControl(control: Control, log: Log): void {
  const { action, by } = control;
  log.warn(`An operator took it out of service: ${action}`, { ...nameLog(control), by });
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

function tell(finding: Finding, log: Log): void {
  const { kind, reason, forMs } = finding;
  const named = nameLog(finding);
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

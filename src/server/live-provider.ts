// Providers that are declared while the gateway runs, as far as they are known here: what changes is put in force as a whole, and what somebody should look
// at is told in the log, once. Knows no HTTP.

import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/value.ts";
import type { OpenProvider, ProviderBook, ProviderStore, SecretKeys } from "../gateway/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { type Live, createLive } from "./live.ts";
import { type StandingProvider, mergeProviders } from "./provider-table.ts";

export interface LiveProviders {
  /** A configuration with those of run time above it. */
  merge(declared: Config): Config;
  standing(): StandingProvider[];
  refresh(): Promise<void>;
  open(): Promise<void>;
  stop(): void;
}

interface LiveInit {
  store: Pick<ProviderStore, "revision">;
  book: Pick<ProviderBook, "open">;
  /** What credentials are encrypted with. */
  secretKeys: Pick<SecretKeys, "list">;
  /** Looks at what an operator took out of service, which moves the same revision. */
  refreshControls: () => Promise<void>;
  clock: Pick<Clock, "after">;
  log: Log;
  /** As it was read from files. */
  declared: () => Config;
  /** As it is in force. */
  current: () => Config;
  adopt: (next: Config) => void;
}

/** Keys that were replaced may still be on their way, and what they are answered must not show them. */
const MOST_SECRETS = 10_000;

export function createLiveProviders(init: LiveInit): LiveProviders {
  const { book, log, declared, current, adopt } = init;
  const seen = new Set<string>();
  let told = new Set<string>();
  let hasShut = false;

  const tell = (standing: readonly StandingProvider[]): void => {
    const findings = new Map(standing.flatMap(({ name, findings }) => findings.map((text) => [text, name] as const)));
    for (const [finding, provider] of findings) {
      if (!told.has(finding)) log.warn("A provider of run time needs to be looked at", { provider, finding });
    }
    told = new Set(findings.keys());
  };

  const merge = (config: Config, opened: readonly OpenProvider[]): Config => {
    const tableau = mergeProviders(config, opened);
    tell(tableau.standing);
    for (const secret of tableau.config.secrets) if (seen.size < MOST_SECRETS) seen.add(secret);
    return { ...tableau.config, secrets: [...new Set([...tableau.config.secrets, ...seen])] };
  };

  const live: Live<OpenProvider> = createLive<OpenProvider>({
    ...init,
    what: "Providers",
    store: {
      async revision() {
        const revision = await init.store.revision();
        // A key that somebody brings opens what is shut, and nothing in the database tells of it.
        return hasShut ? `${revision} ${nameKeys(init.secretKeys)}` : String(revision);
      },
      async list() {
        await init.refreshControls();
        const opened = await book.open();
        hasShut = opened.some(({ secrets }) => secrets.some(({ text }) => text === null));
        return hasShut
          ? opened.map((each) => recall(each, live.versions(), { log, keyIds: nameKeys(init.secretKeys) }))
          : opened;
      },
    },
    adopt(opened) {
      const next = merge(declared(), opened);
      if (!isSame(next, current())) adopt(next);
    },
  });
  return {
    merge: (config) => merge(config, live.versions()),
    standing: () => mergeProviders(declared(), live.versions()).standing,
    refresh: live.refresh,
    open: live.open,
    stop: live.stop,
  };
}

/** What another gateway encrypted anew with a key that is not here is still known, as long as this process lives. */
function recall(
  opened: OpenProvider,
  before: readonly OpenProvider[],
  { log, keyIds }: { log: Log; keyIds: string },
): OpenProvider {
  const { version, secrets, faults } = opened;
  const known = before.find((each) => each.version.name === version.name)?.secrets ?? [];
  const kept = secrets.map((secret) => {
    const same = known.find(({ field, boundTo, setAt }) => {
      return field === secret.field && boundTo === secret.boundTo && setAt.getTime() === secret.setAt.getTime();
    });
    // One that was altered does not open though the key is here.
    const isForeign = secret.text === null && !keyIds.includes(secret.keyId);
    if (!isForeign || typeof same?.text !== "string") return secret;
    log.warn("A key of a provider cannot be read any more, and is known until the next start only", {
      provider: version.name,
      field: secret.field,
      reason: faults[secret.field],
    });
    return { ...secret, text: same.text };
  });
  const shut = Object.entries(faults).filter(([field]) =>
    kept.some((each) => each.field === field && each.text === null),
  );
  return { version, secrets: kept, faults: Object.fromEntries(shut) };
}

function nameKeys(keys: Pick<SecretKeys, "list">): string {
  try {
    return keys
      .list()
      .map(({ id }) => id)
      .join(" ");
  } catch {
    return "none";
  }
}

/** What is encrypted anew is the same as before. */
function isSame(next: Config, current: Config): boolean {
  return (
    isDeepStrictEqual(next.providers, current.providers) &&
    isDeepStrictEqual(next.routes, current.routes) &&
    isDeepStrictEqual(new Set(next.secrets), new Set(current.secrets))
  );
}

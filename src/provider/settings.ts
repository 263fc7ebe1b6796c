// What an operator says about a provider: plain values, checked by the room that reads them. Knows no file and no vendor's quirks.

import type { Reach } from "./reach.ts";

/** When a provider, one of its models or one of its keys is left alone. Times are in milliseconds. */
export interface HealthSettings {
  /** What becomes of a request none of whose targets may be asked. */
  whenAlone: "refuse" | "try";
  /** So many failures in a row, or such a percentage of a window's calls; 0: neither. */
  failures: number;
  errorPercent: number;
  /** Percentages count from so many calls on. */
  minCalls: number;
  windowMs: number;
  openMs: number;
  openMaxMs: number;
  /** A first output that takes longer is slow. */
  slowMs: number;
  slowPercent: number;
  /** Calls at a time that find out whether it is well again. */
  trials: number;
  /** How long a key is not used that is refused or has no quota; doubled each time, up to the longest. */
  parkRevokedMs: number;
  parkQuotaMs: number;
  parkMaxMs: number;
  /** Whether it is asked without a request, how often, and how often a day at a price. */
  probe: "call" | "models" | "off";
  probeIntervalMs: number;
  probeCallsPerDay: number;
}

export const KEY_STRATEGIES = ["least-busy", "priority", "round-robin", "sticky", "weighted"] as const;

/** Which of a provider's keys comes first. */
export type KeyStrategy = (typeof KEY_STRATEGIES)[number];

/** One of several keys of a provider. */
export interface PoolKey {
  /** Its name, in which there is nothing secret. */
  label: string;
  apiKey: string;
  /** Its share where lots are drawn. */
  weight: number;
}

export interface ProviderSettings {
  /** Name in routes, in `provider/model` and on the ledger: lower case, `[a-z0-9][a-z0-9_-]*`. */
  name: string;
  /** A name in the table of kinds. */
  kind: string;
  /** Without a trailing slash; empty where the kind needs none or makes it from its options. */
  baseUrl: string;
  /** How far its address may lead. */
  reach: Reach;
  /** Set where it was declared while the gateway runs: what it names is reached under the same guard as the provider itself, and no file is read for it. */
  isRemote?: true;
  /** Why it must not be called as it is, and what to do about it. */
  obstacle?: string;
  apiKey: string | null;
  /** All its keys, where more than the one is named; `apiKey` is the first of them. Missing where there is one at most. */
  keys?: readonly PoolKey[];
  keyStrategy?: KeyStrategy;
  /** What of its health is judged otherwise than everybody's. */
  health?: Partial<HealthSettings>;
  /** How to supply the missing key, for the error that names it: INI key, environment names. Empty where none is needed. */
  apiKeyNames: readonly string[];
  /** Whether the provider refuses calls without a key (a server of one's own may not need one). */
  needsApiKey: boolean;
  /** What only this kind has, such as a region: by the names in its definition, defaults filled in. Absent where unset. */
  options: Readonly<Record<string, string>>;
  /** Extra headers for every call. */
  headers: Readonly<Record<string, string>>;
  /** The output limit to ask for where the client gives none and the format demands one; null means per model. */
  maxOutputTokens: number | null;
  /** Ids of a marketplace's services that its calls are bought as. */
  services?: readonly string[];
  /** Percent off its listed prices, as a decimal; missing where there is none. */
  discount?: string;
  /** What becomes of calls whose price nobody knows; missing where the gateway's own rule holds. */
  onUnknownPrice?: "allow" | "refuse" | "warn";
  /** How long its calls may take, in milliseconds, where the gateway's own deadlines do not hold. */
  deadlines?: Readonly<Partial<Record<"connect" | "firstOutput" | "header" | "idle" | "total", number>>>;
  /** How many of its calls may be under way at once and wait, likewise; 0: without limit. */
  cap?: Readonly<Partial<Record<"atOnce" | "queueLength" | "queueMs", number>>>;
}

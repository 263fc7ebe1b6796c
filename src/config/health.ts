// From what was said about health to plain values: for all providers, and what one of them has otherwise. Knows no file and no layer.

import type { HealthSettings } from "../provider/index.ts";
import type { Values } from "./key.ts";
import type { FieldValues } from "./provider-key.ts";

/** Which setting says what. */
const NAMES = {
  errorPercent: "breaker_error_percent",
  failures: "breaker_failures",
  minCalls: "breaker_min_calls",
  openMaxMs: "breaker_open_max",
  openMs: "breaker_open",
  parkMaxMs: "key_park_max",
  parkQuotaMs: "key_park_quota",
  parkRevokedMs: "key_park_revoked",
  probe: "probe",
  probeCallsPerDay: "probe_calls_per_day",
  probeIntervalMs: "probe_interval",
  slowMs: "breaker_slow",
  slowPercent: "breaker_slow_percent",
  trials: "breaker_trials",
  whenAlone: "breaker_alone",
  windowMs: "breaker_window",
} as const satisfies Record<keyof HealthSettings, keyof Values & keyof FieldValues>;

export function readHealth(values: Values): HealthSettings {
  const entries = Object.entries(NAMES).map(([name, key]) => [name, values[key]]);
  // Each by the key of its own type.
  return Object.fromEntries(entries) as HealthSettings;
}

export function readOwnHealth(fields: FieldValues): { health?: Partial<HealthSettings> } {
  const said = Object.entries(NAMES).flatMap(([name, key]) => (fields[key] === null ? [] : [[name, fields[key]]]));
  return said.length === 0 ? {} : { health: Object.fromEntries(said) as Partial<HealthSettings> };
}

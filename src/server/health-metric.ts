// How the providers are doing, as figures for whoever watches: by provider, model and key. Names of models come from outside, so that only those
// are told that answered once or are left alone, the former first, and not more than so many.

import type { Controls, Fleet, PlaceName, PlaceState } from "../gateway/index.ts";
import type { LabelledGauge } from "../telemetry/metric.ts";

const MOST = 500;
const STATES = { closed: 0, "half-open": 1, open: 2 } as const satisfies Record<PlaceState["state"], number>;

interface Parts {
  fleet: Pick<Fleet, "list" | "listKeys">;
  controls: Pick<Controls, "list">;
  nowMs: () => number;
}

export function listHealthGauges({ fleet, controls, nowMs }: Parts): LabelledGauge[] {
  const gauge = (name: string, about: string, value: (place: PlaceState) => number): LabelledGauge => ({
    name: `tokligence_provider_${name}`,
    about,
    isCommon: true,
    points: () =>
      fleet
        .list()
        .filter(({ hasAnswered, state }) => hasAnswered || state !== "closed")
        .toSorted((left, right) => Number(right.hasAnswered) - Number(left.hasAnswered))
        .slice(0, MOST)
        .map((place) => ({ labels: nameLabels(place), value: value(place) })),
  });
  const isParked = (parked: PlaceState["parked"]): boolean => parked !== null && nowMs() < parked.untilMs;
  return [
    gauge(
      "breaker_state",
      "0 while a model of a provider is asked, 1 on trial, 2 while it is left alone",
      ({ state }) => STATES[state],
    ),
    gauge(
      "error_ratio",
      "Share of the calls of the breaker's window that failed",
      ({ figures: { calls, failures } }) => (calls === 0 ? 0 : failures / calls),
    ),
    gauge("in_flight", "Calls that are running", ({ inFlight }) => inFlight),
    gauge("latency_seconds", "Peak EWMA of the time to the first output", ({ latencyMs }) => latencyMs / 1000),
    gauge("limited", "1 while a key is not used for this model, as it is limited or may not use it", ({ parked }) =>
      Number(isParked(parked)),
    ),
    {
      name: "tokligence_provider_key_parked",
      isCommon: true,
      about: "1 while a key is not used, as it was refused or has no quota",
      // Keys come from the configuration, so that there are few.
      points: () =>
        fleet.listKeys().map(({ provider, account, parked }) => ({
          labels: { provider, key: account ?? "" },
          value: Number(isParked(parked)),
        })),
    },
    {
      name: "tokligence_provider_out_of_service",
      isCommon: true,
      about: "1 for what an operator drained or disabled",
      points: () =>
        controls
          .list()
          .slice(0, MOST)
          .map((control) => ({ labels: nameLabels(control), value: 1 })),
    },
  ];
}

function nameLabels({ provider, model, account }: PlaceName): Record<string, string> {
  return { provider, model: model ?? "", key: account ?? "" };
}

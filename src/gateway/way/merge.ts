// What several processes know of the same places, as one: what they counted is added up, and of what is well or not the worst holds. Knows no process.

import type { KeyState } from "./fleet.ts";
import type { Parked } from "./park.ts";
import type { PlaceName, PlaceState } from "./place.ts";

export function mergePlaces(all: readonly PlaceState[]): PlaceState[] {
  return [...Map.groupBy(all, print).values()].map((same) => same.reduce(mergePlace));
}

export function mergeKeys(all: readonly KeyState[]): KeyState[] {
  const groups = Map.groupBy(all, (key) => print({ ...key, model: null }));
  return [...groups.values()].map((same) =>
    same.reduce((left, right) => ({ ...left, parked: chooseParked(left.parked, right.parked) })),
  );
}

const GRAVITY = { closed: 0, "half-open": 1, open: 2 } as const satisfies Record<PlaceState["state"], number>;

function mergePlace(left: PlaceState, right: PlaceState): PlaceState {
  const worse = GRAVITY[right.state] > GRAVITY[left.state] ? right : left;
  return {
    ...left,
    state: worse.state,
    figures: {
      calls: left.figures.calls + right.figures.calls,
      failures: left.figures.failures + right.figures.failures,
      slow: left.figures.slow + right.figures.slow,
      openSinceMs: worse.figures.openSinceMs,
      openUntilMs: worse.figures.openUntilMs,
    },
    parked: chooseParked(left.parked, right.parked),
    keyParked: chooseParked(left.keyParked, right.keyParked),
    inFlight: left.inFlight + right.inFlight,
    latencyMs: Math.max(left.latencyMs, right.latencyMs),
    lastFailure: chooseLater(left.lastFailure, right.lastFailure),
    hasAnswered: left.hasAnswered || right.hasAnswered,
    askedMs: Math.max(left.askedMs, right.askedMs),
  };
}

function chooseParked(left: Parked | null, right: Parked | null): Parked | null {
  if (left === null || right === null) return left ?? right;
  return right.untilMs > left.untilMs ? right : left;
}

function chooseLater(left: PlaceState["lastFailure"], right: PlaceState["lastFailure"]): PlaceState["lastFailure"] {
  if (left === null || right === null) return left ?? right;
  return right.atMs > left.atMs ? right : left;
}

function print({ provider, account, model }: PlaceName): string {
  return JSON.stringify([provider, account, model]);
}

/** The same by another clock, which is so many milliseconds ahead. */
export function shiftPlace(place: PlaceState, byMs: number): PlaceState {
  const { figures, parked, keyParked, lastFailure, askedMs } = place;
  const shift = (atMs: number | null): number | null => (atMs === null ? null : atMs + byMs);
  return {
    ...place,
    figures: { ...figures, openSinceMs: shift(figures.openSinceMs), openUntilMs: shift(figures.openUntilMs) },
    parked: shiftParked(parked, byMs),
    keyParked: shiftParked(keyParked, byMs),
    lastFailure: lastFailure === null ? null : { ...lastFailure, atMs: lastFailure.atMs + byMs },
    askedMs: askedMs === 0 ? 0 : askedMs + byMs,
  };
}

export function shiftParked(parked: Parked | null, byMs: number): Parked | null {
  return parked === null ? null : { ...parked, sinceMs: parked.sinceMs + byMs, untilMs: parked.untilMs + byMs };
}

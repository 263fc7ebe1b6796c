// Why places are not asked at present, in words for whoever wanted them, and until when. Knows no choice; time is an argument.

import { GatewayError } from "../../ir/index.ts";
import type { ParkReason } from "./park.ts";
import type { Known, PlaceName } from "./place.ts";

/** Each by the name under which it was taken out. */
export function takenOut(places: readonly PlaceName[]): GatewayError {
  const names = [...new Set(places.map(nameTaken))];
  return new GatewayError({
    kind: "overloaded",
    code: "provider_out_of_service",
    message: `An operator took ${names.join(", ")} out of service for now. Choose a model of another provider, or ask the operator.`,
  });
}

function nameTaken({ provider, account, model }: PlaceName): string {
  const key = account === null ? "" : ` with the key "${account}"`;
  return model === null ? `${provider}${key}` : `the model "${model}" of ${provider}${key}`;
}

/** Places by all of their keys. */
export function resting(all: readonly Known[], nowMs: number): GatewayError {
  const ends = all.map((known) => findEnd(known, nowMs));
  const reasons = new Set(all.map((known) => `${known.name.provider} ${explainReason(known, nowMs)}`));
  return new GatewayError({
    kind: "overloaded",
    code: "provider_resting",
    message: `Nobody is asked at present: ${[...reasons].join(", ")}. Try again later, or choose a model of another provider.`,
    retryAfterMs: Math.max(1_000, Math.min(...ends) - nowMs),
  });
}

function findEnd({ breaker, park, keyPark }: Known, nowMs: number): number {
  const { openUntilMs } = breaker.figures(nowMs);
  return Math.max(openUntilMs ?? 0, park.parked()?.untilMs ?? 0, keyPark.parked()?.untilMs ?? 0);
}

const PARKED = {
  "daily-limit": "has given its key what it has for a day",
  "no-access": "does not let its key use this model",
  "out-of-quota": "has no quota left for its key",
  "rate-limited": "asked for a pause",
  revoked: "refused its key",
} as const satisfies Record<ParkReason, string>;

function explainReason({ breaker, park, keyPark, lastFailure }: Known, nowMs: number): string {
  const parked = keyPark.parked() ?? park.parked();
  if (parked !== null) return PARKED[parked.reason];
  const { failures, slow } = breaker.figures(nowMs);
  if (slow > failures) return "was too slow too often";
  return `failed too often${lastFailure === null ? "" : ` (${lastFailure.reason})`}`;
}

function nameReason({ park, keyPark, lastFailure }: Known): string {
  return keyPark.parked()?.reason ?? park.parked()?.reason ?? lastFailure?.reason ?? "slow";
}

export function nameObstacle(known: Known, isTakenOut: boolean): string {
  if (isTakenOut) return "an operator took it out of service";
  return `left alone at present: ${nameReason(known)}`;
}

// Why places are not asked at present, in words for whoever wanted them, and until when. Knows no choice; time is an argument.

import { GatewayError } from "../../ir/index.ts";
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
  const reasons = all.map(nameReason);
  const names = [...new Set(all.map(({ name }) => name.provider))];
  return new GatewayError({
    kind: "overloaded",
    code: "provider_resting",
    message: `${names.join(", ")} failed too often and is left alone for now (${[...new Set(reasons)].join(", ")}).`,
    retryAfterMs: Math.max(1_000, Math.min(...ends) - nowMs),
  });
}

function findEnd({ breaker, park, keyPark }: Known, nowMs: number): number {
  const { openUntilMs } = breaker.figures(nowMs);
  return Math.max(openUntilMs ?? 0, park.parked()?.untilMs ?? 0, keyPark.parked()?.untilMs ?? 0);
}

function nameReason({ park, keyPark, lastFailure }: Known): string {
  return keyPark.parked()?.reason ?? park.parked()?.reason ?? lastFailure?.reason ?? "slow";
}

export function nameObstacle(known: Known, isTakenOut: boolean): string {
  if (isTakenOut) return "an operator took it out of service";
  return `left alone at present: ${nameReason(known)}`;
}

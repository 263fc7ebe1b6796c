// What is not used for a while because it was told so: a key, or a key with one model. Then one call finds out. Time is an argument.

import type { GatewayError } from "../../ir/index.ts";
import { type KeyFault, findKeyFault } from "./key-fault.ts";

export type ParkReason = KeyFault | "rate-limited";

export interface ParkRules {
  revokedMs: number;
  quotaMs: number;
  /** What these grow to, doubled each time. */
  longestMs: number;
}

/** What a failure says of the key. */
export interface Verdict {
  reason: ParkReason;
  /** Only together with this model: others may be used. */
  isOfModel: boolean;
  /** How long, as the provider says. */
  askedMs: number | undefined;
}

export interface Parked {
  reason: ParkReason;
  sinceMs: number;
  untilMs: number;
}

export interface Park {
  adopt(rules: ParkRules): void;
  allows(nowMs: number): boolean;
  /** A call begins; true where it is the one that finds out. */
  begin(nowMs: number): boolean;
  /** It was refused. True where it was not parked before. */
  refuse(nowMs: number, verdict: Pick<Verdict, "askedMs" | "reason">): boolean;
  /** It answered; true where it was parked and is no more. A call that began before it was parked says nothing. */
  succeed(beganMs: number): boolean;
  /** A call ended that says nothing of the key. */
  end(wasTrial: boolean): void;
  /** As others found out. */
  parkUntil(nowMs: number, parked: Pick<Parked, "reason" | "untilMs">): void;
  /** Null where it may be used. */
  parked(): Parked | null;
  reset(): void;
}

/** A provider that asks for more is asked again all the same: an operator may have paid meanwhile. */
const LONGEST_ASKED_MS = 86_400_000;
const MOST_DOUBLINGS = 30;

/** Null where the key is not meant. */
export function judgeKey(failure: GatewayError): Verdict | null {
  const fault = findKeyFault(failure);
  const { retryAfterMs: askedMs, upstream } = failure;
  if (fault !== null) return { reason: fault, isOfModel: fault === "no-access" || fault === "daily-limit", askedMs };
  // Limits are counted for a key and a model. One that is over by now keeps nobody away.
  if (failure.kind !== "upstream_rejected" || upstream?.status !== 429 || !(askedMs !== undefined && askedMs > 0)) {
    return null;
  }
  return { reason: "rate-limited", isOfModel: true, askedMs };
}

export function createPark(first: ParkRules): Park {
  let rules = first;
  let parked: Parked | null = null;
  let refusals = 0;
  let isTried = false;
  let triedMs = 0;

  const chooseMs = ({ askedMs, reason }: Pick<Verdict, "askedMs" | "reason">): number => {
    if (askedMs !== undefined && askedMs > 0 && reason !== "revoked") return Math.min(askedMs, LONGEST_ASKED_MS);
    // A model that one request may not be asked for may be asked for by others.
    const leastMs = reason === "revoked" ? rules.revokedMs : rules.quotaMs;
    return Math.min(rules.longestMs, leastMs * 2 ** Math.min(refusals, MOST_DOUBLINGS));
  };

  const reset = (): void => {
    parked = null;
    refusals = 0;
    isTried = false;
  };

  return {
    adopt(next) {
      rules = next;
    },
    allows(nowMs) {
      if (parked === null) return true;
      if (nowMs < parked.untilMs) return false;
      if (parked.reason === "rate-limited") return true;
      // A trial that never ends keeps nobody away for good.
      return !isTried || nowMs - triedMs >= rules.longestMs;
    },
    begin(nowMs) {
      if (parked === null || nowMs < parked.untilMs || parked.reason === "rate-limited") return false;
      isTried = true;
      triedMs = nowMs;
      return true;
    },
    refuse(nowMs, verdict) {
      const untilMs = nowMs + chooseMs(verdict);
      // Calls that ran together say it together: that is one refusal.
      const isNews = parked === null || parked.reason !== verdict.reason || nowMs >= parked.untilMs;
      if (isNews && verdict.reason !== "rate-limited") refusals++;
      isTried = false;
      if (!isNews && parked !== null) {
        parked = {
          ...parked,
          untilMs: verdict.askedMs === undefined ? parked.untilMs : Math.max(parked.untilMs, untilMs),
        };
        return false;
      }
      parked = { reason: verdict.reason, sinceMs: parked?.sinceMs ?? nowMs, untilMs };
      return true;
    },
    succeed(beganMs) {
      if (parked === null || beganMs < parked.sinceMs) return false;
      reset();
      return true;
    },
    end(wasTrial) {
      if (wasTrial) isTried = false;
    },
    parkUntil(nowMs, { reason, untilMs }) {
      if (parked !== null && parked.untilMs >= untilMs) return;
      parked = { reason, sinceMs: parked?.sinceMs ?? nowMs, untilMs };
      refusals = Math.max(refusals, 1);
      isTried = false;
    },
    parked: () => parked,
    reset,
  };
}

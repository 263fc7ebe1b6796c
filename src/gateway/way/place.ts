// What is known of one place: a provider, with one of its models, by one of its keys. How busy it is, how fast, and whether it may be asked.
// Knows no other place and no format.

import type { GatewayError } from "../../ir/index.ts";
import { type Breaker, type BreakerFigures, type BreakerState, createBreaker } from "./breaker.ts";
import { type Load, createLoad } from "./load.ts";
import { type Park, type Parked, createPark, judgeKey } from "./park.ts";
import { judgeFailure } from "./retry.ts";
import type { PlaceRules } from "./rules.ts";

/** What a place is called. */
export interface PlaceName {
  provider: string;
  /** The label of a key; null where the provider has one only. */
  account: string | null;
  /** Null: the key itself, whatever the model. */
  model: string | null;
}

/** Whether the one stands for the other, too: null stands for all. */
export function covers(name: PlaceName, place: PlaceName): boolean {
  return (
    name.provider === place.provider &&
    (name.account === null || name.account === place.account) &&
    (name.model === null || name.model === place.model)
  );
}

/** Something that others may want to know. `forMs`: how long it holds; null: it is over. */
export interface Finding extends PlaceName {
  kind: "breaker" | "park";
  reason: string;
  forMs: number | null;
}

/** One call to a place. */
export interface Visit {
  /**
   * It is over; called once, later calls change nothing. `failure`: why it gave no answer, or not the whole of one. `firstOutputMs`: from the
   * call to its first output; null where there was none.
   */
  end(failure: GatewayError | null, firstOutputMs: number | null): void;
  /** It was not made after all. */
  drop(): void;
}

export interface Known {
  name: PlaceName;
  load: Load;
  breaker: Breaker;
  /** Of the key with this model, and of the key with all of them. */
  park: Park;
  keyPark: Park;
  lastFailure: { reason: string; atMs: number } | null;
  /** Whether it ever gave an answer. */
  hasAnswered: boolean;
  /** When it was asked last. */
  askedMs: number;
}

/** What people are shown of a place; times are those of the clock that stands never still. */
export interface PlaceState extends PlaceName {
  state: BreakerState;
  figures: BreakerFigures;
  parked: Parked | null;
  keyParked: Parked | null;
  inFlight: number;
  latencyMs: number;
  lastFailure: Known["lastFailure"];
  hasAnswered: boolean;
  askedMs: number;
}

const DECAY_MS = 10_000;

export function createKnown(name: PlaceName, rules: PlaceRules, keyPark: Park): Known {
  return {
    name,
    load: createLoad({ decayMs: DECAY_MS }),
    breaker: createBreaker(rules.breaker),
    park: createPark(rules.park),
    keyPark,
    lastFailure: null,
    hasAnswered: false,
    askedMs: 0,
  };
}

export function mayBeAsked({ breaker, park, keyPark }: Known, nowMs: number): boolean {
  return keyPark.allows(nowMs) && park.allows(nowMs) && breaker.allows(nowMs);
}

export function describeKnown(known: Known, nowMs: number): PlaceState {
  const { name, load, breaker, park, keyPark, lastFailure, hasAnswered, askedMs } = known;
  return {
    ...name,
    state: breaker.state(nowMs),
    figures: breaker.figures(nowMs),
    parked: park.parked(),
    keyParked: keyPark.parked(),
    inFlight: load.inFlight(),
    latencyMs: load.latencyMs(nowMs),
    lastFailure,
    hasAnswered,
    askedMs,
  };
}

interface Watch {
  clock: { monotonicMs(): number };
  note: (finding: Finding) => void;
}

export function visit(known: Known, { clock, note }: Watch): Visit {
  const { load, breaker, park, keyPark } = known;
  const startedMs = clock.monotonicMs();
  const trial = breaker.begin(startedMs);
  const parkTrial = park.begin(startedMs);
  const keyTrial = keyPark.begin(startedMs);
  load.begin(startedMs);
  known.askedMs = startedMs;
  let isOver = false;

  const judgeParks = (failure: GatewayError | null, nowMs: number): void => {
    const whole = { ...known.name, model: null };
    if (failure === null) {
      if (park.succeed(startedMs)) note({ kind: "park", ...known.name, reason: "", forMs: null });
      if (keyPark.succeed(startedMs)) note({ kind: "park", ...whole, reason: "", forMs: null });
      return;
    }
    const verdict = judgeKey(failure);
    park.end(parkTrial);
    keyPark.end(keyTrial);
    if (verdict === null) return;
    const { reason, isOfModel } = verdict;
    const own = isOfModel ? park : keyPark;
    if (!own.refuse(nowMs, verdict)) return;
    const forMs = (own.parked()?.untilMs ?? nowMs) - nowMs;
    note({ kind: "park", ...(isOfModel ? known.name : whole), reason, forMs });
  };

  const finish = (failure: GatewayError | null, firstOutputMs: number | null, isDropped: boolean): void => {
    if (isOver) return;
    isOver = true;
    const nowMs = clock.monotonicMs();
    const outcome = isDropped ? "neutral" : judgeEnd(failure);
    load.end(nowMs, firstOutputMs);
    if (outcome === "failure") load.fail(nowMs, nowMs - startedMs);
    if (isDropped) {
      park.end(parkTrial);
      keyPark.end(keyTrial);
    } else judgeParks(failure, nowMs);
    if (failure === null && !isDropped) known.hasAnswered = true;
    if (outcome === "failure" && failure !== null) known.lastFailure = { reason: nameFailure(failure), atMs: nowMs };
    const outputMs = firstOutputMs ?? nowMs - startedMs;
    if (!breaker.end(nowMs, outcome, { trial, outputMs })) return;
    const { openUntilMs } = breaker.figures(nowMs);
    const reason = outcome === "failure" ? (known.lastFailure?.reason ?? "") : "slow";
    note({
      kind: "breaker",
      ...known.name,
      reason: openUntilMs === null ? "" : reason,
      forMs: openUntilMs === null ? null : openUntilMs - nowMs,
    });
  };

  return {
    end: (failure, firstOutputMs) => finish(failure, firstOutputMs, false),
    drop: () => finish(null, null, true),
  };
}

/** What a call says of the place's health: one that refuses what no place would take is well. */
function judgeEnd(failure: GatewayError | null): "failure" | "neutral" | "success" {
  if (failure === null) return "success";
  if (failure.kind === "cancelled") return "neutral";
  const verdict = judgeFailure(failure);
  if (verdict === "again") return "failure";
  return verdict === "never" && failure.kind === "upstream_rejected" ? "success" : "neutral";
}

/** In words in which there is nothing of what was said: that may hold part of a key. */
function nameFailure({ kind, upstream }: GatewayError): string {
  return upstream === undefined || upstream.status === null ? kind : `HTTP ${upstream.status}`;
}

interface Look {
  name: PlaceName;
  keyPark: Park;
  places: readonly Known[];
  failure: GatewayError | null;
  nowMs: number;
  note: Watch["note"];
}

/**
 * A list that is given says that the key is taken again, and nothing of quota or models: whether these are well, requests find out. One that is
 * not says that a trial would be in vain.
 */
export function judgeLook({ name, keyPark, places, failure, nowMs, note }: Look): void {
  if (failure === null) {
    if (keyPark.parked()?.reason === "revoked" && keyPark.succeed(nowMs)) {
      note({ kind: "park", ...name, reason: "", forMs: null });
    }
    return;
  }
  const verdict = judgeKey(failure);
  if (verdict?.reason === "revoked") {
    const isNews = keyPark.refuse(nowMs, verdict);
    const forMs = (keyPark.parked()?.untilMs ?? nowMs) - nowMs;
    if (isNews) note({ kind: "park", ...name, reason: verdict.reason, forMs });
    return;
  }
  if (judgeEnd(failure) !== "failure") return;
  for (const { breaker } of places) {
    if (breaker.state(nowMs) !== "half-open") continue;
    const trial = breaker.begin(nowMs);
    breaker.end(nowMs, "failure", { trial, outputMs: 0 });
  }
}

// What this process knows of every place that can be asked, a provider with one of its models: how fast it answers, how much it has to do, and
// whether it is to be left alone for a while. Knows no format; what is known is lost with the process.

import type { GatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Breaker, type BreakerRules, createBreaker } from "./breaker.ts";
import { type Dice, type Strategy, orderCandidates } from "./choose.ts";
import { type Load, createLoad } from "./load.ts";
import { judgeFailure } from "./retry.ts";

/** A place, as far as it is chosen by. */
export interface Place {
  provider: { name: string };
  /** As the provider calls it. */
  model: string;
  weight: number;
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

export interface Choice<Each extends Place> {
  /** What led there: each of them takes turns of its own. */
  route: string;
  places: readonly [Each, ...Each[]];
  strategy: Strategy;
  stickTo: Dice["stickTo"];
  /** What this request would cost there, in nano-dollars; null where nobody knows. */
  costOf: (place: Each) => number | null;
}

export interface Fleet {
  /**
   * In the order in which they are to be asked; those that are left alone at present are left out. Where that would leave nobody, all of
   * them: one that fails is no worse than none.
   */
  order<Each extends Place>(choice: Choice<Each>): [Each, ...Each[]];
  visit(place: Place): Visit;
}

/** Fifteen seconds alone after five failures in a row, or where half of a window's calls failed. */
const BREAKER: BreakerRules = {
  windowMs: 30_000,
  consecutive: 5,
  failureShare: 0.5,
  slowShare: 1,
  slowMs: Number.POSITIVE_INFINITY,
  minimumCalls: 20,
  openMs: 15_000,
  longestMs: 120_000,
  trials: 2,
};

const DECAY_MS = 10_000;

/** Models' names come from outside: whoever sends many of them does not fill the memory. */
const MAX_PLACES = 4_096;

interface Known {
  load: Load;
  breaker: Breaker;
}

interface FleetInit {
  clock: Pick<Clock, "monotonicMs">;
  /** In [0, 1). */
  random: Dice["random"];
}

export function createFleet({ clock, random }: FleetInit): Fleet {
  const known = new Map<string, Known>();
  const turns = new Map<string, number>();
  const nextTurn = (route: string): number => {
    const turn = turns.get(route) ?? 0;
    if (turns.size >= MAX_PLACES) turns.clear();
    turns.set(route, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return turn;
  };
  const find = (place: Place): Known => {
    const name = nameOf(place);
    let found = known.get(name);
    if (found === undefined) {
      found = { load: createLoad({ decayMs: DECAY_MS }), breaker: createBreaker(BREAKER) };
      if (known.size >= MAX_PLACES) forgetIdle(known);
      known.set(name, found);
    }
    return found;
  };
  return {
    order({ route, places, strategy, stickTo, costOf }) {
      // The usual case is not made to pay for the others.
      if (places.length === 1) return [places[0]];
      const nowMs = clock.monotonicMs();
      const candidates = places.map((place) => {
        const { load, breaker } = find(place);
        return {
          place,
          name: nameOf(place),
          weight: place.weight,
          latencyMs: load.latencyMs(nowMs),
          inFlight: load.inFlight(),
          costNanos: costOf(place),
          isOpen: breaker.allows(nowMs),
        };
      });
      const open = candidates.filter(({ isOpen }) => isOpen);
      const dice = { random, turn: nextTurn(route), stickTo };
      const ordered = orderCandidates(strategy, open.length > 0 ? open : candidates, dice).map(({ place }) => place);
      const [first = places[0], ...others] = ordered;
      return [first, ...others];
    },
    visit(place) {
      const { load, breaker } = find(place);
      const startedMs = clock.monotonicMs();
      let isOver = false;
      load.begin();
      breaker.begin(startedMs);
      const end = (outcome: "failure" | "neutral" | "success", firstOutputMs: number | null): void => {
        if (isOver) return;
        isOver = true;
        const nowMs = clock.monotonicMs();
        load.end(nowMs, firstOutputMs);
        breaker.end(nowMs, outcome, nowMs - startedMs);
      };
      return {
        end: (failure, firstOutputMs) => end(judgeEnd(failure), firstOutputMs),
        drop: () => end("neutral", null),
      };
    },
  };
}

function nameOf({ provider, model }: Place): string {
  return `${provider.name}/${model}`;
}

/** What a call says of the place's health: one that refuses what no place would take is well. */
function judgeEnd(failure: GatewayError | null): "failure" | "neutral" | "success" {
  if (failure === null) return "success";
  if (failure.kind === "cancelled") return "neutral";
  const verdict = judgeFailure(failure);
  if (verdict === "again") return "failure";
  return verdict === "never" && failure.kind === "upstream_rejected" ? "success" : "neutral";
}

function forgetIdle(known: Map<string, Known>): void {
  for (const [name, { load }] of known) if (load.inFlight() === 0) known.delete(name);
}

// Which places are forgotten: models' names come from outside, so there is no end of them. Knows no choice.

import type { Known } from "./place.ts";

const MAX_PLACES = 4_096;
/** Beyond so many, those are forgotten that were not asked for so long and that nothing keeps from being asked; looked for so often at most. */
const FEW_PLACES = 200;
const UNASKED_MS = 30 * 60_000;
const LOOK_MS = 60_000;

/** Before another place is remembered; how many there are is looked at each time, what they are like now and then. */
export function createMakeRoom(startMs: number): (known: Map<string, Known>, nowMs: number) => void {
  let lookedMs = startMs;
  return (known, nowMs) => {
    if (known.size >= MAX_PLACES) forgetIdle(known, nowMs);
    if (known.size < FEW_PLACES || nowMs - lookedMs < LOOK_MS) return;
    lookedMs = nowMs;
    for (const [name, each] of known) {
      if (nowMs - each.askedMs > UNASKED_MS && isIdle(each) && mayBeForgotten(each, nowMs)) known.delete(name);
    }
  };
}

/** Those about which there is nothing to know first. */
function forgetIdle(known: Map<string, Known>, nowMs: number): void {
  const idle = [...known].filter(([, each]) => isIdle(each));
  const well = idle.filter(([, each]) => isWell(each, nowMs));
  for (const [name] of well.length > 0 ? well : idle) known.delete(name);
}

/** That it failed before that pause, nobody goes by any more. */
function mayBeForgotten({ breaker, park }: Known, nowMs: number): boolean {
  return breaker.state(nowMs) !== "open" && park.allows(nowMs);
}

function isIdle({ load }: Known): boolean {
  return load.inFlight() === 0;
}

function isWell({ breaker, park }: Known, nowMs: number): boolean {
  return breaker.state(nowMs) === "closed" && park.parked() === null;
}

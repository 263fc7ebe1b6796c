// Which target comes first, and which after it where it fails: pure, for the same figures and the same dice the same order. Knows no provider.

export const STRATEGIES = [
  "least-busy",
  "least-cost",
  "least-latency",
  "priority",
  "round-robin",
  "sticky",
  "weighted",
] as const;

export type Strategy = (typeof STRATEGIES)[number];

/** What is known of a target at the moment of choice. */
export interface Candidate {
  /** Unique in its route, and the same from call to call. */
  name: string;
  weight: number;
  /** Peak EWMA; 0 where nothing is known. */
  latencyMs: number;
  inFlight: number;
  /** Of this very request, in nano-dollars; null where the price is unknown. */
  costNanos: number | null;
}

export interface Dice {
  /** In [0, 1). */
  random(): number;
  /** Counts the choices of this route. */
  turn: number;
  /** What is to find the same target again: a hash of key, user or prompt prefix; empty where there is nothing. */
  stickTo: string;
}

/** All candidates, in the order in which they are to be tried. */
export function orderCandidates<Each extends Candidate>(
  strategy: Strategy,
  candidates: readonly Each[],
  dice: Dice,
): Each[] {
  switch (strategy) {
    case "priority":
      return [...candidates];
    case "round-robin":
      return rotate(candidates, dice.turn);
    case "weighted":
      return drawAll(candidates, dice);
    case "least-latency":
      return orderByTwoChoices(candidates, dice);
    case "least-busy":
      return candidates.toSorted((left, right) => left.inFlight / left.weight - right.inFlight / right.weight);
    case "least-cost":
      return candidates.toSorted((left, right) => compareCost(left.costNanos, right.costNanos));
    case "sticky":
      return orderByHash(candidates, dice.stickTo);
    default:
      return strategy satisfies never;
  }
}

function rotate<Each>(list: readonly Each[], turn: number): Each[] {
  const start = list.length === 0 ? 0 : turn % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Without putting back: each place by weight among those that are left. */
function drawAll<Each extends Candidate>(candidates: readonly Each[], { random }: Dice): Each[] {
  const left = [...candidates];
  const order: Each[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    let ticket = random() * total;
    const index = left.findIndex(({ weight }) => (ticket -= weight) < 0);
    order.push(...left.splice(index === -1 ? left.length - 1 : index, 1));
  }
  return order;
}

/** What one costs of which nothing is known while its first calls are under way: more than any answer takes. */
const UNKNOWN_MS = 600_000;

/**
 * The better of two that are drawn, so that the fastest is not run over by all at once; the rest by what they would take. A target of which
 * nothing is known counts as fast, for it is to be found out: by one call, and not by all that come until that is answered.
 */
function orderByTwoChoices<Each extends Candidate>(candidates: readonly Each[], dice: Dice): Each[] {
  const price = ({ latencyMs, inFlight }: Candidate): number =>
    (latencyMs === 0 && inFlight > 0 ? UNKNOWN_MS : latencyMs) * (inFlight + 1);
  const byPrice = (left: Each, right: Each): number => price(left) - price(right) || left.inFlight - right.inFlight;
  const [first, second, ...others] = drawAll(candidates, dice);
  if (first === undefined || second === undefined) return [...candidates];
  const pair = [first, second].sort(byPrice);
  return [...pair, ...others.sort(byPrice)];
}

function compareCost(left: number | null, right: number | null): number {
  // One whose price nobody knows may be the dearest.
  return (left ?? Number.POSITIVE_INFINITY) - (right ?? Number.POSITIVE_INFINITY) || 0;
}

/** Rendezvous hashing by weight: when a target goes, only those that it had move. */
function orderByHash<Each extends Candidate>(candidates: readonly Each[], stickTo: string): Each[] {
  const scored = candidates.map((candidate) => {
    const unit = (Number(Bun.hash(`${stickTo}\n${candidate.name}`) % 0x1_0000_0000n) + 1) / 0x1_0000_0002;
    return { candidate, score: -candidate.weight / Math.log(unit) };
  });
  return scored.toSorted((left, right) => right.score - left.score).map(({ candidate }) => candidate);
}

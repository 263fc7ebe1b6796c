// A circuit breaker: what failed too often is left alone for a while, then tried with a few calls. Knows no provider; time is an argument.

export type BreakerState = "closed" | "half-open" | "open";

export interface BreakerRules {
  /** Length of the window in which calls are counted. */
  windowMs: number;
  /** Opens after so many failures in a row. */
  consecutive: number;
  /** Or where of at least `minimumCalls` in the window this share failed. */
  failureShare: number;
  /** Or where this share was slower than `slowMs`. */
  slowShare: number;
  slowMs: number;
  minimumCalls: number;
  /** Stays open so long; doubled each time that a trial fails, up to `longestMs`. */
  openMs: number;
  longestMs: number;
  /** Calls that are let through at once while it is half open. */
  trials: number;
}

export interface Breaker {
  /** Whether a call may be made now; changes nothing. */
  allows(nowMs: number): boolean;
  /** A call begins: only where `allows` said so. */
  begin(nowMs: number): void;
  /** It ended; `neutral` where it says nothing about the target, such as a client that left. */
  end(nowMs: number, outcome: "failure" | "neutral" | "success", durationMs: number): void;
  state(nowMs: number): BreakerState;
  figures(nowMs: number): { calls: number; failures: number; slow: number; openUntilMs: number | null };
  reset(): void;
}

const BUCKETS = 10;

interface Bucket {
  slot: number;
  calls: number;
  failures: number;
  slow: number;
}

export function createBreaker(rules: BreakerRules): Breaker {
  const bucketMs = rules.windowMs / BUCKETS;
  let buckets: Bucket[] = [];
  let inARow = 0;
  let openUntilMs: number | null = null;
  let openings = 0;
  let running = 0;

  const sum = (nowMs: number): Omit<Bucket, "slot"> => {
    const oldest = Math.floor(nowMs / bucketMs) - BUCKETS;
    buckets = buckets.filter(({ slot }) => slot > oldest);
    const total = { calls: 0, failures: 0, slow: 0 };
    for (const bucket of buckets) {
      total.calls += bucket.calls;
      total.failures += bucket.failures;
      total.slow += bucket.slow;
    }
    return total;
  };

  const stateAt = (nowMs: number): BreakerState => {
    if (openUntilMs === null) return "closed";
    return nowMs < openUntilMs ? "open" : "half-open";
  };

  const open = (nowMs: number): void => {
    openUntilMs = nowMs + Math.min(rules.longestMs, rules.openMs * 2 ** openings);
    openings++;
    running = 0;
  };

  const close = (): void => {
    openUntilMs = null;
    openings = 0;
    inARow = 0;
    running = 0;
    buckets = [];
  };

  const count = (nowMs: number, isFailure: boolean, isSlow: boolean): void => {
    const slot = Math.floor(nowMs / bucketMs);
    let bucket = buckets.at(-1);
    if (bucket?.slot !== slot) {
      bucket = { slot, calls: 0, failures: 0, slow: 0 };
      buckets.push(bucket);
    }
    bucket.calls++;
    bucket.failures += Number(isFailure);
    bucket.slow += Number(isSlow);
    inARow = isFailure ? inARow + 1 : 0;
  };

  const isBad = (nowMs: number): boolean => {
    if (inARow >= rules.consecutive) return true;
    const { calls, failures, slow } = sum(nowMs);
    return calls >= rules.minimumCalls && (failures / calls >= rules.failureShare || slow / calls >= rules.slowShare);
  };

  return {
    allows(nowMs) {
      const state = stateAt(nowMs);
      return state === "closed" || (state === "half-open" && running < rules.trials);
    },
    begin(nowMs) {
      if (stateAt(nowMs) === "half-open") running++;
    },
    end(nowMs, outcome, durationMs) {
      const state = stateAt(nowMs);
      if (state === "half-open") {
        running = Math.max(0, running - 1);
        if (outcome === "failure") open(nowMs);
        if (outcome === "success") close();
        return;
      }
      // Calls that began before it opened say nothing new.
      if (state === "open" || outcome === "neutral") return;
      count(nowMs, outcome === "failure", durationMs > rules.slowMs);
      if (isBad(nowMs)) open(nowMs);
    },
    state: stateAt,
    figures: (nowMs) => ({ ...sum(nowMs), openUntilMs: stateAt(nowMs) === "closed" ? null : openUntilMs }),
    reset: close,
  };
}

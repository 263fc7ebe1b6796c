// A circuit breaker: what failed too often is left alone for a while, then tried with a few calls. Knows no provider; time is an argument.

export type BreakerState = "closed" | "half-open" | "open";

export interface BreakerRules {
  /** Length of the window in which calls are counted. */
  windowMs: number;
  /** Opens after so many failures in a row; Infinity: never. */
  consecutive: number;
  /** Or where of at least `minimumCalls` in the window this share failed; above 1: never. */
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

/** One call, from its beginning on. */
export interface Trial {
  /** How often it had changed when the call began: what began before says nothing of now. */
  era: number;
  isTrial: boolean;
}

export interface Breaker {
  /** Rules that hold from now on; what was counted by others is forgotten. */
  adopt(rules: BreakerRules): void;
  /** Whether a call may be made now; changes nothing. */
  allows(nowMs: number): boolean;
  /** A call begins, whether `allows` said so or nobody else was left to ask. */
  begin(nowMs: number): Trial;
  /** It ended; `neutral` where it says nothing about the target, such as a client that left. True where this opened or closed it. */
  end(nowMs: number, outcome: "failure" | "neutral" | "success", call: { trial: Trial; outputMs: number }): boolean;
  /** Opens it until then, whatever was counted here: others found out. */
  openUntil(nowMs: number, untilMs: number): void;
  state(nowMs: number): BreakerState;
  figures(nowMs: number): BreakerFigures;
  reset(): void;
}

export interface BreakerFigures {
  calls: number;
  failures: number;
  slow: number;
  /** Null while it is closed. */
  openSinceMs: number | null;
  openUntilMs: number | null;
}

const BUCKETS = 10;

interface Bucket {
  slot: number;
  calls: number;
  failures: number;
  slow: number;
}

export function createBreaker(first: BreakerRules): Breaker {
  let rules = first;
  let buckets: Bucket[] = [];
  let inARow = 0;
  let openSinceMs: number | null = null;
  let openUntilMs: number | null = null;
  let openings = 0;
  let era = 0;
  let running = 0;
  let lastTrialMs = 0;

  const slotOf = (nowMs: number): number => Math.floor(nowMs / (rules.windowMs / BUCKETS));

  const sum = (nowMs: number): Omit<Bucket, "slot"> => {
    const oldest = slotOf(nowMs) - BUCKETS;
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

  const openFor = (nowMs: number, untilMs: number): void => {
    openSinceMs ??= nowMs;
    openUntilMs = untilMs;
    openings++;
    era++;
    running = 0;
  };

  const open = (nowMs: number): void =>
    openFor(nowMs, nowMs + Math.min(rules.longestMs, rules.openMs * 2 ** Math.min(openings, MOST_DOUBLINGS)));

  const close = (): void => {
    openSinceMs = null;
    openUntilMs = null;
    openings = 0;
    era++;
    inARow = 0;
    running = 0;
    buckets = [];
  };

  const count = (nowMs: number, isFailure: boolean, isSlow: boolean): void => {
    const slot = slotOf(nowMs);
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
    adopt(next) {
      if (next === rules) return;
      rules = next;
      buckets = [];
      inARow = 0;
    },
    allows(nowMs) {
      const state = stateAt(nowMs);
      if (state !== "half-open") return state === "closed";
      // A trial that never ends keeps nobody away for good.
      return running < rules.trials || nowMs - lastTrialMs >= rules.longestMs;
    },
    begin(nowMs) {
      const isTrial = stateAt(nowMs) === "half-open";
      if (isTrial) {
        running++;
        lastTrialMs = nowMs;
      }
      return { era, isTrial };
    },
    end(nowMs, outcome, { trial, outputMs }) {
      // Calls that began before it opened or closed say nothing new.
      if (trial.era !== era) return false;
      if (trial.isTrial) running = Math.max(0, running - 1);
      const state = stateAt(nowMs);
      if (outcome === "neutral") return false;
      const isFailure = outcome === "failure";
      const isSlow = outputMs > rules.slowMs;
      if (state === "closed") {
        count(nowMs, isFailure, isSlow);
        if (!isBad(nowMs)) return false;
        open(nowMs);
        return true;
      }
      const isStillSlow = isSlow && rules.slowShare <= 1;
      // One that was asked as nobody else was left, and failed, changes nothing; where it was well, it is.
      if (isFailure || isStillSlow) {
        if (trial.isTrial) open(nowMs);
        return false;
      }
      close();
      return true;
    },
    openUntil(nowMs, untilMs) {
      if (openUntilMs !== null && openUntilMs >= untilMs) return;
      openFor(nowMs, untilMs);
    },
    state: stateAt,
    figures: (nowMs) => ({ ...sum(nowMs), openSinceMs, openUntilMs }),
    reset: close,
  };
}

/** Beyond, any time is longer than the longest. */
const MOST_DOUBLINGS = 30;

// How busy a target is and how fast it answers: what the choosing strategies go by. Knows no provider; time is an argument.

export interface Load {
  begin(nowMs: number): void;
  /** `firstOutputMs`: from the call to its first output; null where it gave none. */
  end(nowMs: number, firstOutputMs: number | null): void;
  /** One that has ended is the place's failure: it counts as at least five seconds where the fastest is looked for. */
  fail(nowMs: number, tookMs: number): void;
  inFlight(): number;
  /**
   * Peak EWMA in milliseconds: jumps up with a slow answer, sinks with time; 0 where nothing is known. A target that is not asked is forgotten
   * again, so it gets its chance: with one call, for what is known of it is remembered from the moment that a call begins.
   */
  latencyMs(nowMs: number): number;
  /** The same, its failures counted in. */
  rankMs(nowMs: number): number;
}

/** Whoever only fails, and does so fast, must not be taken for the fastest. */
const FAILED_MS = 5_000;

export function createLoad({ decayMs }: { decayMs: number }): Load {
  let inFlight = 0;
  let beganMs = 0;
  let average = 0;
  let updatedMs = 0;
  let failure = 0;
  let failedMs = 0;
  const sink = (ms: number, sinceMs: number, nowMs: number): number => {
    const fromMs = inFlight > 0 ? Math.max(sinceMs, beganMs) : sinceMs;
    return ms * Math.exp(-Math.max(0, nowMs - fromMs) / decayMs);
  };
  const latencyMs = (nowMs: number): number => sink(average, updatedMs, nowMs);
  return {
    begin(nowMs) {
      inFlight++;
      beganMs = nowMs;
    },
    end(nowMs, firstOutputMs) {
      inFlight = Math.max(0, inFlight - 1);
      if (firstOutputMs === null) return;
      const weight = Math.exp(-Math.max(0, nowMs - updatedMs) / decayMs);
      const mixed = average === 0 ? firstOutputMs : average * weight + firstOutputMs * (1 - weight);
      // A slow answer counts at once, a fast one lowers the average by its share only.
      average = Math.max(firstOutputMs, mixed);
      updatedMs = nowMs;
    },
    fail(nowMs, tookMs) {
      failure = Math.max(tookMs, FAILED_MS);
      failedMs = nowMs;
    },
    inFlight: () => inFlight,
    latencyMs,
    rankMs: (nowMs) => Math.max(latencyMs(nowMs), sink(failure, failedMs, nowMs)),
  };
}

// How often somebody has tried to get in, counted in windows of time. Knows no address and no door.

import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

export interface TryRule {
  name: string;
  /** Within a window. */
  most: number;
  windowS: number;
}

export interface Tried {
  /** With this try. */
  used: number;
  /** Until the window ends. */
  leftMs: number;
}

export interface Tries {
  /** Never rejects. */
  count(rule: TryRule, subject: string): Promise<Tried>;
  /** One that was counted was no guess. */
  forgive(rule: TryRule, subject: string): Promise<void>;
  stop(): void;
}

/** Of this process alone. */
export function createMemoryTries(): Tries {
  const limiters = new Map<string, RateLimiterMemory>();
  const find = ({ name, most: points, windowS: duration }: TryRule): RateLimiterMemory => {
    const known = limiters.get(name);
    if (known?.points === points && known.duration === duration) return known;
    const limiter = new RateLimiterMemory({ keyPrefix: name, points, duration });
    limiters.set(name, limiter);
    return limiter;
  };
  return {
    async count(rule, subject) {
      const found: unknown = await find(rule)
        .consume(subject)
        .catch((refused: unknown) => refused);
      if (!(found instanceof RateLimiterRes)) throw found;
      return { used: found.consumedPoints, leftMs: found.msBeforeNext };
    },
    async forgive(rule, subject) {
      await find(rule).reward(subject);
    },
    stop: () => undefined,
  };
}

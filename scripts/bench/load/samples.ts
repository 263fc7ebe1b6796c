// Very many times, and what they are like. Knows no unit.

import { percentile } from "../report/statistic.ts";
import type { Quantiles } from "./type.ts";

export interface Samples {
  add(value: number): void;
  /** Null where there are none. */
  quantiles(): Quantiles | null;
}

export function createSamples(): Samples {
  let values = new Float64Array(4_096);
  let count = 0;
  return {
    add(value) {
      if (count === values.length) {
        const grown = new Float64Array(count * 2);
        grown.set(values);
        values = grown;
      }
      values[count++] = value;
    },
    quantiles() {
      if (count === 0) return null;
      const sorted = values.slice(0, count).sort();
      const at = (share: number): number => percentile(sorted, share);
      return { count, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) };
    },
  };
}

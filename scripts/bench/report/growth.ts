// Whether what a request costs grows with how much there is: rounds by turns, each held against the smallest of its own turn. Pure.

import { type Spread, spread } from "./statistic.ts";

/** How much more is still the same: what two processes that are alike differ by on a machine that others use, too. */
export const BAND = 1.1;

export interface Growth {
  /** Of this many times as much. */
  name: string;
  /** Microseconds of all processors for a request. */
  cpuUs: Spread | null;
  /** Against the first, turn by turn. */
  ratio: Spread | null;
  /** The least of all turns against the least of the first: others who use the machine only ever add to what a request costs. */
  leastRatio: number;
  isConstant: boolean;
}

/** `sizes` in order, the smallest first; of each, what a request took in each turn. */
export function judgeGrowth(sizes: ReadonlyMap<string, readonly number[]>): Growth[] {
  const [base = []] = sizes.values();
  return [...sizes].map(([name, turns]) => {
    const ratio = spread(turns.map((us, turn) => us / (base[turn] ?? Number.NaN)));
    const leastRatio = Math.min(...turns) / Math.min(...base);
    return { name, cpuUs: spread(turns), ratio, leastRatio, isConstant: leastRatio <= BAND };
  });
}

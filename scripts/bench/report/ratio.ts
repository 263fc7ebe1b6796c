// What the gateway takes as a multiple of what a bare proxy takes, and whether that has grown. Pure.

import type { Report } from "./report.ts";
import { median } from "./statistic.ts";

/** By what is measured. */
export type Ratios = Readonly<Record<string, number>>;

/**
 * Beyond the first it is worth a look, beyond the second it is a failure. Both are wide: between two machines, or two releases of the runtime, the
 * proxy and the gateway do not change alike.
 */
export const BANDS = { warn: 1.15, fail: 1.6 } as const;

/** Of a request, and of an event where there are any: the middle of what the rounds say, each for itself. */
export function readRatios({ scenarios }: Pick<Report, "scenarios">): Ratios {
  return Object.fromEntries(
    scenarios.map(({ id, rounds }) => {
      const proxy = rounds["bun-proxy"] ?? [];
      const ratios = (rounds["tokligence"] ?? []).map(
        ({ cpuUs }, index) => cpuUs / (proxy[index]?.cpuUs ?? Number.NaN),
      );
      return [id, Number(median(ratios).toFixed(3))];
    }),
  );
}

export interface Judgement {
  /** What it was, in words. */
  before: string;
  said: string;
  isFar: boolean;
}

export function judgeRatio(now: number, previous: number | undefined): Judgement {
  if (Number.isNaN(now)) return { before: previous?.toFixed(2) ?? "", said: "nothing was measured", isFar: true };
  if (previous === undefined) return { before: "", said: "measured for the first time", isFar: false };
  const growth = now / previous;
  const before = previous.toFixed(2);
  const percent = `${growth >= 1 ? "+" : "−"}${Math.abs(Math.round((growth - 1) * 100))} %`;
  if (growth > BANDS.fail) return { before, said: `${percent}: fails beyond ${percentOf(BANDS.fail)}`, isFar: true };
  if (growth > BANDS.warn)
    return { before, said: `WARNING ${percent}: more than ${percentOf(BANDS.warn)}`, isFar: false };
  return { before, said: percent, isFar: false };
}

function percentOf(band: number): string {
  return `+${Math.round((band - 1) * 100)} %`;
}

// What the gateway takes as a multiple of what a bare proxy takes, and whether that has grown. Pure.

import type { Report } from "./report.ts";

/** By what is measured. */
export type Ratios = Readonly<Record<string, number>>;

/** What the next run is held against. */
export interface Previous {
  commit: string;
  ratios: Ratios;
}

/** Throws where it is no such file: of what nobody can read nothing is held against. */
export function readPrevious(text: string): Previous {
  const { commit, ratios } = parse(text);
  const isPositive = (value: unknown): boolean => Number.isFinite(value) && Number(value) > 0;
  if (typeof commit === "string" && isRecord(ratios) && Object.values(ratios).every(isPositive))
    return { commit, ratios: ratios as Ratios };
  throw new Error("The figures of before are to be a commit, and ratios above 0 by what was measured.");
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch (error) {
    throw new Error(`The figures of before are no JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Beyond the first it is worth a look, beyond the second it is a failure. Both are wide: between two machines, or two releases of the runtime, the
 * proxy and the gateway do not change alike.
 */
const BANDS = { warn: 1.15, fail: 1.6 } as const;

/** The least that a round says is what it costs where nothing else disturbs it. */
export function readRatios({ scenarios }: Pick<Report, "scenarios">): Ratios {
  return Object.fromEntries(
    scenarios.map(({ id, rounds }) => {
      const least = (name: string): number => Math.min(...(rounds[name] ?? []).map(({ cpuUs }) => cpuUs));
      return [id, Number((least("tokligence") / least("bun-proxy")).toFixed(3))];
    }),
  );
}

export interface Judgement {
  /** What it was, in words. */
  before: string;
  said: string;
  isFar: boolean;
}

/** On a machine that does other things meanwhile, whoever does more waits more: there it only warns. */
export function judgeRatio(now: number, previous: number | undefined, isQuiet: boolean): Judgement {
  if (!Number.isFinite(now)) return { before: previous?.toFixed(2) ?? "", said: "nothing was measured", isFar: true };
  if (previous === undefined) return { before: "", said: "measured for the first time", isFar: false };
  const growth = now / previous;
  const before = previous.toFixed(2);
  const percent = `${growth >= 1 ? "+" : "−"}${Math.abs(Math.round((growth - 1) * 100))} %`;
  if (growth > BANDS.fail && isQuiet)
    return { before, said: `${percent}: fails beyond ${percentOf(BANDS.fail)}`, isFar: true };
  if (growth > BANDS.warn)
    return { before, said: `WARNING ${percent}: more than ${percentOf(BANDS.warn)}`, isFar: false };
  return { before, said: percent, isFar: false };
}

function percentOf(band: number): string {
  return `+${Math.round((band - 1) * 100)} %`;
}

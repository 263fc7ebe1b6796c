// Of which sums there are sheets: those of owners and those with all that a report may ask for, which are many; and of quarters of an hour, of
// which no others are kept. Pure; knows no SQL.

import type { RollupRow, SheetPlace } from "./engine.ts";
import { type Level, LEVELS } from "./report-plan.ts";

const HOUR_MS = 3_600_000;

/** Coarse before fine. A report reads no more than some quarters. */
export const SHEET_LEVELS: readonly Level[] = LEVELS.filter(
  ({ cube, grainMs }) => cube === "all" || (cube === "owner" && grainMs >= HOUR_MS),
);

/** Made of rows: as sums in a table they would hardly be fewer. */
export const SHEET_QUARTER: Level = { name: "all.quarter", cube: "all", grainMs: 900_000 };

/** Sums of these name all times of which there are any. */
const FINEST = SHEET_LEVELS.at(-1);

/** Sheets of sums that change, each once. */
export function listStale(rows: readonly Pick<RollupRow, "level" | "startedAt">[]): SheetPlace[] {
  const grains = new Map(SHEET_LEVELS.map(({ name, grainMs }) => [name, grainMs]));
  const stale = new Map<string, SheetPlace>();
  for (const { level, startedAt } of rows) {
    const grainMs = grains.get(level);
    if (grainMs === undefined) continue;
    const fromMs = startedAt.getTime();
    const toMs = fromMs + grainMs;
    stale.set(`${level} ${fromMs}`, { level, fromMs, toMs });
    if (level === FINEST?.name) stale.set(`quarter ${fromMs}`, { level: SHEET_QUARTER.name, fromMs, toMs });
  }
  return [...stale.values()];
}

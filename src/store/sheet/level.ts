// Of which sums there are sheets: those of owners and those with all that a report may ask for, which are many; and series of quarters of an
// hour, which are read by time. Pure; knows no SQL.

import type { RollupRow, SheetPlace } from "../engine.ts";
import type { Cube, Level } from "../report/plan.ts";

export const QUARTER_MS = 900_000;
export const HOUR_MS = 4 * QUARTER_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Of how sheets are written, and found: those of another one are void. */
export const SHEET_FORMAT = 2;

/** Coarse before fine, to the hour, of which sums are kept in the database. Each is made of the next finer one. */
export const SHELF = {
  all: [
    { name: "all.days", cube: "all", grainMs: 5 * DAY_MS },
    { name: "all.day", cube: "all", grainMs: DAY_MS },
    { name: "all.hours", cube: "all", grainMs: 6 * HOUR_MS },
    { name: "all.hour", cube: "all", grainMs: HOUR_MS },
  ],
  owner: [
    { name: "owner.days", cube: "owner", grainMs: 5 * DAY_MS },
    { name: "owner.day", cube: "owner", grainMs: DAY_MS },
    { name: "owner.hours", cube: "owner", grainMs: 6 * HOUR_MS },
    { name: "owner.hour", cube: "owner", grainMs: HOUR_MS },
  ],
} as const satisfies Partial<Record<Cube, readonly Level[]>>;

/** Written as rows are summed up, a part for each piece of them: of these no other sums are kept. */
export const QUARTER: Level = { name: "all.quarter", cube: "all", grainMs: QUARTER_MS };

/** Likewise, but where each row is. */
export const ROWS = "rows.quarter";

/** All quarters, halves of hours, or hours of a day in one sheet: what is described alike lies side by side, so that few parts of it are read for one user. Fine before coarse. */
export const LINES: readonly Level[] = [
  { name: "all.line", cube: "all", grainMs: QUARTER_MS },
  { name: "tagged.line", cube: "tagged", grainMs: QUARTER_MS },
  { name: "tagged.halves", cube: "tagged", grainMs: 2 * QUARTER_MS },
  { name: "tagged.hours", cube: "tagged", grainMs: HOUR_MS },
  { name: "brief.line", cube: "brief", grainMs: QUARTER_MS },
];

/** There are such sums of each hour of which there are any. */
const HOURS = "total.hour";

/**
 * Sheets that are void once such sums are moved: of their hours, and of what these are a part of. Quarters are added to, unless what is
 * moved is no more than what older sums lack.
 */
export function listStale(rows: readonly Pick<RollupRow, "level" | "startedAt">[], isLacking: boolean): SheetPlace[] {
  const hours = new Set<number>();
  for (const { level, startedAt } of rows) if (level === HOURS) hours.add(startedAt.getTime());
  const stale = new Map<string, SheetPlace>();
  const add = (level: string, spanMs: number, atMs: number): void => {
    const fromMs = Math.floor(atMs / spanMs) * spanMs;
    stale.set(`${level} ${fromMs}`, { level, fromMs, toMs: fromMs + spanMs });
  };
  for (const hourMs of hours) {
    if (isLacking) for (const level of [QUARTER.name, ROWS]) add(level, HOUR_MS, hourMs);
    for (const { name, grainMs } of [...SHELF.all, ...SHELF.owner]) add(name, grainMs, hourMs);
    for (const { name } of LINES) add(name, DAY_MS, hourMs);
  }
  return [...stale.values()];
}

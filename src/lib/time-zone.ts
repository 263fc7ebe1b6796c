// Days of a time zone: which day a moment belongs to, and when a day begins. Knows no calendar but ours.

import { findZone } from "./zone.ts";

export interface TimeZone {
  name: string;
  /** `2026-01-31`. */
  dayOf(ms: number): string;
  /** Milliseconds of the first moment of a day. */
  startOf(day: string): number;
}

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
const MAX_REMEMBERED = 40_000;

/** By its IANA name. Null where there is no such zone. */
export function openTimeZone(name: string): TimeZone | null {
  const zone = findZone(name);
  if (zone === null) return null;
  // Every zone begins its days at a quarter of an hour, and asking the calendar is dear.
  const remembered = new Map<number, string>();
  const dayOf = (ms: number): string => {
    const quarter = Math.floor(ms / QUARTER_MS);
    let day = remembered.get(quarter);
    if (day === undefined) {
      const startMs = quarter * QUARTER_MS;
      day = new Date(startMs + zone.offsetAt(startMs)).toISOString().slice(0, 10);
      if (remembered.size >= MAX_REMEMBERED) remembered.clear();
      remembered.set(quarter, day);
    }
    return day;
  };
  return {
    name,
    dayOf,
    startOf(day) {
      // No zone is further from UTC than a day; the first quarter that belongs to the day begins it.
      let low = Date.parse(`${day}T00:00:00Z`) - DAY_MS;
      let high = low + 2 * DAY_MS;
      while (high - low > QUARTER_MS) {
        const middle = low + Math.floor((high - low) / 2 / QUARTER_MS) * QUARTER_MS;
        if (dayOf(middle) < day) low = middle;
        else high = middle;
      }
      return high;
    },
  };
}

/** The day after. */
export function nextDay(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
}

// The stretch of time that a budget counts in: from a moment, a period and a time zone to where it began and where it ends.
// Pure: the same moment always lies in the same window, whichever way a clock has jumped meanwhile. Knows no budget.

import { type Zone, findZone, startOf, startOfNext } from "../../lib/zone.ts";
import type { Period } from "./model.ts";

export interface Window {
  /** Epoch milliseconds; inclusive. */
  startMs: number;
  /** Exclusive; infinite for a lifetime. */
  endMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The first Monday since the epoch. */
const MONDAY_MS = 4 * DAY_MS;

const LIFETIME: Window = Object.freeze({ startMs: 0, endMs: Number.POSITIVE_INFINITY });

/** Answers the same object for as long as the moments lie in it, so that asking costs a comparison. Throws RangeError for an unknown zone. */
export function createWindowFinder(period: Period, timeZone: string): (atMs: number) => Window {
  const zone = openZone(timeZone);
  let last: Window | null = null;
  return (atMs) => {
    if (last !== null && atMs >= last.startMs && atMs < last.endMs) return last;
    last = findWindow(period, zone, atMs);
    return last;
  };
}

export function isTimeZone(name: string): boolean {
  return findZone(name) !== null;
}

function findWindow(period: Period, zone: Zone, atMs: number): Window {
  switch (period) {
    case "lifetime":
      return LIFETIME;
    case "minute":
      return floorMinute(atMs);
    case "hour": {
      // Zones lie half hours and quarters of one apart, and some move their clocks by half an hour.
      const startMs = startOf("hour", atMs, zone);
      return { startMs, endMs: startOfNext("hour", startMs, zone) };
    }
    case "day":
      return span(zone, localDay(zone, atMs), (day) => day + DAY_MS);
    case "week": {
      const day = localDay(zone, atMs);
      const sinceMonday = (((day - MONDAY_MS) % (7 * DAY_MS)) + 7 * DAY_MS) % (7 * DAY_MS);
      return span(zone, day - sinceMonday, (monday) => monday + 7 * DAY_MS);
    }
    case "month": {
      const date = new Date(localDay(zone, atMs));
      const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
      return span(zone, first, () => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
    }
    default:
      return period satisfies never;
  }
}

function floorMinute(atMs: number): Window {
  const startMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  return { startMs, endMs: startMs + MINUTE_MS };
}

function span(zone: Zone, firstDay: number, next: (day: number) => number): Window {
  return { startMs: startOfDay(zone, firstDay), endMs: startOfDay(zone, next(firstDay)) };
}

/** The date on the zone's calendar, as midnight UTC of that date. */
function localDay(zone: Zone, atMs: number): number {
  return Math.floor((atMs + zone.offsetAt(atMs)) / DAY_MS) * DAY_MS;
}

/**
 * The first moment of a date. Clocks change at midnight in some zones: then a date begins at one o'clock, or has its first hour twice,
 * and the earliest moment that bears the date is meant.
 */
function startOfDay(zone: Zone, day: number): number {
  const offsets = [zone.offsetAt(day - DAY_MS), zone.offsetAt(day + DAY_MS)];
  const moments = offsets.map((offset) => day - offset).toSorted((left, right) => left - right);
  // A date that a zone left out altogether begins where the next one does.
  return moments.find((moment) => localDay(zone, moment) === day) ?? moments.at(-1) ?? day;
}

function openZone(name: string): Zone {
  const zone = findZone(name);
  if (zone === null) throw new RangeError(`There is no time zone ${name}.`);
  return zone;
}

// Where a budget's windows begin and end: by the zone's own calendar, through changes of its clocks, and whichever way ours jumps.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PERIODS } from "../../../src/ledger/budget/model.ts";
import { createWindowFinder, isTimeZone } from "../../../src/ledger/budget/window.ts";

const HOUR = 3_600_000;

function find(period: (typeof PERIODS)[number], zone: string, at: string): { start: string; end: string } {
  const { startMs, endMs } = createWindowFinder(period, zone)(Date.parse(at));
  return { start: new Date(startMs).toISOString(), end: new Date(endMs).toISOString() };
}

describe("windows", () => {
  test.each([
    ["minute", "UTC", "2026-05-04T03:02:01Z", "2026-05-04T03:02:00.000Z", "2026-05-04T03:03:00.000Z"],
    ["hour", "UTC", "2026-05-04T03:02:01Z", "2026-05-04T03:00:00.000Z", "2026-05-04T04:00:00.000Z"],
    // Half an hour, and three quarters, from the next zone.
    ["hour", "Asia/Kolkata", "2026-05-04T03:02:01Z", "2026-05-04T02:30:00.000Z", "2026-05-04T03:30:00.000Z"],
    ["hour", "Asia/Kathmandu", "2026-05-04T03:02:01Z", "2026-05-04T02:15:00.000Z", "2026-05-04T03:15:00.000Z"],
    // The clock goes back from two to half past one, and forth from two to half past two.
    ["hour", "Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-04T14:00:00.000Z", "2026-04-04T15:00:00.000Z"],
    ["hour", "Australia/Lord_Howe", "2026-04-04T15:10:00Z", "2026-04-04T15:00:00.000Z", "2026-04-04T15:30:00.000Z"],
    ["hour", "Australia/Lord_Howe", "2026-10-03T15:10:00Z", "2026-10-03T14:30:00.000Z", "2026-10-03T15:30:00.000Z"],
    ["hour", "Australia/Lord_Howe", "2026-10-03T15:40:00Z", "2026-10-03T15:30:00.000Z", "2026-10-03T16:00:00.000Z"],
    ["day", "UTC", "2026-05-04T03:02:01Z", "2026-05-04T00:00:00.000Z", "2026-05-05T00:00:00.000Z"],
    ["day", "America/Los_Angeles", "2026-05-04T03:02:01Z", "2026-05-03T07:00:00.000Z", "2026-05-04T07:00:00.000Z"],
    // The last Sunday of March has 23 hours in Berlin, that of October 25.
    ["day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
    // The day begins at one o'clock, for its midnight was left out.
    ["day", "Asia/Beirut", "2026-03-29T12:00:00Z", "2026-03-28T22:00:00.000Z", "2026-03-29T21:00:00.000Z"],
    // Its first hour came twice.
    ["day", "America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00.000Z", "2026-11-02T05:00:00.000Z"],
    ["week", "UTC", "2026-05-10T23:59:59Z", "2026-05-04T00:00:00.000Z", "2026-05-11T00:00:00.000Z"],
    ["week", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-22T23:00:00.000Z", "2026-03-29T22:00:00.000Z"],
    ["month", "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"],
    ["month", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"],
    ["month", "Pacific/Kiritimati", "2026-01-31T11:00:00Z", "2026-01-31T10:00:00.000Z", "2026-02-28T10:00:00.000Z"],
  ] as const)("a %s in %s at %s", (period, zone, at, start, end) => {
    expect(find(period, zone, at)).toEqual({ start, end });
  });

  test("a lifetime is one window", () => {
    const finder = createWindowFinder("lifetime", "UTC");
    expect(finder(0)).toBe(finder(Date.parse("2126-01-01T00:00:00Z")));
  });

  test("every moment lies in its window, and windows meet without gap or overlap", () => {
    const zones = ["UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe"];
    fc.assert(
      fc.property(
        fc.constantFrom(...PERIODS.filter((period) => period !== "lifetime")),
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2040, 0, 1) }),
        (period, zone, atMs) => {
          const finder = createWindowFinder(period, zone);
          const window = finder(atMs);
          expect(atMs).toBeGreaterThanOrEqual(window.startMs);
          expect(atMs).toBeLessThan(window.endMs);
          expect(createWindowFinder(period, zone)(window.startMs)).toEqual(window);
          expect(createWindowFinder(period, zone)(window.endMs - 1)).toEqual(window);
          expect(finder(window.endMs).startMs).toBe(window.endMs);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("a clock that jumps there and back finds the window that it left", () => {
    const finder = createWindowFinder("day", "Europe/Berlin");
    const atMs = Date.parse("2026-10-25T12:00:00Z");
    const before = finder(atMs);
    expect(finder(atMs + 40 * 24 * HOUR)).not.toEqual(before);
    expect(finder(atMs - 1)).toEqual(before);
  });

  test("a zone is known or not", () => {
    expect(["UTC", "Europe/Berlin", "Mars/Olympus", ""].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});

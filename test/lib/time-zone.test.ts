// Days of time zones, over changes of the clock and at odd offsets.

import { expect, test } from "bun:test";
import { nextDay, openTimeZone } from "../../src/lib/time-zone.ts";

test.each([
  ["UTC", "2026-01-31", "2026-01-31T00:00:00Z"],
  ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z"],
  ["Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00Z"],
  ["America/Los_Angeles", "2026-11-01", "2026-11-01T07:00:00Z"],
  ["America/Los_Angeles", "2026-11-02", "2026-11-02T08:00:00Z"],
  ["Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"],
  ["Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"],
])("in %s, %s begins at %s", (name, day, start) => {
  const zone = openTimeZone(name);
  const ms = Date.parse(start);
  expect(zone?.startOf(day)).toBe(ms);
  expect([zone?.dayOf(ms), zone?.dayOf(ms - 1)]).toEqual([
    day,
    new Date(Date.parse(day) - 1).toISOString().slice(0, 10),
  ]);
});

test("the day after, over months and years", () => {
  expect([nextDay("2026-01-31"), nextDay("2026-12-31"), nextDay("2028-02-28")]).toEqual([
    "2026-02-01",
    "2027-01-01",
    "2028-02-29",
  ]);
  expect(openTimeZone("Mars/Olympus")).toBeNull();
});

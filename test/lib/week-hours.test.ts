// Hours of the week: how they are written, where a span begins and ends, and what the zone makes of it.

import { describe, expect, test } from "bun:test";
import { isWithin, parseWeekHours } from "../../src/lib/week-hours.ts";
import { UTC, findZone } from "../../src/lib/zone.ts";

const holds = (text: string, moment: string, zone = UTC): boolean =>
  isWithin(parseWeekHours(text) ?? [], Date.parse(moment), zone);

describe("hours of the week", () => {
  // 2026-01-05 was a Monday.
  test.each([
    ["mon-fri 08:00-18:00", "2026-01-05T08:00:00Z", true],
    ["mon-fri 08:00-18:00", "2026-01-05T18:00:00Z", false],
    ["mon-fri 08:00-18:00", "2026-01-05T07:59:59Z", false],
    ["mon-fri 08:00-18:00", "2026-01-04T10:00:00Z", false],
    ["sat", "2026-01-10T23:59:59Z", true],
    ["sat-mon", "2026-01-05T12:00:00Z", true],
    ["sat-mon", "2026-01-06T12:00:00Z", false],
    ["22:00-06:00", "2026-01-05T23:00:00Z", true],
    ["22:00-06:00", "2026-01-05T05:59:00Z", true],
    ["22:00-06:00", "2026-01-05T06:00:00Z", false],
    ["fri 22:00-02:00", "2026-01-10T01:30:00Z", true],
    ["fri 22:00-02:00", "2026-01-09T01:30:00Z", false],
    ["sun 22:00-02:00", "2026-01-05T01:30:00Z", true],
    ["mon 09:00-10:00, WED 11:00-24:00", "2026-01-07T23:59:00Z", true],
  ])("%s at %s: %p", (text, moment, expected) => {
    expect(holds(text, moment)).toBe(expected);
  });

  test("are those of the zone's wall clock, in summer too", () => {
    const zone = findZone("Europe/Berlin") ?? UTC;
    expect(holds("08:00-09:00", "2026-01-05T07:30:00Z", zone)).toBe(true);
    expect(holds("08:00-09:00", "2026-07-06T07:30:00Z", zone)).toBe(false);
    expect(holds("08:00-09:00", "2026-07-06T06:30:00Z", zone)).toBe(true);
    expect(holds("tue 00:00-01:00", "2026-07-06T22:30:00Z", zone)).toBe(true);
  });

  test.each(["", "monday", "mon 8", "25:00-26:00", "08:60-09:00", "mon-tue-wed", "mon 08:00-09:00 CET", "08:00"])(
    "%p cannot be read",
    (text) => {
      expect(parseWeekHours(text)).toBeNull();
    },
  );
});

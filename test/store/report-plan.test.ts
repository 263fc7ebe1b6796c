// The plan of a report: kept sums and rows together are all that was asked for, each moment once, and no sum lies in two stretches.

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { layEdges, type LedgerFilter, type ReportQuery } from "../../src/ledger/index.ts";
import { type Bucket, BUCKETS, findZone, UTC } from "../../src/lib/zone.ts";
import { LEVELS, type Part, planReport, type Range } from "../../src/store/report/plan.ts";

const SEED = 5;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AT_MS = Date.UTC(2026, 2, 1);
const ZONES = [
  "UTC",
  "Europe/Berlin",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Africa/Monrovia",
  "America/Los_Angeles",
];

const lay = (bucket: Bucket, zone: string, fromMs: number, toMs: number): ReportQuery => {
  const filter = { from: new Date(fromMs), to: new Date(toMs) };
  return { filter, by: [], edges: layEdges({ filter, bucket, zone: findZone(zone) ?? UTC, nowMs: toMs }) };
};

/** One range a kept sum. */
function listSums({ level, range, except, only }: Part): Range[] {
  const starts =
    only ??
    Array.from(
      { length: (range.toMs - range.fromMs) / level.grainMs },
      (_, index) => range.fromMs + index * level.grainMs,
    );
  const left = new Set(except);
  return starts.filter((start) => !left.has(start)).map((fromMs) => ({ fromMs, toMs: fromMs + level.grainMs }));
}

function expectWhole(query: ReportQuery): void {
  const { parts, rows, whole, pieceMs } = planReport(query);
  const pieces = [...parts.flatMap(listSums), ...rows].toSorted((left, right) => left.fromMs - right.fromMs);
  expect(whole).toEqual({ fromMs: query.filter.from?.getTime() ?? 0, toMs: query.filter.to?.getTime() ?? 0 });
  expect(pieces[0]?.fromMs).toBe(whole?.fromMs ?? 0);
  expect(pieces.at(-1)?.toMs).toBe(whole?.toMs ?? 0);
  for (const [index, { fromMs }] of pieces.slice(1).entries()) expect(fromMs).toBe(pieces[index]?.toMs ?? 0);
  const inner = query.edges.slice(1, -1);
  for (const { fromMs, toMs } of parts.flatMap(listSums))
    expect(inner.some((edge) => edge > fromMs && edge < toMs)).toBeFalse();
  for (const edge of inner) expect(edge % (pieceMs ?? 1)).toBe(0);
}

describe("a plan", () => {
  test("covers every moment once, whatever is asked", () => {
    const filters: Partial<LedgerFilter>[] = [{}, { userId: "u" }, { tags: ["a"] }, { userId: "u", model: "m" }];
    fc.assert(
      fc.property(
        fc.constantFrom(...BUCKETS),
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 1, max: 40 * DAY_MS }),
        fc.constantFrom(...filters),
        fc.boolean(),
        (bucket, zone, startMinute, lengthMs, more, isCut) => {
          const fromMs = AT_MS + startMinute * 60_000;
          const query = lay(bucket, zone, fromMs, fromMs + lengthMs);
          expectWhole({ ...query, filter: { ...query.filter, ...more }, edges: isCut ? query.edges : [] });
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("reads few sums where a zone's days begin in the middle of an hour", () => {
    const { parts, rows } = planReport(lay("day", "Asia/Kolkata", AT_MS, AT_MS + 30 * DAY_MS));
    expect(rows).toEqual([]);
    expect(parts.map((part) => [part.level.name, listSums(part).length])).toEqual([
      ["total.hour", 30 * 23],
      ["total.quarter", 30 * 4],
    ]);
  });

  test("reads days where months of a zone are asked for", () => {
    const { parts } = planReport(lay("month", "Europe/Berlin", Date.UTC(2025, 0, 1), Date.UTC(2026, 0, 1)));
    const counts = new Map(parts.map((part) => [part.level.name, listSums(part).length]));
    expect(counts.get("total.day")).toBeGreaterThan(350);
    expect(counts.get("total.hour")).toBeLessThan(300);
  });

  test("reads few sums and fewer rows of a month that begins and ends anywhere", () => {
    for (let shift = 0; shift < 5 * DAY_MS; shift += 1_234_567) {
      const filter = { from: new Date(AT_MS + shift), to: new Date(AT_MS + shift + 30 * DAY_MS) };
      const { parts, rows } = planReport({ filter, by: ["tag"], edges: [] });
      expect(parts.flatMap(listSums).length).toBeLessThanOrEqual(80);
      const rest = rows.reduce((total, { fromMs, toMs }) => total + toMs - fromMs, 0);
      expect(rest).toBeLessThanOrEqual(30 * 60_000);
    }
  });

  test("reads rows alone where the zone's clock is of no use for sums", () => {
    const from = Date.UTC(1971, 0, 1);
    const query = lay("hour", "Africa/Monrovia", from, from + 10 * DAY_MS);
    expect(planReport(query)).toMatchObject({ parts: [], rows: [{ fromMs: from, toMs: from + 10 * DAY_MS }] });
  });

  test("asks for nothing where nothing is asked for", () => {
    const filter = { from: new Date(AT_MS), to: new Date(AT_MS) };
    expect(planReport({ filter, by: [], edges: [] })).toMatchObject({ whole: null, parts: [], rows: [] });
  });

  test("knows each level by a name of its own", () => {
    expect(new Set(LEVELS.map(({ name }) => name)).size).toBe(LEVELS.length);
  });
});

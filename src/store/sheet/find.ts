// Where rows are that a filter lets through, the newest first: first by days, in which quarters of an hour there are some, then which they are.
// Knows no SQL.

import type { LedgerFilter } from "../../ledger/index.ts";
import type { Db, Engine, PackedPart, PartRef } from "../engine.ts";
import type { Range } from "../report/plan.ts";
import { intersect } from "../report/range.ts";
import type { RowPlace } from "../row-read.ts";
import { listPassing } from "./filter.ts";
import { DAY_MS, LINES, QUARTER_MS, ROWS } from "./level.ts";
import { findBefore, listTimes } from "./missing.ts";
import { findPlaces } from "./place.ts";
import { listWanted, mayHold } from "./sign.ts";
import { openSheet } from "./sheet.ts";

export type RowRef = Omit<RowPlace, "group">;

export interface FoundRows {
  rows: RowRef[];
  /** Where rows must be looked through. */
  ranges: Range[];
}

interface Ask {
  filter: LedgerFilter;
  range: Range;
}

/** As many quarters are read at once. */
const AT_ONCE = 8;

/** Each turn is of an older time than the one before. */
export async function* walkRows(engine: Engine, db: Db, { filter, range }: Ask): AsyncGenerator<FoundRows, void> {
  const wanted = listWanted(filter);
  for (let endMs = range.toMs; ;) {
    const newestMs = await findBefore(engine, db, endMs);
    if (newestMs === null || newestMs + QUARTER_MS <= range.fromMs) return;
    const dayMs = newestMs - (newestMs % DAY_MS);
    const day = { fromMs: dayMs, toMs: Math.min(endMs, dayMs + DAY_MS) };
    const quarters = (await listQuarters(engine, db, { filter, dayMs })).filter((startMs) => startMs < endMs);
    const there = groupParts(await engine.sheets.listSigned(db, { level: ROWS, fromMs: dayMs, toMs: dayMs + DAY_MS }));
    const some = quarters.toReversed();
    for (let at = 0; at < some.length; at += AT_ONCE) {
      const found = { rows: [] as RowRef[], ranges: [] as Range[] };
      const own = some.slice(at, at + AT_ONCE);
      const lacking = own.filter((startMs) => !there.has(startMs));
      for (const fromMs of lacking) found.ranges.push(...intersect([range], [{ fromMs, toMs: fromMs + QUARTER_MS }]));
      const parts = own.flatMap((startMs) => (there.get(startMs) ?? []).filter(({ sign }) => mayHold(sign, wanted)));
      for await (const { startMs, body } of engine.sheets.read(db, ROWS, parts))
        for (const row of findPlaces(body, startMs, filter))
          if (row.atMs >= range.fromMs && row.atMs < range.toMs) found.rows.push(row);
      yield found;
    }
    endMs = day.fromMs;
  }
}

function groupParts<Part extends PartRef>(parts: readonly Part[]): Map<number, Part[]> {
  return Map.groupBy(parts, ({ startMs }) => startMs);
}

/** Quarters of the day that may have some, in order. */
async function listQuarters(
  engine: Engine,
  db: Db,
  { filter, dayMs }: { filter: LedgerFilter; dayMs: number },
): Promise<number[]> {
  const day = { fromMs: dayMs, toMs: dayMs + DAY_MS };
  const level = nameLine(filter);
  const parts = await engine.sheets.listSigned(db, { level, fromMs: dayMs, toMs: dayMs + 1 });
  if (parts.length === 0) return listTimes(engine, db, "total.quarter", day);
  return [...(await readLine(engine, db, { level, parts, filter }))].toSorted((left, right) => left - right);
}

interface Line {
  level: string;
  parts: readonly (PartRef & Pick<PackedPart, "sign">)[];
  filter: LedgerFilter;
}

async function readLine({ sheets }: Engine, db: Db, { level, parts, filter }: Line): Promise<Set<number>> {
  const wanted = listWanted(filter);
  const own = parts.filter(({ sign }) => mayHold(sign, wanted));
  const found = new Set<number>();
  for await (const { startMs, body } of sheets.read(db, level, own)) {
    const sheet = openSheet(body);
    for (const row of listPassing(sheet, filter)) found.add(startMs + (sheet.moments?.[row] ?? 0) * QUARTER_MS);
  }
  return found;
}

/** The smallest that knows what is asked for. */
function nameLine({ userId, apiKeyId, tags = [] }: LedgerFilter): string {
  const cube = userId !== undefined || apiKeyId !== undefined ? "all" : tags.length > 0 ? "tagged" : "brief";
  return LINES.find((line) => line.cube === cube && line.grainMs === QUARTER_MS)?.name ?? "";
}

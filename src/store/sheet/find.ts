// Where rows are that a filter lets through, the newest or the oldest first: first by days, in which quarters of an hour there are some, then which they are.
// Knows no SQL.

import type { LedgerFilter } from "../../ledger/index.ts";
import type { Db, Engine, PackedPart, PartRef } from "../engine.ts";
import type { Range } from "../report/plan.ts";
import { intersect } from "../report/range.ts";
import type { RowPlace } from "../row-read.ts";
import { listPassing } from "./filter.ts";
import { DAY_MS, LINES, QUARTER_MS, ROWS } from "./level.ts";
import { findBefore, findFrom, listTimes } from "./missing.ts";
import { findPlaces } from "./place.ts";
import { listWanted, mayHold } from "./sign.ts";
import { openSheet } from "./sheet.ts";

export type RowRef = Omit<RowPlace, "group">;

export interface FoundRows {
  rows: RowRef[];
  /** Where rows must be looked through. */
  ranges: Range[];
}

export type Order = "newest" | "oldest";

interface Ask {
  filter: LedgerFilter;
  range: Range;
  /** What comes first. */
  order: Order;
}

/** As much is read at once, at most: each time twice as much, for the first may be enough. */
const MOST_AT_ONCE = { quarters: 16, days: 8 };

/** Each turn is of a time behind that of the one before. */
export async function* walkRows(
  engine: Engine,
  db: Db,
  { filter, range, order }: Ask,
): AsyncGenerator<FoundRows, void> {
  const { quarters: mostQuarters, days: mostDays } = MOST_AT_ONCE;
  let left = range;
  let atOnce = 1;
  for (let count = 1; ; count = Math.min(mostDays, count * 2)) {
    const nextMs = await findNext(engine, db, left, order);
    if (nextMs === null) return;
    const days = pickDays(left, { nextMs, count, order });
    const quarters = (await listQuarters(engine, db, { filter, days })).filter(
      (startMs) => startMs < left.toMs && startMs + QUARTER_MS > left.fromMs,
    );
    const some = order === "newest" ? quarters.toReversed() : quarters;
    for (let at = 0; at < some.length;) {
      yield await readQuarters(engine, db, { filter, range, own: some.slice(at, at + atOnce) });
      at += atOnce;
      atOnce = Math.min(mostQuarters, atOnce * 2);
    }
    left = order === "newest" ? { ...left, toMs: days.fromMs } : { ...left, fromMs: days.toMs };
  }
}

/** Whole days from that moment on, or back from it. */
function pickDays(left: Range, { nextMs, count, order }: { nextMs: number; count: number; order: Order }): Range {
  const dayMs = nextMs - (nextMs % DAY_MS);
  if (order === "oldest")
    return { fromMs: dayMs, toMs: Math.min(dayMs + count * DAY_MS, Math.ceil(left.toMs / DAY_MS) * DAY_MS) };
  const fromMs = Math.max(dayMs - (count - 1) * DAY_MS, Math.floor(left.fromMs / DAY_MS) * DAY_MS);
  return { fromMs: Math.min(fromMs, dayMs), toMs: dayMs + DAY_MS };
}

/** The first quarter of an hour of that time of which there are sums. */
async function findNext(engine: Engine, db: Db, { fromMs, toMs }: Range, order: Order): Promise<number | null> {
  const startMs = order === "newest" ? await findBefore(engine, db, toMs) : await findFrom(engine, db, fromMs);
  return startMs === null || startMs >= toMs || startMs + QUARTER_MS <= fromMs ? null : startMs;
}

interface Turn {
  filter: LedgerFilter;
  range: Range;
  /** When its quarters begin. */
  own: readonly number[];
}

async function readQuarters(engine: Engine, db: Db, { filter, range, own }: Turn): Promise<FoundRows> {
  const found = { rows: [] as RowRef[], ranges: [] as Range[] };
  const signed: Awaited<ReturnType<Engine["sheets"]["listSigned"]>> = [];
  for (const near of joinNear(own)) signed.push(...(await engine.sheets.listSigned(db, { level: ROWS, ...near })));
  const there = groupParts(signed);
  for (const startMs of own)
    if (!there.has(startMs))
      found.ranges.push(...intersect([range], [{ fromMs: startMs, toMs: startMs + QUARTER_MS }]));
  const wanted = listWanted(filter);
  const parts = own.flatMap((startMs) => (there.get(startMs) ?? []).filter(({ sign }) => mayHold(sign, wanted)));
  for await (const { startMs, body } of engine.sheets.read(db, ROWS, parts))
    for (const row of findPlaces(body, startMs, filter))
      if (row.atMs >= range.fromMs && row.atMs < range.toMs) found.rows.push(row);
  return found;
}

/** What lies between two quarters is listed along with them where that is no more than so long: another question costs more. */
const GAP_MS = 4 * QUARTER_MS;

function joinNear(starts: readonly number[]): Range[] {
  const joined: Range[] = [];
  for (const fromMs of starts.toSorted((left, right) => left - right)) {
    const last = joined.at(-1);
    if (last !== undefined && fromMs - last.toMs <= GAP_MS) last.toMs = fromMs + QUARTER_MS;
    else joined.push({ fromMs, toMs: fromMs + QUARTER_MS });
  }
  return joined;
}

function groupParts<Part extends PartRef>(parts: readonly Part[]): Map<number, Part[]> {
  return Map.groupBy(parts, ({ startMs }) => startMs);
}

/** Quarters of those days that may have some, in order. */
async function listQuarters(
  engine: Engine,
  db: Db,
  { filter, days }: { filter: LedgerFilter; days: Range },
): Promise<number[]> {
  const level = nameLine(filter);
  const parts = await engine.sheets.listSigned(db, { level, ...days });
  const found = await readLine(engine, db, { level, parts, filter });
  const there = new Set(parts.map(({ startMs }) => startMs));
  if (there.size * DAY_MS < days.toMs - days.fromMs)
    for (const startMs of await listTimes(engine, db, "total.quarter", days))
      if (!there.has(startMs - (startMs % DAY_MS))) found.add(startMs);
  return [...found].toSorted((left, right) => left - right);
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

// What sheets answer of a report, and what they leave to sums and rows of the database. Knows no SQL.

import type { ReportQuery } from "../ledger/index.ts";
import type { Db, Engine, SheetShelf } from "./engine.ts";
import type { Piece } from "./report-piece.ts";
import type { Part, Plan, Range } from "./report-plan.ts";
import { openSheet } from "./sheet.ts";
import { SHEET_LEVELS, SHEET_QUARTER } from "./sheet-level.ts";
import { createTally, type Tally } from "./sheet-tally.ts";

/** What is left of a plan. */
export interface Rest {
  pieces: Piece[];
  parts: Part[];
  /** The plan's own where sheets have none of them. */
  rows: readonly Range[];
}

interface Question {
  query: ReportQuery;
  plan: Plan;
}

/** Sums are named one by one up to this many; and rows are read of so many ranges. */
const [MAX_NAMED, MAX_RANGES] = [500, 100];

export async function readSheets(engine: Engine, db: Db, { query, plan }: Question): Promise<Rest> {
  const { sheets } = engine;
  const rest: Rest = { pieces: [], parts: plan.parts, rows: plan.rows };
  if (sheets === null || !(await mayAnswer(sheets, db, { query, plan }))) return rest;
  const tally = createTally(query);
  const reading = { sheets, db, tally, isTimed: plan.pieceMs !== null };
  rest.parts = [];
  for (const part of plan.parts) {
    if (isSheeted(part, query)) rest.parts.push(...(await readPart(reading, part)));
    else rest.parts.push(part);
  }
  // A quarter must not lie in two stretches.
  if (plan.pieceMs === null || plan.pieceMs === SHEET_QUARTER.grainMs)
    rest.rows = await readQuarters(reading, plan.rows);
  rest.pieces = tally.pieces();
  return rest;
}

async function mayAnswer(sheets: SheetShelf, db: Db, { query, plan }: Question): Promise<boolean> {
  const isAsked =
    plan.parts.some((part) => isSheeted(part, query)) || plan.rows.some((range) => toQuarters(range) !== null);
  return isAsked && sheets.areValid(db);
}

/** Sums of one owner are few, and found by an index. */
function isSheeted({ level }: Part, { filter }: ReportQuery): boolean {
  return SHEET_LEVELS.includes(level) && filter.userId === undefined && filter.apiKeyId === undefined;
}

interface Reading {
  sheets: SheetShelf;
  db: Db;
  tally: Tally;
  isTimed: boolean;
}

async function addAll(
  { sheets, db, tally, isTimed }: Reading,
  level: string,
  starts: readonly number[],
): Promise<void> {
  for await (const { startMs, body } of sheets.read(db, level, starts))
    tally.add(openSheet(body), isTimed ? startMs : 0);
}

/** Answers what is left of the part. */
async function readPart(reading: Reading, part: Part): Promise<Part[]> {
  const { sheets, db } = reading;
  const place = { level: part.level.name, ...part.range };
  const except = new Set(part.except);
  const only = part.only === null ? null : new Set(part.only);
  const isOurs = (startMs: number): boolean => !except.has(startMs) && (only === null || only.has(startMs));
  const there = (await sheets.list(db, place)).filter(isOurs);
  const isThere = new Set(there);
  const span = (part.range.toMs - part.range.fromMs) / part.level.grainMs;
  const isComplete = there.length >= (part.only?.length ?? span - part.except.length);
  const sums = isComplete ? [] : await sheets.listSums(db, place);
  const missing = sums.filter((startMs) => isOurs(startMs) && !isThere.has(startMs));
  // Hardly any: they are being made.
  if (missing.length > MAX_NAMED) return [part];
  await addAll(reading, part.level.name, there);
  return missing.length === 0 ? [] : [{ ...part, except: [], only: missing }];
}

/** Answers where rows are still to be read. */
async function readQuarters(reading: Reading, rows: readonly Range[]): Promise<readonly Range[]> {
  const { sheets, db } = reading;
  const level = SHEET_QUARTER.name;
  const there: number[] = [];
  for (const range of rows) {
    const quarters = toQuarters(range);
    if (quarters !== null) there.push(...(await sheets.list(db, { level, ...quarters })));
  }
  const left = rows.flatMap((range) => cutOut(range, there));
  if (there.length === 0 || left.length > MAX_RANGES) return rows;
  await addAll(reading, level, there);
  return left;
}

/** All whole ones; null where there are none. */
function toQuarters({ fromMs, toMs }: Range): Range | null {
  const { grainMs } = SHEET_QUARTER;
  const whole = { fromMs: Math.ceil(fromMs / grainMs) * grainMs, toMs: Math.floor(toMs / grainMs) * grainMs };
  return whole.fromMs < whole.toMs ? whole : null;
}

/** What is left of a range without those quarters. */
function cutOut({ fromMs, toMs }: Range, quarters: readonly number[]): Range[] {
  const left: Range[] = [];
  let at = fromMs;
  for (const startMs of quarters) {
    if (startMs < fromMs || startMs >= toMs) continue;
    if (startMs > at) left.push({ fromMs: at, toMs: startMs });
    at = startMs + SHEET_QUARTER.grainMs;
  }
  if (at < toMs) left.push({ fromMs: at, toMs });
  return left;
}

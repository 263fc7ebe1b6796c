// What sheets answer of a report, and what they leave to sums and rows of the database. Knows no SQL.

import type { ReportQuery } from "../../ledger/index.ts";
import type { Db, Engine, PartRef } from "../engine.ts";
import type { Piece } from "./piece.ts";
import {
  type Cube,
  findDivisor,
  join,
  type Level,
  MAX_ROW_RANGES,
  type Plan,
  planRest,
  type Range,
  type Rest,
} from "./plan.ts";
import { cutOut, intersect, isCut, isWithin } from "./range.ts";
import { openSheet } from "../sheet/sheet.ts";
import { DAY_MS, HOUR_MS, LINES, QUARTER, QUARTER_MS, SHELF } from "../sheet/level.ts";
import { listTimes } from "../sheet/missing.ts";
import { listWanted, mayHold } from "../sheet/sign.ts";
import { createTally } from "../sheet/tally.ts";

interface Question {
  query: ReportQuery;
  plan: Plan;
}

/** How sums are read. */
export interface Manner {
  /** Whoever reads where others wait has them in turn between two pieces. */
  pause: () => Promise<void>;
  /** Whether it matters how long calls took. */
  isTimed: boolean;
}

/** What is left of a plan. */
export interface Left extends Rest {
  pieces: Piece[];
}

export async function readSheets(
  engine: Engine,
  db: Db,
  { query, plan, pause, isTimed }: Question & Manner,
): Promise<Left> {
  const untouched = { pieces: [], parts: plan.parts, rows: plan.rows };
  const levels = listLevels(plan, query);
  if (plan.whole === null || levels.length === 0 || !(await engine.sheets.areValid(db))) return untouched;
  const found = await coverAll(engine, db, { query, plan, whole: plan.whole, levels });
  await pause();
  const rest = await planLeft(engine, db, plan, found.left);
  await pause();
  // Time is cut to pieces by what is there and what is not.
  if (rest.rows.length > MAX_ROW_RANGES) return untouched;
  const tally = createTally(query, isTimed);
  for (const { level, parts } of found.parts)
    for await (const { startMs, body } of engine.sheets.read(db, level, parts)) {
      // What it was made of is there still, and `ledger verify` names it.
      const sheet = attempt(() => openSheet(body));
      if (sheet === null || attempt(() => tally.add(sheet, startMs)) === null) return untouched;
      await pause();
    }
  const pieces = attempt(tally.pieces);
  return pieces === null ? untouched : { pieces, ...rest };
}

/** Null where a sheet cannot be read: somebody changed it. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** A level of sheets, and of how long a time each is. */
interface Shelved {
  name: string;
  spanMs: number;
  /** Of the sums in it. */
  grainMs: number;
}

/** Those that may answer, what is best first. */
function listLevels({ cube, inner, pieceMs }: Plan, { by, filter }: ReportQuery): Shelved[] {
  const isTimed = pieceMs !== null && inner.length > 0;
  const shelf: readonly Level[] = cube === "all" ? SHELF.all : cube === "owner" ? SHELF.owner : [];
  const whole = shelf.map(({ name, grainMs }) => ({ name, spanMs: grainMs, grainMs }));
  const quarter = { name: QUARTER.name, spanMs: QUARTER_MS, grainMs: QUARTER_MS };
  if (cube === "total" || cube === "tag") return [];
  if (!isTimed) return cube === "brief" ? [] : [...whole, quarter];
  const edgeMs = inner.reduce(findDivisor, DAY_MS);
  // Sums of days are fewer than those of their quarters.
  if (edgeMs === DAY_MS && cube !== "brief") return [...whole, quarter];
  const isOfOwner =
    filter.userId !== undefined || filter.apiKeyId !== undefined || by.includes("user") || by.includes("key");
  const lines = listLines(cube, isOfOwner, edgeMs);
  return [...lines, ...(cube === "brief" ? [] : [...whole, quarter])];
}

function listLines(cube: Cube, isOfOwner: boolean, edgeMs: number): Shelved[] {
  const known = cube === "brief" ? "brief" : isOfOwner ? "all" : "tagged";
  const fitting = LINES.filter((line) => line.cube === known && edgeMs % line.grainMs === 0);
  // Hours are fewer than quarters.
  return fitting
    .toSorted((left, right) => right.grainMs - left.grainMs)
    .map(({ name, grainMs }) => ({ name, spanMs: DAY_MS, grainMs }));
}

interface Covering extends Question {
  whole: Range;
  levels: readonly Shelved[];
}

interface Covered {
  parts: { level: string; parts: PartRef[] }[];
  left: Range[];
}

/** Each moment once, by the first level that has a sheet of it. */
async function coverAll({ sheets }: Engine, db: Db, { query, plan, whole, levels }: Covering): Promise<Covered> {
  const wanted = listWanted(query.filter);
  const found: Covered = { parts: [], left: [whole] };
  for (const { name: level, spanMs, grainMs } of levels) {
    if (found.left.length === 0) break;
    const there: (PartRef & { sign: Uint8Array | null })[] = [];
    for (const { fromMs, toMs } of joinNear(found.left, spanMs)) {
      const place = { level, fromMs, toMs };
      if (wanted.length > 0) there.push(...(await sheets.listSigned(db, place)));
      else for (const each of await sheets.list(db, place)) there.push({ ...each, sign: null });
    }
    const toRange = (startMs: number): Range => ({ fromMs: startMs, toMs: startMs + spanMs });
    const isOurs = (startMs: number): boolean =>
      isWithin(found.left, toRange(startMs)) && (grainMs < spanMs || !isCut(plan.inner, toRange(startMs)));
    const starts = new Set([...new Set(there.map(({ startMs }) => startMs))].filter(isOurs));
    const parts = there.filter(({ startMs, sign }) => starts.has(startMs) && (sign === null || mayHold(sign, wanted)));
    found.parts.push({ level, parts });
    found.left = cutOut(found.left, join([...starts].map(toRange)));
  }
  return found;
}

/** As few as are worth a question each; those that nothing can lie in are left out. */
function joinNear(ranges: readonly Range[], spanMs: number): Range[] {
  const asked: Range[] = [];
  for (const { fromMs, toMs } of ranges) {
    if (Math.ceil(fromMs / spanMs) * spanMs + spanMs > toMs) continue;
    const last = asked.at(-1);
    if (last !== undefined && fromMs - last.toMs <= FAR_APART * spanMs) last.toMs = toMs;
    else asked.push({ fromMs, toMs });
  }
  return asked;
}

/** As many sheets of a level are rather listed for nothing than left out by one more question. */
const FAR_APART = 40;

/** What is left without the quarters of which there is nothing in any sum. */
async function planLeft(engine: Engine, db: Db, plan: Plan, left: readonly Range[]): Promise<Rest> {
  const [first, last] = [left[0], left.at(-1)];
  if (first === undefined || last === undefined) return { parts: [], rows: [] };
  const hull = { fromMs: floor(first.fromMs, HOUR_MS), toMs: last.toMs };
  const hours = new Map<number, Range[]>();
  for (const fromMs of await listTimes(engine, db, "total.quarter", hull)) {
    const hourMs = floor(fromMs, HOUR_MS);
    hours.set(hourMs, [...(hours.get(hourMs) ?? []), { fromMs, toMs: fromMs + QUARTER_MS }]);
  }
  const summed = [...hours].flatMap(([fromMs, quarters]): Range[] => {
    const hour = { fromMs, toMs: fromMs + HOUR_MS };
    return isWithin(left, hour) ? [hour] : quarters;
  });
  return planRest(plan, intersect(left, join(summed)));
}

function floor(ms: number, grainMs: number): number {
  return Math.floor(ms / grainMs) * grainMs;
}

// Makes a sheet of what it is made of. Knows no format.

import { and, asc, eq, gt, gte, lt } from "drizzle-orm";
import { matchSummed, readMarks } from "../chain-mark.ts";
import type { Db, Engine, Packed, PackedPart, RollupRow } from "../engine.ts";
import type { Level, Range } from "../report/plan.ts";
import { readGroups } from "../row-read.ts";
import { readHours } from "./hour.ts";
import { QUARTER, QUARTER_MS, ROWS, SHELF } from "./level.ts";
import { mergePlaces, mergeSums, packParts } from "./merge.ts";
import { listTimes, type Place } from "./missing.ts";
import { compare, cutUp, ROWS_A_PART, toSheetRow } from "./piece.ts";
import { packPlaces } from "./place.ts";
import { packSheet } from "./sheet.ts";

export async function makeSheet(
  engine: Engine,
  db: Db,
  place: Exclude<Place, { kind: "hours" | "line" }>,
): Promise<Packed[]> {
  const { startMs } = place;
  switch (place.kind) {
    case "finer":
      return [{ ...pick(place), parts: await packFiner(engine, db, place) }];
    case "kept":
      return [{ ...pick(place), parts: (await packHour(engine, db, place)) ?? (await packKept(engine, db, place)) }];
    case "parts": {
      const { level } = place;
      const bodies = readBodies(engine, db, level, { fromMs: startMs, toMs: startMs + 1 });
      const parts =
        level === ROWS ? await mergePlaces(bodies, startMs) : packParts(await mergeSums(bodies, QUARTER), startMs);
      return [{ level, startMs, parts }];
    }
    case "rows":
      return packRows(engine, db, startMs);
    default:
      return place satisfies never;
  }
}

function pick({ level, startMs }: Pick<Packed, "level" | "startMs">): Pick<Packed, "level" | "startMs"> {
  return { level, startMs };
}

/** All parts of a level's sheets that begin in that time. */
export async function* readBodies(
  { sheets }: Pick<Engine, "sheets">,
  db: Db,
  level: string,
  range: Range,
): AsyncGenerator<{ startMs: number; body: Uint8Array }, void> {
  yield* sheets.read(db, level, await sheets.list(db, { level, ...range }));
}

const LEVELS: readonly Level[] = [...SHELF.all, ...SHELF.owner];

async function packFiner(engine: Engine, db: Db, { level: name, startMs }: { level: string; startMs: number }) {
  const at = LEVELS.findIndex((level) => level.name === name);
  const [level, finer] = [LEVELS[at], LEVELS[at + 1]];
  if (level === undefined || finer === undefined) return [];
  const bodies = readBodies(engine, db, finer.name, { fromMs: startMs, toMs: startMs + level.grainMs });
  return packParts(await mergeSums(bodies, level), startMs);
}

/** Of its quarters, which are read in less time than the sums that are kept; null where one of them is missing. */
async function packHour(
  engine: Engine,
  db: Db,
  { level: name, startMs }: { level: string; startMs: number },
): Promise<PackedPart[] | null> {
  const level = LEVELS.find((each) => each.name === name);
  if (level === undefined || !(await engine.sheets.areValid(db))) return null;
  const range = { fromMs: startMs, toMs: startMs + level.grainMs };
  const there = new Set((await engine.sheets.list(db, { level: QUARTER.name, ...range })).map((ref) => ref.startMs));
  const quarters = await listTimes(engine, db, "total.quarter", range);
  if (!quarters.every((quarter) => there.has(quarter))) return null;
  return packParts(await mergeSums(readBodies(engine, db, QUARTER.name, range), level), startMs);
}

/** Of both tables that they may be in. */
async function packKept(
  engine: Engine,
  db: Db,
  { level, startMs }: { level: string; startMs: number },
): Promise<PackedPart[]> {
  const { ledgerRollups: sums } = engine.schema;
  const parts: PackedPart[] = [];
  let last = "";
  for (;;) {
    const rows: RollupRow[] = await db
      .select()
      .from(sums)
      .where(and(eq(sums.level, level), eq(sums.startedAt, new Date(startMs)), gt(sums.id, last)))
      .orderBy(asc(sums.id))
      .limit(ROWS_A_PART);
    last = rows.at(-1)?.id ?? "";
    if (rows.length > 0) parts.push(packSheet(rows.toSorted(compare), startMs));
    if (rows.length < ROWS_A_PART) break;
  }
  const own = LEVELS.find(({ name }) => name === level);
  if (own === undefined) return parts;
  const hours = readHours(engine, db, { range: { fromMs: startMs, toMs: startMs + own.grainMs } });
  return [...parts, ...packParts(await mergeSums(hours, own), startMs)];
}

/** Where there are none, empty ones say so. */
async function packRows(engine: Engine, db: Db, startMs: number): Promise<Packed[]> {
  const { createdAt } = engine.schema.ledgerEntries;
  const where = [
    matchSummed(engine, await readMarks(engine, db)),
    gte(createdAt, new Date(startMs)),
    lt(createdAt, new Date(startMs + QUARTER_MS)),
  ];
  const { groups, places } = await readGroups(engine, db, { where, index: null });
  const rows = cutUp(places).map((part) => packPlaces(part, startMs));
  return [
    { level: QUARTER.name, startMs, parts: packParts(groups.map(toSheetRow).toSorted(compare), startMs) },
    { level: ROWS, startMs, parts: rows },
  ];
}

// Computes the kept sums once more from their rows, a day at a time and all in one snapshot, and compares. Changes nothing, and brings no
// table up to date. Knows no rule of chains.

import { and, asc, eq, gte, inArray, lt, min, type SQL, sql } from "drizzle-orm";
import type { CheckedSums, CutChain, SumsQuery, WrongSum } from "../../audit/verify/sums.ts";
import { type Mark, readMarks } from "../chain-mark.ts";
import type { Db, Engine, RollupRow } from "../engine.ts";
import { explainStoreError } from "../error.ts";
import { readScheme } from "../location.ts";
import { type Level, LEVELS } from "../report/plan.ts";
import { readSummed } from "./rollup.ts";
import { MAX_MS } from "../row-guard.ts";
import { createSums } from "./sum.ts";
import { findMisplaced, listSheetDays, readHourly, readPacked } from "../sheet/check.ts";
import { isHourly } from "../sheet/hour.ts";
import { DAY_MS, HOUR_MS, LINES, QUARTER, QUARTER_MS, ROWS, SHELF } from "../sheet/level.ts";
import { TERMS } from "../sheet/sheet.ts";
import { SUM_FIELDS } from "../sums.ts";

/** Of sums in sheets; those of lines lie in sheets of a day. */
const PACKED: readonly Level[] = [
  ...SHELF.all,
  QUARTER,
  ...SHELF.owner,
  ...LINES.toSorted((left, right) => right.grainMs - left.grainMs),
];
const ALL = [...new Map([...PACKED, ...LEVELS].map((level) => [level.name, level])).values()].toSorted(
  (left, right) => right.grainMs - left.grainMs,
);
const TABLED = ALL.filter((level) => LEVELS.includes(level) && !isHourly(level));
const HOURLY = ALL.filter((level) => LEVELS.includes(level) && isHourly(level));
const FINE = ALL.filter(({ grainMs }) => grainMs <= DAY_MS);
const COARSE = ALL.filter(({ grainMs }) => grainMs > DAY_MS);
const BLOCK_MS = Math.max(...COARSE.map(({ grainMs }) => grainMs));
/** All that there are sheets of. */
const SHEETS = [...PACKED.map(({ name }) => name), ROWS];
/** What is remembered of wrong ones. */
const MAX_WRONG = 10_000;

type Place = Pick<Engine, "name" | "schema" | "sheets" | "values">;

/** A file path, or a postgres:// DSN. */
export async function checkRollups(location: string, query: SumsQuery): Promise<CheckedSums> {
  const open = readScheme(location) === "" ? openSqlite : openPostgres;
  try {
    return await open(location, (place, db) => checkAll(place, db, query));
  } catch (error) {
    throw explainStoreError(error, "The ledger's database");
  }
}

type Work<T> = (place: Place, db: Db) => Promise<T>;

async function openSqlite<T>(location: string, work: Work<T>): Promise<T> {
  const { schema } = await import("../sqlite/schema.ts");
  const { createDesk } = await import("../sqlite/desk.ts");
  const { sheets } = await import("../sqlite/sheet.ts");
  const { readValues } = await import("../sqlite/query.ts");
  const desk = createDesk(location, BUSY_TIMEOUT_MS);
  try {
    return await desk.snapshot((db) => work({ name: "sqlite", schema, sheets, values: readValues }, db));
  } finally {
    desk.close();
  }
}

const BUSY_TIMEOUT_MS = 5_000;

async function openPostgres<T>(location: string, work: Work<T>): Promise<T> {
  const { schema } = await import("../postgres/schema.ts");
  const { sheets, readValues } = await import("../postgres/sheet.ts");
  const { openSnapshot } = await import("../postgres/open.ts");
  return openSnapshot(location, (db) => work({ name: "postgres", schema, sheets, values: readValues }, db));
}

async function checkAll(place: Place, db: Db, query: SumsQuery): Promise<CheckedSums> {
  const marks = await readMarks(place, db);
  const provedMs = await findProved(place, db, { marks, cutChains: query.cutChains });
  const checked: CheckedSums = { sums: 0, wrong: [], provedFrom: provedMs === null ? null : new Date(provedMs) };
  const toMs = query.to?.getTime() ?? Number.POSITIVE_INFINITY;
  const fromMs = query.from?.getTime() ?? Number.NEGATIVE_INFINITY;
  let coarse = createSums(COARSE);
  let block: number | null = null;
  const closeBlock = async (): Promise<void> => {
    if (block === null) return;
    // Only a block that was gone through from end to end has all its rows.
    const isWhole = fromMs <= block && toMs >= block + BLOCK_MS;
    if (isWhole) await compare(COARSE, { startMs: block, endMs: block + BLOCK_MS }, coarse.rows());
    coarse = createSums(COARSE);
  };
  const areSheetsValid = await place.sheets.areValid(db);
  const noteWrong = (wrong: readonly WrongSum[]): void => {
    const room = MAX_WRONG - checked.wrong.length;
    if (room > 0) checked.wrong.push(...wrong.slice(0, room));
  };
  const compare = async (levels: readonly Level[], span: Span, computed: RollupRow[]) => {
    const isProved = provedMs === null || span.startMs >= provedMs;
    const note = (kept: readonly RollupRow[], own: readonly RollupRow[], table: WrongSum["table"]): void => {
      checked.sums += Math.max(kept.length, own.length);
      noteWrong(findWrong(kept, own, { isProved, table }));
    };
    const byLevel = Map.groupBy(computed, ({ level }) => level);
    const ofTable = levels.filter((level) => TABLED.includes(level));
    const own = ofTable.flatMap(({ name }) => byLevel.get(name) ?? []);
    note(await readKept(place, db, { levels: ofTable, ...span }), own, "ledger_rollups");
    for (const level of levels.filter((each) => HOURLY.includes(each)))
      note(await readHourly(place, db, { level, ...span }), byLevel.get(level.name) ?? [], "ledger_hours");
    if (!areSheetsValid) return;
    for (const level of levels.filter(({ name }) => PACKED.some((packed) => packed.name === name))) {
      const packed = await readPacked(place, db, { level, ...span });
      const sheetMs = LINES.includes(level) ? DAY_MS : level.grainMs;
      const isThere = ({ startedAt }: RollupRow): boolean => packed.starts.has(floor(startedAt.getTime(), sheetMs));
      note(packed.rows, (byLevel.get(level.name) ?? []).filter(isThere), "tokligence_sheets");
      noteWrong([...packed.hidden].map((startMs) => blameHidden(level.name, startMs, sheetMs)));
    }
  };
  const sheetDays = areSheetsValid ? await listSheetDays(place, db, SHEETS) : [];
  const findNext = async (atMs: number): Promise<number | null> => {
    const days = [await findDay(place, db, atMs), sheetDays.find((day) => day + DAY_MS > atMs)];
    const found = days.filter((day) => typeof day === "number");
    return found.length === 0 ? null : Math.min(...found);
  };
  const last = Math.min(toMs, (await findDay(place, db, null)) ?? 0);
  let first: number | null = null;
  for (let day = await findNext(fromMs); day !== null && day < toMs; day = await findNext(day + DAY_MS)) {
    first ??= day;
    query.onProgress((day - first) / DAY_MS, Math.max(1, (last - first) / DAY_MS + 1));
    const start = Math.floor(day / BLOCK_MS) * BLOCK_MS;
    if (start !== block) await closeBlock();
    block = start;
    const fine = createSums(FINE);
    for (let hour = day; hour < day + DAY_MS; hour += HOUR_MS) {
      const { groups, places } = await readSummed(place, db, { marks, within: within(place, hour, hour + HOUR_MS) });
      if (areSheetsValid && (provedMs === null || hour >= provedMs))
        noteWrong(await listMisplaced(place, db, { fromMs: hour, toMs: hour + HOUR_MS, places }));
      fine.add(groups);
      coarse.add(groups);
    }
    // Days of which only a part was asked for are looked at as a whole.
    await compare(FINE, { startMs: day, endMs: day + DAY_MS }, fine.rows());
  }
  await closeBlock();
  return checked;
}

/**
 * Removed rows were the oldest of their chain. The mark says until when that was; it is believed up to a day behind what is attested: the first
 * row that is still there, for rows come nearly in the order of their time, and when it was signed that those were there which are gone.
 */
async function findProved(
  place: Place,
  db: Db,
  { marks, cutChains }: { marks: readonly Mark[]; cutChains: readonly CutChain[] },
): Promise<number | null> {
  const { ledgerEntries: rows } = place.schema;
  const removals = new Map(marks.map((mark) => [mark.chain, mark.removedBefore]));
  let latest: number | null = null;
  for (const { chain, signedAt } of cutChains) {
    const [first] = await db
      .select({ at: rows.createdAt })
      .from(rows)
      .where(eq(rows.chain, chain))
      .orderBy(asc(rows.seq))
      .limit(1);
    const moments = [first?.at, signedAt].flatMap((at) => at?.getTime() ?? []).filter((ms) => !Number.isNaN(ms));
    const bounds = [removals.get(chain)?.getTime() ?? Number.NaN, ...moments.map((ms) => ms + DAY_MS)];
    const bound = Math.min(...bounds.filter((ms) => !Number.isNaN(ms)));
    latest = Math.max(latest ?? bound, bound);
  }
  return latest;
}

/** The first day from there on that has rows or sums; the last of all where there is no bound. */
export async function findDay(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  fromMs: number | null,
): Promise<number | null> {
  const { ledgerEntries: rows, ledgerHours: hours, ledgerRollups: sums } = schema;
  const from = fromMs === null ? null : new Date(Math.max(fromMs, -DAY_MS * 25_567));
  const found: (Date | null)[] = [];
  // What is of no time would be found again and again.
  const isTime = (column: typeof hours.startedAt | typeof rows.createdAt | typeof sums.startedAt): SQL =>
    lt(column, new Date(MAX_MS));
  const pick = <Column extends typeof hours.startedAt | typeof rows.createdAt | typeof sums.startedAt>(
    column: Column,
  ) => (from === null ? sql<Date>`max(${column})`.mapWith(column) : min(column));
  const [row] = await db
    .select({ at: pick(rows.createdAt) })
    .from(rows)
    .where(and(from === null ? undefined : gte(rows.createdAt, from), isTime(rows.createdAt)));
  const [hour] = await db
    .select({ at: pick(hours.startedAt) })
    .from(hours)
    .where(and(from === null ? undefined : gte(hours.startedAt, from), isTime(hours.startedAt)));
  found.push(row?.at ?? null, hour?.at ?? null);
  for (const { name } of LEVELS) {
    const [sum] = await db
      .select({ at: pick(sums.startedAt) })
      .from(sums)
      .where(and(eq(sums.level, name), from === null ? undefined : gte(sums.startedAt, from), isTime(sums.startedAt)));
    found.push(sum?.at ?? null);
  }
  const times = found.flatMap((at) => (at === null || Number.isNaN(at.getTime()) ? [] : [at.getTime()]));
  if (times.length === 0) return null;
  const time = from === null ? Math.max(...times) : Math.min(...times);
  return Math.floor(time / DAY_MS) * DAY_MS;
}

function within({ schema }: Place, fromMs: number, toMs: number): SQL[] {
  const { createdAt } = schema.ledgerEntries;
  return [gte(createdAt, new Date(fromMs)), lt(createdAt, new Date(toMs))];
}

interface Span {
  startMs: number;
  /** Exclusive. */
  endMs: number;
}

interface KeptQuery extends Span {
  levels: readonly Level[];
}

function readKept({ schema }: Place, db: Db, { levels, startMs, endMs }: KeptQuery): Promise<RollupRow[]> {
  const { ledgerRollups: sums } = schema;
  const names = levels.map(({ name }) => name);
  const inTime = and(gte(sums.startedAt, new Date(startMs)), lt(sums.startedAt, new Date(endMs)));
  return db
    .select()
    .from(sums)
    .where(and(inArray(sums.level, names), inTime));
}

function floor(ms: number, grainMs: number): number {
  return Math.floor(ms / grainMs) * grainMs;
}

/** By what these say, pages of the books are found. */
async function listMisplaced(place: Place, db: Db, of: Parameters<typeof findMisplaced>[2]): Promise<WrongSum[]> {
  const wrong = await findMisplaced(place, db, of);
  return wrong.map(({ startMs, told, there }) => ({
    id: `${ROWS} ${startMs}`,
    level: ROWS,
    startedAt: new Date(startMs),
    spanMs: QUARTER_MS,
    kind: "other",
    table: "tokligence_sheets",
    kept: `places of ${told} rows`,
    computed: `places of ${there} rows`,
  }));
}

/** What it may be found by is not what it holds: reports that filter would leave it out. */
function blameHidden(level: string, startMs: number, spanMs: number): WrongSum {
  const [kept, computed] = ["found by what it does not hold", "found by all that it holds"];
  const startedAt = new Date(startMs);
  return {
    id: `${level} ${startMs}`,
    level,
    startedAt,
    spanMs,
    kind: "other",
    table: "tokligence_sheets",
    kept,
    computed,
  };
}

interface Look extends Pick<WrongSum, "table"> {
  isProved: boolean;
}

function findWrong(kept: readonly RollupRow[], computed: readonly RollupRow[], look: Look): WrongSum[] {
  const wrong: WrongSum[] = [];
  const { isProved, table } = look;
  const open = new Map(computed.map((row) => [row.id, row]));
  for (const row of kept) {
    const own = open.get(row.id);
    open.delete(row.id);
    if (own === undefined) {
      if (isProved) wrong.push(blame(row, { kind: "extra", kept: row, computed: null, table }));
    } else if (isProved ? !isEqual(row, own) : row.entries < own.entries)
      wrong.push(blame(own, { kind: "other", kept: row, computed: own, table }));
  }
  const missing = [...open.values()].map((row) => blame(row, { kind: "missing", kept: null, computed: row, table }));
  return [...wrong, ...missing];
}

interface Fault extends Pick<WrongSum, "kind" | "table"> {
  kept: RollupRow | null;
  computed: RollupRow | null;
}

function blame({ id, level, startedAt }: RollupRow, { kind, kept, computed, table }: Fault): WrongSum {
  const spanMs = ALL.find(({ name }) => name === level)?.grainMs ?? 0;
  const names =
    kept === null || computed === null
      ? FIELDS.slice(0, 1)
      : FIELDS.filter((name) => print(kept, name) !== print(computed, name));
  const tell = (row: RollupRow | null): string | null =>
    row === null ? null : names.map((name) => `${name} ${print(row, name)}`).join(", ");
  return { id, level, startedAt, spanMs, kind, table, kept: tell(kept), computed: tell(computed) };
}

/** All but the id, which is made of the others. */
const FIELDS = [
  ...SUM_FIELDS,
  "latencies",
  "ttfts",
  "level",
  "startedAt",
  ...TERMS,
] as const satisfies readonly (keyof RollupRow)[];

function isEqual(left: RollupRow, right: RollupRow): boolean {
  return FIELDS.every((name) => print(left, name) === print(right, name));
}

function print(row: RollupRow, name: (typeof FIELDS)[number]): string {
  const value = row[name];
  return typeof value === "number" || typeof value === "string" ? String(value) : JSON.stringify(value);
}

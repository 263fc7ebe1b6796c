// Makes the sums of the books anew from their rows, a day at a time, where somebody damaged them or what is noted of how far they reach. Gateways may run
// meanwhile. Knows no report.

import { and, eq, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import { GatewayError } from "../../ir/index.ts";
import type { RebuiltSums } from "../../ledger/index.ts";
import { listEnds, type Mark, readMarks } from "../chain-mark.ts";
import { chunk } from "../chunk.ts";
import type { Db, Engine, HourPart, Packed, Query, RollupRow } from "../engine.ts";
import { LEVELS } from "../report/plan.ts";
import { isHourly, toHours } from "../sheet/hour.ts";
import { DAY_MS, HOUR_MS, LINES, QUARTER, ROWS, SHELF } from "../sheet/level.ts";
import { packPieces } from "../sheet/piece.ts";
import { findDay } from "./check.ts";
import { type Aims, findNoted, lockSums, putMarks } from "./heal.ts";
import { readSummed } from "./rollup.ts";
import { createSums } from "./sum.ts";

export async function rebuildSums(engine: Engine, onDay: (done: number, total: number) => void): Promise<RebuiltSums> {
  const firstMs = await engine.snapshot((db) => findFirst(engine, db));
  const { aims, unsure } = await engine.snapshot((db) => findAims(engine, db, firstMs !== -Infinity));
  const next = (fromMs: number) => engine.snapshot((db) => findDay(engine, db, fromMs));
  const last = (await engine.snapshot((db) => findDay(engine, db, null))) ?? 0;
  let days = 0;
  let first: number | null = null;
  for (let day = await next(firstMs); day !== null; day = await next(day + DAY_MS)) {
    first ??= day;
    onDay((day - first) / DAY_MS, (last - first) / DAY_MS + 1);
    if ((await insist(() => rebuildDay(engine, day, aims))) === "made") days++;
  }
  const marks = await putMarks(engine, aims);
  await dropStrayMarks(engine);
  await insist(() => dropSheets(engine));
  const keptMs = await engine.snapshot((db) => findFirst(engine, db));
  return { days, keptBefore: keptMs === -Infinity ? null : new Date(keptMs), marks, unsure };
}

/**
 * Where it was noted, where they stood; else where the chains end, for all that is there is summed up then. Of days that stay as they are that is not so: there, rows
 * that nobody had summed up are missing, of which the chains are named.
 */
async function findAims(engine: Engine, db: Db, isKept: boolean): Promise<{ aims: Aims; unsure: string[] }> {
  const noted = await findNoted(engine, db);
  const ends = new Map((await listEnds(engine, db)).map(({ chain, last }) => [chain, last]));
  const odd = (await readMarks(engine, db)).filter(({ isOdd }) => isOdd).map(({ chain }) => chain);
  const aims = new Map(odd.map((chain) => [chain, noted.get(chain) ?? ends.get(chain) ?? 0]));
  return { aims, unsure: isKept ? odd.filter((chain) => !noted.has(chain)) : [] };
}

/** The first day of which all rows are there. Of those before, some may be gone that sums still tell of; infinite where none is. */
async function findFirst(engine: Engine, db: Db): Promise<number> {
  const { ledgerEntries: rows, ledgerHeads: heads } = engine.schema;
  const moments = (await readMarks(engine, db)).flatMap(({ removedBefore }) => removedBefore?.getTime() ?? []);
  const cuts = await db.select({ chain: heads.chain, at: heads.signedAt }).from(heads).where(eq(heads.reason, "cut"));
  const ends = new Map((await listEnds(engine, db)).map((end) => [end.chain, end]));
  for (const { chain, at } of cuts) {
    const first = ends.get(chain)?.first;
    const isFirst = and(eq(rows.chain, chain), eq(rows.seq, first ?? 0));
    const [row] = await db.select({ at: rows.createdAt }).from(rows).where(isFirst);
    // Rows come nearly in the order of their time.
    moments.push(row === undefined ? at.getTime() : row.at.getTime() + DAY_MS);
  }
  const known = moments.filter((ms) => !Number.isNaN(ms));
  return Math.ceil(Math.max(...known) / DAY_MS) * DAY_MS;
}

/** Whoever sums up was faster each time. */
const MOST_TRIES = 50;
const PAUSE_MS = 50;

async function insist<Done>(work: () => Promise<Done | false>): Promise<Done> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const done = await work();
    if (done !== false) return done;
    await Bun.sleep(PAUSE_MS);
  }
  const message = "Sums were moved again and again meanwhile by a gateway that runs; stop it, and say this again.";
  throw new GatewayError({ kind: "overloaded", message });
}

/** False where sums were moved meanwhile; `kept` where rows of the day have gone by age meanwhile. */
async function rebuildDay(engine: Engine, dayMs: number, aims: Aims): Promise<"kept" | "made" | false> {
  const { ledgerHours: hours, ledgerRollups: sums } = engine.schema;
  const day = await engine.snapshot(async (db) =>
    dayMs < (await findFirst(engine, db)) ? null : sumDay(engine, db, { dayMs, aims }),
  );
  if (day === null) return "kept";
  const { marks, rows, parts } = day;
  const isOfDay = (column: typeof hours.startedAt | typeof sums.startedAt): SQL | undefined =>
    and(gte(column, new Date(dayMs)), lt(column, new Date(dayMs + DAY_MS)));
  const isOurs = inArray(
    sums.level,
    LEVELS.map(({ name }) => name),
  );
  // By their names, too, for somebody may have put them into another time.
  const isWritten = await write(engine, marks, (db) => [
    db.delete(sums).where(and(isOurs, isOfDay(sums.startedAt))),
    db.delete(hours).where(isOfDay(hours.startedAt)),
    ...chunk(rows.map(({ id }) => id)).map((ids) => db.delete(sums).where(inArray(sums.id, ids))),
    ...chunk(parts.map(({ id }) => id)).map((ids) => db.delete(hours).where(inArray(hours.id, ids))),
    ...chunk(rows).map((some) => db.insert(sums).values(some)),
    ...chunk(parts).map((some) => db.insert(hours).values(some)),
  ]);
  return isWritten && "made";
}

const KEPT = LEVELS.filter((level) => !isHourly(level));

interface Day {
  marks: Mark[];
  rows: RollupRow[];
  parts: HourPart[];
}

async function sumDay(engine: Engine, db: Db, { dayMs, aims }: { dayMs: number; aims: Aims }): Promise<Day> {
  const { createdAt } = engine.schema.ledgerEntries;
  const marks = await readMarks(engine, db);
  const aimed = marks.map((mark) => {
    // A gateway may have set it right meanwhile, and gone on.
    const seq = mark.isOdd ? aims.get(mark.chain) : undefined;
    return seq === undefined ? mark : { ...mark, seq, detailSeq: seq, untimedSeq: seq };
  });
  const sums = createSums(KEPT);
  const parts: HourPart[] = [];
  for (let hourMs = dayMs; hourMs < dayMs + DAY_MS; hourMs += HOUR_MS) {
    const within = [gte(createdAt, new Date(hourMs)), lt(createdAt, new Date(hourMs + HOUR_MS))];
    const { groups, places } = await readSummed(engine, db, { marks: aimed, within });
    sums.add(groups);
    parts.push(...toHours(packPieces(groups, places), { chain: "anew", toSeq: 0 }));
  }
  return { marks, rows: sums.rows(), parts };
}

/** Nothing where sums have moved since those marks were read. */
async function write(engine: Engine, marks: readonly Mark[], build: (db: Db) => Query[]): Promise<boolean> {
  const { ledgerMarks: table } = engine.schema;
  const sound = marks.filter(({ isOdd }) => !isOdd);
  const isSame = or(
    ...sound.map(({ chain, seq, detailSeq, untimedSeq }) =>
      and(eq(table.chain, chain), eq(table.seq, seq), eq(table.detailSeq, detailSeq), eq(table.untimedSeq, untimedSeq)),
    ),
  );
  const count = (where: SQL): SQL => sql`(select count(*) from ${table} where ${where})`;
  const areSame = sql`${count(isSame ?? sql`1 = 0`)} = ${sound.length} and ${count(sql`1 = 1`)} = ${marks.length}`;
  const done = await engine.atomic((db) => ({
    before: lockSums(engine, db),
    decisive: db
      .select({ one: sql`1` })
      .from(sql`(select 1) as own`)
      .where(areSame),
    after: build(db),
  }));
  return done.length > 0;
}

/** Those of chains that are nowhere concern no row. */
async function dropStrayMarks(engine: Engine): Promise<void> {
  const { ledgerChains: chains, ledgerEntries: rows, ledgerMarks: marks } = engine.schema;
  await engine.atomic((db) => ({
    before: lockSums(engine, db),
    decisive: db
      .delete(marks)
      .where(
        sql`not exists (select 1 from ${chains} where ${chains.chain} = ${marks.chain}) and not exists (select 1 from ${rows} where ${rows.chain} = ${marks.chain})`,
      )
      .returning({ chain: marks.chain }),
  }));
}

const OF_SUMS: readonly string[] = [...SHELF.all, ...SHELF.owner].map(({ name }) => name);
/** Of days that stay as they are, nobody could make them anew. */
const OF_ROWS: readonly string[] = [QUARTER, ...LINES].map(({ name }) => name).concat(ROWS);
const SHEETS_AT_ONCE = 1_000;

/** They may be of what the sums were. False where somebody else was at it. */
async function dropSheets(engine: Engine): Promise<boolean> {
  for (;;) {
    let found: Packed[] | null = null;
    const { rows } = await engine.pack(async (db) => {
      found = await listSheets(engine, db);
      return { sheets: found, hours: [] };
    });
    const count = (found as Packed[] | null)?.length ?? null;
    if (count === 0) return true;
    if (count !== rows) return false;
  }
}

/** As nothing; those that hold good no more are emptied by whoever makes the next. */
async function listSheets(engine: Engine, db: Db): Promise<Packed[]> {
  const { sheets } = engine;
  if (!(await sheets.areValid(db))) return [];
  const found: Packed[] = [];
  const firstMs = await findFirst(engine, db);
  for (const level of [...OF_SUMS, ...OF_ROWS]) {
    const fromMs = OF_ROWS.includes(level) ? firstMs : -Infinity;
    const parts = await sheets.list(db, { level, fromMs, toMs: Infinity });
    for (const startMs of new Set(parts.map((part) => part.startMs))) found.push({ level, startMs, parts: [] });
    if (found.length >= SHEETS_AT_ONCE) break;
  }
  return found.slice(0, SHEETS_AT_ONCE);
}

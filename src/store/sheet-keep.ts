// Makes sheets, a few at a time, of sums that are complete: the youngest first, for they are asked for most. What changes later is made anew.
// Knows no format.

import { and, asc, eq, gt, gte, lt, max } from "drizzle-orm";
import type { RollupStep } from "../ledger/index.ts";
import { matchSummed, readMarks } from "./chain-mark.ts";
import type { Db, Engine, Packed, RollupRow, SheetShelf } from "./engine.ts";
import { createSums, groupRows } from "./rollup.ts";
import { packSheet } from "./sheet.ts";
import type { Level } from "./report-plan.ts";
import { listStale, SHEET_LEVELS, SHEET_QUARTER } from "./sheet-level.ts";

export interface Packer {
  /** Told of sums that are about to be moved. */
  note(rows: readonly RollupRow[]): void;
  /** Makes some; `rows` is how many, 0 where none is missing. */
  step(): Promise<RollupStep>;
}

/** Stretches that all levels lie in as a whole. */
const BLOCK_MS = Math.max(...SHEET_LEVELS.map(({ grainMs }) => grainMs));
/** So many are looked through in one step. */
const MOST_BLOCKS = 40;
/** A step ends behind the sheet with which it has taken so long: reports wait for it. */
const STEP_MS = 20;
const MOST_AT_ONCE = 50;
/** Sums that are in memory at once. */
const ROWS_A_PART = 16_384;

/** Null where the engine has no sheets. */
export function createPacker(engine: Engine): Packer | null {
  const { sheets } = engine;
  if (sheets === null) return null;
  const walk = createWalk(engine, sheets);
  return {
    note: walk.note,
    async step() {
      const packed: Packed[] = [];
      let isKept = false;
      try {
        const step = await sheets.pack(async (db) => {
          const startedMs = performance.now();
          const missing = await walk.next(db);
          for (let place = missing.shift(); place !== undefined; place = missing.shift()) {
            packed.push(await make(engine, db, place));
            if (packed.length >= MOST_AT_ONCE || performance.now() - startedMs > STEP_MS) break;
          }
          return packed;
        });
        isKept = step.rows === packed.length;
        return step;
      } finally {
        if (!isKept) walk.restart();
      }
    },
  };
}

/** A sheet to be made. */
type Place = Pick<Packed, "level" | "startMs">;

/** From the youngest sums to the oldest; and from then on only as far back as there is something new. */
function createWalk(engine: Engine, sheets: SheetShelf) {
  const { ledgerRollups: sums } = engine.schema;
  /** The youngest sums there were when the walk began; the block it has come to, and what that lacks; and where it ends. */
  let newestMs: number | null = null;
  let blockMs: number | null = null;
  let queue: Place[] | null = null;
  let floorMs = Number.NEGATIVE_INFINITY;
  let isStale = false;

  /** Where there is something to do, `queue` has it. */
  const look = async (db: Db, endMs: number, areValid: boolean): Promise<void> => {
    for (let looked = 0; blockMs !== null && looked < MOST_BLOCKS; looked++) {
      queue ??= await listMissing(engine, db, { sheets, areValid, blockMs, endMs });
      if (queue.length > 0) return;
      blockMs = await findOlder(db, sums, { blockMs, floorMs });
      queue = null;
    }
    // What comes next is of a time that has only just ended.
    if (blockMs === null) floorMs = toBlock(endMs) - BLOCK_MS;
  };
  return {
    note(rows: readonly RollupRow[]): void {
      for (const { fromMs, toMs } of listStale(rows)) {
        if (newestMs !== null && toMs > newestMs) continue;
        floorMs = Math.min(floorMs, toBlock(fromMs));
        isStale = true;
      }
    },
    /** What was taken from the list is taken to be made; should it come to nothing, the next walk finds it. */
    async next(db: Db): Promise<Place[]> {
      const foundMs = await findNewest(db, sums);
      if (foundMs === null) return [];
      const areValid = await sheets.areValid(db);
      if (!areValid) floorMs = Number.NEGATIVE_INFINITY;
      if (!areValid || isStale || foundMs !== newestMs) {
        newestMs = foundMs;
        blockMs = toBlock(foundMs);
        queue = null;
        isStale = false;
      }
      await look(db, foundMs, areValid);
      return queue ?? [];
    },
    /** Everything has to be looked for again. */
    restart(): void {
      newestMs = null;
    },
  };
}

type Rollups = Engine["schema"]["ledgerRollups"];
const [COARSEST, FINEST] = [SHEET_LEVELS[0]?.name ?? "", SHEET_LEVELS.at(-1)?.name ?? ""];

function toBlock(ms: number): number {
  return Math.floor(ms / BLOCK_MS) * BLOCK_MS;
}

async function findNewest(db: Db, sums: Rollups): Promise<number | null> {
  const [found] = await db
    .select({ at: max(sums.startedAt) })
    .from(sums)
    .where(eq(sums.level, FINEST));
  return found?.at?.getTime() ?? null;
}

/** The block before that one that has sums. */
async function findOlder(
  db: Db,
  sums: Rollups,
  { blockMs, floorMs }: { blockMs: number; floorMs: number },
): Promise<number | null> {
  const [found] = await db
    .select({ at: max(sums.startedAt) })
    .from(sums)
    .where(and(eq(sums.level, COARSEST), lt(sums.startedAt, new Date(blockMs))));
  const at = found?.at?.getTime() ?? null;
  return at === null || at < floorMs ? null : at;
}

interface Missing {
  sheets: SheetShelf;
  areValid: boolean;
  blockMs: number;
  /** Sums that end later are not complete. */
  endMs: number;
}

/** The youngest of a level first. */
async function listMissing(engine: Engine, db: Db, { sheets, areValid, blockMs, endMs }: Missing): Promise<Place[]> {
  const range = { fromMs: blockMs, toMs: blockMs + BLOCK_MS };
  const missing: Place[] = [];
  const collect = async ({ name: level, grainMs }: Level, starts: readonly number[]): Promise<void> => {
    const there = new Set(areValid ? await sheets.list(db, { level, ...range }) : []);
    for (const startMs of starts.toReversed())
      if (startMs + grainMs <= endMs && !there.has(startMs)) missing.push({ level, startMs });
  };
  let hours: number[] = [];
  for (const level of SHEET_LEVELS) {
    hours = await sheets.listSums(db, { level: level.name, ...range });
    await collect(level, hours);
  }
  const { grainMs } = SHEET_QUARTER;
  const quarters = hours.flatMap((hour) => [0, 1, 2, 3].map((index) => hour + index * grainMs));
  const provedMs = await findProved(engine, db);
  await collect(
    SHEET_QUARTER,
    quarters.filter((startMs) => startMs >= provedMs),
  );
  return missing;
}

/** Rows from before may have been removed. */
async function findProved(engine: Engine, db: Db): Promise<number> {
  const removals = (await readMarks(engine, db)).map(({ removedBefore }) => removedBefore?.getTime() ?? -Infinity);
  return Math.max(Number.NEGATIVE_INFINITY, ...removals);
}

async function make(engine: Engine, db: Db, { level, startMs }: Place): Promise<Packed> {
  if (level !== SHEET_QUARTER.name) return { level, startMs, bodies: await packKept(engine, db, { level, startMs }) };
  const { createdAt } = engine.schema.ledgerEntries;
  const where = [
    matchSummed(engine, await readMarks(engine, db)),
    gte(createdAt, new Date(startMs)),
    lt(createdAt, new Date(startMs + SHEET_QUARTER.grainMs)),
  ];
  const sums = createSums([SHEET_QUARTER]);
  sums.add(await groupRows(engine, db, { where, along: "time", isTail: false }));
  // Where there are none, an empty one says so.
  return { level, startMs, bodies: packParts(sums.rows()) };
}

async function packKept({ schema }: Engine, db: Db, { level, startMs }: Place): Promise<Uint8Array[]> {
  const { ledgerRollups: sums } = schema;
  const bodies: Uint8Array[] = [];
  let last = "";
  for (;;) {
    const rows = await db
      .select()
      .from(sums)
      .where(and(eq(sums.level, level), eq(sums.startedAt, new Date(startMs)), gt(sums.id, last)))
      .orderBy(asc(sums.id))
      .limit(ROWS_A_PART);
    if (rows.length > 0 || bodies.length === 0) bodies.push(packSheet(rows));
    if (rows.length < ROWS_A_PART) return bodies;
    last = rows.at(-1)?.id ?? "";
  }
}

function packParts(rows: readonly RollupRow[]): Uint8Array[] {
  const parts = Math.max(1, Math.ceil(rows.length / ROWS_A_PART));
  return Array.from({ length: parts }, (_, part) =>
    packSheet(rows.slice(part * ROWS_A_PART, (part + 1) * ROWS_A_PART)),
  );
}

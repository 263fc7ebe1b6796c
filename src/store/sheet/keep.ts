// Makes sheets, a few at a time, of sums that are complete: the youngest first, for they are asked for most. What changes later is made anew.
// Knows no format.

import type { RollupStep } from "../../ledger/index.ts";
import {
  type Db,
  type Engine,
  type HourJoin,
  LOOSE_PART,
  type Packed,
  type Packing,
  type RollupRow,
} from "../engine.ts";
import { joinHour } from "./hour.ts";
import { DAY_MS, listStale, QUARTER, SHELF } from "./level.ts";
import { createLineMaker, type LineMaker } from "./line.ts";
import { makeSheet } from "./make.ts";
import { findBefore, listMissing, MANY_PARTS, type Place } from "./missing.ts";

export interface Packer {
  /** Told of sums that are about to be moved. */
  note(rows: readonly RollupRow[]): void;
  /** Makes some; `rows` is how many, 0 where none is missing. */
  step(): Promise<RollupStep>;
}

/** Stretches that all levels lie in as a whole. */
const BLOCK_MS = Math.max(DAY_MS, ...SHELF.all.map(({ grainMs }) => grainMs));
/** So many are looked through in one step. */
const MOST_BLOCKS = 40;
/** A step ends behind the sheet with which it has taken so long: reports wait for it. */
const STEP_MS = 20;
const MOST_AT_ONCE = 50;

export function createPacker(engine: Engine): Packer {
  const walk = createWalk(engine);
  let lines: LineMaker | null = null;

  /** Sheets of one level: those of the next are made of them. */
  const makeSome = async (db: Db): Promise<Made> => {
    const packed: Packed[] = [];
    const hours: HourJoin[] = [];
    const startedMs = performance.now();
    const isLate = (): boolean =>
      packed.length + hours.length >= MOST_AT_ONCE || performance.now() - startedMs > STEP_MS;
    const missing = await walk.next(db);
    const [first] = missing;
    if (first?.kind === "line") {
      lines = lines?.dayMs === first.startMs ? lines : createLineMaker(engine, first.startMs);
      const made = await lines.step(db, isLate);
      if (made === null) return { sheets: [], hours: [], isUnderWay: true };
      missing.shift();
      lines = null;
      return { sheets: made, hours: [], isUnderWay: false };
    }
    for (let place = missing[0]; place !== undefined && isSameLevel(place, first); place = missing[0]) {
      if (place.kind === "line") break;
      missing.shift();
      if (place.kind === "hours") hours.push(await joinHour(engine, db, place.startMs));
      else packed.push(...(await makeSheet(engine, db, place)));
      if (isLate()) break;
    }
    return { sheets: packed, hours, isUnderWay: false };
  };
  return {
    note: walk.note,
    async step() {
      let isKept = false;
      let made: Made = { sheets: [], hours: [], isUnderWay: false };
      try {
        const step = await engine.pack(async (db) => (made = await makeSome(db)));
        isKept = step.rows === made.sheets.length + made.hours.length;
        return made.isUnderWay ? { ...step, rows: 1 } : step;
      } finally {
        if (!isKept) walk.restart();
      }
    },
  };
}

interface Made extends Packing {
  /** There is more to do before there is something to be kept. */
  isUnderWay: boolean;
}

function isSameLevel(place: Place, first: Place | undefined): boolean {
  return place.kind === first?.kind && place.level === first.level;
}

/** From the youngest sums to the oldest; and from then on only as far back as there is something new. */
function createWalk(engine: Engine) {
  /** The youngest sums there were when the walk began; the block it has come to, and what that lacks; and where it ends. */
  let newestMs: number | null = null;
  let blockMs: number | null = null;
  let queue: Place[] | null = null;
  let floorMs = Number.NEGATIVE_INFINITY;
  let isStale = false;

  /** Where there is something to do, `queue` has it. */
  const look = async (db: Db, endMs: number, areValid: boolean): Promise<void> => {
    for (let looked = 0; blockMs !== null && looked < MOST_BLOCKS; looked++) {
      const range = { fromMs: blockMs, toMs: blockMs + BLOCK_MS };
      // Once more when all is done: of what was made now, something longer may be made.
      if (queue === null || queue.length === 0) queue = await listMissing(engine, db, { areValid, range, endMs });
      if (queue.length > 0) return;
      const olderMs: number | null = await findBefore(engine, db, blockMs);
      blockMs = olderMs === null || olderMs < floorMs ? null : toBlock(olderMs);
      queue = null;
    }
    // What comes next is of a time that has only just ended.
    if (blockMs === null) floorMs = toBlock(endMs) - BLOCK_MS;
  };
  return {
    note(rows: readonly RollupRow[]): void {
      for (const { fromMs, toMs } of listStale(rows, false)) {
        if (newestMs !== null && toMs > newestMs) continue;
        floorMs = Math.min(floorMs, toBlock(fromMs));
        isStale = true;
      }
    },
    /** What was taken from the list is taken to be made; should it come to nothing, the next walk finds it. */
    async next(db: Db): Promise<Place[]> {
      const foundMs = await findBefore(engine, db, Number.POSITIVE_INFINITY);
      if (foundMs === null) return [];
      const areValid = await engine.sheets.areValid(db);
      const newest = { level: QUARTER.name, fromMs: foundMs, toMs: foundMs + 1 };
      const parts = areValid ? await engine.sheets.list(db, newest) : [];
      if (parts.filter(({ part }) => part >= LOOSE_PART).length >= MANY_PARTS) isStale = true;
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

function toBlock(ms: number): number {
  return Math.floor(ms / BLOCK_MS) * BLOCK_MS;
}

// Makes the sheets of a day of its quarters, a piece at a time: there are many sums in it, of which few are to be in memory at once.
// Knows no format.

import { openColumns } from "./column.ts";
import type { Db, Engine, Packed, PackedPart } from "../engine.ts";
import type { Cube } from "../report/plan.ts";
import { DAY_MS, LINES, QUARTER } from "./level.ts";
import { readBodies } from "./make.ts";
import { type Bodies, mergeSums, packParts } from "./merge.ts";
import type { Term, Value } from "./sheet.ts";

export interface LineMaker {
  dayMs: number;
  /** Null while there is more to do. */
  step(db: Db, isLate: () => boolean): Promise<Packed[] | null>;
}

/** The fewer, the fewer are read for one user or tag; and the more there are to be read for all. */
const ROWS_A_PART = 1_024;
/** Sums of quarters that are added up at once. */
const ROWS_AT_ONCE = 16_384;

interface Cubed {
  cube: Cube;
  /** What its sums are dealt out by. */
  term: Term;
  /** Into how many times fewer deals than those of all that is known: what knows less has fewer sums. */
  fewer: number;
}

const CUBES: readonly Cubed[] = [
  { cube: "all", term: "userId", fewer: 1 },
  { cube: "tagged", term: "tags", fewer: 4 },
  { cube: "brief", term: "modelAsked", fewer: 32 },
];

export function createLineMaker(engine: Engine, dayMs: number): LineMaker {
  const range = { fromMs: dayMs, toMs: dayMs + DAY_MS };
  let name = "";
  let queue: (Cubed & { deal: number; deals: number })[] = [];
  let made = new Map<string, PackedPart[]>();

  /** Begins anew where quarters are other ones than they were. */
  const prepare = async (db: Db): Promise<void> => {
    const now = JSON.stringify(await engine.sheets.list(db, { level: QUARTER.name, ...range }));
    if (now === name) return;
    name = now;
    let rows = 0;
    for await (const { body } of readBodies(engine, db, QUARTER.name, range)) rows += openColumns(body).rows;
    const deals = Math.max(1, Math.ceil(rows / ROWS_AT_ONCE));
    made = new Map(LINES.map((line) => [line.name, []]));
    queue = CUBES.flatMap((cubed) => {
      const own = Math.ceil(deals / cubed.fewer);
      return Array.from({ length: own }, (_, deal) => ({ ...cubed, deal, deals: own }));
    });
  };
  const deal = async (db: Db, { cube, term, deal: own, deals }: (typeof queue)[number]): Promise<void> => {
    const only = { term, isOurs: (value: Value) => hash(String(value)) % deals === own };
    let bodies: Bodies = readBodies(engine, db, QUARTER.name, range);
    for (const [index, { name: level, grainMs }] of LINES.filter((line) => line.cube === cube).entries()) {
      const rows = await mergeSums(bodies, { cube, grainMs, only: index === 0 ? only : undefined });
      const parts = rows.length === 0 ? [] : packParts(rows, dayMs, ROWS_A_PART);
      made.get(level)?.push(...parts);
      bodies = readAgain(parts, dayMs);
    }
  };
  return {
    dayMs,
    async step(db, isLate) {
      await prepare(db);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await deal(db, next);
        if (queue.length > 0 && isLate()) return null;
      }
      return LINES.map(({ name: level }) => {
        const parts = made.get(level) ?? [];
        // Where there are none, an empty one says so.
        return { level, startMs: dayMs, parts: parts.length > 0 ? parts : packParts([], dayMs) };
      });
    },
  };
}

/** Longer times are made of what was made of the shorter ones. */
async function* readAgain(
  parts: readonly PackedPart[],
  startMs: number,
): AsyncGenerator<{ startMs: number; body: Uint8Array }, void> {
  for (const { body } of parts) yield { startMs, body };
}

function hash(text: string): number {
  let found = 0;
  for (let at = 0; at < text.length; at++) found = Math.imul(found, 31) + text.charCodeAt(at);
  return (found ^ (found >>> 15)) >>> 0;
}

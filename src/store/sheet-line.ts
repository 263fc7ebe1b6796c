// Makes the sheets of a day of its quarters, a piece at a time: there are many sums in it, of which few are to be in memory at once.
// Knows no format.

import { openColumns } from "./sheet-column.ts";
import type { Db, Engine, Packed, PackedPart } from "./engine.ts";
import { DAY_MS, LINES, QUARTER } from "./sheet-level.ts";
import { readBodies } from "./sheet-make.ts";
import { mergeSums, packParts } from "./sheet-merge.ts";
import type { Term, Value } from "./sheet.ts";

export interface LineMaker {
  dayMs: number;
  /** Null while there is more to do. */
  step(db: Db, isLate: () => boolean): Promise<Packed[] | null>;
}

/** Sums of quarters that are added up at once. */
const ROWS_AT_ONCE = 16_384;

/** What the sums of a line are dealt out by: by this, too, they are found later. */
const DEALT: Readonly<Record<string, Term>> = { all: "userId", tagged: "tags", brief: "modelAsked" };

export function createLineMaker(engine: Engine, dayMs: number): LineMaker {
  const range = { fromMs: dayMs, toMs: dayMs + DAY_MS };
  let name = "";
  let queue: { line: number; deal: number; deals: number }[] = [];
  let made: PackedPart[][] = [];

  /** Begins anew where quarters are other ones than they were. */
  const prepare = async (db: Db): Promise<void> => {
    const now = JSON.stringify(await engine.sheets.list(db, { level: QUARTER.name, ...range }));
    if (now === name) return;
    name = now;
    let rows = 0;
    for await (const { body } of readBodies(engine, db, QUARTER.name, range)) rows += openColumns(body).rows;
    const deals = Math.max(1, Math.ceil(rows / ROWS_AT_ONCE));
    made = LINES.map(() => []);
    queue = LINES.flatMap(({ cube }, line) => {
      // What knows little has few sums.
      const own = cube === "brief" ? 1 : deals;
      return Array.from({ length: own }, (_, deal) => ({ line, deal, deals: own }));
    });
  };
  return {
    dayMs,
    async step(db, isLate) {
      await prepare(db);
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { line, deal, deals } = next;
        const { cube, grainMs } = LINES[line] ?? QUARTER;
        const only = { term: DEALT[cube] ?? "userId", isOurs: (value: Value) => hash(String(value)) % deals === deal };
        const rows = await mergeSums(readBodies(engine, db, QUARTER.name, range), { cube, grainMs, only });
        if (rows.length > 0) made[line]?.push(...packParts(rows, dayMs));
        if (queue.length > 0 && isLate()) return null;
      }
      return LINES.map(({ name: level }, line) => {
        const parts = made[line] ?? [];
        // Where there are none, an empty one says so.
        return { level, startMs: dayMs, parts: parts.length > 0 ? parts : packParts([], dayMs) };
      });
    },
  };
}

function hash(text: string): number {
  let found = 0;
  for (let at = 0; at < text.length; at++) found = Math.imul(found, 31) + text.charCodeAt(at);
  return (found ^ (found >>> 15)) >>> 0;
}

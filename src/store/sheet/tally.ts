// Adds up sheets by what a report asks for. Knows no SQL.

import type { Direction, ReportQuery } from "../../ledger/index.ts";
import { findStretch, type Piece, spreadTags } from "../report/piece.ts";
import { createCounter } from "./count.ts";
import type { Sheet } from "./sheet.ts";

export interface Tally {
  add(sheet: Sheet, startMs: number): void;
  pieces(): Piece[];
}

/** @param isTimed whether it matters how long calls took */
export function createTally({ by, edges, filter }: ReportQuery, isTimed = true): Tally {
  const fromMs = filter.from?.getTime() ?? 0;
  const counter = createCounter({
    steps: ["direction", ...by],
    filter,
    isTimed,
    // Any moment of a stretch stands for all of it.
    toPiece: (ms) => (edges.length === 0 ? 0 : (edges[findStretch(edges, Math.max(ms, fromMs))] ?? 0)),
  });
  const place = by.indexOf("tag");
  return {
    add: counter.add,
    pieces: () =>
      [...counter.each()].flatMap(({ piece, values: [direction, ...keys], sums, latency, ttft }): Piece[] => {
        const found = { piece, direction: direction as Direction, keys, sums, spread: { latency, ttft } };
        if (place === -1) return [found];
        return spreadTags(found, place).map((each, index) =>
          index === 0
            ? each
            : { ...each, sums: { ...sums }, spread: { latency: new Map(latency), ttft: new Map(ttft) } },
        );
      }),
  };
}

// Makes one sheet of several: of shorter times a longer one, of many parts few, and of all that is known less. Knows no SQL.

import type { PackedPart } from "./engine.ts";
import type { Cube } from "./report-plan.ts";
import { NOTHING } from "./rollup-sum.ts";
import type { Description, RowPlace } from "./row-read.ts";
import { createCounter } from "./sheet-count.ts";
import type { Only } from "./sheet-filter.ts";
import { compare, cutUp, ROWS_A_PART } from "./sheet-piece.ts";
import { packPlaces, unpackPlaces } from "./sheet-place.ts";
import { openSheet, packSheet, type SheetRow, type Term, TERMS } from "./sheet.ts";

export type Bodies = AsyncIterable<{ startMs: number; body: Uint8Array }>;

/** What a sheet of the cube still knows. */
const TERMS_OF: Readonly<Record<"all" | "brief" | "owner" | "tagged", readonly Term[]>> = {
  all: TERMS,
  brief: TERMS.filter((term) => term !== "userId" && term !== "apiKeyId" && term !== "tags"),
  owner: ["userId", "apiKeyId", "direction"],
  tagged: TERMS.filter((term) => term !== "userId" && term !== "apiKeyId"),
};

interface MergeInit {
  cube: Cube;
  /** Of the sums that it is to have. */
  grainMs: number;
  only?: Only | undefined;
}

/** What is described alike comes side by side, in the order of time. */
export async function mergeSums(bodies: Bodies, { cube, grainMs, only }: MergeInit): Promise<SheetRow[]> {
  const steps = TERMS_OF[cube as keyof typeof TERMS_OF];
  const counter = createCounter({ steps, filter: {}, only, toPiece: (ms) => ms - (ms % grainMs) });
  for await (const { startMs, body } of bodies) counter.add(openSheet(body), startMs);
  const rows = [...counter.each()].map(({ node, piece, values, sums, latency, ttft }) => {
    const described = Object.fromEntries(steps.map((term, step) => [term, values[step] ?? null]));
    const tags = typeof described["tags"] === "string" ? (JSON.parse(described["tags"]) as string[]) : null;
    const known = { ...NOTHING, ...described, tags } as unknown as Description;
    return { node, row: { ...known, ...sums, startedAt: new Date(piece), latencies: latency, ttfts: ttft } };
  });
  rows.sort(
    (left, right) =>
      compare(left.row, right.row) ||
      left.node - right.node ||
      left.row.startedAt.getTime() - right.row.startedAt.getTime(),
  );
  return rows.map(({ row }) => row);
}

export function packParts(rows: readonly SheetRow[], startMs: number): PackedPart[] {
  return cutUp(rows).map((part) => packSheet(part, startMs));
}

/** Small parts together. */
export async function mergePlaces(bodies: Bodies, startMs: number): Promise<PackedPart[]> {
  const parts: PackedPart[] = [];
  let waiting: RowPlace[] = [];
  const known = new Map<string, Description>();
  for await (const { body } of bodies) {
    for (const place of unpackPlaces(body, startMs, known)) waiting.push(place);
    if (waiting.length < ROWS_A_PART) continue;
    parts.push(packPlaces(waiting, startMs));
    waiting = [];
  }
  if (waiting.length > 0 || parts.length === 0) parts.push(packPlaces(waiting, startMs));
  return parts;
}

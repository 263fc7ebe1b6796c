// Makes one sheet of several: of shorter times a longer one, of many parts few, and of all that is known less. Knows no SQL.

import type { PackedPart } from "../engine.ts";
import type { Cube } from "../report/plan.ts";
import { NOTHING } from "../rollup/sum.ts";
import type { Description, RowPlace } from "../row-read.ts";
import { createCounter } from "./count.ts";
import type { Only } from "./filter.ts";
import { cutUp, ROWS_A_PART } from "./piece.ts";
import { packPlaces, unpackPlaces } from "./place.ts";
import { openSheet, packSheet, type SheetRow, type Term, TERMS, type Value } from "./sheet.ts";

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

/** What is of one user, or has the same tags, comes side by side; and so does what is described alike, in the order of time. */
export async function mergeSums(bodies: Bodies, { cube, grainMs, only }: MergeInit): Promise<SheetRow[]> {
  const steps = TERMS_OF[cube as keyof typeof TERMS_OF];
  const counter = createCounter({ steps, filter: {}, only, toPiece: (ms) => ms - (ms % grainMs) });
  for await (const { startMs, body } of bodies) counter.add(openSheet(body), startMs);
  const described: { known: Description; order: string }[] = [];
  const rows = [...counter.each()].map(({ node, piece, values, sums, latency, ttft }) => {
    const { known, order } = (described[node] ??= describeNode(steps, values));
    const row: SheetRow = { ...known, ...sums, startedAt: new Date(piece), latencies: latency, ttfts: ttft };
    return { order, node, piece, row };
  });
  rows.sort(
    (left, right) =>
      (left.order < right.order ? -1 : left.order > right.order ? 1 : 0) ||
      left.node - right.node ||
      left.piece - right.piece,
  );
  return rows.map(({ row }) => row);
}

function describeNode(steps: readonly Term[], values: readonly Value[]): { known: Description; order: string } {
  const own = Object.fromEntries(steps.map((term, step) => [term, values[step] ?? null]));
  const text = typeof own["tags"] === "string" ? own["tags"] : null;
  const tags = text === null ? null : (JSON.parse(text) as string[]);
  const known = { ...NOTHING, ...own, tags } as unknown as Description;
  return { known, order: [known.userId, known.apiKeyId, text ?? "", known.modelAsked].join("\u0000") };
}

/** @param most of a part: of small ones, few are read for what is in few of them */
export function packParts(rows: readonly SheetRow[], startMs: number, most?: number): PackedPart[] {
  return cutUp(rows, most).map((part) => packSheet(part, startMs));
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

// What is added to sheets as rows are summed up: their sums by quarters of an hour, and where they are. Knows no SQL.

import type { LoosePiece } from "../engine.ts";
import type { QuarterGroup, RowPlace } from "../row-read.ts";
import { packPlaces } from "./place.ts";
import { packSheet, type SheetRow } from "./sheet.ts";
import { QUARTER, QUARTER_MS, ROWS } from "./level.ts";

/** Sums that are in one part, and in memory, at once. */
export const ROWS_A_PART = 16_384;

/** A piece, and how many sums or rows are in it. */
export type CountedPiece = LoosePiece & { count: number };

export function packPieces(groups: readonly QuarterGroup[], places: readonly RowPlace[]): CountedPiece[] {
  const sums = [...Map.groupBy(groups, ({ startMs }) => startMs)].flatMap(([startMs, own]) =>
    cutUp(own.map(toSheetRow).toSorted(compare)).map((part) => ({
      level: QUARTER.name,
      startMs,
      count: part.length,
      ...packSheet(part, startMs),
    })),
  );
  const rows = [...Map.groupBy(places, ({ atMs }) => atMs - (atMs % QUARTER_MS))].flatMap(([startMs, own]) =>
    cutUp(own).map((part) => ({ level: ROWS, startMs, count: part.length, ...packPlaces(part, startMs) })),
  );
  return [...sums, ...rows];
}

export function toSheetRow({ startMs, group, sums, latency, ttft }: QuarterGroup): SheetRow {
  return { ...group, ...sums, startedAt: new Date(startMs), latencies: latency, ttfts: ttft };
}

/** What is of one user lies side by side. */
export function compare(left: SheetRow, right: SheetRow): number {
  if (left.userId !== right.userId) return left.userId < right.userId ? -1 : 1;
  if (left.apiKeyId !== right.apiKeyId) return left.apiKeyId < right.apiKeyId ? -1 : 1;
  return left.modelAsked < right.modelAsked ? -1 : left.modelAsked > right.modelAsked ? 1 : 0;
}

/** At least one, which may be empty. */
export function cutUp<Item>(items: readonly Item[], most = ROWS_A_PART): (readonly Item[])[] {
  const parts = Math.max(1, Math.ceil(items.length / most));
  return Array.from({ length: parts }, (_, part) => items.slice(part * most, (part + 1) * most));
}

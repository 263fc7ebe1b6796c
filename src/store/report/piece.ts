// Pieces of a report, from wherever they were read, and what they come to. Knows no SQL.

import type { Direction, ReportGroup, ReportQuery, Sums } from "../../ledger/index.ts";
import { type Classes, classOf, countClasses, type Spread } from "../../lib/spread.ts";
import { parseJson, readTexts } from "../row-guard.ts";
import { addTo, pickSums } from "../sums.ts";

/** What is in it is the report's own from then on. */
export interface Piece {
  /** Beginning of the piece of time; 0 where time does not matter. */
  piece: number;
  direction: Direction;
  keys: (string | number | null)[];
  sums: Sums;
  spread: Spread;
}

/** One piece for each tag, and one for rows without any: so late, the database groups far fewer rows than it would with a row for each tag. */
export function spreadTags<Keyed extends Pick<Piece, "keys">>(piece: Keyed, place: number): Keyed[] {
  const text = piece.keys[place];
  const tags = typeof text === "string" ? (readTexts(parseJson(text)) ?? []) : [];
  return (tags.length === 0 ? [null] : tags).map((tag) => ({ ...piece, keys: piece.keys.with(place, tag) }));
}

/** Puts pieces into the stretches that they lie in, and adds up what belongs together. */
export function createCollection({ filter, edges }: ReportQuery) {
  const groups = new Map<string, ReportGroup & { spread: Record<keyof Spread, Map<number, number>> }>();
  const fromMs = filter.from?.getTime() ?? 0;
  return {
    add(pieces: readonly Piece[]): void {
      for (const { piece, direction, keys, sums, spread } of pieces) {
        const stretch = edges.length === 0 ? 0 : findStretch(edges, Math.max(piece, fromMs));
        const name = JSON.stringify([stretch, direction, keys]);
        const found = groups.get(name);
        if (found === undefined) {
          groups.set(name, { stretch, direction, keys, sums: pickSums(sums), spread: own(spread) });
          continue;
        }
        addTo(found.sums, sums);
        countClasses(found.spread.latency, spread.latency);
        countClasses(found.spread.ttft, spread.ttft);
      }
    },
    groups: (): ReportGroup[] => [...groups.values()].map(dropUntimed),
  };
}

/** Calls that nobody timed are counted as if they had taken no time. */
function dropUntimed(group: ReportGroup): ReportGroup {
  const { sums, spread } = group;
  if (sums.untimedRequests === 0) return group;
  const none = classOf(0);
  const latency = new Map(spread.latency);
  const timed = (latency.get(none) ?? 0) - sums.untimedRequests;
  if (timed > 0) latency.set(none, timed);
  else latency.delete(none);
  return { ...group, spread: { ...spread, latency } };
}

function own({ latency, ttft }: Spread): Record<keyof Spread, Map<number, number>> {
  // Where there are none, all have the same.
  const take = (classes: Classes): Map<number, number> =>
    classes instanceof Map && classes.size > 0 ? classes : new Map(classes);
  return { latency: take(latency), ttft: take(ttft) };
}

/** The last edge that is not after the moment. */
export function findStretch(edges: readonly number[], atMs: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((edges[middle] ?? 0) <= atMs) low = middle;
    else high = middle;
  }
  return low;
}

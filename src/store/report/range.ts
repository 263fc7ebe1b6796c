// Stretches of time, in order and apart, and what is left of them. Pure; knows no sum.

import type { Range } from "./plan.ts";

/** @param taken in order and apart */
export function cutOut(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  const left: Range[] = [];
  let next = 0;
  for (const { fromMs, toMs } of ranges) {
    let at = fromMs;
    while ((taken[next]?.toMs ?? Number.POSITIVE_INFINITY) <= fromMs) next++;
    for (let index = next; index < taken.length; index++) {
      const own = taken[index];
      if (own === undefined || own.fromMs >= toMs) break;
      if (own.fromMs > at) left.push({ fromMs: at, toMs: own.fromMs });
      at = Math.max(at, own.toMs);
    }
    if (at < toMs) left.push({ fromMs: at, toMs });
  }
  return left;
}

/** Of both. */
export function intersect(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const found: Range[] = [];
  let next = 0;
  for (const { fromMs, toMs } of ranges) {
    while ((others[next]?.toMs ?? Number.POSITIVE_INFINITY) <= fromMs) next++;
    for (let index = next; index < others.length; index++) {
      const own = others[index];
      if (own === undefined || own.fromMs >= toMs) break;
      found.push({ fromMs: Math.max(fromMs, own.fromMs), toMs: Math.min(toMs, own.toMs) });
    }
  }
  return found;
}

/** Whether all of it is in one of them. */
export function isWithin(ranges: readonly Range[], { fromMs, toMs }: Range): boolean {
  const own = ranges[findLast(ranges.length, (index) => (ranges[index]?.fromMs ?? 0) <= fromMs)];
  return own !== undefined && own.toMs >= toMs && own.fromMs <= fromMs;
}

/** Whether one of the edges, which are in order, lies inside. */
export function isCut(edges: readonly number[], { fromMs, toMs }: Range): boolean {
  const last = edges[findLast(edges.length, (index) => (edges[index] ?? 0) < toMs)];
  return last !== undefined && last > fromMs && last < toMs;
}

/** The last index for which that holds, which it does up to there; -1 where it never does. */
function findLast(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

// Whether a figure that is read again and again stays what it is, though it goes up and down: by what is in the middle of its first and its last fifth,
// and by the slope that most pairs of readings agree on. Pure.

import { median } from "./statistic.ts";

/** Of what it was, either way. */
export const BAND = 0.05;

export interface Flatness {
  first: number;
  last: number;
  /** From the first fifth to the last, as a share of the first. */
  change: number;
  /** By the slope, from the first reading to the last, as a share of what it was in the first fifth. */
  drift: number;
  isFlat: boolean;
}

/** So many stretches are compared with each other. */
const STRETCHES = 60;

/** `values` at a steady pace. Null where there are too few to say anything. */
export function judgeFlatness(values: readonly number[]): Flatness | null {
  const fifth = Math.floor(values.length / 5);
  if (fifth < 1) return null;
  const [first, last] = [median(values.slice(0, fifth)), median(values.slice(-fifth))];
  const change = last / first - 1;
  const drift = (findSlope(values) * (values.length - 1)) / first;
  return { first, last, change, drift, isFlat: Math.abs(change) <= BAND && Math.abs(drift) <= BAND };
}

/** A reading later, so much more: what is in the middle of the slopes of all pairs, https://en.wikipedia.org/wiki/Theil–Sen_estimator */
function findSlope(values: readonly number[]): number {
  const size = Math.max(1, Math.floor(values.length / STRETCHES));
  const points = Array.from({ length: Math.floor(values.length / size) }, (_, index) => ({
    at: index * size,
    value: median(values.slice(index * size, (index + 1) * size)),
  }));
  const slopes = points.flatMap((left, index) =>
    points.slice(index + 1).map((right) => (right.value - left.value) / (right.at - left.at)),
  );
  return slopes.length === 0 ? 0 : median(slopes);
}

// How long calls took, as counts by classes of time: of bounded size, and two of them added up are what one of all would have been.
// Pure; knows no SQL.

/**
 * A class is ten percent wide, and stands for its geometric middle: a percentile is off by at most 4.9 % (the square root of 1.1).
 * From one millisecond to a day there are 192 of them; what is shorter counts as one millisecond.
 */
const WIDTH = 1.1;

/** Classes in one e-fold: the class of a time is the whole part of this times its natural logarithm. */
export const CLASSES_A_FOLD = 1 / Math.log(WIDTH);

/** Calls by class. */
export type Classes = ReadonlyMap<number, number>;

export interface Spread {
  latency: Classes;
  ttft: Classes;
}

export const NO_CLASSES: Classes = new Map();
export const NO_SPREAD: Spread = Object.freeze({ latency: NO_CLASSES, ttft: NO_CLASSES });

export function classOf(ms: number): number {
  return Math.floor(Math.log(Math.max(1, ms)) * CLASSES_A_FOLD);
}

export function addClasses(left: Classes, right: Classes): Classes {
  if (left.size === 0) return right;
  const sum = new Map(left);
  countClasses(sum, right);
  return sum;
}

/** In place, for there are many. */
export function countClasses(into: Map<number, number>, classes: Classes): void {
  // oxlint-disable-next-line unicorn/no-array-for-each -- of a map, it takes half the time
  classes.forEach((count, place) => into.set(place, (into.get(place) ?? 0) + count));
}

export function addSpreads(left: Spread, right: Spread): Spread {
  return { latency: addClasses(left.latency, right.latency), ttft: addClasses(left.ttft, right.ttft) };
}

/** As it is kept: `31:5,33:1`. */
export function printClasses(classes: Classes): string {
  return [...classes]
    .toSorted(([left], [right]) => left - right)
    .map(([place, count]) => `${place}:${count}`)
    .join(",");
}

/** One text or many, one behind the other with commas between: what is of one class is added up. */
export function readClasses(text: string): Classes {
  if (text === "") return NO_CLASSES;
  const classes = new Map<number, number>();
  let place = 0;
  let number = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? COMMA : text.charCodeAt(at);
    if (code === COLON) {
      place = number;
      number = 0;
    } else if (code === COMMA) {
      if (number > 0) classes.set(place, (classes.get(place) ?? 0) + number);
      number = 0;
    } else number = number * 10 + code - ZERO;
  }
  return classes;
}

const [COMMA, COLON, ZERO] = [44, 58, 48];

/** Milliseconds within which that part of the calls (0.9) was done; null where there are none. */
export function findPercentile(classes: Classes, part: number): number | null {
  let total = 0;
  for (const count of classes.values()) total += count;
  if (total === 0) return null;
  let rest = Math.max(1, Math.ceil(total * part));
  const sorted = [...classes].toSorted(([left], [right]) => left - right);
  for (const [place, count] of sorted) {
    rest -= count;
    if (rest <= 0) return Math.round(WIDTH ** (place + 0.5) * 10) / 10;
  }
  return null;
}

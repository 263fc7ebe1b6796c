// Counters by label and histograms, as plain numbers. Bounded: beyond so many combinations of labels, all further ones are one.
// Knows no name and no way of printing.

export interface Point {
  labels: readonly string[];
  count: number;
}

export interface Series {
  name: string;
  about: string;
  labels: readonly string[];
  /** By the labels' values, joined. */
  points: Map<string, Point>;
}

export interface Histogram {
  name: string;
  about: string;
  bounds: readonly number[];
  /** One more than there are bounds. */
  counts: number[];
  sum: number;
  count: number;
  record(value: number): void;
}

const MAX_COMBINATIONS = 2_000;
const OTHER = "other";

export function createSeries(name: string, about: string, labels: readonly string[]): Series {
  return { name, about, labels, points: new Map() };
}

/** Where those labels are counted: looked up by whoever counts often only once. */
export function findPoint({ labels: names, points }: Series, labels: readonly string[]): Point {
  const key = labels.join("\n");
  const known = points.get(key);
  if (known !== undefined) return known;
  const isRoom = points.size < MAX_COMBINATIONS;
  const point: Point = { labels: isRoom ? labels : names.map(() => OTHER), count: 0 };
  const place = isRoom ? key : point.labels.join("\n");
  const others = points.get(place);
  if (others !== undefined) return others;
  points.set(place, point);
  return point;
}

export function sumPoints({ points }: Series): number {
  let sum = 0;
  for (const { count } of points.values()) sum += count;
  return sum;
}

export function createHistogram(name: string, about: string, bounds: readonly number[]): Histogram {
  return {
    name,
    about,
    bounds,
    counts: Array.from({ length: bounds.length + 1 }, () => 0),
    sum: 0,
    count: 0,
    record(value) {
      let index = 0;
      while (index < bounds.length && value > (bounds[index] ?? 0)) index++;
      this.counts[index] = (this.counts[index] ?? 0) + 1;
      this.sum += value;
      this.count++;
    },
  };
}

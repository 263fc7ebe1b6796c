// Figures of several processes as those of one: what each of them counted, as plain values that can be sent, and their sum. Knows no instrument by name.

import type { Gauge } from "./metric.ts";
import { type Histogram, type Series, createHistogram, createSeries, findPoint } from "./series.ts";

interface TalliedPoint {
  labels: Readonly<Record<string, string>>;
  value: number;
}

interface TalliedGauge {
  name: string;
  about: string;
  isCounter: boolean;
  isWorst: boolean;
  /** Null where it has no labels. */
  points: readonly TalliedPoint[] | null;
  value: number | null;
}

/** All that one process counted. */
export interface Tally {
  series: readonly {
    name: string;
    about: string;
    labels: readonly string[];
    points: readonly [readonly string[], number][];
  }[];
  histograms: readonly {
    name: string;
    about: string;
    bounds: readonly number[];
    counts: readonly number[];
    sum: number;
  }[];
  gauges: readonly TalliedGauge[];
}

export interface Figures {
  series: readonly Series[];
  histograms: readonly Histogram[];
  gauges: readonly Gauge[];
}

/** Without what is the same for all of them. */
export function tallyFigures({ series, histograms, gauges }: Figures): Tally {
  return {
    series: series.map(({ name, about, labels, points }) => ({
      name,
      about,
      labels,
      points: [...points.values()].map((point): [readonly string[], number] => [point.labels, point.count]),
    })),
    histograms: histograms.map(({ name, about, bounds, counts, sum }) => ({
      name,
      about,
      bounds,
      counts: [...counts],
      sum,
    })),
    gauges: gauges.filter(({ isCommon }) => isCommon !== true).map(tallyGauge),
  };
}

function tallyGauge(gauge: Gauge): TalliedGauge {
  const { name, about } = gauge;
  const common = { name, about, isCounter: gauge.isCounter === true, isWorst: gauge.isWorst === true };
  return "points" in gauge
    ? { ...common, points: gauge.points().map(({ labels, value }) => ({ labels, value })), value: null }
    : { ...common, points: null, value: gauge.read() };
}

/** What only ever grows, of one that is gone: its part of the sums stays. */
export function keepGrown({ series, histograms, gauges }: Tally): Tally {
  return { series, histograms, gauges: gauges.filter(({ isCounter }) => isCounter) };
}

/** Counters and what is under way are added up; of what is well or not, the worst holds. */
export function addTallies(own: Figures, others: readonly Tally[]): Figures {
  if (others.length === 0) return own;
  const all = [tallyFigures({ ...own, gauges: [] }), ...others];
  return {
    series: addSeries(all),
    histograms: addHistograms(all),
    gauges: addGauges(own.gauges, others),
  };
}

/** The sum of two, as a value of the same kind. */
export function joinTallies(left: Tally, right: Tally): Tally {
  return tallyFigures(addTallies({ series: [], histograms: [], gauges: [] }, [left, right]));
}

function addSeries(all: readonly Tally[]): Series[] {
  const sums = new Map<string, Series>();
  for (const { name, about, labels, points } of all.flatMap(({ series }) => series)) {
    const sum = sums.get(name) ?? createSeries(name, about, labels);
    sums.set(name, sum);
    for (const [values, count] of points) findPoint(sum, values).count += count;
  }
  return [...sums.values()];
}

function addHistograms(all: readonly Tally[]): Histogram[] {
  const sums = new Map<string, Histogram>();
  for (const { name, about, bounds, counts, sum } of all.flatMap(({ histograms }) => histograms)) {
    const whole = sums.get(name) ?? createHistogram(name, about, bounds);
    sums.set(name, whole);
    for (const [index, count] of counts.entries()) {
      whole.counts[index] = (whole.counts[index] ?? 0) + count;
      whole.count += count;
    }
    whole.sum += sum;
  }
  return [...sums.values()];
}

function addGauges(own: readonly Gauge[], others: readonly Tally[]): Gauge[] {
  const byName = Map.groupBy(
    others.flatMap(({ gauges }) => gauges),
    ({ name }) => name,
  );
  const here = own.map((gauge) => {
    const more = byName.get(gauge.name) ?? [];
    byName.delete(gauge.name);
    return more.length === 0 ? gauge : joinGauges([tallyGauge(gauge), ...more]);
  });
  return [...here, ...[...byName.values()].map(joinGauges)];
}

function joinGauges(all: readonly TalliedGauge[]): Gauge {
  const { name, about, isCounter, isWorst } = all[0] as TalliedGauge;
  const add = (left: number, right: number): number => (isWorst ? Math.max(left, right) : left + right);
  const common = { name, about, ...(isCounter ? ({ isCounter: true } as const) : {}) };
  if (all.every(({ points }) => points === null)) {
    const values = all.flatMap(({ value }) => (value === null ? [] : [value]));
    const value = values.length === 0 ? null : values.reduce(add);
    return { ...common, read: () => value };
  }
  const sums = new Map<string, TalliedPoint>();
  for (const { labels, value } of all.flatMap(({ points }) => points ?? [])) {
    const key = JSON.stringify(labels);
    const known = sums.get(key);
    sums.set(key, { labels, value: known === undefined ? value : add(known.value, value) });
  }
  return { ...common, points: () => [...sums.values()] };
}

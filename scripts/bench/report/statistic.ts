// Percentiles, medians and how far apart rounds lie. Pure.

/** Nearest rank: the smallest value that so large a share does not exceed. NaN where there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * share));
  return sorted[rank - 1] ?? Number.NaN;
}

export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** Null where there are none; values that are no numbers are left out. */
export function spread(values: readonly number[]): Spread | null {
  const sorted = values.filter((value) => !Number.isNaN(value)).toSorted((left, right) => left - right);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) return null;
  return { median: median(sorted), least, most };
}

/** The mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** The order of a round: each comes first equally often, and every second time around the other way, so that nobody always follows the same one. */
export function rotate<T>(items: readonly T[], round: number): T[] {
  const by = items.length === 0 ? 0 : round % items.length;
  const turned = [...items.slice(by), ...items.slice(0, by)];
  return items.length > 0 && Math.floor(round / items.length) % 2 === 1 ? turned.toReversed() : turned;
}

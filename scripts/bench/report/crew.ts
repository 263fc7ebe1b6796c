// Where the time of a request goes in a gateway of several processes, and what the one in front can bear. Knows no measurement.

import type { ThreadSpent } from "../run/proc.ts";
import { median } from "./statistic.ts";

/** Of one kind of thread, all of that kind together: microseconds a request, the median of the rounds. */
export interface Share {
  where: string;
  cpuUs: number;
}

const FRONT = "front: ";
const WORKERS = "workers: ";
/** A process's first thread takes requests, or speaks with those that do. */
const FIRST = "first thread";
/** Below it nobody asks where time went. Microseconds. */
const LEAST_US = 0.05;

/** What takes most comes first. */
export function share(rounds: readonly (readonly ThreadSpent[])[]): Share[] {
  const sums = rounds.map((threads) => {
    const isAlone = threads.every(({ isLeader }) => isLeader);
    const byKind = Map.groupBy(threads, ({ isLeader, isFirst, name }) => {
      const process = isAlone ? "" : isLeader ? FRONT : WORKERS;
      return process + (isFirst ? FIRST : name);
    });
    return new Map([...byKind].map(([where, own]) => [where, own.reduce((sum, { cpuUs }) => sum + cpuUs, 0)]));
  });
  const kinds = new Set(sums.flatMap((sum) => [...sum.keys()]));
  return [...kinds]
    .map((where) => ({ where, cpuUs: median(sums.map((sum) => sum.get(where) ?? 0)) }))
    .filter(({ cpuUs }) => cpuUs >= LEAST_US)
    .toSorted((left, right) => right.cpuUs - left.cpuUs);
}

/** What the process in front does once for all: its busiest kind of thread bounds them all together. */
export interface Bearing extends Share {
  /** Requests a second at which that thread has no time left. */
  perSecond: number;
  /** As many workers serve that, when their first threads have no time left, either. */
  workers: number;
}

/** Null where no process stands in front. */
export function bear(shares: readonly Share[]): Bearing | null {
  const busiest = shares.find(({ where }) => where.startsWith(FRONT));
  const worker = shares.find(({ where }) => where === WORKERS + FIRST);
  if (busiest === undefined || worker === undefined) return null;
  const { cpuUs } = busiest;
  return { ...busiest, perSecond: 1e6 / cpuUs, workers: worker.cpuUs / cpuUs };
}

// What a request costs a gateway of several processes where one of its workers has a core for itself, and what the process in front can bear. Knows no
// measurement.

import type { Round } from "../run/round.ts";
import { median } from "./statistic.ts";

/** Of one kind of thread: microseconds a request, the median of the rounds. */
export interface Share {
  where: string;
  cpuUs: number;
}

type Crowd = Pick<Round, "connections" | "threads">;

const FRONT = "front: ";
const WORKER = "worker: ";
/** A process's first thread takes requests, or speaks with those that do. */
const FIRST = "first thread";
/** Below it nobody asks where time went. Microseconds. */
const LEAST_US = 0.05;

/** The first that was begun. Null where a process serves alone. */
export function findWorker({ threads }: Pick<Round, "threads">): number | null {
  const pids = threads.filter(({ isLeader }) => !isLeader).map(({ pid }) => pid);
  return pids.length === 0 ? null : Math.min(...pids);
}

/**
 * By kinds of threads, for one request: what the one worker took for each of those that came to it, which are as many as its part of the connections, and
 * what the process in front took for each of all. The other workers do as that one does, on cores of theirs.
 */
function spend(round: Crowd): Map<string, number> {
  const { threads, connections } = round;
  const worker = findWorker(round);
  const all = [...connections.values()].reduce((sum, count) => sum + count, 0);
  const part = worker === null ? 1 : (connections.get(worker) ?? 0) / all;
  const spent = new Map<string, number>();
  for (const { pid, isLeader, isFirst, name, cpuUs } of threads) {
    if (!isLeader && pid !== worker) continue;
    const process = worker === null ? "" : isLeader ? FRONT : WORKER;
    const where = process + (isFirst ? FIRST : name);
    spent.set(where, (spent.get(where) ?? 0) + (isLeader ? cpuUs : cpuUs / part));
  }
  return spent;
}

/** All of it together, in microseconds. */
export function costOf(round: Crowd): number {
  return [...spend(round).values()].reduce((sum, us) => sum + us, 0);
}

/** What takes most comes first. */
export function share(rounds: readonly Crowd[]): Share[] {
  const all = rounds.map(spend);
  const kinds = new Set(all.flatMap((spent) => [...spent.keys()]));
  return [...kinds]
    .map((where) => ({ where, cpuUs: median(all.map((spent) => spent.get(where) ?? 0)) }))
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
  const worker = shares.find(({ where }) => where === WORKER + FIRST);
  if (busiest === undefined || worker === undefined) return null;
  const { cpuUs } = busiest;
  return { ...busiest, perSecond: 1e6 / cpuUs, workers: worker.cpuUs / cpuUs };
}

// Gives back what the gateway's start, and each busy time, leave behind in the heap, once it has nothing to do: the collector comes by only as more is
// asked for, and what a rush has taken would stay taken through the night. Knows no request.

import type { Clock } from "../lib/clock.ts";

interface RestInit {
  after: Clock["after"];
  /** Whether somebody waits for an answer. */
  isBusy: () => boolean;
  /** Processor time of this process so far, in microseconds. */
  readCpuUs?: () => number;
  /** Looks through the whole heap, for some milliseconds of this thread. */
  collect?: () => void;
}

const LOOK_MS = 5_000;
/** In the time between two looks: what timers and a scrape of metrics take is less. */
const QUIET_US = 100_000;
/** Since the last collection: less leaves little behind. */
const WORK_US = 500_000;

export function restAfterWork({ after, isBusy, readCpuUs = readOwnCpuUs, collect = collectAll }: RestInit): void {
  let seenUs = readCpuUs();
  let restedUs = 0;
  const look = (): void => {
    const nowUs = readCpuUs();
    const isQuiet = nowUs - seenUs < QUIET_US && !isBusy();
    seenUs = nowUs;
    if (isQuiet && nowUs - restedUs > WORK_US) {
      collect();
      // With what that took itself.
      restedUs = readCpuUs();
      seenUs = restedUs;
    }
    after(LOOK_MS, look);
  };
  after(LOOK_MS, look);
}

function readOwnCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function collectAll(): void {
  Bun.gc(true);
}

// What a group of processes takes of the machine, by what the kernel says under /proc: https://docs.kernel.org/filesystems/proc.html. Linux only.

import { readFileSync, readdirSync } from "node:fs";

/** The kernel's `USER_HZ`, which is 100 wherever Linux runs today. */
const TICK_US = 10_000;
/** Beyond this the finer count has missed threads that ended. */
const DOUBT_US = 3 * TICK_US;
const PAGE_BYTES = 4_096;

/** All processes whose group leader is `leader`, with it. */
export function listGroup(leader: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => readStat(pid)?.group === leader);
}

/** Of all processors, since the processes began. Microseconds. */
export function readCpuUs(pids: readonly number[]): number {
  let sumUs = 0;
  for (const pid of pids) {
    const stat = readStat(pid);
    if (stat === null) continue;
    const fineUs = readThreadsUs(pid);
    sumUs += Math.abs(stat.cpuUs - fineUs) > DOUBT_US ? stat.cpuUs : fineUs;
  }
  return sumUs;
}

export interface MachineTime {
  /** Of all processors, at work for whomever. */
  busyUs: number;
  /** That the machine below this one gave to others. */
  stolenUs: number;
}

/** Since the machine's start. */
export function readMachineTime(): MachineTime {
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = read("/proc/stat")
    .slice(0, 300)
    .split("\n", 1)
    .flatMap((line) => line.split(/\s+/u).slice(1).map(Number));
  return { busyUs: (user + nice + system + irq + soft) * TICK_US, stolenUs: steal * TICK_US };
}

/** What of them is in memory; pages that they share count for each. */
export function readRssBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (Number(read(`/proc/${pid}/statm`).split(" ")[1]) || 0) * PAGE_BYTES, 0);
}

/** Null where it has just ended. */
function readStat(pid: number): { group: number; cpuUs: number } | null {
  const text = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (text === "") return null;
  return { group: Number(fields[2]), cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US };
}

/** Nanoseconds on a processor come first: https://docs.kernel.org/scheduler/sched-stats.html */
function readThreadsUs(pid: number): number {
  let sumUs = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      sumUs += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0]) / 1e3;
    }
  } catch {
    // It has just ended.
  }
  return sumUs;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

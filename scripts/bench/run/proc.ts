// What a group of processes takes of the machine, by what the kernel says under /proc: https://docs.kernel.org/filesystems/proc.html. Linux only.

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

/** The kernel's `USER_HZ`, which is 100 wherever Linux runs today. */
const TICK_US = 10_000;
/** Two readings by ticks are off by two of them at most, for each of a few processes. */
const DOUBT_US = 3 * TICK_US;
const PAGE_BYTES = 4_096;

/** All processes whose group leader is `leader`, with it. */
export function listGroup(leader: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => readStat(pid)?.group === leader);
}

/** What processes had taken of all processors at some time. */
export interface CpuReading {
  /** By the kernel's clock ticks, also of threads that have ended. Microseconds. */
  coarseUs: number;
  /** To the nanosecond, by thread, as long as it lives. Microseconds. */
  threads: ReadonlyMap<string, number>;
}

export function readCpu(pids: readonly number[]): CpuReading {
  const threads = new Map<string, number>();
  let coarseUs = 0;
  for (const pid of pids) {
    coarseUs += readStat(pid)?.cpuUs ?? 0;
    readThreads(pid, threads);
  }
  return { coarseUs, threads };
}

/** Microseconds between two readings: by threads, unless some that ended took more than the ticks could leave unseen. */
export function spendCpuUs(before: CpuReading, after: CpuReading): number {
  const coarseUs = after.coarseUs - before.coarseUs;
  let fineUs = 0;
  for (const [thread, us] of after.threads) fineUs += us - (before.threads.get(thread) ?? 0);
  return coarseUs - fineUs > DOUBT_US ? coarseUs : fineUs;
}

/** What one thread took. */
export interface ThreadSpent {
  pid: number;
  /** Of the process that leads the group. */
  isLeader: boolean;
  /** The one that its process began with. */
  isFirst: boolean;
  name: string;
  cpuUs: number;
}

/** Between two readings of a group, thread by thread; of those that have ended nothing is known. */
export function spendByThread(
  { before, after }: { before: CpuReading; after: CpuReading },
  leader: number,
): ThreadSpent[] {
  return listGroup(leader).flatMap((pid) =>
    listThreads(pid).flatMap((thread) => {
      const us = after.threads.get(thread);
      if (us === undefined) return [];
      const name = read(`/proc/${pid}/task/${thread}/comm`).trim();
      const cpuUs = us - (before.threads.get(thread) ?? 0);
      return [{ pid, isLeader: pid === leader, isFirst: thread === String(pid), name, cpuUs }];
    }),
  );
}

const ESTABLISHED = "01";

/** How many connections to a port each of these processes has taken: https://docs.kernel.org/networking/proc_net_tcp.html */
export function countConnections(pids: readonly number[], port: number): Map<number, number> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = read("/proc/net/tcp")
    .split("\n")
    .map((line) => line.trim().split(/\s+/u));
  const sockets = new Set(
    rows.flatMap(([, at = "", , state, , , , , , inode]) =>
      at.endsWith(local) && state === ESTABLISHED ? [`socket:[${inode}]`] : [],
    ),
  );
  return new Map(pids.map((pid) => [pid, listOpen(pid).filter((target) => sockets.has(target)).length]));
}

/** What the open files of a process are. */
function listOpen(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(`${folder}/${name}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
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
function readThreads(pid: number, threads: Map<string, number>): void {
  for (const thread of listThreads(pid)) {
    threads.set(thread, Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(" ")[0]) / 1e3);
  }
}

/** None where the process has just ended. */
function listThreads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

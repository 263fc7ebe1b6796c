// On what was measured, and of what. Knows no measurement.

import { cpus, loadavg, release, totalmem } from "node:os";
import { readCommit } from "../../compile.ts";
import type { Cores } from "../run/core.ts";

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  bun: string;
  commit: string;
  /** Processors at work on average in the minute before. */
  load: number;
  pinned: Cores | null;
  at: string;
}

export function describeMachine(pinned: Cores | null, load: number, at: Date): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    bun: Bun.version,
    commit: readCommit(),
    load,
    pinned,
    at: at.toISOString(),
  };
}

export function readLoad(): number {
  return Number((loadavg()[0] ?? 0).toFixed(2));
}

export function printMachine({ cpu, cores, memoryGiB, kernel, bun, commit, load, pinned, at }: Machine): string {
  const where =
    pinned === null
      ? "nothing pinned: all share all cores"
      : `core ${pinned.gateway}: who is measured; core ${pinned.upstream}: the provider; core ${pinned.load}: the load`;
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${kernel}; ${where}.\nCommit ${commit}, bun ${bun}, ${at}; load average before: ${load}.`;
}

// Ends what a client left running in a session of its own, such as Cline's hub, by the home that it was given. Reads /proc, so where there
// is none it finds nothing. Knows no client.

import { readFileSync, readdirSync } from "node:fs";

/** All that was started with this home, and what it starts meanwhile. */
export function endLeftovers(home: string): void {
  for (let left = listStarted(home); left.length > 0; left = listStarted(home)) for (const pid of left) end(pid);
}

function listStarted(home: string): number[] {
  return listProcesses().filter((pid) => readEnvironment(pid).includes(`HOME=${home}`));
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Empty for what has ended and for what is another user's. */
function readEnvironment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

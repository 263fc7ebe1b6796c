// Which processor each process of the bench has for itself, or shares. Knows no process's purpose.

import { availableParallelism } from "node:os";

export interface Cores {
  gateway: string;
  upstream: string;
  load: string;
}

/** What is measured has the first one alone; where there are two, the provider and the load share the other. Null: nothing is pinned. */
export function assignCores(count = availableParallelism()): Cores | null {
  if (count < 2 || Bun.which("taskset") === null) return null;
  return count === 2 ? { gateway: "0", upstream: "1", load: "1" } : { gateway: "0", upstream: "1", load: "2" };
}

export function pin(cores: Cores | null, role: keyof Cores, command: readonly string[]): string[] {
  return cores === null ? [...command] : ["taskset", "-c", cores[role], ...command];
}

/** This process, and whatever it starts from now on without saying otherwise, keeps off what is measured. */
export function keepAside(cores: Cores | null): void {
  if (cores === null) return;
  const aside = cores.load;
  Bun.spawnSync(["taskset", "-a", "-c", "-p", aside, String(process.pid)], { stdout: "ignore", stderr: "ignore" });
}

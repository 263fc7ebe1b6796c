// What the runtime reads of the real environment when a process starts, and of nothing else: the daemon starts itself anew with it. Knows no setting of
// ours.

import { isBuilt } from "../lib/worker-place.ts";
import { listStopSignals } from "./stop.ts";

/** Whoever sets one of them keeps it. */
const VARIABLES = {
  /** Of a process only 256 requests may wait for response headers at a time, over all hosts: a provider that hangs would hold up the others. */
  BUN_CONFIG_MAX_HTTP_REQUESTS: "16384",
  /**
   * How far the heap grows before all of it is looked through: to one and a half times of what was found in use. On a machine with much memory it would be
   * three times, and the buffers of open streams count as if they were full: hundreds of them leave a hundred megabytes of what is over lying about.
   * The first is for machines of 16 GB and more, the last for others: https://github.com/WebKit/WebKit/blob/main/Source/JavaScriptCore/heap/Heap.cpp
   */
  BUN_JSC_heapGrowthMaxIncrease: "0.5",
  /** As long as what is new has so much of the heap, only that is looked through: a third, as usual, would with so little growth be all of it each time. */
  BUN_JSC_minEdenToOldGenerationRatio: "0.15",
  BUN_JSC_smallHeapGrowthFactor: "1.5",
  /**
   * As many threads read files and ask for the addresses of names, begun as they are needed. Usually there is one for each core: two names that nobody
   * answers for would then hold up each upload and all other names.
   */
  UV_THREADPOOL_SIZE: "16",
} as const satisfies Record<string, string>;

/** Does not return where the process is replaced; on Windows, which cannot, it returns the exit code of a child. Null: all of it is in force. */
export async function renewProcess(): Promise<number | null> {
  const env = completeEnvironment(process.env);
  if (env === null) return null;
  const args = listOwnWords();
  if (process.platform === "win32") return runChild([process.execPath, ...args], env);
  // The name we were called by decides what we are, so it must survive.
  try {
    process.execve?.(process.execPath, [process.argv0, ...args], env);
  } catch (error) {
    // Where another program runs this one (an emulator), or no program may be started: it serves as it is.
    const code = error instanceof Error && "code" in error ? String(error.code) : "no reason";
    const missing = Object.entries(VARIABLES).map((variable) => variable.join("="));
    process.stderr.write(
      `warning: the gateway could not start itself anew (${code}): only 256 calls at a time wait for providers, and more memory is used. Set in its environment: ${missing.join(" ")}\n`,
    );
  }
  return null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Null where nothing is missing: it is how a process knows that it has been started anew. */
export function completeEnvironment(env: Environment): Environment | null {
  const isComplete = Object.keys(VARIABLES).every((name) => env[name] !== undefined);
  return isComplete ? null : { ...VARIABLES, ...env };
}

/** What starts this program again as it was called, behind `process.execPath`. */
export function listOwnWords(): string[] {
  return isBuilt(Bun.main) ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
}

/** The console tells the child, too, what it tells us; passed on, it would end the child at once, as any signal that a Windows program is sent. */
async function runChild(command: string[], env: Environment): Promise<number> {
  const child = Bun.spawn(command, { env, stdio: ["inherit", "inherit", "inherit"], argv0: process.argv0 });
  for (const signal of listStopSignals("win32")) process.on(signal, () => undefined);
  return child.exited;
}

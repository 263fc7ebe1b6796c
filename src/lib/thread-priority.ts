// Which of this process's threads goes first where there are fewer cores than threads. Knows no thread's work.

import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { basename } from "node:path";

/**
 * Lets other threads of this process go before the calling one: what may be done a moment later would else hold up what a request waits for by
 * several milliseconds, on a core that both share. Linux alone gives threads priorities of their own; elsewhere, and where that is forbidden,
 * nothing happens.
 * @param steps of niceness behind the process: of two busy threads five steps apart, one gets three times as much of a core as the other.
 */
export function yieldToOthers(steps: number): void {
  if (process.platform !== "linux") return;
  try {
    const thread = Number(basename(readlinkSync("/proc/thread-self")));
    setPriority(thread, Math.min(LEAST, getPriority(thread) + steps));
  } catch {
    // All go alike.
  }
}

/** What nobody can go behind. */
const LEAST = 19;

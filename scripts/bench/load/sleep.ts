// Waits for something to read or for a time finer than a millisecond, whichever comes first, and leaves its core to others meanwhile. The event
// loop's own timers are too coarse for a rate of thousands a second, and a loop that spins takes the core from whoever shares it. Linux only:
// https://man7.org/linux/man-pages/man2/ppoll.2.html

import { readdirSync, readlinkSync } from "node:fs";
import { dlopen, ptr } from "bun:ffi";

const EVENT_LOOP = "anon_inode:[eventpoll]";
const POLLIN = 1;
const POLL_BYTES = 8;
const SET_TIMER_SLACK = 29;

/** `us` at most. */
export type Sleep = (us: number) => void;

/** Null where it cannot be had; who waits spins then. */
export function openSleep(): Sleep | null {
  const library = openLibrary();
  const loops = listEventLoops();
  if (library === null || loops.length === 0) return null;
  const { ppoll, prctl } = library;
  prctl(SET_TIMER_SLACK, 1, 0, 0, 0);
  const polled = Buffer.alloc(loops.length * POLL_BYTES);
  for (const [index, fd] of loops.entries()) {
    polled.writeInt32LE(fd, index * POLL_BYTES);
    polled.writeInt16LE(POLLIN, index * POLL_BYTES + 4);
  }
  const time = new BigInt64Array(2);
  return (us) => {
    if (us < 1) return;
    time[0] = BigInt(Math.floor(us / 1e6));
    time[1] = BigInt(Math.floor((us % 1e6) * 1_000));
    ppoll(ptr(polled), loops.length, ptr(time), null);
  };
}

function openLibrary() {
  try {
    return dlopen("libc.so.6", {
      ppoll: { args: ["ptr", "u64", "ptr", "ptr"], returns: "i32" },
      prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    }).symbols;
  } catch {
    return null;
  }
}

/** Those of this process that its own thread may be waiting on; one too many only wakes it too often. */
function listEventLoops(): number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === EVENT_LOOP;
        } catch {
          return false;
        }
      });
  } catch {
    return [];
  }
}

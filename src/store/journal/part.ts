// A part of the journal while it is written: frame behind frame, in memory that is the file itself where that is safe, else by a call of the system.
// Knows no other part, and no row.

import type { Disk } from "./disk.ts";
import { boundFrame, measureFrame } from "./frame.ts";
import { unmapFile } from "./memory.ts";

export interface Part {
  path: string;
  segment: number;
  /** Another part may say already where this one ends. */
  isOver: boolean;
  /** Behind the last good frame. */
  end(): number;
  /** False where the frame would go beyond `limit`, and something is there already. All of it is written, or none when it throws. */
  put(text: string, limit: number): boolean;
  /** False where something may lie behind the end that is not to be there: then this part is over, and the next one says where it ends. */
  isClean(): boolean;
  /** Takes away what was set aside, and lets go of the file. */
  close(): void;
}

interface PartInit {
  disk: Disk;
  path: string;
  segment: number;
  /** Whether a row outlives the loss of the machine's power. */
  isSynced: boolean;
  memory: MemoryUse;
  frame: (text: string) => Buffer;
}

/** Shared by all parts: where the system has refused it once, it is asked for no more. */
export interface MemoryUse {
  isOn: boolean;
}

/** What is set aside in one go: whole pages on every machine, and some dozens of rows. */
const STEP_BYTES = 64 * 1024;
/** What is memory at a time, as far as it is set aside: to change it costs the more the more often. What is used of it counts as the process's own. */
const SPAN_BYTES = 8 * STEP_BYTES;
const ZEROS = Buffer.alloc(STEP_BYTES);
/** How long a disk that took a write is believed to take what is stored into memory, too. */
const BELIEVED_MS = 250;

/** Throws where there is such a file already. */
export function createPart({ disk, path, segment, isSynced, memory, frame }: PartInit): Part {
  const file = disk.create(path);
  let end = 0;
  let isDirty = false;
  /** Up to where there is room on the disk, in whole steps. Behind it may lie a hole, and on a full disk a store into one ends the process. */
  let filled = 0;
  /** Up to where a store may go. */
  let room = 0;
  let window: Buffer<ArrayBuffer> | null = null;
  let windowFrom = 0;
  /** When the disk took a write for the last time. */
  let provedMs = 0;

  /** With zeros, so that a full disk says so now: to a store that finds no room, nothing can be said. */
  const fill = (wanted: number): void => {
    for (; filled < wanted; filled += STEP_BYTES)
      for (let at = 0; at < STEP_BYTES;) at += check(disk.write(file, ZEROS, at, filled + at));
    provedMs = disk.nowMs();
  };

  /**
   * Of a file system that was made read-only a store says nothing, and what was stored never gets to the disk: a write does, here of the zero that
   * is there anyway. Nothing in the memory is touched before: where the system does not take it, a store ends the process.
   */
  const prove = (): void => {
    const nowMs = disk.nowMs();
    if (nowMs - provedMs < BELIEVED_MS || end >= filled) return;
    check(disk.write(file, ZEROS, STEP_BYTES - 1, filled - 1));
    provedMs = nowMs;
  };

  /** Memory in which so many bytes have room behind the end; null where there is none to be had. */
  const reach = (length: number): Buffer<ArrayBuffer> | null => {
    if (!memory.isOn) {
      letGo();
      return null;
    }
    if (end + length > filled) fill(end + length);
    if (window === null || end + length > windowFrom + window.length) move();
    room = window === null ? 0 : Math.min(filled, windowFrom + window.length);
    return window;
  };

  /** Other memory in place of the one before. */
  const move = (): void => {
    const from = end - (end % STEP_BYTES);
    const next = disk.map(file, from, lengthen(Math.max(filled, from + SPAN_BYTES)));
    letGo();
    window = next;
    windowFrom = from;
    memory.isOn = next !== null;
  };

  /** By a hole: memory cannot go beyond the end of the file. */
  const lengthen = (length: number): number => {
    try {
      disk.truncate(file, length);
      return length;
    } catch {
      return filled;
    }
  };

  const letGo = (): void => {
    if (window !== null) unmapFile(window);
    window = null;
  };

  const fits = (length: number, limit: number): boolean => window !== null && end + length <= Math.min(limit, room);

  const store = (into: Buffer, text: string): void => {
    end = windowFrom + disk.store(into, end - windowFrom, text);
  };

  const write = (bytes: Buffer): void => {
    for (let from = 0; from < bytes.length;) from += check(disk.write(file, bytes, from, end + from));
    if (isSynced) disk.sync(file);
    end += bytes.length;
  };

  /** What was written behind the end is taken back. */
  const clear = (): void => {
    try {
      if (window === null) {
        disk.truncate(file, end);
        if (isSynced) disk.sync(file);
      } else disk.erase(window, end - windowFrom, room - windowFrom);
      isDirty = false;
    } catch {
      // It is tried again, or left behind.
    }
  };

  return {
    path,
    segment,
    isOver: false,
    end: () => end,
    put(text, limit) {
      let into = window;
      // What it takes exactly is asked only where that matters.
      if (!fits(boundFrame(text), limit)) {
        const length = measureFrame(text);
        if (end > 0 && end + length > limit) return false;
        if (!fits(length, Number.POSITIVE_INFINITY)) into = reach(length);
      }
      if (into !== null) prove();
      try {
        if (into === null) write(frame(text));
        else store(into, text);
      } catch (error) {
        isDirty = true;
        clear();
        throw error;
      }
      return true;
    },
    isClean() {
      if (isDirty) clear();
      return !isDirty;
    },
    close() {
      letGo();
      try {
        // Also where the memory was used up to the last byte: a hole lies behind it.
        if (isDirty || filled > 0) disk.truncate(file, end);
      } catch {
        // Whoever reads it takes no notice of zeros.
      }
      disk.close(file);
    },
  };
}

function check(written: number): number {
  if (written <= 0) throw Object.assign(new Error("Nothing was written."), { code: "EIO" });
  return written;
}

// Space on the disk that is set aside for the rows of calls that run: real bytes in a file of its own, given up when the disk is full. Knows no table.

import { randomFillSync } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export interface Reserve {
  /** False where it was given up before, or cannot be. */
  relieve(): boolean;
  /** False where there is no space for it. */
  restore(): boolean;
}

/** Of a disk that is nearly full, no more than this part. */
const LARGEST_SHARE = 8;
const PIECE_BYTES = 256 * 1024;

/** @param wantedBytes 0 for none */
export function openReserve(path: string, wantedBytes: number): Reserve {
  if (wantedBytes === 0) return { relieve: () => false, restore: () => true };
  const bytes = Math.min(wantedBytes, Math.floor((countFree(path) + countBytes(path)) / LARGEST_SHARE));
  let isThere = fill(path, bytes);
  return {
    relieve() {
      if (!isThere) return false;
      isThere = false;
      return remove(path);
    },
    restore() {
      isThere ||= countFree(path) > 2 * bytes && fill(path, bytes);
      return isThere;
    },
  };
}

/** Random bytes, for a file system may make nothing of equal ones. */
function fill(path: string, bytes: number): boolean {
  if (countBytes(path) >= bytes) return true;
  let file: number | null = null;
  try {
    file = openSync(path, "w", 0o600);
    const piece = Buffer.alloc(PIECE_BYTES);
    for (let written = 0; written < bytes;)
      written += writeSync(file, randomFillSync(piece), 0, Math.min(PIECE_BYTES, bytes - written));
    fsyncSync(file);
    closeSync(file);
    return true;
  } catch {
    // Whatever hinders it: without the reserve, the books are as good as the disk is.
    if (file !== null) closeSync(file);
    remove(path);
    return false;
  }
}

/** False where the disk does not even let go. */
function remove(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}

function countBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function countFree(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return 0;
  }
}

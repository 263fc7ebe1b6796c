// The little that the configuration asks of a disk. Knows no key and no format.

import { readFileSync, readdirSync } from "node:fs";

export interface Disk {
  /** Null where there is no such file; throws where it cannot be read. */
  readFile(path: string): Uint8Array | null;
  /** Names of what is in it; null where there is no such folder. */
  listFolder(path: string): string[] | null;
}

export const realDisk: Disk = {
  readFile: (path) => orNull(() => readFileSync(path)),
  listFolder: (path) => orNull(() => readdirSync(path)),
};

/** A sentence's end: `EACCES` and the like in words. */
export function describeDiskError(error: unknown): string {
  const code = readCode(error);
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
  if (code === "EISDIR") return "is a folder";
  return `cannot be read (${code})`;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(readCode(error))) return null;
    throw error;
  }
}

function readCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}

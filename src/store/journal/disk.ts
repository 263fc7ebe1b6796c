// What the journal asks of the system, each call one step that may fail. Knows no row.

import {
  closeSync,
  copyFileSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { GatewayError } from "../../ir/index.ts";
import { codeOf, explainStoreError } from "../error.ts";
import { putFrame } from "./frame.ts";
import { mapFile } from "./memory.ts";

export interface Disk {
  /** For this user alone. Fails where it is there already. */
  create(path: string): number;
  /** How many bytes were written. */
  write(file: number, bytes: Buffer, from: number, at: number): number;
  /** Memory that is what lies between two places of the file, both of which are there; null where it cannot be had. */
  map(file: number, from: number, to: number): Buffer<ArrayBuffer> | null;
  /** A frame of that text into such memory, as `putFrame` does it. */
  store(memory: Buffer, at: number, text: string): number;
  /** Makes zeros of it. */
  erase(memory: Buffer, from: number, to: number): void;
  truncate(file: number, length: number): void;
  sync(file: number): void;
  close(file: number): void;
  /** So that the names in it are as durable as the files. */
  syncFolder(path: string): void;
  remove(path: string): void;
  /** Of a clock that never jumps. */
  nowMs(): number;
}

export const realDisk: Disk = {
  create: (path) => openSync(path, "wx", 0o600),
  write: (file, bytes, from, at) => writeSync(file, bytes, from, bytes.length - from, at),
  map: mapFile,
  store: putFrame,
  erase: (memory, from, to) => void memory.fill(0, from, to),
  truncate: ftruncateSync,
  sync: fdatasyncSync,
  close: closeSync,
  syncFolder(path) {
    // Windows has no such thing as a folder that is synced.
    if (process.platform === "win32") return;
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  remove: (path) => rmSync(path, { force: true }),
  nowMs: () => performance.now(),
};

/** A part of a journal, and a place in it. */
export interface Place {
  segment: number;
  offset: number;
}

export function nameSegment(location: string, slot: number, segment: number): string {
  return `${location}.journal-${slot}-${segment}`;
}

/** Numbers of a slot's segments, in their order. */
export function listSegments(location: string, slot: number): number[] {
  const all = listAll(location).filter((found) => found.slot === slot);
  return all.map(({ segment }) => segment).toSorted((left, right) => left - right);
}

/** Slots in which a journal lies. */
export function listSlots(location: string): number[] {
  return [...new Set(listAll(location).map(({ slot }) => slot))].toSorted((left, right) => left - right);
}

/** What is named in another way than we name it (`journal-00-1`, a number that is none) is none of ours. */
function listAll(location: string): { slot: number; segment: number }[] {
  const start = `${basename(location)}.journal-`;
  return readdirSync(dirname(location)).flatMap((name) => {
    const found = name.startsWith(start) ? OWN.exec(name.slice(start.length)) : null;
    return found === null ? [] : [{ slot: Number(found.groups?.["slot"]), segment: Number(found.groups?.["segment"]) }];
  });
}

/** Of numbers with no more digits there is always a next one. */
const OWN = /^(?<slot>0|[1-9]\d{0,14})-(?<segment>0|[1-9]\d{0,14})$/u;

const DAMAGED = ".damaged";

/** Whatever becomes of the file, its bytes stay for whoever wants to look at them. */
export function keepDamaged(path: string): void {
  const kept = path + DAMAGED;
  if (countBytes(kept) !== null) return;
  try {
    linkSync(path, kept);
  } catch {
    copyFileSync(path, kept);
  }
}

/** Paths of what was kept. */
export function listDamaged(location: string): string[] {
  const start = `${basename(location)}.journal-`;
  const folder = dirname(location);
  return readdirSync(folder)
    .filter((name) => name.startsWith(start) && name.endsWith(DAMAGED))
    .toSorted()
    .map((name) => join(folder, name));
}

/** Null where there is no such file. */
export function countBytes(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

const GLANCE_BYTES = 4_096;

/**
 * Bytes up to the last one that is not zero; null where there is no such file. What lies behind it is set aside for frames to come: none of them ends
 * in a zero, so that whoever reads up to here has all that was written.
 */
export function countWritten(path: string): number | null {
  let end = countBytes(path);
  if (end === null) return null;
  // What is set aside is little, and a part that was left has nothing of it.
  for (let bytes = GLANCE_BYTES; end > 0; bytes *= 4) {
    const from = Math.max(0, end - bytes);
    const last = findLast(readRange(path, from, end));
    if (last !== -1) return from + last + 1;
    end = from;
  }
  return 0;
}

/** Place of the last byte that is not zero; -1 where all are. */
function findLast(bytes: Buffer): number {
  if (bytes.equals(Buffer.alloc(bytes.length))) return -1;
  let at = bytes.length - 1;
  while (bytes[at] === 0) at--;
  return at;
}

/** The bytes between two places, as far as they are there. `into`: where they are put if there is room for them. Throws a GatewayError that names the file. */
export function readRange(...asked: Parameters<typeof readBytes>): Buffer {
  try {
    return readBytes(...asked);
  } catch (error) {
    throw explainJournal(error, asked[0]);
  }
}

/** Such a name is nobody's choice, so of what cannot be read the name is right and the file wrong. */
function explainJournal(error: unknown, path: string): GatewayError {
  const code = codeOf(error);
  if (!["EACCES", "EISDIR", "ELOOP", "ENOENT", "EPERM"].includes(code)) return explainStoreError(error, path);
  const message = `${path} has the name of a journal and cannot be read (${code}); give it back to this user if a gateway wrote it, for its rows are on no books yet, else move it away.`;
  return new GatewayError({ kind: "internal", code: "store_denied", message, cause: error });
}

function readBytes(path: string, from: number, to: number, into?: Buffer): Buffer {
  const length = Math.max(0, to - from);
  const bytes = into !== undefined && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafe(length);
  const file = openSync(path, "r");
  try {
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(file, bytes, read, bytes.length - read, from + read);
      if (count === 0) break;
      read += count;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}

// Several processes may write to one file: each takes a slot, and with it a chain of its own. The system frees a slot when its process ends, however
// it ends. Knows no table.

import { Database } from "bun:sqlite";
import { chmodSync } from "node:fs";
import { explainStoreError } from "../error.ts";

export interface Slot {
  number: number;
  release(): void;
}

export const MAX_SLOTS = 64;

/** The first free one. Throws where there is none. */
export function claimSlot(location: string): Slot {
  for (let number = 0; number < MAX_SLOTS; number++) {
    const slot = trySlot(location, number);
    if (slot !== null) return slot;
  }
  throw new Error(`${MAX_SLOTS} processes write to ${location} already.`);
}

/** Null where a process holds it. An exclusive transaction on a file of its own is a lock that every system has. Throws a GatewayError that names that file. */
export function trySlot(location: string, number: number): Slot | null {
  const path = `${location}.writer-${number}`;
  try {
    return lockFile(path, number);
  } catch (error) {
    throw explainStoreError(error, path);
  }
}

function lockFile(path: string, number: number): Slot | null {
  const lock = new Database(path, { create: true, readwrite: true });
  try {
    lock.run("PRAGMA busy_timeout = 0");
    // Nothing is ever written: a full disk is no obstacle.
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    chmodSync(path, 0o600);
    return { number, release: () => lock.close() };
  } catch (error) {
    lock.close();
    if (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY")) return null;
    throw error;
  }
}

// A real store in a temporary folder, a clock that is set by hand, and a schedule that runs when told. Knows no test.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDirectory, type Directory, type Schedule } from "../../src/identity/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";

export const NOON = Date.UTC(2026, 4, 4, 12);

export interface House {
  store: Store;
  directory: Directory;
  clock: { now: number };
  /** Another process on the same database. */
  openAgain(): Promise<Store>;
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-identity-"));
  const path = join(folder, "identity.db");
  const stores: Store[] = [];
  async function openAgain(): Promise<Store> {
    const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
    const store = await openStore({ identityPath: path, ledgerPath: path, database });
    stores.push(store);
    return store;
  }
  const store = await openAgain();
  const clock = { now: NOON };
  return {
    store,
    directory: createDirectory({ store: store.identity, now: () => clock.now }),
    clock,
    openAgain,
    async close() {
      await Promise.all(stores.map((one) => one.close()));
      rmSync(folder, { recursive: true });
    },
  };
}

/** Holds what was scheduled until `turn` runs it. */
export function createTimetable() {
  const due = new Set<{ task: () => void; afterMs: number }>();
  const schedule: Schedule = (task, afterMs) => {
    const entry = { task, afterMs };
    due.add(entry);
    return () => due.delete(entry);
  };
  return {
    schedule,
    /** How long each task is to wait. */
    delays: () => [...due].map(({ afterMs }) => afterMs),
    /** Runs what waits no longer than `withinMs`. */
    turn(withinMs = Infinity): void {
      for (const entry of [...due].filter(({ afterMs }) => afterMs <= withinMs)) {
        due.delete(entry);
        entry.task();
      }
    },
  };
}

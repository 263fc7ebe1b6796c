// The thread that keeps the logs of SQLite files short. Knows no table.

import { Database } from "bun:sqlite";
import { yieldToOthers } from "../../lib/thread-priority.ts";

export type CheckpointOrder = "stop" | { files: readonly string[] };
/** `reason` is null where what was told of before is over. */
export type CheckpointReport = "stopped" | { file: string; reason: string | null };

declare const self: Worker;

yieldToOthers(5);

const EVERY_MS = 500;
/** 4 KiB each. Beyond it the log is begun anew, for which writers are held up for a moment. */
const MAX_PAGES = 8_192;
/** For a moment in which nobody writes and no reader is in the log. */
const TRIES = 40;

interface File {
  path: string;
  /** Null until it could be opened. */
  db: Database | null;
  isFaulty: boolean;
}

let files: File[] = [];
let timer: Timer | null = null;

self.addEventListener("message", ({ data }: MessageEvent<CheckpointOrder>) => {
  if (data !== "stop") {
    files = data.files.map((path) => ({ path, db: null, isFaulty: false }));
    timer = setInterval(() => files.forEach(checkpoint), EVERY_MS);
    return;
  }
  if (timer !== null) clearInterval(timer);
  for (const file of files) {
    checkpoint(file);
    file.db?.close();
  }
  tell("stopped");
});

/** Waits for nobody: while it waited as a writer, everyone else would. */
function openFile(path: string): Database {
  const db = new Database(path, { create: false, readwrite: true });
  db.run("PRAGMA busy_timeout = 0");
  return db;
}

function checkpoint(file: File): void {
  try {
    const db = (file.db ??= openFile(file.path));
    // By far the most of it, and nobody is held up.
    const { log } = run(db, "PASSIVE");
    for (let turn = 0; log > MAX_PAGES && turn < TRIES; turn++) {
      if (run(db, "RESTART").busy === 0) break;
      Bun.sleepSync(1);
    }
    if (file.isFaulty) tell({ file: file.path, reason: null });
    file.isFaulty = false;
  } catch (error) {
    // On a full disk, or where it cannot be opened. The next try comes anyway; it is told once.
    if (!file.isFaulty) tell({ file: file.path, reason: error instanceof Error ? error.message : String(error) });
    file.isFaulty = true;
  }
}

/** `log`: pages in the log, -1 where there is none. */
function run(db: Database, mode: "PASSIVE" | "RESTART"): { busy: number; log: number } {
  return db.query<{ busy: number; log: number }, []>(`PRAGMA wal_checkpoint(${mode})`).get() ?? { busy: 0, log: -1 };
}

function tell(report: CheckpointReport): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  self.postMessage(report);
}

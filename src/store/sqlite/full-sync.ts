// On macOS a file that is synced lies in the drive's own memory, and is lost with the power. SQLite knows the call that makes the drive write all it
// holds; so after each sync of ours a page of a file beside it is synced in that way. https://www.sqlite.org/pragma.html#pragma_fullfsync

import { Database } from "bun:sqlite";

export interface FullSync {
  run(): void;
  close(): void;
}

/** @param path of a file that is made where it is missing */
export function openFullSync(path: string): FullSync {
  const db = new Database(path, { create: true, readwrite: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA fullfsync = ON");
  db.run("create table if not exists turn (number integer primary key, count integer not null)");
  const turn = db.prepare("insert into turn values (1, 1) on conflict (number) do update set count = count + 1");
  return {
    run: () => void turn.run(),
    close() {
      turn.finalize();
      db.close();
    },
  };
}

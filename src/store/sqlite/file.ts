// The file that a database lies in, and its folder. Knows nothing of what is in it.

import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes folder (0700) and file (0600) where they are missing; SQLite would give the file the umask's mode. One that is there is not touched: with any
 * file that is closed, the system takes all locks that this process has on it, those of open databases too, and the next program that looks
 * into it would take the log from under them. https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
 */
export function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
}

// Which files, sockets among them, the processes of this machine have open. Linux alone tells, and only of processes of one's own. Knows nothing of what a
// process is.

import { readdirSync, readlinkSync } from "node:fs";

export interface OpenFiles {
  pid: number;
  /** Absolute paths, and what the system calls what is none: `socket:[123]`. */
  files: string[];
}

/** One process at a time, as they are asked for. */
export function* listOpenFiles(): Generator<OpenFiles> {
  for (const name of list("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const files = list(`/proc/${name}/fd`).map((each) => follow(`/proc/${name}/fd/${each}`));
    yield { pid: Number(name), files };
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function follow(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

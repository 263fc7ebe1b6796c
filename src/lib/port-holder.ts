// Which process listens on a port of this machine, and which files it has open. Linux alone tells, and only of processes of one's own. Knows nothing of what
// the process is.

import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface PortHolder {
  pid: number;
  /** Absolute paths. */
  files: string[];
}

/** Null where the system does not tell. */
export function findPortHolder(port: number): PortHolder | null {
  const sockets = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => listListeners(file, port)));
  if (sockets.size === 0) return null;
  for (const name of list("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const open = list(`/proc/${name}/fd`).map((each) => follow(`/proc/${name}/fd/${each}`));
    if (open.some((target) => sockets.has(target))) {
      return { pid: Number(name), files: open.filter((target) => target.startsWith("/")) };
    }
  }
  return null;
}

const LISTENING = "0A";

/** `sl local remote state queues timer retransmit uid timeout inode …`. */
function listListeners(file: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((row) => {
    const [, local = "", , state, , , , , , inode = ""] = row.trim().split(/\s+/u);
    const isIt = state === LISTENING && Number.parseInt(local.split(":")[1] ?? "", 16) === port;
    return isIt ? [`socket:[${inode}]`] : [];
  });
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

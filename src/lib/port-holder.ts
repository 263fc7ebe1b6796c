// Which process listens on a port of this machine, and which files it has open. Linux alone tells, and only of processes of one's own. Knows nothing of what
// the process is.

import { readdirSync, readlinkSync } from "node:fs";
import { ESTABLISHED, LISTENING, listConnections } from "./tcp-table.ts";

export interface PortHolder {
  pid: number;
  /** Absolute paths. */
  files: string[];
  /** Its own ends of connections to others. */
  ports: number[];
}

/** Null where the system does not tell. */
export function findPortHolder(port: number): PortHolder | null {
  const all = listConnections();
  const sockets = new Set(all.flatMap((each) => (each.state === LISTENING && each.port === port ? [each.name] : [])));
  if (sockets.size === 0) return null;
  for (const name of list("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const open = list(`/proc/${name}/fd`).map((each) => follow(`/proc/${name}/fd/${each}`));
    if (open.some((target) => sockets.has(target))) {
      const own = new Set(open);
      const ports = all.flatMap((each) => (each.state === ESTABLISHED && own.has(each.name) ? [each.port] : []));
      return { pid: Number(name), files: open.filter((target) => target.startsWith("/")), ports };
    }
  }
  return null;
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

// Which process listens on a port of this machine, and which files it has open. Linux alone tells, and only of processes of one's own. Knows nothing of what
// the process is.

import { listOpenFiles } from "./open-file.ts";
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
  for (const { pid, files } of listOpenFiles()) {
    if (!files.some((each) => sockets.has(each))) continue;
    const own = new Set(files);
    const ports = all.flatMap((each) => (each.state === ESTABLISHED && own.has(each.name) ? [each.port] : []));
    return { pid, files: files.filter((each) => each.startsWith("/")), ports };
  }
  return null;
}

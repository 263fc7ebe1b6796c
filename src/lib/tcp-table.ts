// The connections of this machine, as its system lists them. Linux alone does. Knows neither processes nor what is said.

import { readFileSync } from "node:fs";

export const ESTABLISHED = "01";
export const LISTENING = "0A";

export interface Connection {
  state: string;
  /** On this machine's side: hexadecimal, each word of 32 bits in this machine's order of bytes. */
  address: string;
  port: number;
  uid: number;
  /** As the system calls it among the files of a process. */
  name: string;
}

/** Of both families; empty where the system does not tell. `sl local remote state queues timer retransmit uid timeout inode …`. */
export function listConnections(): Connection[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap(readTable);
}

function readTable(file: string): Connection[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text
    .split("\n")
    .slice(1)
    .flatMap((row) => {
      const [, local = "", , state = "", , , , uid = "", , inode = ""] = row.trim().split(/\s+/u);
      const [address = "", port = ""] = local.split(":");
      if (uid === "") return [];
      return [{ state, address, port: Number.parseInt(port, 16), uid: Number(uid), name: `socket:[${inode}]` }];
    });
}

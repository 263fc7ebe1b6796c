// Whose program is at the other end of a connection within this machine, where the system tells. Knows nothing of what is said on it.

import { readFileSync } from "node:fs";

/** `unknown`: the system tells nobody, or has no such connection. */
export type SocketOwner = number | "unknown";

/** The user id of the process that holds the other end: its own address and port, as we see them. Linux alone tells. */
export function findSocketOwner({ address, port }: { address: string; port: number }): SocketOwner {
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const found = readTable(file).find((line) => line.port === port && isLoopback(line.address));
    if (found !== undefined && isLoopback(address)) return found.uid;
  }
  return "unknown";
}

function isLoopback(address: string): boolean {
  return /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/iu.test(address);
}

interface Line {
  address: string;
  port: number;
  uid: number;
}

/** `sl local remote state queues timer retransmit uid …`: addresses are hexadecimal, each word of 32 bits in this machine's order of bytes. */
function readTable(file: string): Line[] {
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
      const [, local = "", , state, , , , uid = ""] = row.trim().split(/\s+/u);
      const [hex = "", port = ""] = local.split(":");
      return state === ESTABLISHED && uid !== ""
        ? [{ address: readAddress(hex), port: Number.parseInt(port, 16), uid: Number(uid) }]
        : [];
    });
}

const ESTABLISHED = "01";

/** Only as far as it takes to know this machine's own addresses. */
function readAddress(hex: string): string {
  const bytes = hex.match(/.{8}/gu)?.flatMap((word) => [...Buffer.from(word, "hex")].toReversed()) ?? [];
  if (bytes.length === 4) return bytes.join(".");
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join(".");
  return bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1 ? "::1" : "another";
}

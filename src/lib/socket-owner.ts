// Whose program is at the other end of a connection within this machine, where the system tells. Knows nothing of what is said on it.

import { ESTABLISHED, listConnections } from "./tcp-table.ts";

/** `unknown`: the system tells nobody, or has no such connection. */
export type SocketOwner = number | "unknown";

/** The user id of the process that holds the other end: its own address and port, as we see them. Linux alone tells. */
export function findSocketOwner({ address, port }: { address: string; port: number }): SocketOwner {
  if (!isLoopback(address)) return "unknown";
  const found = listConnections().find(
    (each) => each.state === ESTABLISHED && each.port === port && isLoopback(readAddress(each.address)),
  );
  return found?.uid ?? "unknown";
}

function isLoopback(address: string): boolean {
  return /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/iu.test(address);
}

/** Only as far as it takes to know this machine's own addresses. */
function readAddress(hex: string): string {
  const bytes = hex.match(/.{8}/gu)?.flatMap((word) => [...Buffer.from(word, "hex")].toReversed()) ?? [];
  if (bytes.length === 4) return bytes.join(".");
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  if (isMapped) return bytes.slice(12).join(".");
  return bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1 ? "::1" : "another";
}

// Whose program is at the other end of a connection within this machine, where the system tells. Knows nothing of what is said on it.

import { listOpenFiles } from "./open-file.ts";
import { type Connection, ESTABLISHED, LISTENING, listConnections } from "./tcp-table.ts";

/** `unknown`: the system tells nobody, or has no such connection. */
export type SocketOwner = number | "unknown";

/** The user id of the process that holds the other end: its own address and port, as we see them. Linux alone tells. */
export function findSocketOwner({ address, port }: { address: string; port: number }): SocketOwner {
  return findEnd(listConnections(), { address, port })?.uid ?? "unknown";
}

/**
 * Whether a process that holds the other end is a server, by a port that it listens on or a connection that was made to such a port: what comes from it
 * may come from anywhere. False of processes that we may not look into.
 */
export function isHeldByServer(at: { address: string; port: number }): boolean {
  const all = listConnections();
  const end = findEnd(all, at);
  if (end === undefined) return false;
  const doors = new Set(all.flatMap(({ state, port }) => (state === LISTENING ? [port] : [])));
  const served = new Set(all.flatMap(({ port, name }) => (doors.has(port) ? [name] : [])));
  return listOpenFiles().some(({ files }) => files.includes(end.name) && files.some((each) => served.has(each)));
}

function findEnd(all: readonly Connection[], { address, port }: { address: string; port: number }) {
  if (!isLoopback(address)) return undefined;
  return all.find((each) => each.state === ESTABLISHED && each.port === port && isLoopback(readAddress(each.address)));
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

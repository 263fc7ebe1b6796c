// How a part of a journal begins: with what a reader must know of it, and with the intents that were open by then. Knows no database.

import type { LineFields } from "../../ledger/index.ts";
import { countBytes, countWritten, listSegments, nameSegment, type Place, readRange } from "./disk.ts";
import { readFrames } from "./frame.ts";

/** The chain that rows become part of, as a database without it would have to know it. */
export interface ChainOrigin {
  chain: string;
  slot: number;
  keyId: string;
  publicKey: string;
  /** Milliseconds. */
  startedAt: number;
  continues: string | null;
}

export interface SegmentHead {
  /** Where the one before ends; what lies behind that was never written. Null where this is a process's first. */
  previous: Place | null;
  origin: ChainOrigin;
  fields: LineFields;
}

export function encodeHead(head: SegmentHead): string {
  return JSON.stringify(["h", head]);
}

/** Null for any other line. */
export function decodeHead(line: string | undefined): SegmentHead | null {
  if (line?.startsWith('["h",') !== true) return null;
  return (JSON.parse(line) as [string, SegmentHead])[1];
}

/** A head is a few hundred bytes, and the intents that come with it are as many as calls were running. */
const GLANCE_BYTES = 64 * 1024;

/** Null where it was not wholly written: then nothing that follows was, either. */
export function readSegmentHead(path: string): SegmentHead | null {
  const size = countBytes(path) ?? 0;
  for (const bytes of [GLANCE_BYTES, size]) {
    const [first] = readFrames(readRange(path, 0, Math.min(bytes, size)));
    if (first?.kind === "frame") return decodeHead(first.lines[0]);
    if (bytes >= size) break;
  }
  return null;
}

/** The chain of a slot's newest rows; null where nothing tells. */
export function findOrigin(location: string, slot: number, from: number): ChainOrigin | null {
  const { origin } = listStretches(location, slot, from)
    .map(({ path }) => readSegmentHead(path))
    .findLast((head) => head !== null) ?? { origin: null };
  return origin;
}

export interface Stretch {
  path: string;
  segment: number;
  /** Where it ends; null where nobody said: with the last whole frame. */
  end: number | null;
}

/** What lies in a slot from that segment on, in order. A part that never got its beginning is left out, for nothing in it was acknowledged. */
export function listStretches(location: string, slot: number, from: number): Stretch[] {
  const found = listSegments(location, slot)
    .filter((segment) => segment >= from)
    .map((segment) => ({ segment, path: nameSegment(location, slot, segment) }))
    .map((each) => ({ ...each, head: readSegmentHead(each.path) }));
  return found.flatMap(({ segment, path, head }, index) => {
    const next = found.slice(index + 1).find((each) => each.head !== null)?.head?.previous ?? null;
    // Damaged it may be, and then it says so when it is read.
    if (head === null && (countWritten(path) ?? 0) <= GLANCE_BYTES && isBlank(path)) return [];
    return [{ path, segment, end: next?.segment === segment ? next.offset : null }];
  });
}

/** Holds no whole frame, and none that was. */
function isBlank(path: string): boolean {
  return readFrames(readRange(path, 0, countWritten(path) ?? 0)).every(({ kind }) => kind === "torn");
}

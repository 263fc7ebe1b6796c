// Where this process's rows lie first: a file that is only ever appended to, in the tick that brings them. Knows no database and no row.

import { dirname } from "node:path";
import type { LineFields } from "../../ledger/index.ts";
import { type Disk, nameSegment, type Place, realDisk } from "./disk.ts";
import { createFramer } from "./frame.ts";
import { createPart, type MemoryUse, type Part } from "./part.ts";
import { type ChainOrigin, encodeHead } from "./segment.ts";

export interface JournalFile {
  /** As `Journal` says it. */
  append(lines: readonly string[], open: () => Iterable<string>): void;
  /** Behind the last frame that is there for good; null before the first. */
  end(): Place | null;
  /** Bytes behind that place; what is before it is asked for no more. */
  countFrom(place: Place): number;
  /** Whether frames go to memory that is the file itself, as long as the system gives it. */
  isMapped(): boolean;
  close(): void;
}

interface JournalFileInit {
  location: string;
  slot: number;
  /** Of the first segment: none was ever used that is as great. */
  segment: number;
  origin: ChainOrigin;
  /** What the values of its lines are called. */
  fields: LineFields;
  /** Whether a row outlives the loss of the machine's power. */
  isSynced: boolean;
  /** Whether memory that is the file itself is to be used where it can be had; not along with `isSynced`. */
  isMapped: boolean;
  segmentBytes?: number;
  disk?: Disk;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;

export function createJournalFile({
  segmentBytes = SEGMENT_BYTES,
  disk = realDisk,
  ...init
}: JournalFileInit): JournalFile {
  const frame = createFramer();
  const memory: MemoryUse = { isOn: init.isMapped };
  let part: Part | null = null;
  let next = init.segment;
  /** Where segments that came before end. */
  const ends = new Map<number, number>();

  /** Begins a part; the one before stays where it is until all in it is bound. */
  const begin = (open: Iterable<string>): Part => {
    const segment = next++;
    const path = nameSegment(init.location, init.slot, segment);
    const previous = part === null ? null : { segment: part.segment, offset: part.end() };
    const fresh = createPart({ disk, path, segment, isSynced: init.isSynced, memory, frame });
    try {
      if (init.isSynced) disk.syncFolder(dirname(path));
      const head = encodeHead({ previous, origin: init.origin, fields: init.fields });
      fresh.put(joinLines([head, ...open]), Number.POSITIVE_INFINITY);
    } catch (error) {
      if (!discard(fresh) && part !== null) part.isOver = true;
      throw error;
    }
    if (part !== null) leave(part);
    return fresh;
  };

  /** Nothing may fail any more: that the fresh one has begun is already written. */
  const leave = (left: Part): void => {
    ends.set(left.segment, left.end());
    try {
      left.close();
    } catch {
      // All in it is written; what is lost is a number.
    }
  };

  const discard = (fresh: Part): boolean => {
    try {
      fresh.close();
      disk.remove(fresh.path);
      return true;
    } catch {
      return false;
    }
  };

  return {
    append(lines, open) {
      const text = joinLines(lines);
      if (part === null || part.isOver || !part.isClean()) part = begin(open());
      if (part.put(text, segmentBytes)) return;
      part = begin(open());
      part.put(text, Number.POSITIVE_INFINITY);
    },
    end: () => (part === null ? null : { segment: part.segment, offset: part.end() }),
    countFrom({ segment: from, offset }) {
      let bytes = part === null || part.segment < from ? 0 : part.end();
      if (ends.size > 0) {
        for (const segment of ends.keys()) if (segment < from) ends.delete(segment);
        for (const end of ends.values()) bytes += end;
      }
      return Math.max(0, bytes - offset);
    },
    isMapped: () => memory.isOn,
    close() {
      part?.close();
      part = null;
    },
  };
}

function joinLines(lines: readonly string[]): string {
  return lines.length === 1 ? (lines[0] as string) : lines.join("\n");
}

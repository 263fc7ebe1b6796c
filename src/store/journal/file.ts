// Where this process's rows lie first: a file that is only ever appended to, in the tick that brings them. Knows no database and no row.

import { dirname } from "node:path";
import type { LineFields } from "../../ledger/index.ts";
import { type Disk, nameSegment, type Place, realDisk } from "./disk.ts";
import { createFramer } from "./frame.ts";
import { type ChainOrigin, encodeHead } from "./segment.ts";

export interface JournalFile {
  /** As `Journal` says it. */
  append(lines: readonly string[], open: () => Iterable<string>): void;
  /** Behind the last frame that is there for good; null before the first. */
  end(): Place | null;
  /** Bytes behind that place; what is before it is asked for no more. */
  countFrom(place: Place): number;
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
  segmentBytes?: number;
  disk?: Disk;
}

interface Part {
  path: string;
  file: number;
  segment: number;
  /** Behind the last good frame. */
  end: number;
  /** Something may lie behind the end that is not to be there. */
  isDirty: boolean;
  /** Another part may say already where this one ends. */
  isOver: boolean;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;

export function createJournalFile({
  segmentBytes = SEGMENT_BYTES,
  disk = realDisk,
  ...init
}: JournalFileInit): JournalFile {
  const frame = createFramer();
  let part: Part | null = null;
  let next = init.segment;
  /** Where segments that came before end. */
  const ends = new Map<number, number>();

  const put = (to: Part, bytes: Buffer): void => {
    try {
      for (let from = 0; from < bytes.length;) {
        const count = disk.write(to.file, bytes, from, to.end + from);
        if (count <= 0) throw Object.assign(new Error("Nothing was written."), { code: "EIO" });
        from += count;
      }
      if (init.isSynced) disk.sync(to.file);
    } catch (error) {
      to.isDirty = true;
      clear(to);
      throw error;
    }
    to.end += bytes.length;
  };

  /** What was written in part is taken back; where that fails, the part is over, and the next one says where it ends. */
  const clear = (dirty: Part): boolean => {
    try {
      disk.truncate(dirty.file, dirty.end);
      if (init.isSynced) disk.sync(dirty.file);
      dirty.isDirty = false;
    } catch {
      // It is tried again, or left behind.
    }
    return !dirty.isDirty;
  };

  /** Begins a part; the one before stays where it is until all in it is bound. */
  const begin = (open: Iterable<string>): Part => {
    const segment = next++;
    const path = nameSegment(init.location, init.slot, segment);
    const previous = part === null ? null : { segment: part.segment, offset: part.end };
    const fresh: Part = { path, file: disk.create(path), segment, end: 0, isDirty: false, isOver: false };
    try {
      if (init.isSynced) disk.syncFolder(dirname(path));
      const head = encodeHead({ previous, origin: init.origin, fields: init.fields });
      put(fresh, frame([head, ...open]));
    } catch (error) {
      if (!discard(fresh) && part !== null) part.isOver = true;
      throw error;
    }
    if (part !== null) leave(part);
    return fresh;
  };

  /** Nothing may fail any more: that the fresh one has begun is already written. */
  const leave = ({ file, segment, end }: Part): void => {
    ends.set(segment, end);
    try {
      disk.close(file);
    } catch {
      // All in it is written; what is lost is a number.
    }
  };

  const discard = ({ file, path }: Part): boolean => {
    try {
      disk.close(file);
      disk.remove(path);
      return true;
    } catch {
      return false;
    }
  };

  return {
    append(lines, open) {
      if (part === null || part.isOver || (part.isDirty && !clear(part))) part = begin(open());
      let bytes = frame(lines);
      if (part.end + bytes.length > segmentBytes && part.end > 0) {
        part = begin(open());
        bytes = frame(lines);
      }
      put(part, bytes);
    },
    end: () => (part === null ? null : { segment: part.segment, offset: part.end }),
    countFrom({ segment: from, offset }) {
      let bytes = part === null || part.segment < from ? 0 : part.end;
      if (ends.size > 0) {
        for (const segment of ends.keys()) if (segment < from) ends.delete(segment);
        for (const end of ends.values()) bytes += end;
      }
      return Math.max(0, bytes - offset);
    },
    close() {
      if (part !== null) disk.close(part.file);
      part = null;
    },
  };
}

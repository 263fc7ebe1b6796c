// Reads a slot's journal, a load of rows at a time, from the place up to which it is bound. Knows no database.

import type { BookRules, LineFields, StoredIntent } from "../../ledger/index.ts";
import { countWritten, nameSegment, type Place, readRange } from "./disk.ts";
import { type Piece, readFrames } from "./frame.ts";
import { type ChainOrigin, decodeHead, listStretches, readSegmentHead, type SegmentHead } from "./segment.ts";

/** Bytes of a journal that no rows could be read from. */
export interface Flaw {
  /** `torn`: never wholly written, and so never acknowledged. */
  kind: "damage" | "torn";
  path: string;
  startsAt: number;
  endsAt: number;
}

/** What is bound in one go. */
export interface Load {
  /** Each a row. */
  lines: string[];
  /** What their values are called. */
  fields: LineFields;
  /** Behind it. */
  place: Place;
  /** Of the segment that it is from; null where its beginning cannot be read. */
  origin: ChainOrigin | null;
  flaws: Flaw[];
}

export interface Cursor {
  /** About `most` rows that come next, of one segment, up to `to`, or all that was wholly written; null where there are none. */
  next(to: Place | null, most: number): Load | null;
  /** What `next` gave was bound. */
  move(place: Place): void;
}

/** Enough for some hundred rows, and little enough to stay in the processor's cache. */
const CHUNK_BYTES = 256 * 1024;

interface Wanted {
  path: string;
  from: number;
  to: number;
  most: number;
  /** It is known that all up to there was written: what is no frame is damage, then. */
  isKnown: boolean;
}

export interface Lying {
  location: string;
  slot: number;
  rules: Pick<BookRules, "decodeLine" | "fields">;
}

export function createCursor({ location, slot, rules }: Lying, start: Place): Cursor {
  let place = start;
  let known: { segment: number; head: SegmentHead | null } | null = null;
  let chunk: Buffer | null = null;

  const findHead = (path: string): SegmentHead | null => {
    if (known?.segment !== place.segment) known = { segment: place.segment, head: readSegmentHead(path) };
    return known.head;
  };

  const read = ({ path, from, to, most, isKnown }: Wanted): Load => {
    const head = findHead(path);
    const fields = head?.fields ?? rules.fields;
    const load: Load = { lines: [], fields, place, origin: head?.origin ?? null, flaws: [] };
    // Made once: new memory costs more than to read into it.
    chunk ??= Buffer.allocUnsafe(CHUNK_BYTES);
    for (const piece of readPieces({ path, from, to, isKnown }, chunk)) {
      load.place = { segment: place.segment, offset: piece.endsAt };
      if (piece.kind === "frame") addRows(load.lines, piece.lines);
      else load.flaws.push({ ...piece, kind: piece.kind, path });
      if (load.lines.length >= most) break;
    }
    return load;
  };

  return {
    next(to, most) {
      const own = nameSegment(location, slot, place.segment);
      if (to?.segment === place.segment) {
        return to.offset > place.offset
          ? read({ path: own, from: place.offset, to: to.offset, most, isKnown: true })
          : null;
      }
      const stretches = listStretches(location, slot, place.segment);
      const current = stretches.find(({ segment }) => segment === place.segment);
      const known = current?.end ?? null;
      const end = current === undefined ? 0 : (known ?? countWritten(own) ?? 0);
      if (end > place.offset) return read({ path: own, from: place.offset, to: end, most, isKnown: known !== null });
      const following = stretches.find(({ segment }) => segment > place.segment && segment <= (to?.segment ?? segment));
      if (following === undefined) return null;
      const start = { segment: following.segment, offset: 0 };
      return { lines: [], fields: rules.fields, place: start, origin: null, flaws: [] };
    },
    move(next) {
      place = next;
    },
  };
}

/** A frame that is cut by the end of a chunk is no flaw: there, more is read. */
function* readPieces({ path, from, to, isKnown }: Omit<Wanted, "most">, chunk?: Buffer): Generator<Piece, void> {
  let at = from;
  for (let bytes = CHUNK_BYTES; at < to;) {
    const end = Math.min(to, at + bytes);
    const started = at;
    for (const piece of readFrames(readRange(path, at, end, chunk), at)) {
      if (piece.kind !== "frame" && end < to) break;
      yield piece.kind === "torn" && isKnown ? { ...piece, kind: "damage" } : piece;
      at = piece.endsAt;
    }
    if (end >= to) break;
    bytes = at === started ? to - at : CHUNK_BYTES;
  }
  // Shorter than it was said to be.
  if (at < to && isKnown) yield { kind: "damage", startsAt: at, endsAt: to };
}

function addRows(rows: string[], lines: readonly string[]): void {
  // Of the others there are as many.
  for (const line of lines) if (isRow(line)) rows.push(line);
}

function isRow(line: string): boolean {
  return line.startsWith('["e"') || line.startsWith('["r"');
}

export interface OpenIntent {
  number: number;
  intent: StoredIntent;
}

/** Of a slot that nobody writes to any more. @param from the first segment that counts */
export function findOpenIntents({ location, slot, rules }: Lying, from: number): OpenIntent[] {
  const open = new Map<number, StoredIntent>();
  for (const { path, end } of listStretches(location, slot, from)) {
    for (const piece of readPieces({ path, from: 0, to: end ?? countWritten(path) ?? 0, isKnown: end !== null })) {
      if (piece.kind === "frame") follow(open, piece.lines, rules);
    }
  }
  return [...open].map(([number, intent]) => ({ number, intent }));
}

function follow(open: Map<number, StoredIntent>, lines: readonly string[], rules: Lying["rules"]): void {
  for (const text of lines) {
    if (isRow(text) || decodeHead(text) !== null) continue;
    const line = rules.decodeLine(text, rules.fields);
    if (line?.type === "intent") open.set(line.number, line.intent);
    if (line?.type === "over") for (const number of line.numbers) open.delete(number);
  }
}

// The pieces that the journal is written in: lines of text behind a head with their length and checksum, so that a piece that was not wholly
// written, or changed since, is known for what it is. Knows no file and no row.

import { crc32 } from "node:zlib";

/** Little-endian, 32 bits each: mark, length of the text in bytes, its CRC-32, and the three of them together. */
const HEAD_BYTES = 16;
const MARK = 0x31_4a_4b_54;
const MARK_BYTES = Buffer.from("TKJ1");

export type Piece =
  | { kind: "frame"; lines: string[]; startsAt: number; endsAt: number }
  /** Was written once, and is no longer what it was. */
  | { kind: "damage"; startsAt: number; endsAt: number }
  /** The end was never wholly written. */
  | { kind: "torn"; startsAt: number; endsAt: number };

/** No character of a string takes more than three bytes. */
export function boundFrame(text: string): number {
  return HEAD_BYTES + 3 * text.length;
}

export function measureFrame(text: string): number {
  return HEAD_BYTES + Buffer.byteLength(text);
}

/**
 * Puts a frame of that text where it has room and nothing but zeros lie; answers where it ends. The head comes last, so that a process which dies
 * meanwhile leaves no frame at all.
 */
export function putFrame(bytes: Buffer, at: number, text: string): number {
  const length = bytes.write(text, at + HEAD_BYTES);
  const end = at + HEAD_BYTES + length;
  const sum = crc32(bytes.subarray(at + HEAD_BYTES, end));
  bytes.writeUInt32LE((MARK ^ length ^ sum) >>> 0, at + 12);
  bytes.writeUInt32LE(sum, at + 8);
  bytes.writeUInt32LE(length, at + 4);
  bytes.writeUInt32LE(MARK, at);
  return end;
}

/** Makes one frame of a text; the bytes are good until the next one is made. */
export function createFramer(): (text: string) => Buffer {
  let buffer = Buffer.allocUnsafe(64 * 1024);
  return (text) => {
    const most = boundFrame(text);
    if (most > buffer.length) buffer = Buffer.allocUnsafe(most);
    return buffer.subarray(0, putFrame(buffer, 0, text));
  };
}

/** @param base place of the first byte in the file */
export function* readFrames(bytes: Buffer, base = 0): Generator<Piece, void> {
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes, at);
    const place = { startsAt: base + at };
    if (frame !== null) {
      at = frame.endsAt;
      yield { kind: "frame", lines: frame.text === "" ? [] : frame.text.split("\n"), ...place, endsAt: base + at };
      continue;
    }
    const next = findNext(bytes, at + 1);
    const kind = next === null && isTorn(bytes, at) ? "torn" : "damage";
    at = next ?? bytes.length;
    yield { kind, ...place, endsAt: base + at };
  }
}

function readFrame(bytes: Buffer, at: number): { text: string; endsAt: number } | null {
  const head = readHead(bytes, at);
  if (head === null || head.endsAt > bytes.length) return null;
  const text = bytes.subarray(at + HEAD_BYTES, head.endsAt);
  return crc32(text) === head.sum ? { text: text.toString("utf8"), endsAt: head.endsAt } : null;
}

function readHead(bytes: Buffer, at: number): { endsAt: number; sum: number } | null {
  if (at + HEAD_BYTES > bytes.length || bytes.readUInt32LE(at) !== MARK) return null;
  const length = bytes.readUInt32LE(at + 4);
  const sum = bytes.readUInt32LE(at + 8);
  if ((MARK ^ length ^ sum) >>> 0 !== bytes.readUInt32LE(at + 12)) return null;
  return { endsAt: at + HEAD_BYTES + length, sum };
}

/** The next place at which a whole frame begins. */
function findNext(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf(MARK_BYTES, from); at !== -1; at = bytes.indexOf(MARK_BYTES, at + 1)) {
    if (readFrame(bytes, at) !== null) return at;
  }
  return null;
}

/**
 * Shorter than it says, with nothing but zeros at its end, as a machine without power leaves it (no text of ours ends in one), or without all of its
 * head, which is stored last.
 */
function isTorn(bytes: Buffer, at: number): boolean {
  if (bytes.length - at < HEAD_BYTES) return true;
  const head = readHead(bytes, at);
  if (head === null) return lacksHead(bytes, at);
  return bytes.at(-1) === 0 || head.endsAt > bytes.length;
}

/** A word of it was never stored, or what of it lies in one of two blocks. */
function lacksHead(bytes: Buffer, at: number): boolean {
  const words = [0, 4, 8, 12].map((word) => bytes.readUInt32LE(at + word));
  return words.includes(0) || bytes[at] === 0 || bytes[at + HEAD_BYTES - 1] === 0;
}

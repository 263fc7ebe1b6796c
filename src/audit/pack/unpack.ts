// Opens a pack's zip with suspicion: only files that belong there, only in the form in which we write, and never more of them than they say.
// Knows nothing of what the files mean.

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { FILES, isKeyFile } from "./layout.ts";
import {
  END_BYTES,
  MAX_ZIP_BYTES,
  type ZipEntry,
  buildDirectory,
  buildLocalHeader,
  readDirectory,
  readEnd,
} from "./zip.ts";

/** The bytes of a pack, wherever they lie. */
export interface PackFile {
  size: number;
  /** From one offset to before another. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface Unpacked {
  entries: ReadonlyMap<string, ZipEntry>;
  /** The content, unpacked. Throws a BrokenFile where it is not what its header says. */
  open(name: string): AsyncGenerator<Uint8Array>;
  /** SHA-256, base64url, of all bytes before a file. */
  digestBefore(name: string): Promise<string>;
}

/** What is wrong with one file, in a sentence. */
export class BrokenFile extends Error {
  readonly file: string;

  constructor(file: string, message: string) {
    super(message);
    this.file = file;
  }
}

const MAX_FILES = 100;
const MAX_DIRECTORY_BYTES = 64 * 1024;
/** Rows are full of hashes; nothing that we write packs nearly as well as this. */
const MAX_RATIO = 200;
const SMALL_BYTES = 1024 * 1024;

/** Throws a BrokenFile where the container is not of our making; whatever can be read after that is at least as long as it says. */
export async function unpack(file: PackFile): Promise<Unpacked> {
  const { start, directory, count } = await readTail(file);
  const entries = readDirectory(directory, count);
  const offsets: number[] = [];
  let at = 0;
  for (const entry of entries) {
    offsets.push(at);
    at += buildLocalHeader(entry).length + entry.packedBytes;
  }
  if (at !== start || !directory.equals(buildDirectory(entries, offsets, start))) {
    throw new BrokenFile(
      "zip",
      "The zip is not as it was written: a byte of its directory was changed, files were added or removed, or another program packed it.",
    );
  }
  checkNames(entries);
  const places = new Map(entries.map((entry, index) => [entry.name, { entry, offset: offsets[index] ?? 0 }]));
  for (const { entry, offset } of places.values()) await checkHeader(file, entry, offset);
  const find = (name: string): { entry: ZipEntry; offset: number } => {
    const place = places.get(name);
    if (place === undefined) throw new BrokenFile(name, `${name} is missing.`);
    return place;
  };
  return {
    entries: new Map(entries.map((entry) => [entry.name, entry])),
    open(name) {
      const { entry, offset } = find(name);
      return inflate(file, entry, offset + buildLocalHeader(entry).length);
    },
    async digestBefore(name) {
      const digest = createHash("sha256");
      for await (const piece of file.read(0, find(name).offset)) digest.update(piece);
      return digest.digest("base64url");
    },
  };
}

async function readTail(file: PackFile): Promise<{ start: number; directory: Buffer; count: number }> {
  const noZip = new BrokenFile(
    "zip",
    "The file is no dispute pack, its end was changed or cut off, or another program packed it.",
  );
  if (file.size < END_BYTES || file.size > MAX_ZIP_BYTES + MAX_DIRECTORY_BYTES) throw noZip;
  const end = readEnd(await collect(file.read(file.size - END_BYTES, file.size)));
  if (end === null || end.start > file.size - END_BYTES) throw noZip;
  if (end.count > MAX_FILES || file.size - end.start > MAX_DIRECTORY_BYTES) {
    throw new BrokenFile("zip", "The zip holds more files than any pack does.");
  }
  return { ...end, directory: await collect(file.read(end.start, file.size)) };
}

function checkNames(entries: readonly ZipEntry[]): void {
  const known: readonly string[] = Object.values(FILES);
  const seen = new Set<string>();
  for (const { name, bytes, packedBytes } of entries) {
    const shown = JSON.stringify(name.slice(0, 80));
    if (!known.includes(name) && !isKeyFile(name)) throw new BrokenFile(name, `${shown} does not belong in a pack.`);
    if (seen.has(name)) throw new BrokenFile(name, `${shown} is there twice.`);
    if (bytes > SMALL_BYTES && bytes > packedBytes * MAX_RATIO) {
      throw new BrokenFile(name, `${shown} would unpack to ${bytes} bytes out of ${packedBytes}: no pack does that.`);
    }
    seen.add(name);
  }
}

async function checkHeader(file: PackFile, entry: ZipEntry, offset: number): Promise<void> {
  const expected = buildLocalHeader(entry);
  const found = await collect(file.read(offset, offset + expected.length));
  if (!found.equals(expected)) throw new BrokenFile(entry.name, `The zip's header of ${entry.name} was changed.`);
}

async function* inflate(file: PackFile, entry: ZipEntry, from: number): AsyncGenerator<Uint8Array> {
  const packed = file.read(from, from + entry.packedBytes);
  let bytes = 0;
  let crc = 0;
  try {
    for await (const piece of entry.method === 0 ? packed : unpackPieces(packed)) {
      bytes += piece.byteLength;
      if (bytes > entry.bytes) break;
      crc = crc32(piece, crc);
      yield piece;
    }
  } catch (error) {
    if (error instanceof BrokenFile) throw error;
    throw new BrokenFile(entry.name, `${entry.name} cannot be unpacked: its bytes were changed.`);
  }
  if (bytes !== entry.bytes || crc !== entry.crc) {
    throw new BrokenFile(entry.name, `${entry.name} is not what it was when it was packed.`);
  }
}

function unpackPieces(packed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const pieces = packed[Symbol.asyncIterator]();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value as Uint8Array<ArrayBuffer>);
    },
  });
  return stream.pipeThrough(new DecompressionStream("deflate-raw"));
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

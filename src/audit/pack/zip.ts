// The one form that a pack's zip has: no field of it is free, so that a reader can build every byte of the container again and find any that was
// changed. Knows nothing of what is in the files.

export interface ZipEntry {
  name: string;
  /** 0 stored, 8 deflated. */
  method: 0 | 8;
  crc: number;
  packedBytes: number;
  bytes: number;
}

/** Beyond it the container would need another form. */
export const MAX_ZIP_BYTES = 0xfffffffe;
export const END_BYTES = 22;

const VERSION = 20;
/** 1 January 1980: there is no earlier one, and a pack's own time would make it another pack. */
const DATE = 0x21;
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;

export function buildLocalHeader(entry: ZipEntry): Uint8Array {
  const name = Buffer.from(entry.name, "latin1");
  const header = Buffer.alloc(LOCAL_BYTES + name.length);
  header.writeUInt32LE(LOCAL, 0);
  writeShared(header, entry, 4);
  header.writeUInt16LE(name.length, 26);
  name.copy(header, LOCAL_BYTES);
  return header;
}

/** The directory and the end of the archive. `offsets` are those of the local headers. */
export function buildDirectory(entries: readonly ZipEntry[], offsets: readonly number[], start: number): Uint8Array {
  const pieces = entries.map((entry, index) => buildCentral(entry, offsets[index] ?? 0));
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(start, 16);
  return Buffer.concat([...pieces, end]);
}

function buildCentral(entry: ZipEntry, offset: number): Buffer {
  const name = Buffer.from(entry.name, "latin1");
  const header = Buffer.alloc(CENTRAL_BYTES + name.length);
  header.writeUInt32LE(CENTRAL, 0);
  header.writeUInt16LE(VERSION, 4);
  writeShared(header, entry, 6);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(offset, 42);
  name.copy(header, CENTRAL_BYTES);
  return header;
}

/** From the needed version to the sizes; flags and time of day are 0. */
function writeShared(header: Buffer, entry: ZipEntry, at: number): void {
  header.writeUInt16LE(VERSION, at);
  header.writeUInt16LE(entry.method, at + 4);
  header.writeUInt16LE(DATE, at + 8);
  header.writeUInt32LE(entry.crc, at + 10);
  header.writeUInt32LE(entry.packedBytes, at + 14);
  header.writeUInt32LE(entry.bytes, at + 18);
}

/** Where the directory begins and how many files it says there are; null where the last bytes are no such end. */
export function readEnd(end: Buffer): { start: number; count: number } | null {
  if (end.length !== END_BYTES || end.readUInt32LE(0) !== END) return null;
  return { count: end.readUInt16LE(10), start: end.readUInt32LE(16) };
}

/** The files of a directory, as far as it can be read; what it says is judged by building it again. */
export function readDirectory(directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  while (entries.length < count && at + CENTRAL_BYTES <= directory.length) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const method = directory.readUInt16LE(at + 10);
    entries.push({
      name: directory.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes).toString("latin1"),
      method: method === 0 ? 0 : 8,
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
    });
    at += CENTRAL_BYTES + nameBytes;
  }
  return entries;
}

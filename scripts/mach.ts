// The ad-hoc signature of a macOS executable: written anew, and checked page by page. Knows nothing of what the bytes mean.
// The layout is that of <mach-o/loader.h> and <kern/cs_blobs.h>; the values are those that Apple's own linker writes.

import { createHash } from "node:crypto";

const MAGIC_64 = 0xfeed_facf;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const HEADER_BYTES = 32;

const SUPER_BLOB = 0xfade_0cc0;
const SUPER_BLOB_BYTES = 20;
const CODE_DIRECTORY = 0xfade_0c02;
const DIRECTORY_BYTES = 88;
const DIRECTORY_VERSION = 0x2_0400;
/** Ad hoc, and made by a linker: any signing tool may replace it. */
const FLAGS = 0x2_0002;
const MAIN_BINARY = 1n;
const IDENTIFIER = Buffer.from("a.out\0");
const SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BITS = 12;
const PAGE_BYTES = 2 ** PAGE_BITS;

interface LoadCommand {
  kind: number;
  at: number;
}

/** Whatever stood there as a signature is replaced by one over the bytes as they are now. */
export function signMach(file: Buffer): Buffer {
  const commands = readLoadCommands(file);
  const signature = commands.find(({ kind }) => kind === LC_CODE_SIGNATURE);
  const text = findSegment(file, commands, "__TEXT");
  const tail = findSegment(file, commands, "__LINKEDIT");
  if (signature === undefined || text === null || tail === null) throw new Error("There is no place for a signature.");
  const limit = file.readUInt32LE(signature.at + 8);
  const pages = Math.ceil(limit / PAGE_BYTES);
  const directoryBytes = DIRECTORY_BYTES + IDENTIFIER.length + pages * HASH_BYTES;
  const blobBytes = SUPER_BLOB_BYTES + directoryBytes;
  const signed = Buffer.alloc(limit + blobBytes);
  file.copy(signed, 0, 0, limit);
  // The header lies on the first page, so it must be right before the pages are hashed.
  signed.writeUInt32LE(blobBytes, signature.at + 12);
  const tailBytes = signed.length - Number(signed.readBigUInt64LE(tail.at + 40));
  signed.writeBigUInt64LE(BigInt(Math.ceil(tailBytes / PAGE_BYTES) * PAGE_BYTES), tail.at + 32);
  signed.writeBigUInt64LE(BigInt(tailBytes), tail.at + 48);
  for (const [index, word] of [SUPER_BLOB, blobBytes, 1, 0, SUPER_BLOB_BYTES].entries()) {
    signed.writeUInt32BE(word, limit + index * 4);
  }
  const at = limit + SUPER_BLOB_BYTES;
  const hashesAt = DIRECTORY_BYTES + IDENTIFIER.length;
  const words = [CODE_DIRECTORY, directoryBytes, DIRECTORY_VERSION, FLAGS, hashesAt, DIRECTORY_BYTES, 0, pages, limit];
  for (const [index, word] of words.entries()) signed.writeUInt32BE(word, at + index * 4);
  signed.set([HASH_BYTES, SHA256, 0, PAGE_BITS], at + 36);
  signed.writeBigUInt64BE(signed.readBigUInt64LE(text.at + 40), at + 64);
  signed.writeBigUInt64BE(signed.readBigUInt64LE(text.at + 48), at + 72);
  signed.writeBigUInt64BE(MAIN_BINARY, at + 80);
  IDENTIFIER.copy(signed, at + DIRECTORY_BYTES);
  const place = { pageBytes: PAGE_BYTES, limit, hashesAt: at + hashesAt, pages };
  for (const page of hashPages(signed, place)) page.hash.copy(signed, page.at);
  return signed;
}

/** How many pages do not have the hash that the signature gives them; null where there is no signature. */
export function countBadPages(file: Buffer): number | null {
  const signature = readLoadCommands(file).find(({ kind }) => kind === LC_CODE_SIGNATURE);
  const pages = signature === undefined ? null : readPages(file, file.readUInt32LE(signature.at + 8));
  if (pages === null) return null;
  let bad = 0;
  for (const { hash, at } of hashPages(file, pages)) {
    if (!file.subarray(at, at + HASH_BYTES).equals(hash)) bad++;
  }
  return bad;
}

function readLoadCommands(file: Buffer): LoadCommand[] {
  if (file.readUInt32LE(0) !== MAGIC_64) throw new Error("This is no 64-bit macOS executable.");
  const commands: LoadCommand[] = [];
  let at = HEADER_BYTES;
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    commands.push({ kind: file.readUInt32LE(at), at });
    at += file.readUInt32LE(at + 4);
  }
  return commands;
}

function findSegment(file: Buffer, commands: readonly LoadCommand[], name: string): LoadCommand | null {
  const wanted = name.padEnd(16, "\0");
  return (
    commands.find(({ kind, at }) => kind === LC_SEGMENT_64 && file.toString("latin1", at + 8, at + 24) === wanted) ??
    null
  );
}

interface Pages {
  pageBytes: number;
  /** Bytes that the pages cover, from the file's start. */
  limit: number;
  /** Where the first page's hash stands. */
  hashesAt: number;
  pages: number;
}

function readPages(file: Buffer, blob: number): Pages | null {
  if (file.readUInt32BE(blob) !== SUPER_BLOB) return null;
  for (let index = 0; index < file.readUInt32BE(blob + 8); index++) {
    const at = blob + file.readUInt32BE(blob + 16 + index * 8);
    if (file.readUInt32BE(at) !== CODE_DIRECTORY || file.readUInt8(at + 37) !== SHA256) continue;
    return {
      hashesAt: at + file.readUInt32BE(at + 16),
      pages: file.readUInt32BE(at + 28),
      limit: file.readUInt32BE(at + 32),
      pageBytes: 2 ** file.readUInt8(at + 39),
    };
  }
  return null;
}

function* hashPages(file: Buffer, { pageBytes, limit, hashesAt, pages }: Pages) {
  for (let page = 0; page < pages; page++) {
    const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit));
    yield { hash: createHash("sha256").update(bytes).digest(), at: hashesAt + page * HASH_BYTES };
  }
}

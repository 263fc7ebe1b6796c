// Writes a zip piece by piece, in bounded memory: each file is packed into a spool first, for its header wants its sizes. Knows no disk.

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { GatewayError } from "../../ir/index.ts";
import type { Spool } from "../../lib/spool.ts";
import { MAX_ZIP_BYTES, type ZipEntry, buildDirectory, buildLocalHeader } from "./zip.ts";

/** A file of the archive that is being written. */
export interface Draft {
  readonly name: string;
  write(text: string): Promise<void>;
}

export interface PackedFile {
  name: string;
  bytes: number;
  /** Hexadecimal, as sha256sum prints it. */
  sha256: string;
}

export interface Archive {
  /** Several may be written side by side. */
  open(name: string): Draft;
  /** Ends the draft and puts it behind what is in the archive already. */
  add(draft: Draft): Promise<PackedFile>;
  /** A last file, stored as it is, whose text may be made from the SHA-256 (base64url) of everything before it; then the directory. */
  close(name: string, makeText: (digest: string) => string): Promise<void>;
  /** Gives back what is held. */
  abandon(): Promise<void>;
}

export interface ArchiveInit {
  write: (bytes: Uint8Array) => Promise<void>;
  openSpool: () => Spool;
}

interface Packing extends Draft {
  finish(): Promise<{ entry: ZipEntry; sha256: string; spool: Spool }>;
  abandon(): Promise<void>;
}

export function createArchive({ write, openSpool }: ArchiveInit): Archive {
  const drafts = new Map<string, Packing>();
  const entries: ZipEntry[] = [];
  const offsets: number[] = [];
  const whole = createHash("sha256");
  let at = 0;

  const put = async (bytes: Uint8Array): Promise<void> => {
    at += bytes.byteLength;
    if (at > MAX_ZIP_BYTES) throw tooLarge("The pack");
    whole.update(bytes);
    await write(bytes);
  };
  const begin = async (entry: ZipEntry): Promise<void> => {
    offsets.push(at);
    entries.push(entry);
    await put(buildLocalHeader(entry));
  };

  return {
    open(name) {
      const draft = openDraft(name, openSpool());
      drafts.set(name, draft);
      return draft;
    },
    async add({ name }) {
      const draft = drafts.get(name);
      if (draft === undefined) throw new Error(`There is no draft ${name}.`);
      const { entry, sha256, spool } = await draft.finish();
      drafts.delete(name);
      await begin(entry);
      for await (const piece of spool.read()) await put(piece);
      return { name, bytes: entry.bytes, sha256 };
    },
    async close(name, makeText) {
      const text = Buffer.from(makeText(whole.copy().digest("base64url")));
      await begin({ name, method: 0, crc: crc32(text), packedBytes: text.length, bytes: text.length });
      await put(text);
      const start = at;
      await put(buildDirectory(entries, offsets, start));
    },
    async abandon() {
      for (const draft of drafts.values()) await draft.abandon();
    },
  };
}

/** Pieces of one length make the packed bytes independent of how the text came. */
const PIECE_BYTES = 64 * 1024;

function openDraft(name: string, spool: Spool): Packing {
  const packer = new CompressionStream("deflate-raw");
  const writer = packer.writable.getWriter();
  const digest = createHash("sha256");
  let bytes = 0;
  let packedBytes = 0;
  let crc = 0;
  let text = "";
  let rest = Buffer.alloc(0);
  const pumped = (async () => {
    for await (const piece of packer.readable) {
      packedBytes += piece.byteLength;
      await spool.write(piece);
    }
  })();
  // Reported by whoever finishes the draft.
  pumped.catch(() => undefined);

  const flush = async (isLast: boolean): Promise<void> => {
    const fresh = Buffer.from(text);
    text = "";
    bytes += fresh.length;
    if (bytes > MAX_ZIP_BYTES) throw tooLarge(name);
    digest.update(fresh);
    crc = crc32(fresh, crc);
    const joined = Buffer.concat([rest, fresh]);
    const end = isLast ? joined.length : joined.length - (joined.length % PIECE_BYTES);
    for (let from = 0; from < end; from += PIECE_BYTES) {
      await writer.write(new Uint8Array(joined.subarray(from, Math.min(from + PIECE_BYTES, end))));
    }
    rest = joined.subarray(end);
  };

  return {
    name,
    async write(piece) {
      text += piece;
      if (text.length >= PIECE_BYTES) await flush(false);
    },
    async finish() {
      await flush(true);
      await writer.close();
      await pumped;
      return { entry: { name, method: 8, crc, packedBytes, bytes }, sha256: digest.digest("hex"), spool };
    },
    async abandon() {
      await writer.abort().catch(() => undefined);
      await pumped.catch(() => undefined);
      await spool.close();
    },
  };
}

function tooLarge(what: string): GatewayError {
  return new GatewayError({
    kind: "invalid_request",
    message: `${what} grows beyond 4 GiB, which is more than a zip of this form can hold. Ask for a shorter time: --from and --to.`,
  });
}

// A place for bytes that must wait: in memory up to a bound, beyond it in a file that is gone when it was read. Knows no format.

import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";

export interface Spool {
  write(bytes: Uint8Array): Promise<void>;
  /** All that was written, in order; once. */
  read(): AsyncIterable<Uint8Array>;
  /** Gives piece by piece what was written, from the beginning, and null where nothing more is there by now; as often as it is not closed. */
  cursor(): () => Promise<Uint8Array | null>;
  /** Gives the file back; may be called at any time and again. What is written afterwards is kept nowhere. */
  close(): Promise<void>;
}

const CHUNK_BYTES = 256 * 1024;

/** Up to `memoryBytes` in memory, the rest in a file under `folder` that only this user can read. */
export function createSpool(folder: string, memoryBytes: number): Spool {
  const memory: Uint8Array[] = [];
  let held = 0;
  let file: FileHandle | null = null;
  /** Told with each write: on Windows a read beside it moves the place where the file would be written on. */
  let end = 0;
  let isClosed = false;

  const path = join(folder, `tokligence-${randomUUID()}`);
  const isNameless = process.platform !== "win32";

  /** The name is taken away at once where the system allows it: no crash then leaves the file behind. */
  const openFile = async (): Promise<FileHandle> => {
    const handle = await open(path, "wx+", 0o600);
    if (isNameless) await unlink(path);
    return handle;
  };

  const closeFile = async (handle: FileHandle): Promise<void> => {
    await handle.close();
    if (!isNameless) await unlink(path);
  };

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    memory.length = 0;
    if (file !== null) await closeFile(file);
  };

  const cursor = (): (() => Promise<Uint8Array | null>) => {
    let pieces = 0;
    let at = 0;
    return async () => {
      const piece = memory[pieces];
      if (piece !== undefined) pieces++;
      if (piece !== undefined || file === null || isClosed) return piece ?? null;
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
      at += bytesRead;
      return bytesRead === 0 ? null : chunk.subarray(0, bytesRead);
    };
  };

  return {
    async write(bytes) {
      if (isClosed) return;
      if (file === null && held + bytes.byteLength <= memoryBytes) {
        memory.push(bytes);
        held += bytes.byteLength;
        return;
      }
      file ??= await openFile();
      if (isClosed) return closeFile(file);
      const start = end;
      end += bytes.byteLength;
      await writeAll(file, bytes, start);
    },
    async *read() {
      try {
        const next = cursor();
        for (let piece = await next(); piece !== null; piece = await next()) yield piece;
      } finally {
        await close();
      }
    },
    cursor,
    close,
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, start: number): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) at += (await file.write(bytes, at, bytes.byteLength - at, start + at)).bytesWritten;
}

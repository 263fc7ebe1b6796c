// The log on disk: `<base>-YYYY-MM-DD[-N].ext` by UTC day and size, with a link at the plain name to the file in use.
// Knows nothing of what is in a line.

import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { createStream } from "rotating-file-stream";

export interface LogFile {
  write(line: string): void;
  close(): Promise<void>;
}

interface LogFileInit {
  path: string;
  now: () => Date;
  /** Hears of a disk that does not take a line. */
  onError: (error: Error) => void;
  /** A file that has grown to so many bytes is followed by the next. */
  maxBytes?: number;
}

const MAX_BYTES = 300 * 1024 * 1024;

/** Opens the file; the folder is made where it is missing. */
export function openLogFile({ path, now, onError, maxBytes = MAX_BYTES }: LogFileInit): LogFile {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const extension = extname(path);
  const base = basename(path, extension);
  const nameFor = (time: number | Date | null, index?: number): string => {
    const day = new Date(time ?? now()).toISOString().slice(0, 10);
    return `${base}-${day}${index !== undefined && index > 1 ? `-${index}` : ""}${extension}`;
  };
  const stream = createStream(nameFor, {
    path: folder,
    size: `${maxBytes}B`,
    interval: "1d",
    intervalUTC: true,
    initialRotation: true,
    immutable: true,
    mode: 0o600,
  });
  stream.on("error", onError);
  stream.on("open", (file: string) => linkTo(path, join(folder, basename(file)), onError));
  return {
    write: (line) => void stream.write(line),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

function linkTo(link: string, file: string, onError: (error: Error) => void): void {
  try {
    // A file that somebody else left at the plain name is kept, under a name of its own.
    const old = lstatSync(link, { throwIfNoEntry: false });
    if (old !== undefined && !old.isSymbolicLink()) renameSync(link, `${link}.before`);
    else rmSync(link, { force: true });
    symlinkSync(basename(file), link);
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)));
  }
}

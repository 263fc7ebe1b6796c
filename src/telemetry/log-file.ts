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
/** A disk that took no line is tried anew, at the next line after so long: it may have room again. */
const RETRY_MS = 10_000;

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
  /** When the stream broke, which then takes nothing more. */
  let brokenMs: number | null = null;
  const open = () => {
    brokenMs = null;
    const opened = createStream(nameFor, {
      path: folder,
      size: `${maxBytes}B`,
      interval: "1d",
      intervalUTC: true,
      initialRotation: true,
      immutable: true,
      mode: 0o600,
    });
    opened.on("error", (error) => {
      brokenMs = now().getTime();
      onError(error);
    });
    opened.on("open", (file: string) => linkTo(path, join(folder, basename(file)), onError));
    return opened;
  };
  let stream = open();
  return {
    write(line) {
      if (brokenMs === null) {
        stream.write(line);
        return;
      }
      // Of a clock that was set back nobody waits for the end.
      if (Math.abs(now().getTime() - brokenMs) < RETRY_MS) return;
      stream = open();
      // What broke off there, if anything, is no part of this line.
      stream.write(`\n${line}`);
    },
    close: () => new Promise((resolve) => (brokenMs === null ? stream.end(() => resolve()) : resolve())),
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

// Where an export goes: a terminal or a pipe, which is waited for, or a file of the caller's alone. Knows no command.

import { type FileHandle, open, stat } from "node:fs/promises";
import { CliError, EXIT } from "./error.ts";
import { printPiece } from "./output.ts";

type Piece = string | Uint8Array;

/** `write` is given what takes a piece, and resolves once it has gone; answers what `write` does. `path`: `-` is stdout. */
export async function writeExport<T>(
  path: string,
  write: (put: (piece: Piece) => Promise<void>) => Promise<T>,
): Promise<T> {
  if (path === "-") return write(printPiece);
  await refuseDatabase(path);
  let file: FileHandle | null = null;
  // With its first piece: where there is none to be had, an export that lies there stays.
  const begin = async (): Promise<FileHandle> => (file ??= await open(path, "w", 0o600));
  try {
    const done = await write(async (piece) => (await begin()).appendFile(piece));
    await begin();
    return done;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CliError(`${path} cannot be written: ${error.message}`, {
      exitCode: EXIT.failed,
      hint: "Check that the folder is there and has room, or choose another file: -o FILE",
    });
  } finally {
    await (file as FileHandle | null)?.close();
  }
}

/** Of who mistypes a path, users and books stay. */
export async function refuseDatabase(path: string): Promise<void> {
  // A pipe or a terminal is not read from.
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) return;
  const head = await Bun.file(path)
    .slice(0, SQLITE.length)
    .text()
    .catch(() => "");
  if (head !== SQLITE) return;
  throw new CliError(`${path} is a SQLite database, which is not overwritten.`, {
    exitCode: EXIT.usage,
    hint: "Choose another file, or remove that one first if it is meant.",
  });
}

/** How such a file begins. */
const SQLITE = "SQLite format 3";

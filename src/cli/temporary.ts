// What is held for a while lies in the system's folder for temporary files: what is said where that takes nothing.

import { tmpdir } from "node:os";
import { GatewayError } from "../ir/index.ts";
import { type Spool, createSpool } from "../lib/spool.ts";
import { CliError, EXIT } from "./error.ts";

/** What of an upload is held in memory while its model is looked for; beyond it, a file. */
const UPLOAD_MEMORY_BYTES = 1024 * 1024;

export const openUploadSpool = (): Spool => openSpool(UPLOAD_MEMORY_BYTES, refuseUpload);

/** For a command. */
export const openDraft = (memoryBytes: number): Spool => openSpool(memoryBytes, refuseTemporary);

function openSpool(memoryBytes: number, explain: (cause: unknown) => Error): Spool {
  const spool = createSpool(tmpdir(), memoryBytes);
  return { ...spool, write: (bytes) => spool.write(bytes).catch((cause: unknown) => Promise.reject(explain(cause))) };
}

function refuseUpload(cause: unknown): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "no_room_for_upload",
    message:
      "The gateway has no room to hold an upload of more than 1 MiB. Its log names the folder, whose disk is full or which cannot be written; another one is named by TMPDIR.",
    cause,
  });
}

/** Of SQLite, which chooses the folder by itself. */
export function refuseScratch(cause: unknown): GatewayError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GatewayError({
    kind: "overloaded",
    code: "no_room_for_rows",
    message:
      `The rows cannot be held in a temporary file for the while that this takes: ${reason}. ` +
      "See that TMPDIR, or /var/tmp where it is not set, has room and may be written.",
    cause,
  });
}

/** Of a command that needs the folder. */
export function refuseTemporary(cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CliError(`Nothing can be held in ${tmpdir()} for the while that this takes: ${reason}`, {
    exitCode: EXIT.failed,
    hint: "See that the folder is there, has room and may be written, or name another one in TMPDIR.",
  });
}

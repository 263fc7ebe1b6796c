// Rows of an import that cannot be taken: remembered in part, and all of them in a CSV where one is wanted. Knows no row.

import { type FileHandle, open } from "node:fs/promises";
import { printCsvLine } from "../../lib/csv.ts";
import { CliError, EXIT } from "../error.ts";
import { refuseDatabase } from "../export-file.ts";

export interface Fault {
  table: string;
  /** Its number there. */
  id: number;
  reason: string;
}

export interface Faults {
  add(fault: Fault): Promise<void>;
  count(): number;
  /** A few, to be shown. */
  first(): readonly Fault[];
  close(): Promise<void>;
}

const SHOWN = 10;

export async function openFaults(path: string | undefined): Promise<Faults> {
  const file = path === undefined ? null : await openList(path);
  const shown: Fault[] = [];
  let rows = 0;
  return {
    async add(fault) {
      rows++;
      if (shown.length < SHOWN) shown.push(fault);
      await file?.appendFile(printCsvLine([fault.table, fault.id, fault.reason]));
    },
    count: () => rows,
    first: () => shown,
    async close() {
      await file?.close();
    },
  };
}

async function openList(path: string): Promise<FileHandle> {
  await refuseDatabase(path);
  try {
    const file = await open(path, "w", 0o600);
    await file.appendFile(printCsvLine(["table", "id", "reason"]));
    return file;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} cannot be written: ${reason}`, {
      exitCode: EXIT.failed,
      hint: "Check that the folder is there and has room, or choose another file.",
    });
  }
}

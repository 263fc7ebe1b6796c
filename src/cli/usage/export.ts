// `tokligence usage export`: all rows as CSV or a JSON object a line, oldest first, to a file or to stdout.

import { once } from "node:events";
import { open } from "node:fs/promises";
import { defineCommand } from "citty";
import { EXPORT_FORMATS, type LedgerFilter } from "../../ledger/index.ts";
import { CliError, EXIT } from "../error.ts";
import { count, printJson, say, startProgress } from "../output.ts";
import { type Place, runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { refuseValue } from "../value.ts";
import { type ExportFormat, openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";

export default defineCommand({
  meta: { name: "export", description: "Write rows as CSV or JSON lines, oldest first" },
  args: {
    ...FILTER_ARGS,
    format: { type: "string", default: "csv", description: EXPORT_FORMATS.join(" or "), valueHint: "FORMAT" },
    output: { type: "string", alias: "o", default: "-", description: "File to write; -: stdout", valueHint: "FILE" },
  },
  async run({ args }) {
    const format = EXPORT_FORMATS.find((name) => name === args.format);
    if (format === undefined)
      throw refuseValue("format", `${JSON.stringify(args.format)} is neither ${EXPORT_FORMATS.join(" nor ")}`);
    const toStdout = args.output === "-";
    if (toStdout && args.json === true)
      throw refuseValue("json", "what is written to stdout is the export itself; add -o FILE");
    const rows = await runAtPlace(splitKey(args).flags, async (place) => {
      const work = { place, filter: await readFilter(args, place), format };
      return toStdout ? write(work, toTerminal) : writeFile(work, args.output);
    });
    if (args.json === true) printJson({ rows, file: args.output });
    else say(`${count(rows, "row")} written${toStdout ? "" : ` to ${args.output}`}`);
  },
});

interface Work {
  place: Place;
  filter: LedgerFilter;
  format: ExportFormat;
}

async function toTerminal(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}

async function writeFile(work: Work, path: string): Promise<number> {
  try {
    const file = await open(path, "w", 0o600);
    try {
      return await write(work, (bytes) => file.appendFile(bytes));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    throw new CliError(`${path} cannot be written: ${error.message}`, {
      exitCode: EXIT.failed,
      hint: "Check that the folder is there and has room, or choose another file: -o FILE",
    });
  }
}

/** Never more than a piece is in memory: it waits for the output to take the one before. */
async function write({ place, filter, format }: Work, put: (bytes: Uint8Array) => Promise<void>): Promise<number> {
  const { total, pieces } = await openBooks(place).export(filter, format);
  const progress = startProgress("rows");
  let rows = 0;
  try {
    for await (const piece of pieces) {
      await put(piece.bytes);
      rows += piece.rows;
      progress.update(rows, Math.max(rows, total));
    }
    return rows;
  } finally {
    progress.end();
  }
}

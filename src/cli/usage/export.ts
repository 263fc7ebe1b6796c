// `tokligence usage export`: all rows as CSV or a JSON object a line, oldest first, to a file or to stdout.

import { defineCommand } from "citty";
import { EXPORT_FORMATS, type LedgerFilter } from "../../ledger/index.ts";
import { writeExport } from "../export-file.ts";
import { count, printJson, say, startProgress } from "../output.ts";
import { type Place, runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { refuseValue } from "../value.ts";
import { type Export, type ExportFormat, openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";
import { sayMissing } from "./table.ts";

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
    const { rows, gap } = await runAtPlace(splitKey(args).flags, async (place) => {
      const work = { place, filter: await readFilter(args, place), format };
      return writeExport(args.output, (put) => write(work, put));
    });
    if (args.json === true) return printJson({ rows, file: args.output, ...gap });
    say(`${count(rows, "row")} written${toStdout ? "" : ` to ${args.output}`}`);
    sayMissing(gap);
  },
});

interface Work {
  place: Place;
  filter: LedgerFilter;
  format: ExportFormat;
}

/** Never more than a piece is in memory: it waits for the output to take the one before. */
async function write(
  { place, filter, format }: Work,
  put: (bytes: Uint8Array) => Promise<void>,
): Promise<{ rows: number } & Pick<Export, "gap">> {
  const { total, gap, pieces } = await openBooks(place).export(filter, format);
  const progress = startProgress("rows");
  let rows = 0;
  try {
    for await (const piece of pieces) {
      await put(piece.bytes);
      rows += piece.rows;
      progress.update(rows, Math.max(rows, total));
    }
    return { rows, gap };
  } finally {
    progress.end();
  }
}

// `tokligence admin audit export`: the record of changes as JSON lines or CSV, oldest first, to a file or to stdout.

import { defineCommand } from "citty";
import { CHANGE_FORMATS, type ChangeFormat } from "../../../audit/index.ts";
import { writeExport } from "../../export-file.ts";
import { count, printJson, say, startProgress } from "../../output.ts";
import { type Place, runAtPlace } from "../../place.ts";
import { refuseValue } from "../../value.ts";
import { openChanges } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";

export default defineCommand({
  meta: { name: "export", description: "Write who changed what as JSON lines or CSV, oldest first" },
  args: {
    ...FILTER_ARGS,
    format: { type: "string", default: "jsonl", description: CHANGE_FORMATS.join(" or "), valueHint: "FORMAT" },
    output: { type: "string", alias: "o", default: "-", description: "File to write; -: stdout", valueHint: "FILE" },
  },
  async run({ args }) {
    const format = CHANGE_FORMATS.find((name) => name === args.format);
    if (format === undefined)
      throw refuseValue("format", `${JSON.stringify(args.format)} is neither ${CHANGE_FORMATS.join(" nor ")}`);
    const toStdout = args.output === "-";
    if (toStdout && args.json === true)
      throw refuseValue("json", "what is written to stdout is the export itself; add -o FILE");
    const rows = await runAtPlace(args, async (place) => {
      const filter = await readFilter(args, place);
      const work = { place, filter, format };
      return writeExport(args.output, (put) => write(work, put));
    });
    if (args.json === true) printJson({ rows, file: args.output });
    else say(`${count(rows, "change")} written${toStdout ? "" : ` to ${args.output}`}`);
  },
});

interface Work {
  place: Place;
  filter: Awaited<ReturnType<typeof readFilter>>;
  format: ChangeFormat;
}

async function write({ place, filter, format }: Work, put: (text: string) => Promise<void>): Promise<number> {
  const { total, pieces } = await openChanges(place).export(filter, format);
  const progress = startProgress("changes");
  let rows = 0;
  try {
    for await (const piece of pieces) {
      if (piece.text !== "") await put(piece.text);
      rows += piece.rows;
      progress.update(rows, Math.max(rows, total));
    }
    return rows;
  } finally {
    progress.end();
  }
}

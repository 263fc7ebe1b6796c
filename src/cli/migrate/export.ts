// `tokligence migrate export`: a database, or the two of a configuration, as a file of SQL that psql loads into an empty PostgreSQL.

import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import { readScheme } from "../../store/location.ts";
import { dumpSql } from "../../store/postgres/dump.ts";
import { readAll } from "../../store/transfer/copy.ts";
import { CliError, EXIT } from "../error.ts";
import { refuseDatabase } from "../export-file.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { count, printJson, printPiece, say } from "../output.ts";
import { refuseValue } from "../value.ts";
import { FROM_ARGS, locateSources, quietSources, withEnds } from "./place.ts";
import { startStages } from "./progress.ts";

export default defineCommand({
  meta: {
    name: "export",
    description: "Write users, keys, settings and books as SQL that psql loads into an empty PostgreSQL",
  },
  args: {
    ...FROM_ARGS,
    to: { type: "string", required: true, description: "The file to write; - for standard output", valueHint: "FILE" },
    live: { type: "boolean", description: "Also while a gateway works on the source: as it is at one moment" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { to } = args;
    if (readScheme(to) !== "")
      throw refuseValue("to", "it is a file here; tokligence migrate copy writes to a database");
    const isPiped = to === "-";
    if (isPiped && args.json === true) throw refuseValue("json", "standard output is taken by the SQL");
    if (!isPiped) await refuseDatabase(to);
    const { config } = await loadConfig(toLoadOptions(args));
    const sources = locateSources(args, config);
    await withEnds({ sources, targets: [] }, {}, async (ends) => {
      await quietSources(sources, ends.sources, { config, isLive: args.live === true });
      const progress = startStages();
      const place = ends.sources.map((end) => end.place).join(" and ");
      let rows = 0;
      const onProgress = (done: number, total: number): void => {
        rows = done;
        progress.update("exporting rows", done, total);
      };
      const write = (): Promise<void> =>
        readAll(ends.sources, async (source) => {
          const pieces = dumpSql({ source, databases: sources.length, place, at: new Date(), onProgress });
          if (isPiped) for await (const piece of pieces) await printPiece(piece);
          else await writeFile(to, pieces);
        });
      await write().finally(progress.end);
      if (args.json === true) printJson({ file: to, rows });
      const where = isPiped ? "" : ` in ${to}`;
      say(
        `${count(rows, "row")} of ${place}${where}. Next: createdb tokligence && psql -d tokligence < ${isPiped ? "FILE" : to}`,
      );
    });
  },
});

/** For this user alone, and whole or not at all. */
async function writeFile(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const draft = `${path}.${randomUUID()}.part`;
  let file: FileHandle | null = null;
  try {
    file = await open(draft, "wx", 0o600);
    for await (const piece of pieces) await file.appendFile(piece);
    await file.sync();
    await file.close();
    file = null;
    await rename(draft, path);
  } catch (error) {
    await file?.close();
    await rm(draft, { force: true });
    const code = error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : null;
    if (code === null) throw error;
    throw new CliError(`${path} cannot be written (${code}).`, {
      exitCode: EXIT.failed,
      hint: "Give a path in a folder that this user may write to, on a disk with room for all rows.",
    });
  }
}

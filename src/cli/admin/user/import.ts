// `tokligence admin users import`: many users from a CSV of any length. Which may be made is identity's to judge.

import { rmSync } from "node:fs";
import { mkdtemp, open, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { count, outliveReader, say, startProgress } from "../../output.ts";
import { type Place, runAtPlace } from "../../place.ts";
import { refuseTemporary } from "../../temporary.ts";
import { readUsers, unreadable } from "./csv.ts";
import { openImporter } from "./importer.ts";
import { type ErrorFile, type LinkFile, keepApart, openErrorFile, openLinkFile } from "./import-file.ts";
import { type Report, makeReport } from "./import-report.ts";

export default defineCommand({
  meta: {
    name: "import",
    description: "Create users from a CSV file, all of which is checked before the first is made",
  },
  args: {
    file: {
      type: "string",
      required: true,
      description: "CSV of email, role, display_name, with or without a header; - reads standard input",
      valueHint: "FILE",
    },
    "skip-existing": { type: "boolean", description: "Pass over addresses that are taken, instead of stopping" },
    "dry-run": { type: "boolean", description: "Check everything and write nothing" },
    errors: {
      type: "string",
      description: "Take the good rows, and write the others to this CSV, each with its reason",
      valueHint: "FILE",
    },
    links: {
      type: "string",
      description: "Make a sign-in link for each new user, good for a week, and write them to this CSV",
      valueHint: "FILE",
    },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const [skipExisting, dryRun] = [args["skip-existing"] === true, args["dry-run"] === true];
    await keepApart([
      ["file", args.file],
      ["errors", args.errors],
      ["links", args.links],
    ]);
    // First: where there is nothing to read, what an earlier run wrote stays.
    const input = await openInput(args.file);
    let errors: ErrorFile | null = null;
    let links: LinkFile | null = null;
    try {
      errors = args.errors === undefined ? null : await openErrorFile(args.errors);
      links = args.links === undefined || dryRun ? null : await openLinkFile(args.links);
      const work = async (place: Place, report: Report): Promise<void> => {
        const source = watchSource(input, dryRun || errors !== null ? 1 : 2, dryRun ? "checking" : "importing");
        const options = { skipExisting, skipInvalid: errors !== null, dryRun };
        const importer = openImporter(place, links !== null);
        const counts = await importer
          .importStream(source.open, {
            ...options,
            async tell(outcomes, isCheck) {
              await errors?.add(outcomes);
              await links?.add(await importer.linksOf(outcomes));
              source.pause();
              await report.add(outcomes, isCheck);
            },
          })
          .finally(source.end);
        sayEmpty(links?.countEmpty() ?? 0, args.links);
        await finish(report, { counts, errors: args.errors, dryRun });
      };
      await outliveReader((print) => {
        const report = makeReport({ isJson: args.json === true, dryRun, print });
        return runAtPlace(args, (place) => work(place, report));
      });
    } finally {
      await Promise.all([errors?.close(), links?.close(), input.close()]);
    }
  },
});

/** `path`: of the links. */
function sayEmpty(empty: number, path = ""): void {
  if (empty === 0) return;
  say(
    `note: ${count(empty, "user")} got no link, as somebody changed them meanwhile: their lines in ${path} have none. ` +
      "Once that is meant to be: tokligence admin login-link --email EMAIL",
  );
}

interface Ending {
  counts: { created: number; skipped: number; refused: number };
  /** The file of errors, where one was asked for. */
  errors: string | undefined;
  dryRun: boolean;
}

async function finish(report: Report, { counts, errors, dryRun }: Ending): Promise<void> {
  const isDone = counts.refused === 0 || errors !== undefined || dryRun || counts.created > 0;
  if (isDone) await report.end(counts);
  if (counts.refused === 0) return;
  const rows = `${count(counts.refused, "row")} cannot be taken`;
  if (errors !== undefined) {
    throw new CliError(`${rows}; the reasons stand in ${errors}.`, { exitCode: EXIT.failed });
  }
  // Somebody else was faster with some of them, after all had been checked.
  const others = dryRun ? "the others could be" : "the others are there";
  const written = counts.created > 0 ? `${rows}; ${others}.` : `${rows}, so nothing was written.`;
  throw new CliError([written, ...report.reasons()].join("\n"), {
    exitCode: report.isConflict() ? EXIT.conflict : EXIT.usage,
    hint: report.isConflict()
      ? "Give --skip-existing to pass over those who are there."
      : "Mend the file, or give --errors FILE to take the good rows and have the others listed there.",
  });
}

interface Input {
  path: string;
  close(): Promise<void>;
}

/** Standard input and pipes are read once; a list is read twice, so that nothing is written of one that is not good. */
async function openInput(file: string): Promise<Input> {
  const found =
    file === "-" ? null : await stat(file).catch((error: unknown) => Promise.reject(unreadable(file, error)));
  if (found?.isDirectory() === true) throw unreadable(file, new Error("it is a folder"));
  if (found?.isFile() === true) return { path: file, close: async () => undefined };
  const folder = await mkdtemp(join(tmpdir(), "tokligence-import-")).catch((error: unknown) =>
    Promise.reject(refuseTemporary(error)),
  );
  const path = join(folder, "users.csv");
  // Also where it is ended by Ctrl-C: it holds people's addresses.
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", clear);
  const close = async (): Promise<void> => {
    process.off("exit", clear);
    clear();
  };
  try {
    await spool(file === "-" ? Bun.stdin : Bun.file(file), path);
    return { path, close };
  } catch (error) {
    await close();
    throw unreadable(file, error);
  }
}

async function spool(from: Pick<Blob, "stream">, path: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    for await (const piece of from.stream()) await file.appendFile(piece);
  } finally {
    await file.close();
  }
}

/** A bar over all passes; it steps aside where rows are printed. */
function watchSource({ path }: Input, passes: number, doing: string) {
  const size = Math.max(1, Bun.file(path).size);
  const progress = startProgress(`${doing} users (percent)`);
  let pass = 0;
  return {
    open() {
      const before = pass++ * size;
      return readUsers(path, {
        ...(pass === 1 ? { ignored: sayIgnored } : {}),
        progress: (bytes) => progress.update(Math.floor((100 * (before + bytes)) / (passes * size)), 100),
      });
    },
    pause: () => progress.end(),
    end: () => progress.end(),
  };
}

function sayIgnored(names: readonly string[]): void {
  for (const name of names) say(`note: the column ${JSON.stringify(name)} is not used`);
}

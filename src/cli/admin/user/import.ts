// `tokligence admin users import`: many users from a CSV, all of them or none. Which may be made is identity's to judge.

import { defineCommand } from "citty";
import { type ImportResult, printUser } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson, say, startProgress } from "../../output.ts";
import { readUsers } from "./csv.ts";

export default defineCommand({
  meta: { name: "import", description: "Create users from a CSV file, all or none" },
  args: {
    file: {
      type: "string",
      required: true,
      description: "CSV of email, role, display_name, with or without a header; - reads standard input",
      valueHint: "FILE",
    },
    "skip-existing": { type: "boolean", description: "Pass over addresses that are taken, instead of stopping" },
    "dry-run": { type: "boolean", description: "Check everything and write nothing" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { users, ignored } = readUsers(await readText(args.file), args.file);
    const dryRun = args["dry-run"] === true;
    for (const column of ignored) say(`note: the column ${JSON.stringify(column)} is not used`);
    const progress = startProgress(dryRun ? "checking users" : "importing users");
    const result = await runWithStore(args, async ({ directory }) => {
      progress.update(0, users.length);
      const options = { skipExisting: args["skip-existing"] === true, dryRun };
      return directory.importUsers(OPERATOR, users, options).finally(() => progress.end());
    });
    if (args.json === true) {
      return printJson({ dry_run: dryRun, created: result.created.map(printUser), skipped: result.skipped });
    }
    for (const line of printRows(result, users.length, dryRun)) print(line);
    const counts = `created=${result.created.length} skipped=${result.skipped.length}`;
    print(dryRun ? `dry run complete, nothing written: ${counts}` : `import complete: ${counts}`);
  },
});

/** One line a row, in the file's order: what was not skipped was created, in that order. */
function printRows(result: ImportResult, count: number, dryRun: boolean): string[] {
  const skipped = new Map(result.skipped.map((entry) => [entry.row, entry]));
  const created = result.created.values();
  return Array.from({ length: count }, (_, index) => {
    const row = index + 1;
    const skip = skipped.get(row);
    if (skip !== undefined) return `row ${row} skipped: ${skip.email}: ${skip.reason}`;
    const user = created.next().value;
    if (dryRun) return `row ${row} would create email=${user?.email} role=${user?.role}`;
    return `row ${row} created user id=${user?.id} email=${user?.email}`;
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await (file === "-" ? Bun.stdin : Bun.file(file)).text();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${file} cannot be read: ${reason}`, { exitCode: EXIT.notFound });
  }
}

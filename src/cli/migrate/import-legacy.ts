// `tokligence migrate import-legacy`: users, keys and usage of a database of the earlier edition, into what the configuration names. Whatever is there
// already stays as it is, so that it can be run again.

import { defineCommand } from "citty";
import { writeBooks } from "../ledger/writer.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS } from "../flags.ts";
import { type Opened, byOperator, runWithStore } from "../open.ts";
import { count, printJson, printTable, say } from "../output.ts";
import { type Legacy, openLegacy } from "../../store/sqlite/legacy.ts";
import { readScheme } from "../../store/location.ts";
import { refuseValue } from "../value.ts";
import { type Fault, openFaults } from "./fault.ts";
import { type Tally, printTally } from "./legacy-tally.ts";
import { walkLegacy } from "./legacy-walk.ts";
import { startStages } from "./progress.ts";

export default defineCommand({
  meta: {
    name: "import-legacy",
    description: "Take over users, keys and usage of a database of the earlier edition (SQLite), which is only read",
  },
  args: {
    from: {
      type: "string",
      required: true,
      description: "Its identity.db, or a file with all tables",
      valueHint: "FILE",
    },
    ledger: { type: "string", description: "Its ledger.db, where usage lies in a file of its own", valueHint: "FILE" },
    "dry-run": { type: "boolean", description: "Check everything and write nothing" },
    errors: {
      type: "string",
      description: "Take the good rows, and write the others to this CSV, each with its reason",
      valueHint: "FILE",
    },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const isDry = args["dry-run"] === true;
    const files = [args.from, ...(args.ledger === undefined ? [] : [args.ledger])];
    for (const file of files) {
      if (readScheme(file) !== "")
        throw refuseValue("from", "it is no file; only SQLite files of the earlier edition can be read");
    }
    const opened: Legacy[] = [];
    const faults = await openFaults(args.errors);
    try {
      for (const file of files) opened.push(openLegacy(file));
      const tally = await runWithStore(args, async (own) => {
        const checked = await pass(own, opened, { write: null, tell: faults.add });
        // Of a list that is not good nothing is written, unless that is wanted.
        if (isDry || (faults.count() > 0 && args.errors === undefined)) return checked;
        return write(own, opened, checked, files);
      });
      tell(tally, { isDry, isJson: args.json === true, isWritten: faults.count() === 0 || args.errors !== undefined });
      refuseFaults(faults, args.errors);
    } finally {
      for (const each of opened) each.close();
      await faults.close();
    }
  },
});

interface Pass {
  write: Parameters<typeof walkLegacy>[1]["write"];
  tell: (fault: Fault) => Promise<void>;
}

async function pass(own: Opened, sources: readonly Legacy[], { write, tell: report }: Pass): Promise<Tally> {
  const progress = startStages();
  const doing = write === null ? "checking" : "importing";
  const onProgress = (done: number, total: number): void => progress.update(`${doing} rows`, done, total);
  try {
    return await walkLegacy(sources, { store: own.store, now: Date.now(), write, tell: report, onProgress });
  } finally {
    progress.end();
  }
}

async function write(
  own: Opened,
  sources: readonly Legacy[],
  checked: Tally,
  files: readonly string[],
): Promise<Tally> {
  const fresh = checked.users.taken + checked.keys.taken + checked.usage.taken;
  if (fresh === 0) return checked;
  const quiet = async (): Promise<void> => undefined;
  const by = byOperator();
  const run = (add: Exclude<Pass["write"], null>["add"]): Promise<Tally> =>
    pass(own, sources, { write: { by, add }, tell: quiet });
  let tally: Tally;
  if (checked.usage.taken === 0) tally = await run(quiet);
  else {
    const { result, chain } = await writeBooks(own, async (writer) => ({
      result: await run(async (entries) => void (await Promise.all(entries.map((entry) => writer.add(entry))))),
      chain: writer.chain,
    }));
    tally = result;
    // Gateways that run count them at once.
    await own.store.budgets.noteRows(chain);
  }
  const after = { files, ...printTally(tally) };
  await own.store.changes.tell(by, {
    action: "import.legacy",
    subjectKind: "import",
    subjectId: null,
    before: null,
    after,
  });
  return tally;
}

function tell(
  tally: Tally,
  { isDry, isJson, isWritten }: { isDry: boolean; isJson: boolean; isWritten: boolean },
): void {
  const printed = printTally(tally);
  if (isJson) printJson({ dry_run: isDry, ...printed });
  else {
    const rows = (["users", "keys", "usage"] as const).map((table) => ({ table, ...printed[table] }));
    printTable(rows, ["table", "rows", "taken", "there_already", "deleted", "refused"]);
  }
  if (tally.unknownScopes.size > 0)
    say(
      `note: these scopes mean nothing here and were left out: ${[...tally.unknownScopes].toSorted().join(", ")}; a key that had no others may call models only`,
    );
  if (tally.orphans > 0)
    say(`note: ${count(tally.orphans, "usage row")} name a user or a key that is not there; they keep its old number`);
  if (tally.removed > 0)
    say(
      `note: ${count(tally.removed, "usage row")} came before and were removed here by age since; their sums are kept`,
    );
  if (tally.orphanKeys.length > 0) {
    const shown = tally.orphanKeys.slice(0, MOST_NAMED).join(", ");
    const more = tally.orphanKeys.length > MOST_NAMED ? ", …" : "";
    const left = `${count(tally.orphanKeys.length, "key")} of users that are not there opened nothing, and`;
    say(`note: ${left} ${tally.orphanKeys.length === 1 ? "was" : "were"} left out: ${shown}${more}`);
  }
  if (isDry) say("This was a dry run: nothing was written.");
  else if (isWritten)
    say("Keys go on working as they are. Rows of the books that came with this say so: reason imported, tag imported.");
}

/** Numbers of rows in one line. */
const MOST_NAMED = 20;

function refuseFaults(faults: { count(): number; first(): readonly Fault[] }, errors: string | undefined): void {
  if (faults.count() === 0) return;
  const rows = `${count(faults.count(), "row")} cannot be taken`;
  if (errors !== undefined) throw new CliError(`${rows}; the reasons stand in ${errors}.`, { exitCode: EXIT.failed });
  const reasons = faults.first().map(({ table, id, reason }) => `  ${table} ${id}: ${reason}`);
  throw new CliError([`${rows}, so nothing was written.`, ...reasons].join("\n"), {
    exitCode: EXIT.failed,
    hint: "Give --errors FILE to take the good rows and have the others listed there.",
  });
}

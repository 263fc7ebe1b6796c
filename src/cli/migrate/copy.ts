// `tokligence migrate copy`: one database into another, straight, whatever engines they are. An interrupted copy goes on where it stopped.

import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import { type CopyReport, copyDatabases } from "../../store/transfer/copy.ts";
import { CliError, EXIT } from "../error.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { count, printJson, printTable, say } from "../output.ts";
import {
  FROM_ARGS,
  TO_ARGS,
  locateSources,
  locateTargets,
  quietSources,
  refuseUsedTargets,
  withEnds,
} from "./place.ts";
import { startStages } from "./progress.ts";
import { describeDifferences, printCompared, printRows } from "./report.ts";

export default defineCommand({
  meta: {
    name: "copy",
    description: "Copy users, keys, settings and books into an empty database; run it again to go on, or to catch up",
  },
  args: {
    ...FROM_ARGS,
    ...TO_ARGS,
    live: {
      type: "boolean",
      description: "Also while a gateway works on the source: as it is at one moment, to be caught up with later",
    },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { config } = await loadConfig(toLoadOptions(args));
    const [sources, targets] = [locateSources(args, config), locateTargets(args, config)];
    const started = performance.now();
    await withEnds({ sources, targets }, {}, async (ends) => {
      await refuseUsedTargets(ends.targets);
      const { isInUse } = await quietSources(sources, ends.sources, { config, isLive: args.live === true });
      say(`Copying ${nameAll(ends.sources)} to ${nameAll(ends.targets)}.`);
      const progress = startStages();
      const report = await copyDatabases({ ...ends, onProgress: progress.update }).finally(progress.end);
      await tell(report, { seconds: (performance.now() - started) / 1000, isInUse, isJson: args.json === true });
    });
  },
});

function nameAll(ends: readonly { place: string }[]): string {
  return ends.map(({ place }) => place).join(" and ");
}

interface Telling {
  seconds: number;
  isInUse: boolean;
  isJson: boolean;
}

async function tell(report: CopyReport, { seconds, isInUse, isJson }: Telling): Promise<void> {
  const { written, resumed, caughtUp, compared } = report;
  const isEqual = compared.every((each) => each.isEqual);
  const speed = Math.round(written / Math.max(seconds, 0.001));
  if (isJson) {
    const rows = { written, already_there: resumed, caught_up: caughtUp };
    printJson({ ok: isEqual, ...rows, seconds, rows_per_second: speed, tables: printCompared(compared) });
  } else printTable(printRows(compared), ["table", "rows", "digest"]);
  const all = compared.reduce((sum, { target }) => sum + target.rows, 0);
  if (!isEqual) {
    throw new CliError(`The copy is not the same as its source: ${describeDifferences(compared)}.`, {
      exitCode: EXIT.failed,
      hint: "Run the same line again; tokligence migrate verify names the rows.",
    });
  }
  const before = resumed > 0 ? `, ${count(resumed, "row")} had been there` : "";
  const after = caughtUp > 0 ? `, ${count(caughtUp, "row")} caught up with` : "";
  say(
    `Both sides are the same: ${count(all, "row")} (${written} copied${before}${after}; ${seconds.toFixed(1)} s, ${speed} rows/s).`,
  );
  if (isInUse) say("The source was in use: stop its gateway, and run the same line again for what has come since.");
  else {
    say(
      "Next: set identity_path and ledger_path to the copy, keep the files of keys (ledger.key, secret.key) and the heads beside them,",
    );
    say("and run: tokligence ledger verify, tokligence admin audit verify.");
  }
}

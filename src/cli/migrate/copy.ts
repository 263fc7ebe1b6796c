// `tokligence migrate copy`: one database into another, straight, whatever engines they are. An interrupted copy goes on where it stopped.

import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import { COPYING, type CopyReport, copyDatabases } from "../../store/transfer/copy.ts";
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
      const copying = performance.now();
      let copied = copying;
      const onProgress: typeof progress.update = (doing, done, total) => {
        if (doing === COPYING) copied = performance.now();
        progress.update(doing, done, total);
      };
      const report = await copyDatabases({ ...ends, onProgress }).finally(progress.end);
      const speed = Math.round(report.written / Math.max((copied - copying) / 1000, 0.001));
      const { keyFile } = config.ledger;
      const seconds = (performance.now() - started) / 1000;
      await tell(report, { seconds, speed, isInUse, isJson: args.json === true, keyFile });
    });
  },
});

function nameAll(ends: readonly { place: string }[]): string {
  return ends.map(({ place }) => place).join(" and ");
}

interface Telling {
  /** Of all that was done. */
  seconds: number;
  /** Rows a second while they were copied, before they were compared. */
  speed: number;
  isInUse: boolean;
  isJson: boolean;
  keyFile: string;
}

async function tell(report: CopyReport, { seconds, speed, isInUse, isJson, keyFile }: Telling): Promise<void> {
  const { written, resumed, caughtUp, compared } = report;
  const isEqual = compared.every((each) => each.isEqual);
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
  const pace = written > 0 ? ` at ${speed} rows/s` : "";
  const after = caughtUp > 0 ? `, ${count(caughtUp, "row")} caught up with` : "";
  say(
    `Both sides are the same: ${count(all, "row")} (${written} copied${pace}${before}${after}; ${seconds.toFixed(1)} s, comparing included).`,
  );
  if (isInUse) say("The source was in use: stop its gateway, and run the same line again for what has come since.");
  else {
    say(
      "Next: name the copy as identity_path and ledger_path. The keys stay the same files: keep secret.key in home, and",
    );
    say(`ledger_key_file = ${keyFile}. Then: tokligence ledger verify, and tokligence admin audit verify.`);
  }
}

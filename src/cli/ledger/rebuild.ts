// `tokligence ledger rebuild`: makes the sums that reports are read from anew, of the rows. Changes no row.

import { defineCommand } from "citty";
import { SHARED_ARGS } from "../flags.ts";
import { byOperator, runWithStore } from "../open.ts";
import { count, printJson, say, startProgress } from "../output.ts";

export default defineCommand({
  meta: {
    name: "rebuild",
    description: "Make the sums of reports anew from the rows, where ledger verify says that they were altered",
  },
  args: SHARED_ARGS,
  async run({ args }) {
    const progress = startProgress("making sums anew, day");
    const { days, keptBefore, marks, unsure } = await runWithStore(args, async ({ store }) => {
      const rebuilt = await store.ledger.rebuildSums(progress.update);
      // Reports are quick again once all of it is packed.
      while ((await store.ledger.rollUp(ROWS_A_STEP)).rows > 0);
      const after = { ...rebuilt, keptBefore: rebuilt.keptBefore?.toISOString() ?? null };
      const change = { action: "ledger.rebuild", subjectKind: "ledger", subjectId: null, before: null, after } as const;
      await store.changes.tell(byOperator(), change);
      return rebuilt;
    }).finally(progress.end);
    if (args.json === true) return printJson({ days, kept_before: keptBefore, marks, unsure });
    say(`The sums of ${count(days, "day")} are made anew from their rows.`);
    if (marks.length > 0) say(`How far these chains are summed up is set right: ${marks.join(", ")}.`);
    if (keptBefore !== null)
      say(`Sums of before ${keptBefore.toISOString()} stay as they were, for rows of that time are gone by age.`);
    if (unsure.length > 0)
      say(
        `Nobody knows how far these chains were summed up, so their newest rows may be missing in sums of that time: ${unsure.join(", ")}.`,
      );
    say("tokligence ledger verify holds them against the rows.");
  },
});

const ROWS_A_STEP = 10_000;

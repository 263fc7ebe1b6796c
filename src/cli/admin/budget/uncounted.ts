// What people are told of a budget that does not count all of its window. Knows no database.

import type { JsonObject } from "../../../ir/index.ts";
import { printWord, say } from "../../output.ts";

export function sayUncounted({ name, rows_removed_before: moment }: JsonObject): void {
  if (typeof moment !== "string") return;
  say(
    `note: what is spent of ${printWord(name)} lacks rows from before ${moment}: they had been removed by age when it was made, ` +
      "and the sums that are kept do not tell models as budgets do.",
  );
}

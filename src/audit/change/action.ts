// Which changes are asked for by what was done: the words that find any. Knows no row.

import { invalidRequest } from "../../ir/index.ts";
import { CHANGE_ACTIONS } from "../../lib/change.ts";
import { findNearest } from "../../lib/nearest.ts";
import { showUnseen } from "../../lib/unseen.ts";

/** First words, each of which stands for all that begin with it. */
export const CHANGE_KINDS: readonly string[] = [...new Set(CHANGE_ACTIONS.map(kindOf))];

/** Whole, such as `user.create`, or `user` or `user.*` for all of them. Throws invalid_request for what nothing recorded can be. */
export function checkAction(text: string): string {
  const word = text.replace(/\.?\*$/u, "");
  const known = [...CHANGE_ACTIONS, ...CHANGE_KINDS];
  if (known.includes(word)) return text;
  const shown = showUnseen(word).slice(0, MOST_SHOWN);
  const [near] = findNearest(shown, known, 1);
  const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
  throw invalidRequest(`There is no action "${shown}"${hint}; use ${describeKnown(kindOf(near ?? word))}.`, "action");
}

const MOST_SHOWN = 60;

function describeKnown(kind: string): string {
  const own = CHANGE_ACTIONS.filter((action) => kindOf(action) === kind);
  if (own.length > 0) return `${kind} for all of them, or ${own.join(", ")}`;
  return `${CHANGE_KINDS.join(", ")}, or one of a kind, such as user.create`;
}

function kindOf(action: string): string {
  return action.split(".")[0] ?? "";
}

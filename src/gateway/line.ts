// What is declared while the gateway runs stands in lines, as in a file. Knows no field.

import { invalidRequest } from "../ir/index.ts";
import { findUnseen, sayUnseen } from "../lib/unseen.ts";

/** Throws invalid_request where it is more than a line, or holds what nobody sees. */
export function refuseUnseen(field: string, text: string): void {
  const unseen = findUnseen(text);
  if (unseen === null) return;
  throw invalidRequest(`${field} must be one line of text: it cannot hold ${sayUnseen(unseen)}.`, field);
}

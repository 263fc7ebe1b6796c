// What a copy cannot do, in words for whoever began it. Knows no engine.

import { GatewayError } from "../../ir/index.ts";
import type { End } from "./end.ts";
import type { Part } from "./plan.ts";

export function refuseRow(
  { place }: End,
  id: string,
  { part, error }: { part: Part; error: GatewayError },
): GatewayError {
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  return new GatewayError({
    kind: "conflict",
    code: "row_refused",
    message: `${place} does not take the row ${id} of ${part.table.name}: ${reason}. Mend or delete it in the source, then run the same line again.`,
    cause: error,
  });
}

export function refuseForeign({ place }: End): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "target_foreign",
    message: `${place} holds tables that this program did not make; give an empty database or a new file as the target.`,
  });
}

export function refuseOther({ place }: End, source: string): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "target_other_copy",
    message: `${place} is a copy of ${source}, not of this source; give an empty database or a new file as the target.`,
  });
}

export function refuseFull({ place }: End, held: string): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "target_not_empty",
    message: `${place} is not empty (${held}), and nothing is mixed with it; give an empty database or a new file as the target. Where a gateway was started on it once, make it anew.`,
  });
}

export function refuseUsed({ place }: End): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "target_in_use",
    message: `${place} is a copy that has been worked on since: its records have come further than the source's, and nothing of them is written over. To begin again, give an empty database or a new file.`,
  });
}

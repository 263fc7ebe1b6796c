// Which rules a list is to show: those that concern somebody, or those whose user or key is gone. Knows no rule.

import type { JsonObject } from "../../ir/index.ts";
import { refuseValue } from "../value.ts";

export const IN_FORCE_ARG = {
  "in-force": {
    type: "string",
    description: "yes, or no: those that concern nobody any more, such as of users who were deleted",
    valueHint: "yes|no",
  },
} as const;

export function pickInForce(rules: readonly JsonObject[], wanted: string | undefined): JsonObject[] {
  if (wanted === undefined) return [...rules];
  if (wanted !== "yes" && wanted !== "no") throw refuseValue("in-force", "it is yes or no");
  return rules.filter((rule) => rule["in_force"] === (wanted === "yes"));
}

// Reads what an answer reports of its cost, whoever gave it and in whatever format: as the format's own reader does, where it is one of these, for each has
// counts of its own beside the totals; else by names that many share. Knows no format.

import { type JsonObject, type Usage, isJsonObject } from "../ir/index.ts";
import type { Metered } from "./rest/type.ts";
import { meterAny, pickObject } from "./rest/usage.ts";
import { withTier } from "./tier.ts";

/** Each gives null for what is of another format. */
export type Counters = readonly ((piece: JsonObject) => Usage | null)[];

/** From a whole answer, or from one event of a stream. */
export function readMetered(answer: JsonObject, counters: Counters): Metered {
  const inner = findInner(answer);
  const metered = meterAny(inner);
  for (const count of counters) {
    const usage = count(inner);
    if (usage === null) continue;
    return { ...metered, usage: withTier(usage, usage.serviceTier ?? metered.usage?.serviceTier), units: null };
  }
  return metered;
}

/** The answer in one line of a batch's results. */
export function findResult(line: JsonObject): JsonObject {
  const inner = pickObject(line, ["response", "result"]);
  return pickObject(inner, ["body", "message"]);
}

/** Events wrap what they report. */
function findInner(answer: JsonObject): JsonObject {
  for (const name of ["response", "message"]) {
    const inner = answer[name];
    if (isJsonObject(inner) && isJsonObject(inner["usage"])) return inner;
  }
  return answer;
}

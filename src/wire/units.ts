// Of which kinds counted tokens were, and what was counted beside them, as units of the books. Knows no format.

import { type Json, type JsonObject, type Units, isJsonObject } from "../ir/index.ts";

/** Counts of nothing are left out; `{}` where there is nothing to tell, else `{ units }`, to be spread into a usage. */
export function withUnits(counts: Readonly<Record<string, Json | undefined>>): { units?: Units } {
  let units: Record<string, number> | null = null;
  for (const name in counts) {
    const count = counts[name];
    if (typeof count !== "number" || !Number.isFinite(count) || count <= 0) continue;
    units ??= {};
    units[name] = count;
  }
  return units === null ? {} : { units };
}

/** The numbers of an object that counts things by name, such as calls of a server's tools. */
export function listCounts(value: Json | undefined): JsonObject {
  return isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([, count]) => typeof count === "number"))
    : {};
}

/** What of a call's units makes its tokens cost otherwise, or nobody know what: calls of which one bears it and the other does not are no one sum. */
export function nameMarks(units: Units | undefined): string {
  const names = Object.keys(units ?? {});
  return names.filter((name) => name === "us_inference" || name.startsWith("advisor_")).join();
}

// What stands in a printed provider, for tables and sentences. Knows no command.

import { type JsonObject, isJsonObject } from "../../../ir/index.ts";
import { printWord } from "../../output.ts";

export function listFindings({ findings }: JsonObject): string[] {
  return Array.isArray(findings) ? findings.map(String) : [];
}

interface PrintedKey {
  field: string;
  /** Its end; null where that would tell too much. */
  hint: string | null;
  boundTo: string;
}

/** Of run time. */
export function listKeys({ keys }: JsonObject): PrintedKey[] {
  const all = Array.isArray(keys) ? keys.filter(isJsonObject) : [];
  return all.flatMap(({ field, hint, origin, bound_to: hosts }) => {
    if (origin !== "runtime") return [];
    const boundTo = Array.isArray(hosts) ? hosts.map(printWord).join(" ") : "";
    return [{ field: printWord(field), hint: typeof hint === "string" ? hint : null, boundTo }];
  });
}

/** `api_key …abcd` */
export function nameKey({ field, hint }: { field: string; hint: string | null }): string {
  return hint === null ? field : `${field} ${hint}`;
}

// Settings in effect as JSON for people and programs: the same words by HTTP and on the command line. Knows no HTTP.

import { type EffectiveValue, type Loaded, findSettingObstacle, needsRestart } from "../config/index.ts";
import type { JsonObject } from "../ir/index.ts";
import type { SettingRow } from "../store/index.ts";

/** Secrets are masked by the room that reads them. */
export function printSettings(
  { effective, files, warnings }: Pick<Loaded, "effective" | "files" | "warnings">,
  row: SettingRow | null,
): JsonObject {
  return {
    values: effective.map(printSetting),
    set: { ...row?.fields },
    version: row?.version ?? 0,
    files: [...files],
    warnings: [...warnings],
  };
}

function printSetting({ key, value, origin, secret }: EffectiveValue): JsonObject {
  return {
    key,
    value,
    origin,
    secret,
    changeable: findSettingObstacle(key) === null,
    takes_effect: needsRestart(key) ? "restart" : "at once",
  };
}

// What the commands on settings share: the book on the opened database, or at a gateway elsewhere. No server need run; one that does takes a change up
// within a second.

import { loadConfig } from "../../../config/index.ts";
import { type JsonObject, isJsonObject } from "../../../ir/index.ts";
import { createSettingBook, printSettings } from "../../../server/index.ts";
import { type PlaceFlags, toLoadOptions } from "../../flags.ts";
import { byOperator } from "../../open.ts";
import { print, printJson, printWord } from "../../output.ts";
import { type Place, runAtPlace } from "../../place.ts";
import { matchVersion } from "../../remote/match.ts";
import { refuseValue } from "../../value.ts";

/** Settings as they are printed. */
interface SettingDesk {
  read(): Promise<JsonObject>;
  /** Null takes back what was set. */
  change(key: string, text: string | null, expected: number | undefined): Promise<JsonObject>;
}

export function openSettings(place: Place, flags: PlaceFlags): SettingDesk {
  const { remote } = place;
  if (remote !== null) {
    const path = "/api/v1/admin/settings";
    return {
      read: () => remote.ask({ method: "GET", path }, "values"),
      change: (key, text, expected) =>
        remote.ask({ method: "PATCH", path, body: { [key]: text }, headers: matchVersion(expected) }),
    };
  }
  const load = (runtime: Readonly<Record<string, string>>) => loadConfig({ ...toLoadOptions(flags), runtime });
  const book = createSettingBook({ store: place.store.settings, load, now: Date.now });
  const read = async (): Promise<JsonObject> => {
    const { row, loaded } = await book.read();
    return printSettings(loaded, row);
  };
  return {
    read,
    async change(key, text, expected) {
      await book.change({ [key]: text }, { expected, by: byOperator() });
      return read();
    },
  };
}

export const SETTING_ARG = {
  setting: { type: "positional", description: "Name of the setting", required: true },
} as const;

export const VERSION_ARG = {
  "if-version": {
    type: "string",
    description: "Only where what was set is in this version, as list --json has it; 0: only where nothing was",
    valueHint: "VERSION",
  },
} as const;

interface ChangeFlags extends PlaceFlags {
  "if-version"?: string | undefined;
}

/** Null takes back what was set. */
export async function change(flags: ChangeFlags, key: string, text: string | null): Promise<void> {
  const expected = readVersion(flags["if-version"]);
  const { values, ...settings } = await runAtPlace(flags, (place) =>
    openSettings(place, flags).change(key, text, expected),
  );
  const all = Array.isArray(values) ? values.filter(isJsonObject) : [];
  const { value = null, origin = "default" } = all.find((each) => each["key"] === key) ?? {};
  if (flags.json === true) return printJson({ key, value, origin, ...settings });
  print(`${key} is ${value === null ? "unset" : printWord(value)} (${printWord(origin)})`);
}

function readVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw refuseValue("if-version", `${JSON.stringify(text)} is no version: list --json shows it`);
}

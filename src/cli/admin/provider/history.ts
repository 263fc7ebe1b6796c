// `tokligence admin providers history`: every change of a provider: who, when, what and why.

import { defineCommand } from "citty";
import { type JsonObject, isJsonObject } from "../../../ir/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { nameKey } from "./printed.ts";
import { NAME_ARG } from "./rules.ts";

export default defineCommand({
  meta: { name: "history", description: "List every change of a provider, newest first" },
  args: { ...NAME_ARG, ...PLACE_ARGS },
  async run({ args }) {
    const history = await runAtPlace(args, (place) => openDesk(place).history(args.name));
    if (args.json === true) return printJson({ history: history });
    printTable(history.map(toRow), ["version", "at", "by", "comment", "says", "keys"]);
  },
});

function toRow({ version, changed_at: at, changed_by: by, comment, fields, keys }: JsonObject) {
  const says = isJsonObject(fields)
    ? Object.entries(fields)
        .map(([field, text]) => `${field}=${printWord(text)}`)
        .join("; ")
    : "(removed)";
  const named = (Array.isArray(keys) ? keys : []) as { field: string; hint: string | null }[];
  return { version, at, by, comment, says, keys: named.map(nameKey) };
}

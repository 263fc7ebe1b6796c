// `tokligence admin routes history`: every change of a route: who, when, what and why.

import { defineCommand } from "citty";
import { type JsonObject, isJsonObject } from "../../../ir/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "history", description: "List every change of a route, newest first" },
  args: { ...NAME_ARG, ...PLACE_ARGS },
  async run({ args }) {
    const history = await runAtPlace(args, (place) => openBook(place).history(args.name));
    if (args.json === true) return printJson({ history: history });
    printTable(history.map(toRow), ["version", "at", "by", "comment", "says"]);
  },
});

function toRow({ version, changed_at: at, changed_by: by, comment, fields }: JsonObject) {
  const says = isJsonObject(fields)
    ? Object.entries(fields)
        .map(([field, text]) => `${field}=${printWord(text)}`)
        .join("; ")
    : "(deleted)";
  return { version, at, by, comment, says };
}

// `tokligence admin providers list`: every provider, where it comes from, whether it is in force and which keys it has, by their ends.

import { defineCommand } from "citty";
import type { JsonObject } from "../../../ir/index.ts";
import { KINDS } from "../../../provider/index.ts";
import { ORIGINS } from "../../../server/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { chooseRows, pickWord } from "../choose.ts";
import { listFindings, listKeys, nameKey } from "./printed.ts";

export default defineCommand({
  meta: { name: "list", description: "List providers: those of the configuration, and those of run time above them" },
  args: {
    ...PLACE_ARGS,
    type: { type: "string", description: "Only those of this type", valueHint: "TYPE" },
    origin: {
      type: "string",
      description: "Only those of the configuration (config), of run time (runtime), or of both (both)",
      valueHint: "ORIGIN",
    },
  },
  async run({ args }) {
    const type = pickWord("type", args.type, [...KINDS.keys()]);
    const origin = pickWord("origin", args.origin, ORIGINS);
    const providers = chooseRows(await runAtPlace(args, (place) => openDesk(place).list()), { type, origin });
    if (args.json === true) return printJson({ providers });
    const rows = providers.map(toRow);
    printTable(rows, ["name", "origin", "version", "type", "base_url", "keys", "in_force"]);
    for (const finding of providers.flatMap(listFindings)) say(`warning: ${finding}`);
  },
});

function toRow(provider: JsonObject) {
  const { name, origin, version, type, base_url, why_not: why, disabled } = provider;
  return {
    name,
    origin,
    version,
    type,
    base_url,
    keys: listKeys(provider).map(nameKey),
    in_force: typeof why === "string" ? `no: ${why}` : disabled === true ? "disabled" : "yes",
  };
}

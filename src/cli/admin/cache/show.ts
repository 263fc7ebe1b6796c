// `tokligence admin cache show`: where answers are kept, under which rules, and how many there are. What they saved, `usage summary` tells.

import { defineCommand } from "citty";
import type { JsonObject } from "../../../ir/index.ts";
import { printShelf } from "../../../server/index.ts";
import { type ConfigFlags, PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { createRemote } from "../../remote/client.ts";
import { type Target, findTarget } from "../../remote/target.ts";
import { OF_THE_SERVER, withShelf } from "./shelf.ts";

export default defineCommand({
  meta: { name: "show", description: "Show where answers are kept, and how many there are" },
  args: PLACE_ARGS,
  async run({ args }) {
    const target = findTarget(args);
    const found = target === null ? await lookHere(args) : await lookThere(target);
    if (args.json === true) printJson({ cache: found });
    else {
      const rows = Object.entries(found).map(([what, value]) => ({ what: what.replaceAll("_", " "), value }));
      printTable(rows, ["what", "value"]);
    }
    if (target === null && found["store"] === "memory") say(`note: ${OF_THE_SERVER}`);
  },
});

function lookHere(flags: ConfigFlags): Promise<JsonObject> {
  return withShelf(flags, async (config, shelf) => printShelf(config, (await shelf?.size()) ?? null));
}

async function lookThere(target: Target): Promise<JsonObject> {
  const question = { method: "GET", path: "/api/v1/admin/cache" } as const;
  return (await createRemote(target).ask<{ shelf: JsonObject }>(question, "shelf")).shelf;
}

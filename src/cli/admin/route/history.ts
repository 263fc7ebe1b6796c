// `tokligence admin routes history`: every change of a route: who, when, what and why.

import { defineCommand } from "citty";
import type { RouteVersion } from "../../../gateway/index.ts";
import { printVersion } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { NAME_ARG, openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "history", description: "List every change of a route, newest first" },
  args: { ...NAME_ARG, ...SHARED_ARGS },
  async run({ args }) {
    const history = await runWithStore(args, (opened) => openBook(opened).history(args.name));
    if (args.json === true) return printJson({ history: history.map(printVersion) });
    printTable(history.map(toRow), ["version", "at", "by", "comment", "says"]);
  },
});

function toRow({ version, createdAt, author, comment, fields }: RouteVersion) {
  const says = fields === null ? "(deleted)" : printFields(fields);
  return { version, at: createdAt, by: author, comment, says };
}

function printFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([field, text]) => `${field}=${text}`)
    .join("; ");
}

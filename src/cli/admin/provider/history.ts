// `tokligence admin providers history`: every change of a provider: who, when, what and why.

import { defineCommand } from "citty";
import type { ProviderVersion } from "../../../gateway/index.ts";
import { printProviderVersion } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { NAME_ARG, openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "history", description: "List every change of a provider, newest first" },
  args: { ...NAME_ARG, ...SHARED_ARGS },
  async run({ args }) {
    const history = await runWithStore(args, async (opened) => (await openBook(opened)).history(args.name));
    if (args.json === true) return printJson({ history: history.map(printProviderVersion) });
    printTable(history.map(toRow), ["version", "at", "by", "comment", "says", "keys"]);
  },
});

function toRow({ version, createdAt, author, comment, fields, secrets }: ProviderVersion) {
  const says = Object.entries(fields ?? {}).map(([field, text]) => `${field}=${text}`);
  const keys = secrets.map(({ field, hint }) => (hint === "" ? field : `${field} …${hint}`));
  return { version, at: createdAt, by: author, comment, says: fields === null ? "(removed)" : says.join("; "), keys };
}

// `tokligence admin providers list`: every provider, where it comes from, whether it is in force and which keys it has, by their ends.

import { defineCommand } from "citty";
import { type StandingProvider, findWhyNot, printProvider } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable, say } from "../../output.ts";
import { listStanding } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List providers: those of the configuration, and those of run time above them" },
  args: SHARED_ARGS,
  async run({ args }) {
    const { standing, disabled } = await runWithStore(args, async (opened) => ({
      standing: await listStanding(opened),
      disabled: new Set(
        (await opened.store.controls.list()).flatMap(({ provider, account, model }) =>
          account === null && model === null ? [provider] : [],
        ),
      ),
    }));
    if (args.json === true) {
      const providers = standing.map((each) => ({ ...printProvider(each), disabled: disabled.has(each.name) }));
      return printJson({ providers });
    }
    const rows = standing.map((each) => toRow(each, disabled.has(each.name)));
    printTable(rows, ["name", "origin", "version", "type", "base_url", "keys", "in_force"]);
    for (const finding of standing.flatMap(({ findings }) => findings)) say(`warning: ${finding}`);
  },
});

function toRow(standing: StandingProvider, isDisabled: boolean) {
  const { name, source, version, settings, secrets } = standing;
  const why = findWhyNot(standing);
  return {
    name,
    origin: source,
    version: version?.version ?? null,
    type: settings?.kind ?? version?.fields?.["type"] ?? null,
    base_url: settings?.baseUrl ?? version?.fields?.["base_url"] ?? null,
    keys: secrets.map(({ field, hint }) => (hint === "" ? field : `${field} …${hint}`)),
    in_force: why !== null ? `no: ${why}` : isDisabled ? "disabled" : "yes",
  };
}

// `tokligence admin routes list`: every route with a name, where it comes from, and whether it is in force.

import { defineCommand } from "citty";
import { mergeRoutes, printStanding } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";

export default defineCommand({
  meta: { name: "list", description: "List routes: those of the configuration, and those of run time above them" },
  args: SHARED_ARGS,
  async run({ args }) {
    const { standing } = await runWithStore(args, async ({ config, store }) =>
      mergeRoutes(config, await store.routes.list()),
    );
    if (args.json === true) return printJson({ routes: standing.map(printStanding) });
    const rows = standing.map(({ name, source, version, rules, obstacle, origin }) => ({
      name,
      source,
      version: version?.version ?? null,
      in_force: obstacle === null ? "yes" : `no: ${obstacle}`,
      match: rules?.map(({ pattern }) => pattern) ?? [],
      strategy: rules?.[0]?.strategy ?? "priority",
      origin,
    }));
    printTable(rows, ["name", "source", "version", "in_force", "match", "strategy", "origin"]);
  },
});

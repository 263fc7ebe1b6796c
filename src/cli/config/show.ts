// `tokligence config show`: every setting in effect, what was set while gateways ran among them, and with --origin who said it. Secrets are masked by the
// room that reads them.

import { defineCommand } from "citty";
import { type EffectiveValue, type Loaded, type LoadOptions, loadConfig } from "../../config/index.ts";
import { findNearest } from "../../lib/nearest.ts";
import { CliError, EXIT } from "../error.ts";
import { printJson, printTable, say } from "../output.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { lookForRuntime } from "../runtime.ts";

export default defineCommand({
  meta: { name: "show", description: "Print every setting in effect, secrets masked" },
  args: {
    setting: {
      type: "positional",
      required: false,
      description: "Only this one, or those under it, such as routes or provider.openai",
      valueHint: "SETTING",
    },
    ...SHARED_ARGS,
    origin: { type: "boolean", description: "Also print where each setting comes from" },
  },
  async run({ args }) {
    const { effective: all, files, warnings } = await loadAll(toLoadOptions(args));
    const effective = pick(all, args.setting);
    if (args.json === true) return printJson({ values: effective, files, warnings });
    const rows = effective.map(({ key, value, origin }) => ({ key, value: value ?? "", origin }));
    printTable(rows, args.origin === true ? ["key", "value", "origin"] : ["key", "value"]);
    for (const warning of warnings) say(`warning: ${warning}`);
  },
});

async function loadAll(options: LoadOptions): Promise<Loaded> {
  const said = await loadConfig(options);
  const runtime = await lookForRuntime(said.config);
  if (runtime === null) return said;
  const { loadUsable } = await import("../../server/setting-book.ts");
  const { loaded, leftOut } = await loadUsable((fields) => loadConfig({ ...options, runtime: fields }), runtime);
  for (const key of leftOut) {
    say(`warning: what ${key} was set to while gateways ran does not hold any more; admin settings unset ${key}`);
  }
  return loaded;
}

function pick(all: readonly EffectiveValue[], wanted: string | undefined): readonly EffectiveValue[] {
  if (wanted === undefined) return all;
  const found = all.filter(({ key }) => key === wanted || key.startsWith(`${wanted}.`));
  if (found.length > 0) return found;
  const [near] = findNearest(
    wanted,
    all.map(({ key }) => key),
    1,
  );
  throw new CliError(`There is no setting ${JSON.stringify(wanted)}.`, {
    exitCode: EXIT.notFound,
    hint: near === undefined ? "config show lists all of them." : `Did you mean ${near}?`,
  });
}

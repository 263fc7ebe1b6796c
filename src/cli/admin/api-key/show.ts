// `tokligence admin api-keys show`: all that is known of a key, but its token, which is kept nowhere.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openRules } from "../budget/rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show an API key, and the budgets that are its own" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const shown = await runAtPlace(args, async (place) => {
      const key = await place.directory.getKey(args.id);
      return { key, budgets: await openRules(place).ofKey(key.id) };
    });
    const printed = { api_key: printKey(shown.key), budgets: shown.budgets };
    if (args.json === true) return printJson(printed);
    const { former, ...fields } = printed.api_key;
    const rows = Object.entries(fields).map(([field, value]) => ({ field: field.replaceAll("_", " "), value }));
    const tokens = former.map(({ prefix, ends_at: ends }) => ({
      field: "former token",
      value: `${prefix} until ${ends}`,
    }));
    const budgets = shown.budgets.map(({ id, name }) => ({
      field: "budget",
      value: `${printWord(name)} (${printWord(id)})`,
    }));
    printTable([...rows, ...tokens, ...budgets], ["field", "value"]);
  },
});

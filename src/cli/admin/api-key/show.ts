// `tokligence admin api-keys show`: all that is known of a key, but its token, which is kept nowhere.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { printBudget } from "../../../ledger/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { openRules } from "../budget/rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show an API key, and the budgets that are its own" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const shown = await runWithStore(args, async (opened) => {
      const key = await opened.directory.getKey(args.id);
      const budgets = (await openRules(opened).list()).filter(({ apiKeyId }) => apiKeyId === key.id);
      return { key, budgets };
    });
    const printed = { api_key: printKey(shown.key), budgets: shown.budgets.map(printBudget) };
    if (args.json === true) return printJson(printed);
    const { former, ...fields } = printed.api_key;
    const rows = Object.entries(fields).map(([field, value]) => ({ field: field.replaceAll("_", " "), value }));
    const tokens = former.map(({ prefix, ends_at: ends }) => ({
      field: "former token",
      value: `${prefix} until ${ends}`,
    }));
    const budgets = shown.budgets.map(({ id, name }) => ({
      field: "budget",
      value: `${name} (${id})`,
    }));
    printTable([...rows, ...tokens, ...budgets], ["field", "value"]);
  },
});

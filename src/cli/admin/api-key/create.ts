// `tokligence admin api-keys create`: a key for a user. Its token is printed here, once, and kept nowhere.

import { defineCommand } from "citty";
import { type IssuedKey, type KeyWish, printKey } from "../../../identity/index.ts";
import { type NewBudget, checkBudget } from "../../../ledger/index.ts";
import type { JsonObject } from "../../../ir/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson, say, printWord } from "../../output.ts";
import { type Place, runAtPlace } from "../../place.ts";
import { refuseValue } from "../../value.ts";
import { readTokens } from "../budget/limit.ts";
import { openRules } from "../budget/rules.ts";
import { KEY_ARGS, readKeyFlags } from "./limit.ts";

export default defineCommand({
  meta: { name: "create", description: "Create an API key; its token is shown once" },
  args: {
    user: { type: "string", required: true, description: "Id or e-mail of the owner", valueHint: "USER" },
    ...KEY_ARGS,
    "budget-usd": { type: "string", description: "A budget of its own, in US dollars", valueHint: "AMOUNT" },
    "budget-tokens": {
      type: "string",
      description: "Or in tokens of input and output",
      valueHint: "COUNT",
    },
    "budget-period": {
      type: "string",
      description: "Of that budget: minute, hour, day, week, month (unless said) or lifetime",
      valueHint: "PERIOD",
    },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const wish = readKeyFlags(args);
    const budget = {
      limitUsd: args["budget-usd"],
      limitTokens: readTokens("budget-tokens", args["budget-tokens"]),
      period: args["budget-period"],
    };
    if (!isSaid(budget) && budget.period !== undefined) {
      throw refuseValue("budget-period", "say how much, too: --budget-usd or --budget-tokens");
    }
    // Before the key is there.
    if (isSaid(budget)) checkBudget({ name: "key", ...budget });
    const made = await runAtPlace(args, (place) => create(place, args.user, { wish, budget }));
    const { key, token } = made.issued;
    if (args.json === true) {
      const shown = made.budget === null ? {} : { budget: made.budget };
      return printJson({ token, api_key: printKey(key), ...shown });
    }
    print(`API key id=${key.id} token=${token}`);
    if (made.budget !== null)
      say(`Its budget is ${printWord(made.budget["name"])}; see tokligence admin budgets list.`);
  },
});

type OwnBudget = Pick<NewBudget, "limitTokens" | "limitUsd" | "period">;

function isSaid({ limitUsd, limitTokens }: OwnBudget): boolean {
  return limitUsd !== undefined || limitTokens !== undefined;
}

async function create(
  place: Place,
  user: string,
  { wish, budget }: { wish: KeyWish; budget: OwnBudget },
): Promise<{ issued: IssuedKey; budget: JsonObject | null }> {
  const issued = await place.directory.createKey(OPERATOR, user, wish);
  if (!isSaid(budget)) return { issued, budget: null };
  const { id, name, prefix } = issued.key;
  try {
    const made = await openRules(place).create({ name: `${name ?? "key"} ${prefix}`, apiKey: id, ...budget });
    return { issued, budget: made };
  } catch (error) {
    await place.directory.deleteKey(OPERATOR, id, { hard: true });
    throw error;
  }
}

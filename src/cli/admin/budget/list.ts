// `tokligence admin budgets list`: every budget with what its present window has come to.

import { defineCommand } from "citty";
import { type JsonObject, isJsonObject } from "../../../ir/index.ts";
import { printAmount } from "../../../ledger/index.ts";
import { PLACE_ARGS, TOKEN_TOO } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { IN_FORCE_ARG, pickInForce } from "../in-force.ts";
import { runAtPlace } from "../../place.ts";
import { splitKey } from "../../remote/target.ts";
import { chooseRows, findUserId } from "../choose.ts";
import { sayUncounted } from "./uncounted.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List budgets" },
  args: {
    ...PLACE_ARGS,
    ...IN_FORCE_ARG,
    user: { type: "string", description: "Only those of this user, by id or e-mail", valueHint: "USER" },
    key: { type: "string", description: `Only those of this API key, by its id; ${TOKEN_TOO}`, valueHint: "KEY" },
    provider: { type: "string", description: "Only those of this provider", valueHint: "PROVIDER" },
    model: { type: "string", description: "Only those of this model or pattern, as it was said", valueHint: "PATTERN" },
    tag: { type: "string", description: "Only those of this tag", valueHint: "TAG" },
  },
  async run({ args }) {
    const { flags, named: key } = splitKey(args);
    const { provider, model, tag } = args;
    const chosen = await runAtPlace(flags, async (place) => {
      const user = await findUserId(place, args.user);
      return chooseRows(await openRules(place).list(), { user_id: user, api_key_id: key, provider, model, tag });
    });
    const budgets = pickInForce(chosen, args["in-force"]);
    if (args.json === true) return printJson({ budgets });
    printTable(budgets.map(toRow), ["id", "name", "scope", "limit", "soft", "period", "mode", "in_force", "spent"]);
    for (const budget of budgets) sayUncounted(budget);
  },
});

function toRow(budget: JsonObject) {
  const { id, name, period, mode, time_zone: zone, state } = budget;
  return {
    id,
    name,
    scope: nameScope(budget),
    limit: readAmount(budget, "limit"),
    soft: readAmount(budget, "soft_limit"),
    period: zone === "UTC" ? period : `${printWord(period)} (${printWord(zone)})`,
    mode,
    in_force: budget["in_force"] === false ? `no: ${printWord(budget["why_not"])}` : "yes",
    spent: isJsonObject(state) ? readAmount({ ...state, unit: budget["unit"] ?? null }, "spent") : null,
  };
}

/** `limit_nanos` or `limit_tokens`. */
function readAmount(printed: JsonObject, name: string): string | null {
  const unit = printed["unit"] === "tokens" ? "tokens" : "usd";
  const amount = printed[`${name}_${unit === "usd" ? "nanos" : "tokens"}`];
  return typeof amount === "number" ? printAmount({ unit }, amount) : null;
}

function nameScope({ user_id: user, api_key_id: key, provider, model, tag, each }: JsonObject): string {
  const said = Object.entries({ user, key, provider, model, tag });
  const parts = said.flatMap(([name, value]) => (value === null ? [] : [`${name}=${printWord(value)}`]));
  if (each !== null) parts.push(`each ${printWord(each)}`);
  return parts.length === 0 ? "total" : parts.join(" ");
}

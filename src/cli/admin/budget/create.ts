// `tokligence admin budgets create`: a limit on what some calls may cost together. A running server takes it up within a second.

import { defineCommand } from "citty";
import { PLACE_ARGS, TOKEN_TOO } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { splitKey } from "../../remote/target.ts";
import { isUnheard, sayUnheard } from "../provider/unheard.ts";
import { sayUncounted } from "./uncounted.ts";
import { LIMIT_ARGS, readLimits } from "./limit.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "create", description: "Limit what calls may cost together in a period" },
  args: {
    name: {
      type: "string",
      required: true,
      description: "What it is called in refusals and reports",
      valueHint: "NAME",
    },
    ...PLACE_ARGS,
    ...LIMIT_ARGS,
    period: {
      type: "string",
      default: "month",
      description: "minute, hour, day, week, month or lifetime",
      valueHint: "PERIOD",
    },
    "time-zone": {
      type: "string",
      default: "UTC",
      description: "By which days, weeks and months begin, such as Europe/Berlin",
      valueHint: "ZONE",
    },
    user: { type: "string", description: "Only calls of this user, by id or e-mail", valueHint: "USER" },
    key: { type: "string", description: `Only calls with this API key, by its id; ${TOKEN_TOO}`, valueHint: "KEY" },
    provider: { type: "string", description: "Only calls that this provider answers", valueHint: "PROVIDER" },
    model: { type: "string", description: "Only calls of such models; * stands for anything", valueHint: "PATTERN" },
    tag: { type: "string", description: "Only calls that bear this tag", valueHint: "TAG" },
    each: { type: "string", description: "user or key: each of them has the limit for himself", valueHint: "WHO" },
  },
  async run({ args }) {
    const { flags, named: apiKey } = splitKey(args);
    const { name, period, user, provider, model, tag, each } = args;
    const wanted = { name, period, user, apiKey, provider, model, tag, each, timeZone: args["time-zone"] };
    const { budget, isStray } = await runAtPlace(flags, async (place) => ({
      budget: await openRules(place).create({ ...readLimits(args), ...wanted }),
      isStray: await isUnheard(place, provider),
    }));
    if (isStray) sayUnheard(provider);
    if (args.json === true) return printJson({ budget });
    print(`Created budget id=${printWord(budget["id"])} name=${printWord(budget["name"])}`);
    sayUncounted(budget);
  },
});

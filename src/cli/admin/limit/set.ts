// `tokligence admin limits set`: makes a rate limit, or says anew what one says. A running server takes it up within a second.

import { defineCommand } from "citty";
import { PLACE_ARGS, TOKEN_TOO } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { splitKey } from "../../remote/target.ts";
import { isUnheard, sayUnheard } from "../provider/unheard.ts";
import { NAME_ARG, openBook, readChange } from "./rules.ts";
import { VERSION_ARG } from "../version.ts";

const FIELD_ARGS = {
  "requests-per-minute": { type: "string", description: "Requests in a minute", valueHint: "COUNT" },
  "tokens-per-minute": { type: "string", description: "Tokens of input and output in a minute", valueHint: "COUNT" },
  concurrent: { type: "string", description: "Requests at once", valueHint: "COUNT" },
  per: {
    type: "string",
    description: "key, user, model or provider, or several: each has the limit for itself",
    valueHint: "WHO",
  },
  key: { type: "string", description: `Only calls with this API key, by its id; ${TOKEN_TOO}`, valueHint: "KEY" },
  user: { type: "string", description: "Only calls of this user, by id or e-mail", valueHint: "USER" },
  model: { type: "string", description: "Only calls of such models; * stands for anything", valueHint: "PATTERN" },
  provider: { type: "string", description: "Only calls to this provider", valueHint: "PROVIDER" },
} as const;

export default defineCommand({
  meta: { name: "set", description: "Set a rate limit, as a whole: what is not said is not limited" },
  args: { ...NAME_ARG, ...PLACE_ARGS, ...FIELD_ARGS, ...VERSION_ARG },
  async run({ args }) {
    const { flags: place, named: key } = splitKey(args);
    const flags: Readonly<Record<string, unknown>> = { ...args, key };
    const fields = Object.fromEntries(
      Object.keys(FIELD_ARGS).flatMap((flag) => {
        const value = flags[flag];
        return typeof value === "string" ? [[flag.replaceAll("-", "_"), value]] : [];
      }),
    );
    const { limit, isStray } = await runAtPlace(place, async (at) => ({
      limit: await openBook(at).set(args.name, fields, readChange(args)),
      isStray: await isUnheard(at, args.provider),
    }));
    if (isStray) sayUnheard(args.provider);
    if (args.json === true) return printJson({ limit });
    print(`Rate limit ${printWord(limit["name"])} is in version ${printWord(limit["version"])}`);
  },
});

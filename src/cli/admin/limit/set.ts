// `tokligence admin limits set`: makes a rate limit, or says anew what one says. A running server takes it up within a second.

import { defineCommand } from "citty";
import { mergeLimits, printLimit } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { NAME_ARG, VERSION_ARG, openBook, readChange } from "./rules.ts";

const FIELD_ARGS = {
  "requests-per-minute": { type: "string", description: "Requests in a minute", valueHint: "COUNT" },
  "tokens-per-minute": { type: "string", description: "Tokens of input and output in a minute", valueHint: "COUNT" },
  concurrent: { type: "string", description: "Requests at once", valueHint: "COUNT" },
  per: {
    type: "string",
    description: "key, user, model or provider, or several: each has the limit for itself",
    valueHint: "WHO",
  },
  key: { type: "string", description: "Only calls with this API key, by its id", valueHint: "KEY" },
  user: { type: "string", description: "Only calls of this user, by id or e-mail", valueHint: "USER" },
  model: { type: "string", description: "Only calls of such models; * stands for anything", valueHint: "PATTERN" },
  provider: { type: "string", description: "Only calls to this provider", valueHint: "PROVIDER" },
} as const;

export default defineCommand({
  meta: { name: "set", description: "Set a rate limit, as a whole: what is not said is not limited" },
  args: { ...NAME_ARG, ...FIELD_ARGS, ...VERSION_ARG, ...SHARED_ARGS },
  async run({ args }) {
    const flags = args as Readonly<Record<string, unknown>>;
    const fields = Object.fromEntries(
      Object.keys(FIELD_ARGS).flatMap((flag) => {
        const value = flags[flag];
        return typeof value === "string" ? [[flag.replaceAll("-", "_"), value]] : [];
      }),
    );
    const { row, standing } = await runWithStore(args, async (opened) => {
      const set = await openBook(opened).set(args.name, fields, readChange(args));
      const all = mergeLimits(opened.config, [set]);
      return { row: set, standing: all.find(({ row: own }) => own === set) };
    });
    if (args.json === true) return printJson({ limit: standing === undefined ? null : printLimit(standing) });
    print(`Rate limit ${row.name} is in version ${row.version}`);
  },
});

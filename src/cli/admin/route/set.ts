// `tokligence admin routes set`: declares a route, or says anew what one says, in the words of a section of the configuration.

import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook } from "./rules.ts";
import { CHANGE_ARGS, readChange } from "../version.ts";

export default defineCommand({
  meta: {
    name: "set",
    description: 'Declare a route: set NAME targets="openai weight=2, azure/gpt4o" strategy=weighted …',
  },
  args: {
    ...NAME_ARG,
    fields: {
      type: "positional",
      required: true,
      description: "What it says, in the words of a section [route.NAME]",
      valueHint: "FIELD=VALUE…",
    },
    update: { type: "boolean", description: "Keep what is not said; FIELD= takes a field out" },
    ...CHANGE_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const said = readFields(args._.slice(1));
    const route = await runAtPlace(args, async (place) => {
      const book = openBook(place);
      const before = args.update === true ? await book.fields(args.name) : {};
      const fields = Object.entries({ ...before, ...said }).filter(([, text]) => text !== "");
      return book.set(readChange(args), Object.fromEntries(fields));
    });
    if (args.json === true) return printJson({ route });
    print(`Route ${printWord(route["name"])} is in version ${printWord(route["version"])}`);
  },
});

/** `field=text`, as a section has them. */
function readFields(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => {
    const [, field = "", text = ""] = /^([\w.-]+)\s*=\s*([\s\S]*)$/u.exec(word) ?? [];
    if (field !== "") return [field.startsWith("set.") ? field : field.toLowerCase(), text.trim()] as const;
    throw new CliError(`${JSON.stringify(word)} is no field.`, {
      exitCode: EXIT.usage,
      hint: 'Write field=value, in quotes where there are spaces: targets="openai weight=2, azure/gpt4o"',
    });
  });
  return Object.fromEntries(pairs);
}

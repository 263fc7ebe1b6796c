// `tokligence admin providers add`: declares a provider, or says anew what one says, in the words of a section of the configuration.

import { defineCommand } from "citty";
import { isCredential } from "../../../config/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, say, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { findTarget } from "../../remote/target.ts";
import { openDesk } from "./desk.ts";
import { listFindings } from "./printed.ts";
import { KEY_ARGS, NAME_ARG, readKey, refuseSpokenKey } from "./rules.ts";
import { CHANGE_ARGS, readChange } from "../version.ts";

export default defineCommand({
  meta: {
    name: "add",
    description: "Add a provider, or say anew what one says: add NAME type=groq --key-file PATH",
  },
  args: {
    ...NAME_ARG,
    fields: {
      type: "positional",
      required: false,
      description: "What it says, in the words of a section [provider.NAME], without its key",
      valueHint: "FIELD=VALUE…",
    },
    update: { type: "boolean", description: "Keep what is not said; FIELD= takes a field out" },
    ...KEY_ARGS,
    ...CHANGE_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    // Before anything is read that is secret.
    findTarget(args);
    const said = readFields(args._.slice(1));
    const key = await readKey(args, args.label !== undefined || args.field !== undefined);
    const done = await runAtPlace(args, async (place) => {
      const desk = openDesk(place);
      const before = args.update === true ? await desk.fields(args.name) : {};
      const fields = Object.entries({ ...before, ...said }).filter(([, text]) => text !== "");
      const secrets = key === null ? {} : { [key.field]: key.text };
      return desk.set(readChange(args), Object.fromEntries(fields), secrets);
    });
    const findings = listFindings(done.provider);
    for (const finding of findings) say(`warning: ${finding}`);
    if (args.json === true) return printJson({ provider: done.version });
    print(`Provider ${args.name} is in version ${printWord(done.version["version"])}`);
    if (findings.length === 0) say(`Try it: tokligence admin providers test ${args.name}`);
  },
});

/** `field=text`, as a section has them. */
function readFields(words: readonly string[]): Record<string, string> {
  const pairs = words.map((word) => {
    const [, written = "", text = ""] = /^([\w.-]+)\s*=\s*([\s\S]*)$/u.exec(word) ?? [];
    const field = written.toLowerCase();
    if (isCredential(field)) throw refuseSpokenKey(field);
    if (field !== "") return [field, text.trim()] as const;
    throw new CliError("A word after the name is no field (not repeated here, as it may be a key).", {
      exitCode: EXIT.usage,
      hint: "Write field=value: type=compatible base_url=https://llm.example.com/v1; a key is given with --key-file, --key-env or on standard input (--key-file -).",
    });
  });
  return Object.fromEntries(pairs);
}

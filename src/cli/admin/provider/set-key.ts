// `tokligence admin providers set-key`: sets or takes away a key of a provider, of one that the configuration declares too. It is kept encrypted, and sent
// to no other host than where the provider is now.

import { defineCommand } from "citty";
import { isCredential } from "../../../config/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { refuseValue } from "../../value.ts";
import { findTarget } from "../../remote/target.ts";
import { openDesk } from "./desk.ts";
import { listFindings, listKeys } from "./printed.ts";
import { KEY_ARGS, NAME_ARG, readKey, refuseSpokenKey } from "./rules.ts";
import { CHANGE_ARGS, readChange } from "../version.ts";

export default defineCommand({
  meta: { name: "set-key", description: "Set a provider's key, read from standard input, a file or the environment" },
  args: {
    ...NAME_ARG,
    more: { type: "positional", required: false, description: "Nothing: a key never stands here", valueHint: "…" },
    remove: { type: "boolean", description: "Take the key away" },
    ...KEY_ARGS,
    ...CHANGE_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    // Before anything is read that is secret.
    findTarget(args);
    if (args._.length > 1) throw refuseSpokenKey("A key");
    const field = (args.field ?? (args.label === undefined ? "api_key" : `api_key.${args.label}`)).toLowerCase();
    if (!isCredential(field))
      throw refuseValue(args.field === undefined ? "label" : "field", `${field} is no key of a provider`);
    const key = args.remove === true ? null : await readKey(args, true);
    const done = await runAtPlace(args, (place) =>
      openDesk(place).setSecrets(readChange(args), { [field]: key === null ? null : key.text }),
    );
    const findings = listFindings(done.provider);
    for (const finding of findings) say(`warning: ${finding}`);
    if (args.json === true) return printJson({ provider: done.version });
    const set = listKeys(done.provider).find((each) => each.field === field);
    print(
      set === undefined
        ? `${field} of ${args.name} is taken away`
        : `${field} of ${args.name} is set${set.hint === null ? "" : ` (${set.hint})`}; it goes to ${set.boundTo} and nowhere else`,
    );
  },
});

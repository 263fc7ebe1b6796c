// `tokligence admin providers rotate-secret`: encrypts all keys of providers anew. Broken off, it goes on where it stopped.

import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { count, print, printJson, say, startProgress } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";

export default defineCommand({
  meta: { name: "rotate-secret", description: "Encrypt all keys of providers anew, with a new key of our own" },
  args: PLACE_ARGS,
  async run({ args }) {
    const progress = startProgress("Encrypting");
    const rotated = await runAtPlace(args, (place) => openDesk(place).rotate(progress.update)).finally(() =>
      progress.end(),
    );
    const { encrypted_with: keyId, resumed, exchanged, unreadable, own_file: isOwn } = rotated;
    if (args.json === true) printJson({ encrypted_with: keyId, resumed, exchanged, unreadable });
    else
      print(
        `${count(exchanged, "key")} encrypted anew, now with ${keyId}${resumed ? " (gone on with what was broken off)" : ""}`,
      );
    if (!isOwn)
      say(
        "What stands behind the first key in secret_key is no longer needed, once no other gateway of this database uses it.",
      );
    else say("secret.key in the home folder has changed: copy it to every other gateway of this database.");
    if (unreadable.length === 0) return;
    throw new CliError(
      `${count(unreadable.length, "key")} could not be read with any key here: ${unreadable.join(", ")}.`,
      {
        exitCode: EXIT.failed,
        hint: 'Bring back the secret.key that they were encrypted with, or set them again with "tokligence admin providers set-key".',
      },
    );
  },
});

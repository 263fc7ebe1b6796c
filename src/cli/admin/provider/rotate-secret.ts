// `tokligence admin providers rotate-secret`: encrypts all keys of providers anew. Broken off, it goes on where it stopped.

import { defineCommand } from "citty";
import { CliError, EXIT } from "../../error.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { count, print, printJson, say, startProgress } from "../../output.ts";
import { openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "rotate-secret", description: "Encrypt all keys of providers anew, with a new key of our own" },
  args: SHARED_ARGS,
  async run({ args }) {
    const progress = startProgress("Encrypting");
    const { rotation, isOwn } = await runWithStore(args, async (opened) => ({
      rotation: await (await openBook(opened)).rotate(byOperator(), progress.update),
      isOwn: opened.config.secretKeys.length === 0,
    })).finally(() => progress.end());
    const { keyId, resumed, exchanged, unreadable } = rotation;
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

// `tokligence admin api-keys rotate`: a new token for a key, which stays the same key; both tokens work during the overlap.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { readDuration } from "../../value.ts";

export default defineCommand({
  meta: { name: "rotate", description: "Give an API key a new token, which is shown once" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    overlap: { type: "string", default: "0s", description: "How long the old token still works", valueHint: "TIME" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const overlapMs = readDuration("overlap", args.overlap);
    const { token, key } = await runAtPlace(args, ({ directory }) =>
      directory.rotateKey(OPERATOR, args.id, { overlapMs }),
    );
    if (args.json === true) return printJson({ token, api_key: printKey(key) });
    print(`API key id=${key.id} token=${token}`);
    say(overlapMs === 0 ? "The old token has ended." : `The old token ends in ${args.overlap}.`);
  },
});

// `tokligence admin api-keys rotate`: a new token in an old key's place; both work during the overlap.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson, say } from "../../output.ts";
import { readDuration } from "../../value.ts";

export default defineCommand({
  meta: { name: "rotate", description: "Replace an API key; the new token is shown once" },
  args: {
    id: { type: "string", required: true, description: "Id of the key to replace", valueHint: "KEY" },
    overlap: { type: "string", default: "0s", description: "How long the old key still works", valueHint: "TIME" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const overlapMs = readDuration("overlap", args.overlap);
    const { token, key } = await runWithStore(args, ({ directory }) =>
      directory.rotateKey(OPERATOR, args.id, { overlapMs }),
    );
    if (args.json === true) return printJson({ token, api_key: printKey(key) });
    print(`API key id=${key.id} token=${token}`);
    say(overlapMs === 0 ? "The old key has ended." : `The old key ends in ${args.overlap}.`);
  },
});

// `tokligence admin api-keys delete`: revokes a key, or with --hard removes its row too.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";

export default defineCommand({
  meta: { name: "delete", description: "Revoke an API key" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    hard: { type: "boolean", description: "Remove the key for good, not only revoke it" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const hard = args.hard === true;
    const key = await runAtPlace(args, ({ directory }) => directory.deleteKey(OPERATOR, args.id, { hard }));
    if (args.json === true) return printJson({ api_key: key === null ? null : printKey(key), hard });
    if (key === null) return print(`API key ${args.id} was deleted permanently before`);
    print(hard ? `Permanently deleted API key ${key.id}` : `Soft deleted API key ${key.id} (revoked)`);
  },
});

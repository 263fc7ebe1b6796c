// `tokligence admin api-keys delete`: revokes a key, or with --hard removes its row too.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";

export default defineCommand({
  meta: { name: "delete", description: "Revoke an API key" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    hard: { type: "boolean", description: "Remove the key for good, not only revoke it" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const hard = args.hard === true;
    const key = await runWithStore(args, ({ directory }) => directory.deleteKey(OPERATOR, args.id, { hard }));
    if (args.json === true) return printJson({ api_key: printKey(key), hard });
    print(hard ? `Permanently deleted API key ${key.id}` : `Soft deleted API key ${key.id} (revoked)`);
  },
});

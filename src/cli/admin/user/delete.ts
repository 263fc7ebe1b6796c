// `tokligence admin users delete`: marks a user as deleted, or with --hard removes the row and its keys.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";

export default defineCommand({
  meta: { name: "delete", description: "Delete a user and revoke the user's keys" },
  args: {
    id: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    hard: { type: "boolean", description: "Remove the user for good, not only mark as deleted" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const hard = args.hard === true;
    const user = await runAtPlace(args, ({ directory }) => directory.deleteUser(OPERATOR, args.id, { hard }));
    if (args.json === true) return printJson({ user: user === null ? null : printUser(user), hard });
    if (user === null) return print(`User ${args.id} was deleted permanently before`);
    print(hard ? `Permanently deleted user ${user.id}` : `Soft deleted user ${user.id} (marked as deleted)`);
  },
});

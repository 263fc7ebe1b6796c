// `tokligence admin users status`: lets a user in, or keeps one out, keys included.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";

export default defineCommand({
  meta: { name: "status", description: "Suspend a user, or let one in again" },
  args: {
    id: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    status: {
      type: "string",
      required: true,
      description: "active or suspended (inactive is an old word for it)",
      valueHint: "STATUS",
    },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { id, status } = args;
    const user = await runAtPlace(args, ({ directory }) => directory.updateUser(OPERATOR, id, { status }));
    if (args.json === true) return printJson({ user: printUser(user) });
    print(`Updated user ${user.id} status=${user.status}`);
  },
});

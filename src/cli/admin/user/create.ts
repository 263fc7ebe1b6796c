// `tokligence admin users create`: one user. What may be said of one is identity's to judge.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";

export default defineCommand({
  meta: { name: "create", description: "Create a user" },
  args: {
    email: { type: "string", required: true, description: "E-mail address", valueHint: "EMAIL" },
    role: {
      type: "string",
      default: "gateway_user",
      description: "gateway_user, gateway_admin or root_admin",
      valueHint: "ROLE",
    },
    name: { type: "string", description: "Name to show", valueHint: "NAME" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { email, role, name: displayName } = args;
    const user = await runAtPlace(args, ({ directory }) =>
      directory.createUser(OPERATOR, { email, role, displayName }),
    );
    if (args.json === true) return printJson({ user: printUser(user) });
    print(`Created user id=${user.id} email=${user.email} role=${user.role}`);
  },
});

// `tokligence admin users create`: one user. What may be said of one is identity's to judge.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";

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
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { email, role, name: displayName } = args;
    const user = await runWithStore(args, ({ directory }) =>
      directory.createUser(OPERATOR, { email, role, displayName }),
    );
    if (args.json === true) return printJson({ user: printUser(user) });
    print(`Created user id=${user.id} email=${user.email} role=${user.role}`);
  },
});

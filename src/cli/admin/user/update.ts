// `tokligence admin users update`: changes what is given and leaves the rest alone.

import { defineCommand } from "citty";
import { printUser } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { makePlain, print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";

export default defineCommand({
  meta: { name: "update", description: "Change a user's role, name or e-mail" },
  args: {
    id: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    role: {
      type: "string",
      description: "gateway_user, gateway_admin or root_admin; keys keep the reach of before",
      valueHint: "ROLE",
    },
    name: { type: "string", description: 'Name to show; "" clears it', valueHint: "NAME" },
    email: { type: "string", description: "Another e-mail address", valueHint: "EMAIL" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { id, role, email, name: displayName } = args;
    if (role === undefined && displayName === undefined && email === undefined) {
      throw new CliError("There is nothing to change.", {
        exitCode: EXIT.usage,
        hint: "Give --role, --name or --email.",
      });
    }
    const user = await runAtPlace(args, ({ directory }) =>
      directory.updateUser(OPERATOR, id, { role, displayName, email }),
    );
    if (args.json === true) return printJson({ user: printUser(user) });
    print(`Updated user id=${user.id} role=${user.role} display=${makePlain(user.displayName ?? "")}`);
  },
});

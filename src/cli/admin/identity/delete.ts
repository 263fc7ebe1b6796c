// `tokligence admin identities delete`: an account at the identity provider opens no door here any more. Sessions that it gave go on.

import { defineCommand } from "citty";
import { printIdentity } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openIdentities } from "../people.ts";

export default defineCommand({
  meta: { name: "delete", description: "Disconnect an account at the identity provider from its user" },
  args: {
    id: { type: "string", required: true, description: "Id of the account, as list shows it", valueHint: "IDENTITY" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const identity = await runAtPlace(args, (place) => openIdentities(place).remove(OPERATOR, args.id));
    if (args.json === true) return printJson({ identity: identity === null ? null : printIdentity(identity) });
    if (identity === null) return print(`Account ${args.id} was disconnected before`);
    print(`Disconnected ${identity.subject} of ${identity.issuer} from user ${identity.userId}`);
  },
});

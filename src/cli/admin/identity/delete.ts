// `tokligence admin identities delete`: an account at the identity provider opens no door here any more. Sessions that it gave go on.

import { defineCommand } from "citty";
import { createAdmission, printIdentity } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";

export default defineCommand({
  meta: { name: "delete", description: "Disconnect an account at the identity provider from its user" },
  args: {
    id: { type: "string", required: true, description: "Id of the account, as list shows it", valueHint: "IDENTITY" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const identity = await runWithStore(args, ({ store }) =>
      createAdmission({ store: store.identity, now: Date.now }).remove(OPERATOR, args.id),
    );
    if (args.json === true) return printJson({ identity: printIdentity(identity) });
    print(`Disconnected ${identity.subject} of ${identity.issuer} from user ${identity.userId}`);
  },
});

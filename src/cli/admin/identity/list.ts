// `tokligence admin identities list`: by which accounts at the identity provider a user signs in.

import { defineCommand } from "citty";
import { type OutsideIdentity, printIdentity } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { makePlain, print, printJson, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openIdentities } from "../people.ts";

export default defineCommand({
  meta: { name: "list", description: "List a user's accounts at the identity provider" },
  args: {
    user: { type: "string", required: true, description: "Id or e-mail of the user", valueHint: "USER" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const identities = await runAtPlace(args, (place) => openIdentities(place).list(args.user));
    if (args.json === true) return printJson({ identities: identities.map(printIdentity) });
    for (const identity of identities) print(printLine(identity));
    if (identities.length === 0) say("No account at an identity provider is connected to this user.");
  },
});

function printLine({ id, issuer, subject, email, lastUsedAt }: OutsideIdentity): string {
  const shown = email === null ? "" : ` email=${makePlain(email)}`;
  return `${id}  issuer=${issuer} subject=${makePlain(subject)}${shown} last_used=${lastUsedAt.toISOString()}`;
}

// `tokligence admin users invite`: a user, made where there is none yet, with a link that signs in once: by mail, or to be handed over.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { readDuration } from "../../value.ts";
import { invite } from "../people.ts";

export default defineCommand({
  meta: { name: "invite", description: "Invite somebody: make the user, and a link that signs in once" },
  args: {
    email: { type: "string", required: true, description: "E-mail address", valueHint: "EMAIL" },
    role: {
      type: "string",
      description: "gateway_user (which a new user is unless said), gateway_admin or root_admin",
      valueHint: "ROLE",
    },
    name: { type: "string", description: "Name to show, of a new user", valueHint: "NAME" },
    ttl: { type: "string", default: "7d", description: "How long the link works, at most a week", valueHint: "TIME" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { email, role, name: displayName } = args;
    const ttlMs = readDuration("ttl", args.ttl);
    const made = await runAtPlace(args, (place) => invite(place, { email, role, displayName, ttlMs }));
    if (args.json === true) return printJson(made);
    say(`${made.created ? "Created" : "There is already"} user id=${made.user.id} email=${made.user.email}`);
    if (made.link === undefined) print(`Sent to ${made.user.email}`);
    else print(made.link);
    say(`The link signs ${made.user.email} in, once, until ${made.expires_at}.`);
  },
});

// `tokligence admin users invite`: a user, made where there is none yet, with a link that signs in once: by mail, or to be handed over.

import { defineCommand } from "citty";
import { createSignIn, inviteUser, printUser } from "../../../identity/index.ts";
import { sendMail } from "../../../notice/index.ts";
import { composeInvitation } from "../../../server/admin/invite-mail.ts";
import { CliError, EXIT } from "../../error.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { print, printJson, say } from "../../output.ts";
import { findAddress } from "../../../config/index.ts";
import { readDuration } from "../../value.ts";

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
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { email, role, name: displayName } = args;
    const ttlMs = readDuration("ttl", args.ttl);
    const made = await runWithStore(args, async ({ config, store, directory }) => {
      const signIn = createSignIn({ store: store.identity, now: Date.now });
      const invitation = await inviteUser(OPERATOR, { email, role, displayName, ttlMs }, { directory, signIn });
      const { user, isNew, token, expiresAt } = invitation;
      const link = `${findAddress(config)}/ui/login#${token}`;
      const { smtp } = config;
      if (smtp !== null)
        await mail(() => sendMail(smtp, composeInvitation(user.email, { link, expiresAt })), user.email);
      return {
        user: printUser(user),
        created: isNew,
        sent: smtp !== null,
        ...(smtp === null ? { link } : {}),
        expires_at: expiresAt.toISOString(),
      };
    });
    if (args.json === true) return printJson(made);
    say(`${made.created ? "Created" : "There is already"} user id=${made.user.id} email=${made.user.email}`);
    if (made.link === undefined) print(`Sent to ${made.user.email}`);
    else print(made.link);
    say(`The link signs ${made.user.email} in, once, until ${made.expires_at}.`);
  },
});

async function mail(send: () => Promise<void>, email: string): Promise<void> {
  try {
    await send();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`The user is there, but the invitation could not be sent: ${reason}`, {
      exitCode: EXIT.unavailable,
      hint: `Check smtp_host, or hand a link over: tokligence admin login-link --email ${email}`,
    });
  }
}

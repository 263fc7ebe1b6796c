// Bringing people in by HTTP: one by invitation, many by a list. Where there is a mail server an invitation goes by mail; elsewhere the link is
// handed out by whoever asked for it. The rules are identity's.

import { z } from "zod";
import { findAddress } from "../../config/index.ts";
import type { Config } from "../../config/value.ts";
import { type SignIn, checkInvitation, inviteUser, printUser } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { Mail, Smtp } from "../../notice/index.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { composeInvitation } from "./invite-mail.ts";
import { type AdminParts, hostOf, originOf } from "./part.ts";
import { NEW_USER, toNewUser } from "./user.ts";
import { type About } from "../about.ts";
import { NEW_PERSON, USER } from "../shape/person.ts";
import { TIME } from "../shape/basic.ts";

export interface InviteParts extends AdminParts {
  signIn: SignIn;
  config: () => Config;
  sendMail: (smtp: Smtp, mail: Mail) => Promise<void>;
}

const INVITATION = NEW_USER.extend({ ttl_seconds: z.number().optional() });
const IMPORT = z.strictObject({
  users: z.array(NEW_USER).min(1),
  skip_existing: z.boolean().optional(),
  /** Good rows are taken although others are not; each of those is told of. */
  skip_invalid: z.boolean().optional(),
  dry_run: z.boolean().optional(),
  /** A link for each user that is made. */
  links: z.boolean().optional(),
});
const authority = { anyOf: ["users:manage"] } as const;

const tag = "Users";
const ABOUT = {
  import: {
    tag,
    summary: "Create many users",
    more: "All or none, unless bad rows are to be skipped; a dry run says what would come of it.",
    body: IMPORT,
    answer: z.object({
      dry_run: z.boolean(),
      created: z.array(NEW_PERSON),
      skipped: z.array(z.unknown()),
      refused: z.array(z.unknown()),
    }),
    status: [200, 201],
    errors: [409],
  },
  invite: {
    tag,
    summary: "Invite somebody",
    more: "By mail where there is a mail server; elsewhere the answer holds the link, for whoever asks to hand out.",
    body: INVITATION,
    answer: z.object({
      user: USER,
      created: z.boolean(),
      sent: z.boolean(),
      link: z.string().optional(),
      expires_at: TIME,
    }),
    status: [200, 201],
    errors: [409, 502],
    isPlaced: true,
  },
} as const satisfies Record<string, About>;

export function makeInviteRoutes(parts: InviteParts): GuardedRoute[] {
  const { directory, signIn, limit, changed } = parts;
  return [
    {
      method: "POST",
      path: "/api/v1/admin/users/invite",
      authority,
      about: ABOUT.invite,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), INVITATION, ({ email = "-@-", ...said }) =>
          checkInvitation(readWanted({ email, ...said })),
        );
        const invitation = await inviteUser(await hostOf(caller, parts), readWanted(body), { directory, signIn });
        await changed();
        const { user, isNew, expiresAt } = invitation;
        const link = `${findAddress(parts.config())}/ui/login#${invitation.token}`;
        const { smtp } = parts.config();
        if (smtp !== null) await send(parts, smtp, composeInvitation(user.email, { link, expiresAt }));
        return Response.json(
          {
            user: printUser(user),
            created: isNew,
            sent: smtp !== null,
            // Who has a mailbox that we can reach gets it there, and nobody else sees it.
            ...(smtp === null ? { link } : {}),
            expires_at: expiresAt.toISOString(),
          },
          isNew ? { status: 201, headers: { location: `/api/v1/admin/users/${user.id}` } } : {},
        );
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/users/import",
      authority,
      about: ABOUT.import,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), IMPORT);
        const dryRun = body.dry_run ?? false;
        const result = await directory.importUsers(await hostOf(caller, parts), body.users.map(toNewUser), {
          skipExisting: body.skip_existing ?? false,
          skipInvalid: body.skip_invalid ?? false,
          dryRun,
        });
        const links = body.links === true && !dryRun ? await signIn.makeLinks(result.created, originOf(caller)) : [];
        await changed();
        const base = findAddress(parts.config());
        const printed = result.created.map((user, index) => {
          const made = links[index];
          if (!made) return printUser(user);
          const expires = made.of.expiresAt.toISOString();
          return { ...printUser(user), link: `${base}/ui/login#${made.token}`, link_expires_at: expires };
        });
        return Response.json(
          { dry_run: dryRun, created: printed, skipped: result.skipped, refused: result.refused },
          { status: result.created.length > 0 && !dryRun ? 201 : 200 },
        );
      },
    },
  ];
}

function readWanted({ ttl_seconds: ttl, ...body }: z.output<typeof INVITATION>): Parameters<typeof inviteUser>[1] {
  return { ...toNewUser(body), ttlMs: ttl === undefined ? undefined : ttl * 1000 };
}

/** Waited for: whoever invites wants to know. The link can be sent again. */
async function send({ sendMail }: InviteParts, smtp: Smtp, mail: Mail): Promise<void> {
  try {
    await sendMail(smtp, mail);
  } catch (cause) {
    throw new GatewayError({
      kind: "upstream_unavailable",
      code: "mail_not_sent",
      message:
        "The user is there, but the invitation could not be sent: the mail server did not take it. Invite again.",
      cause,
    });
  }
}

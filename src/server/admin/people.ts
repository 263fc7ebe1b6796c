// All that administrators do with people: users, invitations and lists of them, and who is signed in.

import type { SessionDirectory } from "../../identity/index.ts";
import type { GuardedRoute } from "../route.ts";
import { type InviteParts, makeInviteRoutes } from "./invite.ts";
import { makeSessionRoutes } from "./session.ts";
import { makeUserRoutes } from "./user.ts";

export function makePeopleRoutes(parts: InviteParts & { signedIn: SessionDirectory }): GuardedRoute[] {
  return [
    ...makeUserRoutes(parts),
    ...makeInviteRoutes(parts),
    ...makeSessionRoutes({ ...parts, sessions: parts.signedIn }),
  ];
}

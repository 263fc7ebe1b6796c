// All that administrators do with people: users, invitations and lists of them, their accounts elsewhere, and who is signed in.

import type { Admission, SessionDirectory } from "../../identity/index.ts";
import type { GuardedRoute } from "../route.ts";
import { makeIdentityRoutes } from "./identity.ts";
import { type InviteParts, makeInviteRoutes } from "./invite.ts";
import { makeSessionRoutes } from "./session.ts";
import { makeUserRoutes } from "./user.ts";

export function makePeopleRoutes(
  parts: InviteParts & { admission: Admission; signedIn: SessionDirectory },
): GuardedRoute[] {
  return [
    ...makeUserRoutes(parts),
    ...makeInviteRoutes(parts),
    ...makeIdentityRoutes(parts),
    ...makeSessionRoutes({ ...parts, sessions: parts.signedIn }),
  ];
}

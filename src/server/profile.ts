// Who the caller is. The shape is the one that the product's clients have always read.

import type { Caller, Role } from "../identity/index.ts";
import type { GuardedRoute } from "./route.ts";
import { type About } from "./about.ts";
import { PROFILE } from "./shape/person.ts";

const ROLE_WORDS = {
  gateway_admin: ["gateway_admin", "consumer"],
  gateway_user: ["consumer"],
  root_admin: ["root_admin", "consumer"],
} as const satisfies Record<Role, readonly string[]>;

const ABOUT: About = { tag: "Profile", summary: "Show who the caller is", answer: PROFILE };

export function makeProfileRoutes(): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/profile",
      authority: { anyOf: ["profile:read"] },
      about: ABOUT,
      handle: ({ caller }) => Response.json(printProfile(caller)),
    },
  ];
}

export function printProfile(caller: Pick<Caller, "displayName" | "email" | "role" | "userId">): object {
  return {
    user: {
      id: caller.userId,
      email: caller.email,
      display_name: caller.displayName,
      role: caller.role,
      roles: ROLE_WORDS[caller.role],
    },
    provider: null,
    marketplace: { connected: false },
  };
}

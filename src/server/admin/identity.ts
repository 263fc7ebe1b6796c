// Users' accounts at the identity provider by HTTP, for administrators. They connect none: only whoever signs in there can.

import { type Admission, type Directory, printIdentity } from "../../identity/index.ts";
import { answerGone } from "../gone.ts";
import type { GuardedRoute } from "../route.ts";
import { actorOf } from "./part.ts";
import { z } from "zod";
import { type About } from "../about.ts";
import { IDENTITY } from "../shape/person.ts";

const tag = "Users";
const ABOUT = {
  delete: {
    tag,
    summary: "Disconnect an account at the identity provider",
    answer: null,
    gone: z.object({ identity: IDENTITY }),
    errors: [404],
  },
  list: {
    tag,
    summary: "List a user's accounts at the identity provider",
    answer: z.object({ identities: z.array(IDENTITY) }),
    errors: [404],
  },
} as const satisfies Record<string, About>;

export function makeIdentityRoutes({
  admission,
  directory,
}: {
  admission: Admission;
  directory: Directory;
}): GuardedRoute[] {
  const authority = { anyOf: ["users:manage"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/admin/users/:id/identities",
      authority,
      about: ABOUT.list,
      async handle({ params }) {
        const { id } = await directory.getUser(params["id"] ?? "");
        return Response.json({ identities: (await admission.list(id)).map(printIdentity) });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/identities/:id",
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller }) {
        const identity = await admission.remove(actorOf(caller), params["id"] ?? "");
        return answerGone(request, identity && { identity: printIdentity(identity) });
      },
    },
  ];
}

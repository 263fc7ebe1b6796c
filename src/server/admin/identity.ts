// Users' accounts at the identity provider by HTTP, for administrators. They connect none: only whoever signs in there can.

import { type Admission, type Directory, printIdentity } from "../../identity/index.ts";
import type { GuardedRoute } from "../route.ts";
import { actorOf } from "./part.ts";

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
      async handle({ params }) {
        const { id } = await directory.getUser(params["id"] ?? "");
        return Response.json({ identities: (await admission.list(id)).map(printIdentity) });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/identities/:id",
      authority,
      async handle({ params, caller }) {
        await admission.remove(actorOf(caller), params["id"] ?? "");
        return new Response(null, { status: 204 });
      },
    },
  ];
}

// Users by HTTP. The rules are identity's; here are only addresses, bodies and shapes.

import { z } from "zod";
import { type Directory, printUser } from "../../identity/index.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type AdminParts, actorOf } from "./part.ts";

const NEW_USER = z.strictObject({
  email: z.string(),
  role: z.string().optional(),
  display_name: z.string().nullable().optional(),
});
const IMPORT = z.strictObject({ users: z.array(NEW_USER).min(1), skip_existing: z.boolean().optional() });
const CHANGE = z.strictObject({
  role: z.string().optional(),
  display_name: z.string().nullable().optional(),
  status: z.string().optional(),
});

export function makeUserRoutes({ directory, limit, changed }: AdminParts): GuardedRoute[] {
  const authority = { anyOf: ["users:manage"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/admin/users",
      authority,
      handle: async () => Response.json({ users: (await directory.listUsers()).map(printUser) }),
    },
    {
      method: "POST",
      path: "/api/v1/admin/users",
      authority,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), NEW_USER);
        const user = await directory.createUser(actorOf(caller), toNewUser(body));
        await changed();
        return Response.json({ user: printUser(user) }, { status: 201 });
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/users/import",
      authority,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), IMPORT);
        const options = { skipExisting: body.skip_existing ?? false, dryRun: false };
        const result = await directory.importUsers(actorOf(caller), body.users.map(toNewUser), options);
        await changed();
        const printed = { created: result.created.map(printUser), skipped: result.skipped };
        return Response.json(printed, { status: result.created.length > 0 ? 201 : 200 });
      },
    },
    {
      method: "PATCH",
      path: "/api/v1/admin/users/:id",
      authority,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), CHANGE);
        const change = { role: body.role, displayName: body.display_name, status: body.status };
        const user = await directory.updateUser(actorOf(caller), params["id"] ?? "", change);
        await changed();
        return Response.json({ user: printUser(user) });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/users/:id",
      authority,
      async handle({ params, caller }) {
        await directory.deleteUser(actorOf(caller), params["id"] ?? "", { hard: false });
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

function toNewUser(body: z.output<typeof NEW_USER>): Parameters<Directory["createUser"]>[1] {
  return { email: body.email, role: body.role, displayName: body.display_name };
}

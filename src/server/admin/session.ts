// Other people's sessions by HTTP: listed and ended. The rules are identity's.

import { type SessionDirectory, printSession } from "../../identity/index.ts";
import type { GuardedRoute } from "../route.ts";
import { refuseOthers } from "../usage-query.ts";
import { type AdminParts, actorOf, readPageWish } from "./part.ts";

export function makeSessionRoutes({
  sessions,
  changed,
}: Pick<AdminParts, "changed"> & { sessions: SessionDirectory }): GuardedRoute[] {
  const authority = { anyOf: ["users:manage"] } as const;
  const list: GuardedRoute["handle"] = async ({ caller, params, query }) => {
    refuseOthers(query, ["cursor", "limit", ...(params["id"] === undefined ? ["user"] : [])]);
    const user = params["id"] ?? query.get("user");
    const page = await sessions.page(actorOf(caller), user, readPageWish(query));
    const rows = page.items.map(({ session, email }) => ({
      ...printSession(session),
      email,
      current: session.id === caller.sessionId,
    }));
    return Response.json({ sessions: rows, next_cursor: page.nextCursor });
  };
  /** The one from which it is asked stays: nobody locks himself out by it. */
  const end: GuardedRoute["handle"] = async ({ caller, params, query }) => {
    refuseOthers(query, params["id"] === undefined ? ["user"] : []);
    const user = params["id"] ?? query.get("user");
    const ended =
      user === null
        ? await sessions.endAll(actorOf(caller), caller.sessionId)
        : await sessions.endOf(actorOf(caller), user, caller.sessionId);
    await changed();
    return Response.json({ ended });
  };
  return [
    { method: "GET", path: "/api/v1/admin/sessions", authority, handle: list },
    { method: "GET", path: "/api/v1/admin/users/:id/sessions", authority, handle: list },
    { method: "DELETE", path: "/api/v1/admin/sessions", authority, handle: end },
    { method: "DELETE", path: "/api/v1/admin/users/:id/sessions", authority, handle: end },
    {
      method: "DELETE",
      path: "/api/v1/admin/sessions/:id",
      authority,
      async handle({ caller, params }) {
        await sessions.end(actorOf(caller), params["id"] ?? "");
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

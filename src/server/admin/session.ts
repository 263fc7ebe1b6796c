// Other people's sessions by HTTP: listed and ended. The rules are identity's.

import { type SessionDirectory, printSession } from "../../identity/index.ts";
import type { GuardedRoute } from "../route.ts";
import { type AdminParts, actorOf, readPageWish } from "./part.ts";
import { z } from "zod";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { ENDED, SESSION } from "../shape/person.ts";

const tag = "Sessions";
const USER_QUERY = { user: z.string().optional().describe("A user's id or e-mail address") };
const LIST = z.object({ sessions: z.array(SESSION), ...NEXT_CURSOR });
const more = "The session that asks stays.";
const ABOUT = {
  end: { tag, summary: "End a session", answer: null, errors: [404] },
  endAll: { tag, summary: "End sessions", more, query: z.object(USER_QUERY), answer: ENDED, errors: [404] },
  endOf: { tag, summary: "End a user's sessions", more, answer: ENDED, errors: [404] },
  list: {
    tag,
    summary: "List sessions",
    query: z.object({ ...PAGE_QUERY, ...USER_QUERY }),
    answer: LIST,
    errors: [404],
  },
  listOf: { tag, summary: "List a user's sessions", query: z.object(PAGE_QUERY), answer: LIST, errors: [404] },
} as const satisfies Record<string, About>;

export function makeSessionRoutes({
  sessions,
  changed,
}: Pick<AdminParts, "changed"> & { sessions: SessionDirectory }): GuardedRoute[] {
  const authority = { anyOf: ["sessions:manage", "users:manage"] } as const;
  const list: GuardedRoute["handle"] = async ({ caller, params, query }) => {
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
    const user = params["id"] ?? query.get("user");
    const ended =
      user === null
        ? await sessions.endAll(actorOf(caller), caller.sessionId)
        : await sessions.endOf(actorOf(caller), user, caller.sessionId);
    await changed();
    return Response.json({ ended });
  };
  return [
    { method: "GET", path: "/api/v1/admin/sessions", authority, about: ABOUT.list, handle: list },
    { method: "GET", path: "/api/v1/admin/users/:id/sessions", authority, about: ABOUT.listOf, handle: list },
    { method: "DELETE", path: "/api/v1/admin/sessions", authority, about: ABOUT.endAll, handle: end },
    { method: "DELETE", path: "/api/v1/admin/users/:id/sessions", authority, about: ABOUT.endOf, handle: end },
    {
      method: "DELETE",
      path: "/api/v1/admin/sessions/:id",
      authority,
      about: ABOUT.end,
      async handle({ caller, params }) {
        await sessions.end(actorOf(caller), params["id"] ?? "");
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}

// Users by HTTP. The rules are identity's; here are only addresses, bodies and shapes.

import { z } from "zod";
import {
  type ChangedUser,
  type Directory,
  ROLES,
  STATUSES,
  type User,
  printUser,
  readUserWish,
} from "../../identity/index.ts";
import { checkAll } from "../../ir/index.ts";
import { makeEtag, readMeant } from "../etag.ts";
import { HARD, answerGone, readHard } from "../gone.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type AdminParts, actorOf, hostOf, readPageWish } from "./part.ts";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { ROLE, USER } from "../shape/person.ts";

/** What the rules take; whether it is one of them is theirs to say. */
const ROLE_WORD = z.string().meta({ enum: [...ROLES] });

export const NEW_USER = z.strictObject({
  email: z.string().meta({ examples: ["ada@example.com"] }),
  role: ROLE_WORD.optional(),
  display_name: z.string().nullable().optional(),
});
const CHANGE = z.strictObject({
  email: z.string().optional(),
  role: ROLE_WORD.optional(),
  display_name: z.string().nullable().optional(),
  status: z
    .string()
    .meta({ enum: [...STATUSES, "inactive"], description: "`inactive` is an old word for `suspended`" })
    .optional(),
});

const tag = "Users";
const ANSWER = z.object({ user: USER });
const ABOUT = {
  create: {
    tag,
    summary: "Create a user",
    body: NEW_USER,
    answer: ANSWER,
    status: [201],
    errors: [409],
    isPlaced: true,
    isTagged: true,
  },
  delete: {
    tag,
    summary: "Delete a user",
    more: "Ends sessions and keys. The e-mail address can be used again.",
    answer: null,
    gone: z.object({ user: USER }),
    query: HARD,
    errors: [404, 409],
    isTagged: true,
  },
  list: {
    tag,
    summary: "List users",
    query: z.object({
      ...PAGE_QUERY,
      email: z.string().optional().describe("What the e-mail address begins with"),
      role: ROLE.optional(),
      status: z.enum([...STATUSES, "inactive"]).optional(),
    }),
    answer: z.object({ users: z.array(USER), ...NEXT_CURSOR }),
  },
  show: {
    tag,
    summary: "Show a user",
    more: "By id or e-mail address.",
    answer: ANSWER,
    errors: [404],
    isTagged: true,
  },
  update: { tag, summary: "Change a user", body: CHANGE, answer: ANSWER, errors: [404, 409], isTagged: true },
} as const satisfies Record<string, About>;

export function makeUserRoutes(parts: AdminParts): GuardedRoute[] {
  return [...makeReading(parts), ...makeWriting(parts)];
}

const authority = { anyOf: ["users:manage"] } as const;

function makeReading({ directory }: AdminParts): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/admin/users",
      authority,
      about: ABOUT.list,
      async handle({ query }) {
        const [role, status, email] = ["role", "status", "email"].map((name) => query.get(name) ?? undefined);
        const words = { role, status, email };
        const { wish } = checkAll({ words: () => readUserWish(words), wish: () => readPageWish(query) });
        const page = await directory.pageUsers(words, wish);
        return Response.json({ users: page.items.map(printUser), next_cursor: page.nextCursor });
      },
    },
    {
      method: "GET",
      path: "/api/v1/admin/users/:id",
      authority,
      about: ABOUT.show,
      handle: async ({ params }) => answer(await directory.getUser(params["id"] ?? "")),
    },
  ];
}

function makeWriting(parts: AdminParts): GuardedRoute[] {
  const { directory, limit, changed } = parts;
  return [
    {
      method: "POST",
      path: "/api/v1/admin/users",
      authority,
      about: ABOUT.create,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), NEW_USER, (said) => directory.checkUser(readChange(said)));
        const user = await directory.createUser(await hostOf(caller, parts), toNewUser(body));
        await changed();
        return answer(user, 201);
      },
    },
    {
      method: "PATCH",
      path: "/api/v1/admin/users/:id",
      authority,
      about: ABOUT.update,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), CHANGE, (said) => directory.checkUser(readChange(said)));
        const meant = { look: readMeant(request, etagOf) };
        const user = await directory.updateUser(
          await hostOf(caller, parts),
          params["id"] ?? "",
          readChange(body),
          meant,
        );
        await changed();
        return answer(user);
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/users/:id",
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller, query }) {
        const how = { hard: readHard(query), look: readMeant(request, etagOf) };
        const user = await directory.deleteUser(actorOf(caller), params["id"] ?? "", how);
        await changed();
        return answerGone(request, user && { user: printUser(user) });
      },
    },
  ];
}

function answer(user: User, status = 200): Response {
  const headers = { etag: etagOf(user), ...(status === 201 ? { location: `/api/v1/admin/users/${user.id}` } : {}) };
  return Response.json({ user: printUser(user) }, { status, headers });
}

function etagOf(user: User): string {
  return makeEtag(printUser(user));
}

function readChange(body: Partial<z.output<typeof CHANGE>>): ChangedUser {
  return { email: body.email, role: body.role, displayName: body.display_name, status: body.status };
}

export function toNewUser(body: z.output<typeof NEW_USER>): Parameters<Directory["createUser"]>[1] {
  return { email: body.email, role: body.role, displayName: body.display_name };
}

// One's own API keys: listed, made, changed, rotated and revoked by whoever owns them, at the console or by a key that may.

import { GatewayError } from "../ir/index.ts";
import { type ApiKey, type Caller, printKey } from "../identity/index.ts";
import { KEY_CHANGE, ROTATION, readKeyWish } from "./admin/new-key.ts";
import { type AdminParts, actorOf } from "./admin/part.ts";
import { readMeant } from "./etag.ts";
import { requireUnmetered } from "./reach.ts";
import { answerIssued, answerKey, etagOf } from "./key-answer.ts";
import { readJson } from "./request.ts";
import type { GuardedRoute, RouteContext } from "./route.ts";
import { z } from "zod";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "./about.ts";
import { answerPage } from "./page.ts";
import { API_KEY, ISSUED_KEY } from "./shape/person.ts";

type Asked = RouteContext & { caller: Caller };

const authority = { anyOf: ["keys:own"] } as const;
const path = "/api/v1/api-keys";

const tag = "Own API keys";
const ANSWER = z.object({ api_key: API_KEY });
const MADE = { isPlaced: true, isTagged: true } as const;
const ABOUT = {
  create: {
    tag,
    summary: "Create a key of one's own",
    body: KEY_CHANGE,
    answer: ISSUED_KEY,
    status: [201],
    ...MADE,
  },
  delete: { tag, summary: "Delete a key of one's own", answer: null, errors: [404], isTagged: true },
  list: {
    tag,
    summary: "List one's own keys",
    query: z.object({ ...PAGE_QUERY, tag: z.string().optional() }),
    answer: z.object({ api_keys: z.array(API_KEY), ...NEXT_CURSOR }),
  },
  revoke: { tag, summary: "Revoke a key of one's own", answer: ANSWER, errors: [404], isTagged: true },
  rotate: {
    tag,
    summary: "Give a key of one's own a new token",
    body: ROTATION,
    answer: ISSUED_KEY,
    status: [201],
    errors: [404, 409],
    ...MADE,
  },
  show: { tag, summary: "Show a key of one's own", answer: ANSWER, errors: [404], isTagged: true },
  update: {
    tag,
    summary: "Change a key of one's own",
    body: KEY_CHANGE,
    answer: ANSWER,
    errors: [404, 409],
    isTagged: true,
  },
} as const satisfies Record<string, About>;

export function makeOwnKeyRoutes(parts: AdminParts): GuardedRoute[] {
  return [...makeListRoutes(parts), ...makeKeyRoutes(parts)];
}

function makeListRoutes({ directory, limit, changed, isMetered }: AdminParts): GuardedRoute[] {
  return [
    {
      method: "GET",
      path,
      authority,
      about: ABOUT.list,
      async handle({ caller, query }) {
        const keys = await directory.listKeys(caller.userId);
        return Response.json(
          await answerPage(query, keys, {
            name: "api_keys",
            idOf: ({ id }) => id,
            print: printKey,
            filters: { tag: ({ tags }) => tags },
          }),
        );
      },
    },
    {
      method: "POST",
      path,
      authority,
      about: ABOUT.create,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), KEY_CHANGE, (said) => directory.checkKey(readKeyWish(said)));
        await requireUnmetered(caller, null, isMetered);
        const issued = await directory.createKey(actorOf(caller), caller.userId, readKeyWish(body));
        await changed();
        return answerIssued(issued, path);
      },
    },
  ];
}

function makeKeyRoutes({ directory, limit, changed, isMetered }: AdminParts): GuardedRoute[] {
  /** Another's key is none: whoever guesses ids learns nothing. */
  const findOwn = async ({ params, caller }: Asked): Promise<ApiKey> => {
    const key = await directory.getKey(params["id"] ?? "");
    if (key.userId === caller.userId) return key;
    throw new GatewayError({ kind: "not_found", message: "There is no such API key." });
  };
  return [
    {
      method: "GET",
      path: `${path}/:id`,
      authority,
      about: ABOUT.show,
      async handle(asked) {
        const key = await findOwn(asked);
        return answerKey(key);
      },
    },
    {
      method: "PATCH",
      path: `${path}/:id`,
      authority,
      about: ABOUT.update,
      async handle(asked) {
        const { request, caller } = asked;
        const body = await readJson(request, limit(), KEY_CHANGE, (said) => directory.checkKey(readKeyWish(said)));
        const { id } = await findOwn(asked);
        const meant = { look: readMeant(request, etagOf) };
        await requireUnmetered(caller, id, isMetered);
        const key = await directory.updateKey(actorOf(caller), id, readKeyWish(body), meant);
        await changed();
        return answerKey(key);
      },
    },
    {
      method: "POST",
      path: `${path}/:id/rotate`,
      authority,
      about: ABOUT.rotate,
      async handle(asked) {
        const body = await readJson(asked.request, limit(), ROTATION);
        const { id } = await findOwn(asked);
        await requireUnmetered(asked.caller, id, isMetered);
        const options = { overlapMs: (body.overlap_seconds ?? 0) * 1000 };
        const issued = await directory.rotateKey(actorOf(asked.caller), id, options);
        await changed();
        return answerIssued(issued, path);
      },
    },
    {
      method: "POST",
      path: `${path}/:id/revoke`,
      authority,
      about: ABOUT.revoke,
      async handle(asked) {
        const key = await directory.revokeKey(actorOf(asked.caller), (await findOwn(asked)).id);
        await changed();
        return answerKey(key);
      },
    },
    {
      method: "DELETE",
      path: `${path}/:id`,
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller }) {
        const how = { hard: false, ownerId: caller.userId, look: readMeant(request, etagOf) };
        await directory.deleteKey(actorOf(caller), params["id"] ?? "", how);
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}
